"""Teaching questions from a file: every check, and nothing half done."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eval.__main__ import app
from eval.teaching import add, prepare
from indexer.article import load_article
from indexer.errors import QuestionsError, UsageError
from indexer.questions import load_taught

ICE = "Ice and raising the leg help."
STICK = "After a knee replacement most people walk with a stick on the first day."


@pytest.fixture
def corpus(tmp_path: Path, small_corpus: Path) -> Path:
    """A corpus of one article with two taught questions, the last line without a line end."""
    folder = tmp_path / "corpus" / "knee"
    folder.mkdir(parents=True)
    (folder / "article.txt").write_bytes((small_corpus / "knee" / "article.txt").read_bytes())
    rows = [
        {"question": "does ice help", "answers": [ICE]},
        {"question": "can i swim", "answers": [], "kind": "declined"},
    ]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return tmp_path / "corpus"


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """One judged question, in words of its own."""
    path = tmp_path / "judged.jsonl"
    path.write_text(json.dumps({"id": "j1", "question": "Will I need a cane right after surgery?"}), encoding="utf-8")
    return path


def write(folder: Path, text: str, name: str = "new.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_are_added_after_those_that_are_there(corpus: Path, judged: Path, tmp_path: Path) -> None:
    file = corpus / "knee" / "questions.jsonl"
    before = file.read_bytes()
    sheet = write(
        tmp_path,
        "question,answers,kind,tags,voice,note\n"
        f"how do people walk on day one,{STICK},,,old-phone,from the ward\n"
        f'"what helps, and how",{ICE} | {STICK},Overview,long,,\n'
        "is it raining,,declined,offtopic,,\n",
    )
    teaching = prepare(sheet, corpus, [judged], voice="editor")
    add(teaching)
    assert file.read_bytes().startswith(before + b"\n")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()[2:]]
    assert rows == [
        {"question": "how do people walk on day one", "answers": [STICK], "tags": ["voice:old-phone"]},
        {
            "question": "what helps, and how",
            "answers": [ICE, STICK],
            "kind": "overview",
            "tags": ["long", "voice:editor"],
        },
        {"question": "is it raining", "answers": [], "kind": "declined", "tags": ["offtopic", "voice:editor"]},
    ]
    assert len(load_taught(file, load_article(corpus / "knee"))) == 5
    assert teaching.by_answer() == [(STICK, 0, 2), (ICE, 1, 2)]


def test_every_wrong_row_is_named_and_none_is_added(corpus: Path, tmp_path: Path) -> None:
    before = (corpus / "knee" / "questions.jsonl").read_bytes()
    sheet = write(
        tmp_path,
        "question,answers,kind\n"
        f"good one,{ICE},\n"
        "bad words,Ice and raising a leg help.,\n"
        "no answer,,answered\n"
        f"too much,{ICE},declined\n"
        "odd kind,,perhaps\n"
        "???,,declined\n",
    )
    with pytest.raises(QuestionsError) as caught:
        prepare(sheet, corpus, [])
    lines = str(caught.value).splitlines()
    assert [line.partition(": ")[0] for line in lines[:-1]] == [f"{sheet}:{number}" for number in (3, 4, 5, 6, 7)]
    assert f"The nearest words there are: '{ICE}'" in lines[0]
    assert "nothing was added" in lines[-1]
    assert (corpus / "knee" / "questions.jsonl").read_bytes() == before


def test_repeats_are_refused_and_judged_words_are_not_shown(corpus: Path, judged: Path, tmp_path: Path) -> None:
    new = [
        {"question": "Does ice help?", "answers": [ICE]},
        {"question": "will i need a cane right after surgery", "answers": [STICK]},
        {"question": "Will I be needing a cane right after surgery?", "answers": [STICK]},
        {"question": "what about crutches", "answers": [], "kind": "declined"},
        {"question": "What about crutches?", "answers": [], "kind": "declined"},
    ]
    path = write(tmp_path, "\n".join(map(json.dumps, new)), "new.jsonl")
    teaching = prepare(path, corpus, [judged])
    assert [lesson.row["question"] for lesson in teaching.lessons] == ["what about crutches"]
    taught = corpus / "knee" / "questions.jsonl"
    assert teaching.repeats == (
        f"{path}:1: the same question as line 1 of {taught}; leave it out.",
        f"{path}:2: nearly repeats the judged question 'j1' of judged.jsonl; leave it out.",
        f"{path}:3: nearly repeats the judged question 'j1' of judged.jsonl; leave it out.",
        f"{path}:5: the same question as {path}:4; leave it out.",
    )
    assert "cane" not in "".join(teaching.repeats)


def test_the_article_must_be_clear(small_corpus: Path, tmp_path: Path) -> None:
    sheet = write(tmp_path, f"question,answers\ndoes ice help,{ICE}\n")
    with pytest.raises(UsageError, match="say which with --article, one of: knee, wrist"):
        prepare(sheet, small_corpus, [])
    with pytest.raises(UsageError, match="it has no article 'hip'"):
        prepare(sheet, small_corpus, [], article="hip")
    assert prepare(sheet, small_corpus, [], article="knee").article.id == "knee"


@pytest.mark.parametrize(("name", "text"), [("new.txt", "x"), ("new.csv", "question\n"), ("new.jsonl", "\n")])
def test_a_file_without_questions_is_refused(corpus: Path, tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(UsageError, match=r"must end in|no question in it"):
        prepare(write(tmp_path, text, name), corpus, [])


def test_the_command_adds_only_when_all_is_well(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # no judged questions here
    file = corpus / "knee" / "questions.jsonl"
    sheet = write(tmp_path, f"question,answers\ndoes ice help,{ICE}\nis ice good for it,{ICE}\n")
    teach = ["teach", str(sheet), "--corpus", str(corpus), "--json"]
    before = file.read_bytes()

    refused = CliRunner().invoke(app, teach)
    assert (refused.exit_code, json.loads(refused.stdout)["added"], file.read_bytes()) == (1, 0, before)
    dry = CliRunner().invoke(app, [*teach, "--skip-repeats", "--dry-run"])
    assert (dry.exit_code, json.loads(dry.stdout)["added"], file.read_bytes()) == (0, 0, before)
    added = CliRunner().invoke(app, [*teach, "--skip-repeats"])
    assert (added.exit_code, json.loads(added.stdout)["added"]) == (0, 1)
    assert file.read_text(encoding="utf-8").splitlines()[-1] == json.dumps(
        {"question": "is ice good for it", "answers": [ICE]}
    )
    again = CliRunner().invoke(app, [*teach, "--skip-repeats"])
    assert json.loads(again.stdout)["added"] == 0
