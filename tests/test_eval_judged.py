"""Judged questions: what may stand in a file of them, and the slices they are looked at by."""

import json
from pathlib import Path

import pytest

from eval.judged import ANSWERABLE, is_slice_name, load_judged, only, slices_of
from indexer.article import Article
from indexer.corpus import load_corpus
from indexer.errors import QuestionsError, UsageError
from indexer.questions import Kind

SWELLING = "Swelling around the knee is usual for three to six months."
ICE = "Ice and raising the leg help."


@pytest.fixture
def articles(small_corpus: Path) -> list[Article]:
    return list(load_corpus(small_corpus).articles.values())


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


def test_only_question_answers_and_kind_need_to_be_told(tmp_path: Path, articles: list[Article]) -> None:
    path = write(tmp_path / "q.jsonl", {"question": "fat knee?", "answers": [SWELLING]}, "",
                 {"question": "can i swim", "answers": [], "kind": "declined"})  # fmt: skip
    first, second = load_judged([path], articles)
    assert (first.id, second.id) == ("1", "3")
    assert first.kind is Kind.ANSWERED
    assert [articles[0].slice(span) for span in first.answers] == [SWELLING]
    assert (second.history, second.turn, second.split, second.also) == ((), None, "", ())


def test_gold_is_anchored_by_words(tmp_path: Path, articles: list[Article]) -> None:
    path = write(tmp_path / "q.jsonl", {"question": "fat knee?", "answers": [SWELLING], "also": [ICE]})
    (question,) = load_judged([path], articles)
    assert articles[0].slice(question.also[0]) == ICE


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{no json", "not valid JSON"),
        ('{"question": "\\ud83d", "answers": [], "kind": "declined"}', "half of a character"),
        ({"question": "x", "answers": ["not there at all"]}, "not in the article"),
        ({"question": "x", "answers": [SWELLING], "also": ["nor this"]}, "not in the article"),
        ({"question": "x", "answers": [SWELLING], "mood": "sad"}, "unknown field 'mood'"),
        ({"question": "x", "answers": [SWELLING], "id": "a b"}, "white space"),
        ({"question": "x", "answers": [SWELLING], "id": 7}, "'id' must be text"),
        ({"question": "x", "answers": [SWELLING], "history": "before"}, "'history' must be a list"),
        ({"question": "x", "answers": [SWELLING], "tags": ["a, b"]}, "no comma and no ="),
        ({"question": "x", "answers": [SWELLING], "turn": 0}, "'turn' must be a number"),
        ({"question": "x", "answers": [SWELLING], "kind": "guess"}, "'guess' is none of"),
        ({"question": "x", "answers": []}, "needs at least one answer"),
        ({"question": "y", "answers": [SWELLING], "id": "first"}, "stands at"),
    ],
)
def test_a_wrong_row_is_told_with_file_and_line(
    tmp_path: Path, articles: list[Article], row: object, message: str
) -> None:
    path = write(tmp_path / "q.jsonl", {"id": "first", "question": "w", "answers": [SWELLING]}, row)
    with pytest.raises(QuestionsError, match=message) as error:
        load_judged([path], articles)
    assert str(error.value).startswith(f"{path}:2: ")


def test_a_file_without_questions_is_no_run(tmp_path: Path, articles: list[Article]) -> None:
    with pytest.raises(UsageError, match="there is no question in it"):
        load_judged([write(tmp_path / "q.jsonl", "")], articles)
    with pytest.raises(UsageError, match="no such file"):
        load_judged([tmp_path / "elsewhere.jsonl"], articles)


def test_questions_are_parted_into_slices(tmp_path: Path, articles: list[Article]) -> None:
    path = write(
        tmp_path / "q.jsonl",
        {"question": "a", "answers": [ICE], "tags": ["slang"], "voice": "young", "split": "dev"},
        {"question": "b", "answers": [], "kind": "declined", "history": ["a"], "split": "test"},
    )
    questions = load_judged([path], articles)
    assert slices_of(questions[0]) == (
        "all", "kind=answered", "tag=slang", "voice=young", "turn=first", "split=dev", "kind=answered, split=dev",
    )  # fmt: skip
    assert "turn=later" in slices_of(questions[1])
    assert only(questions, ["kind=declined", "split=test"]) == questions[1:]
    assert all(is_slice_name(name) for question in questions for name in slices_of(question))


def test_a_part_that_is_none_or_empty_is_refused(tmp_path: Path, articles: list[Article]) -> None:
    questions = load_judged([write(tmp_path / "q.jsonl", {"question": "a", "answers": [ICE]})], articles)
    with pytest.raises(UsageError, match="'near' is no slice"):
        only(questions, ["near"])
    with pytest.raises(UsageError, match="No question belongs to tag=near; there are all; "):
        only(questions, ["tag=near"])


def test_the_projects_own_questions_can_be_read(corpus_folder: Path) -> None:
    corpus = load_corpus(corpus_folder)
    files = sorted((corpus_folder.parent / "eval" / "questions").glob("*.jsonl"))
    questions = load_judged(files, list(corpus.articles.values()))
    kinds = [question.kind for question in questions]
    assert sum(kind in ANSWERABLE for kind in kinds) >= 150
    assert kinds.count(Kind.DECLINED) >= 120
    assert kinds.count(Kind.EMERGENCY) >= 30
    assert kinds.count(Kind.OVERVIEW) >= 30
    assert len({question.voice for question in questions}) >= 4
    assert len({question.conversation for question in questions if question.conversation}) >= 40
    by_author = {(question.author, question.split) for question in questions}
    assert len(by_author) == len({author for author, _ in by_author}), "an author's questions are in both splits"
