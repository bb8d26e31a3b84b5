"""Judging in a spreadsheet: out, filled, in again, and how far judges agree."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from typer.testing import CliRunner

from bot.bot import Bot
from eval.__main__ import app
from eval.judging import COLUMNS, Judgement, Verdict, ask, export_sheet, import_sheet
from eval.merging import kappa, merge, without_repeats, write_differing, write_judged
from eval.sheets import read_sheet, write_sheet
from indexer.article import Article
from indexer.build import build
from indexer.errors import QuestionsError, UsageError
from indexer.questions import Kind

NAMES = tuple(column.name for column in COLUMNS)
ICE = "Ice and raising the leg help."
STICK = "After a knee replacement most people walk with a stick on the first day."
SWELLING = "Swelling around the knee is usual for three to six months."


@pytest.fixture(scope="module")
def knee_bot(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Bot:
    """The bot on two tiny articles that nobody taught."""
    index = tmp_path_factory.mktemp("knee") / "index"
    build(small_corpus, index)
    return Bot.open(small_corpus, index)


@pytest.fixture
def articles(knee_bot: Bot) -> list[Article]:
    """The two tiny articles."""
    return list(knee_bot.corpus.articles.values())


def fill(path: Path, verdicts: dict[str, tuple[str, str]], to: Path, marked: str = SWELLING) -> Path:
    """Copy an exported sheet with verdicts and right words by id, and the same marked words in each row."""
    rows = []
    for row in read_sheet(path, known=NAMES, needed=NAMES):
        verdict, words = verdicts.get(row.cells["id"], ("", ""))
        cells = {**row.cells, "outcome": "answered", "marked": marked, "verdict": verdict, "right words": words}
        rows.append([cells[name] for name in NAMES])
    write_sheet(to, COLUMNS, rows)
    return to


@pytest.fixture
def exported(knee_bot: Bot, tmp_path: Path) -> Path:
    """An exported sheet of six questions, the last a follow-up."""
    texts = ("is a fat knee usual", "what takes it down", "day one?", "when can i fly", "it is hot and i shiver")
    rows = [{"id": f"q{number}", "question": text} for number, text in enumerate(texts, start=1)]
    rows.append({"id": "q6", "question": "and then?", "history": ["is a fat knee usual", "for long?"]})
    path = tmp_path / "export.xlsx"
    export_sheet(path, ask(knee_bot, rows))
    return path


VERDICTS = {
    "q1": ("right", ""),
    "q2": ("Partly", ICE),
    "q3": ("wrong", STICK),
    "q4": ("should  decline", ""),
    "q5": ("emergency", ""),
}


def test_a_sheet_shows_what_the_patient_saw(knee_bot: Bot, exported: Path) -> None:
    first, *_, last = read_sheet(exported, known=NAMES, needed=NAMES)
    answer = knee_bot.answer("is a fat knee usual").to_json(knee_bot.corpus)
    assert first.cells["outcome"] == answer["outcome"]
    for quote in answer["quotes"]:
        assert quote["text"] in first.cells["shown"]
        for mark in quote["highlights"]:
            assert quote["text"][mark["start"] - quote["start"] : mark["end"] - quote["start"]] in first.cells["marked"]
    assert last.cells["asked before"] == "is a fat knee usual\nfor long?"
    assert {row.cells["verdict"] for row in (first, last)} == {""}


def test_patients_ratings_are_one_more_judges_sheet(knee_bot: Bot, articles: list[Article], tmp_path: Path) -> None:
    answer = knee_bot.answer("how long is swelling around the knee usual").to_json(knee_bot.corpus)
    right = {
        "id": "a1", "day": "2026-01-01", "verdict": "right", "reason": None, "question": answer["question"],
        "looked_up": answer["looked_up"], "leans": False, "outcome": answer["outcome"], "confidence": 1,
        "quotes": answer["quotes"],
    }  # fmt: skip
    quote = answer["quotes"][0]
    rows = [
        right,
        right | {"id": "a8", "question": "how lonk is sweling around the knee usual?"},
        right | {"id": "a2", "verdict": "wrong", "reason": "hard"},
        right | {"id": "a3", "question": None, "looked_up": None},
        right | {"id": "a4", "looked_up": answer["looked_up"] + " — Swelling", "leans": True},
        right | {"id": "a6", "question": "tell me more"},
        right | {"id": "a7", "question": "what else helps?"},
        right | {"id": "a5", "quotes": [quote | {"article_sha256": "0" * 64}]},
    ]
    path = tmp_path / "patients.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    judgements, empty = import_sheet(path, articles)
    assert [(one.id, one.judge, one.verdict) for one in judgements] == [
        ("a1", "patients", Verdict.RIGHT),
        ("a8", "patients", Verdict.RIGHT),
    ]
    assert empty == 1
    marks = [
        (quote["article"], mark["start"], mark["end"]) for quote in answer["quotes"] for mark in quote["highlights"]
    ]
    assert [(span.article, span.start, span.end) for span in judgements[0].answers] == marks
    path.write_text('{"id": "a1"}\n', encoding="utf-8")
    with pytest.raises(QuestionsError, match=r"patients\.jsonl:1: not a rating as --feedback writes it: see 'verdict'"):
        import_sheet(path, articles)


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
def test_verdicts_become_what_is_right(exported: Path, articles: list[Article], tmp_path: Path, suffix: str) -> None:
    judgements, empty = import_sheet(fill(exported, VERDICTS, tmp_path / f"ann{suffix}"), articles)
    assert empty == 1
    words = {article.id: article for article in articles}
    found = [(j.id, j.kind, [words[span.article].slice(span) for span in j.answers], len(j.also)) for j in judgements]
    assert found == [
        ("q1", Kind.ANSWERED, [SWELLING], 0),
        ("q2", Kind.ANSWERED, [ICE], 1),
        ("q3", Kind.ANSWERED, [STICK], 0),
        ("q4", Kind.DECLINED, [], 0),
        ("q5", Kind.EMERGENCY, [], 0),
    ]
    assert {judgement.judge for judgement in judgements} == {"ann"}


@pytest.mark.parametrize(
    ("verdict", "words", "message"),
    [
        ("perhaps", "", "verdict 'perhaps' is none of right, partly, wrong, should decline, emergency"),
        ("wrong", "", "needs 'right words', copied from the article; if it does not answer, say 'should decline'"),
        ("partly", "Ice and raising an arm help.", "the answer is not in the article"),
        ("right", ICE, "what was right needs no right words"),
        ("should decline", ICE, "has no right words"),
    ],
)
def test_a_wrong_verdict_is_named_with_its_row(
    exported: Path, articles: list[Article], tmp_path: Path, verdict: str, words: str, message: str
) -> None:
    sheet = fill(exported, {"q1": ("right", ""), "q3": (verdict, words)}, tmp_path / "ann.csv")
    with pytest.raises(QuestionsError, match=message) as caught:
        import_sheet(sheet, articles)
    assert str(caught.value).startswith(f"{sheet}:4: ")
    assert "nothing was imported" in str(caught.value)


def test_a_row_that_is_there_twice_is_refused(exported: Path, articles: list[Article], tmp_path: Path) -> None:
    rows = [[row.cells[name] for name in NAMES] for row in read_sheet(exported, known=NAMES, needed=NAMES)]
    write_sheet(tmp_path / "twice.csv", COLUMNS, [rows[0], rows[1], rows[0]])
    with pytest.raises(QuestionsError, match=r"twice\.csv:4: id 'q1' stands in row 2 too"):
        import_sheet(tmp_path / "twice.csv", articles)


def judged_by(name: str, exported: Path, articles: list[Article], **changes: tuple[str, str]) -> list[Judgement]:
    return import_sheet(fill(exported, VERDICTS | changes, exported.with_name(f"{name}.csv")), articles)[0]


def test_what_judges_agree_on_is_settled(exported: Path, articles: list[Article], tmp_path: Path) -> None:
    ann = judged_by("ann", exported, articles)
    # Bob calls another thing wrong, but the same words right; on q4 he differs.
    bob = judged_by("bob", exported, articles, q2=("wrong", ICE), q4=("wrong", STICK))
    merged = merge([*ann, *bob])
    assert [judgement.id for judgement in merged.settled] == ["q1", "q2", "q3", "q5"]
    assert [[each.judge for each in own] for own in merged.differing] == [["ann", "bob"]]
    (agreement,) = merged.agreements
    assert (agreement.first, agreement.second, agreement.n, agreement.same) == ("ann", "bob", 5, 3 / 5)
    assert agreement.kappa == pytest.approx(cohen_kappa_score([j.verdict for j in ann], [j.verdict for j in bob]))

    write_differing(tmp_path / "differing.xlsx", merged.differing)
    (row,) = read_sheet(tmp_path / "differing.xlsx", known=NAMES, needed=NAMES)
    assert (row.cells["id"], row.cells["verdict"]) == ("q4", "")
    assert row.cells["remark"].splitlines() == ["ann: should decline", f"bob: wrong – {STICK}"]
    settled = judged_by("chair", exported, articles)
    assert len(merge([*ann, *bob], [j for j in settled if j.id == "q4"]).settled) == 5


def test_sheets_of_other_exports_do_not_mix(exported: Path, articles: list[Article]) -> None:
    ann = judged_by("ann", exported, articles)
    with pytest.raises(QuestionsError, match="'q1' is another question at"):
        merge([*ann, replace(ann[0], question="is a thin knee usual")])
    with pytest.raises(QuestionsError, match="unknown id 'q9'"):
        merge(ann, [replace(ann[0], id="q9")])


def test_judges_without_a_shared_answer_or_a_second_verdict_have_no_kappa(
    exported: Path, articles: list[Article]
) -> None:
    ann = judged_by("ann", exported, articles)
    apart = merge([*ann[:2], *(replace(each, judge="bob") for each in ann[2:])]).agreements[0]
    assert (apart.n, apart.same, apart.kappa) == (0, None, None)
    alike = merge([ann[0], replace(ann[0], judge="bob")]).agreements[0]
    assert (alike.n, alike.same, alike.kappa) == (1, 1.0, None)


@given(st.lists(st.tuples(st.sampled_from(list(range(4))), st.sampled_from(list(range(4)))), min_size=1, max_size=30))
def test_kappa_is_cohens(pairs: list[tuple[int, int]]) -> None:
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    value = float(kappa(first, second))
    if len(set(first) | set(second)) == 1:
        assert np.isnan(value)
    else:
        assert value == pytest.approx(cohen_kappa_score(first, second))


def test_judgements_are_merged_into_a_file(exported: Path, articles: list[Article], tmp_path: Path) -> None:
    path = tmp_path / "judged.jsonl"
    old = {"id": "q3", "question": "day one?", "answers": [ICE], "kind": "answered", "voice": "old-phone"}
    path.write_text(json.dumps({"id": "q0", "question": "may i drive", "answers": [], "kind": "declined"}) + "\n"
                    + json.dumps(old) + "\n", encoding="utf-8")  # fmt: skip
    assert write_judged(path, judged_by("ann", exported, articles), articles) == (4, 1)
    rows = {row["id"]: row for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    assert list(rows) == ["q0", "q3", "q1", "q2", "q4", "q5"]
    assert rows["q3"] == {**old, "answers": [STICK], "also": []}
    assert rows["q2"]["also"] == [SWELLING]
    assert write_judged(path, judged_by("ann", exported, articles), articles) == (0, 0)
    with pytest.raises(QuestionsError, match="id 'q1' is another question in"):
        write_judged(
            path, [replace(judged_by("ann", exported, articles)[0], question="is a thin knee usual")], articles
        )


def test_a_taught_question_is_not_judged(bot: Bot) -> None:
    taught = next(iter(bot.corpus.questions.values()))[0]
    own = Judgement(
        "ann.csv:2", "ann", "a", taught.text.upper(), (), Verdict.RIGHT, taught.kind, taught.answers, (), ()
    )
    other = replace(own, where="ann.csv:3", id="b", question="do zebras dream of surgery")
    fresh, lines = without_repeats([own, other], bot.index)
    assert [judgement.id for judgement in fresh] == ["b"]
    assert lines[0].startswith("ann.csv:2: nearly repeats taught question 1 of ")


def test_each_sheet_is_named_after_its_judge(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["judge", "import", "a/ann.csv", "b/ann.csv", "--into", str(tmp_path / "x.jsonl")])
    assert isinstance(told.exception, UsageError)
    assert "name each sheet after its judge" in str(told.exception)


def test_what_is_judged_must_be_said(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["judge", "export", str(tmp_path / "x.csv")])
    assert isinstance(told.exception, UsageError)
    assert "either --run FOLDER or --questions FILE" in str(told.exception)


def test_the_commands_go_from_questions_to_judged_questions(small_corpus: Path, knee_bot: Bot, tmp_path: Path) -> None:
    build(small_corpus, tmp_path / "index")
    place = ["--corpus", str(small_corpus), "--index", str(tmp_path / "index")]
    (tmp_path / "asked.csv").write_text("question\nis a fat knee usual\nwhen can i fly\n", encoding="utf-8")
    sheet = tmp_path / "sheet.csv"
    out = CliRunner().invoke(app, ["judge", "export", str(sheet), "--questions", str(tmp_path / "asked.csv"), *place])
    assert (out.exit_code, out.stdout) == (0, f"2 answers to judge: {sheet}\n")
    verdicts = {"asked-2": ("right", ""), "asked-3": ("should decline", "")}
    sheets = [str(fill(sheet, verdicts, tmp_path / f"{name}.csv")) for name in ("ann", "bob")]
    into = ["--into", str(tmp_path / "judged.jsonl")]
    dry = CliRunner().invoke(app, ["judge", "import", *sheets, *into, *place, "--dry-run", "--json"])
    assert (json.loads(dry.stdout)["added"], (tmp_path / "judged.jsonl").exists()) == (2, False)
    told = CliRunner().invoke(app, ["judge", "import", *sheets, *into, *place])
    assert told.exit_code == 0
    assert "ann and bob: the same verdict on 100% of 2; kappa 1.00" in told.stdout
    rows = [json.loads(line) for line in (tmp_path / "judged.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["id"], row["answers"], row["kind"]) for row in rows] == [
        ("asked-2", [SWELLING], "answered"),
        ("asked-3", [], "declined"),
    ]
