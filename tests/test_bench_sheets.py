"""Spreadsheets in and out: nothing is lost, nothing runs, and what is wrong is said with its row."""

import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval.anchoring import answers_in, own_words
from eval.sheets import Column, read_sheet, write_sheet
from indexer.article import Article, load_article
from indexer.errors import QuestionsError, UsageError

COLUMNS = (Column("question"), Column("verdict", choices=("right", "wrong"), to_fill=True))
NAMES = ("question", "verdict")

# Text without characters that XLSX cannot hold, and without the line ends that spreadsheets change.
cells = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=60
).filter(str.strip)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(cells, cells), max_size=4))
def test_what_is_written_is_read_again(tmp_path: Path, suffix: str, rows: list[tuple[str, str]]) -> None:
    path = tmp_path / f"sheet{suffix}"
    write_sheet(path, COLUMNS, rows)
    found = read_sheet(path, known=NAMES, needed=NAMES)
    assert [(row.cells["question"], row.cells["verdict"]) for row in found] == rows
    assert [row.number for row in found] == list(range(2, len(rows) + 2))


@pytest.mark.parametrize("question", ["=1+1", "+49 30 1234", "-is it normal?", "@home", '=HYPERLINK("x")'])
def test_a_question_never_becomes_a_formula(tmp_path: Path, question: str) -> None:
    for name in ("sheet.csv", "sheet.xlsx"):
        write_sheet(tmp_path / name, COLUMNS, [[question, "right"]])
        (row,) = read_sheet(tmp_path / name, known=NAMES, needed=NAMES)
        assert row.cells["question"] == question
    assert (
        not (tmp_path / "sheet.csv").read_text(encoding="utf-8-sig").splitlines()[1].lstrip('"').startswith(question[0])
    )
    cell = openpyxl.load_workbook(tmp_path / "sheet.xlsx").worksheets[0]["A2"]
    assert cell.data_type == "s"


def test_a_sheet_offers_the_verdicts_to_choose_from(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.xlsx", COLUMNS, [["does it heal", ""]])
    (offer,) = openpyxl.load_workbook(tmp_path / "sheet.xlsx").worksheets[0].data_validations.dataValidation
    assert offer.formula1 == '"right,wrong"'


@pytest.mark.parametrize(
    "raw",
    [
        b"question;verdict\nwhy, oh why;right\n",
        'question,verdict\n"why, oh why",right\n'.encode("utf-8-sig"),
        "question\tverdict\nwhy, oh why\tright\n".encode("utf-16"),
        b'Question , VERDICT\r\n\r\n"why, oh why",right\r\n,\r\n',
    ],
    ids=["semicolons", "a mark at the start", "tabs in UTF-16", "capitals and empty rows"],
)
def test_what_spreadsheet_programs_call_csv_is_read(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(raw)
    (row,) = read_sheet(path, known=NAMES, needed=NAMES)
    assert (row.cells["question"], row.cells["verdict"]) == ("why, oh why", "right")


def test_what_cannot_be_read_says_how_to_mend_it(tmp_path: Path) -> None:
    latin = tmp_path / "latin.csv"
    latin.write_bytes("question\nsciatique gênante\n".encode("cp1252"))
    with pytest.raises(UsageError, match=r"latin\.csv: not UTF-8 \(byte 20\); save it as 'CSV UTF-8'"):
        read_sheet(latin, known=NAMES, needed=())
    broken = tmp_path / "broken.xlsx"
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("nothing", "here")
    with pytest.raises(UsageError, match="not a readable XLSX file"):
        read_sheet(broken, known=NAMES, needed=())
    with pytest.raises(UsageError, match="there is no such file"):
        read_sheet(tmp_path / "absent.csv", known=NAMES, needed=())
    with pytest.raises(UsageError, match="its name must end in"):
        write_sheet(tmp_path / "sheet.ods", COLUMNS, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("question,anwser\nwhy,x\n", "unknown column 'anwser'"),
        ("verdict\nright\n", "no column 'question'"),
        ("question,question\nwhy,x\n", "the column 'question' is there twice"),
        ("question\nwhy, oh why\n", "sheet.csv:2: more cells than the first row has columns"),
        ("", "no column 'question'"),
    ],
)
def test_wrong_columns_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(QuestionsError, match=message):
        read_sheet(path, known=NAMES, needed=("question",))


def test_a_sheet_that_cannot_be_written_leaves_no_scraps(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        write_sheet(tmp_path / "sheet.csv", COLUMNS, [["why", ""]])
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.csv"]


@pytest.fixture
def wrapped_article(tmp_path: Path) -> Article:
    """An article with hard line ends, a typographic apostrophe and a sentence that stands there twice."""
    folder = tmp_path / "wrapped"
    folder.mkdir()
    (folder / "article.txt").write_text(
        "The patient’s leg may hurt\nfor 2-7 days. Ice helps.\n\nWalking helps too. Ice helps.\n", encoding="utf-8"
    )
    return load_article(folder)


def test_pasted_words_become_the_articles_own(wrapped_article: Article) -> None:
    own = "The patient’s leg may hurt\nfor 2-7 days."
    assert own_words("The patient's leg  may hurt for 2–7 days.", [wrapped_article]) == own
    assert answers_in(f"{own} | Walking helps too.", [wrapped_article]) == [own, "Walking helps too."]
    assert answers_in("The patient's leg may hurt for 2-7 days.\r\nWalking helps too.", [wrapped_article]) == [
        own,
        "Walking helps too.",
    ]


def test_words_that_are_not_there_once_stay_as_they_are(wrapped_article: Article) -> None:
    assert own_words("Ice  helps.", [wrapped_article]) == "Ice  helps."
    assert own_words("Heat helps.", [wrapped_article]) == "Heat helps."
    assert answers_in("", [wrapped_article]) == []
