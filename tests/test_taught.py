"""Taught questions: each is anchored in its article, and a wrong one is told by file and line."""

import pytest
from indexing import LEG_PAIN, teach

from indexer.article import load_article
from indexer.corpus import load_corpus
from indexer.errors import QuestionsError
from indexer.questions import Kind, load_taught

pytest_plugins = ("index_fixtures",)


def test_every_taught_question_of_the_corpus_is_anchored(corpus_folder):
    taught = load_taught(corpus_folder / LEG_PAIN / "questions.jsonl", load_article(corpus_folder / LEG_PAIN))
    assert len(taught) >= 4000
    assert {q.kind for q in taught} == set(Kind)
    assert all(bool(q.answers) == (q.kind in (Kind.ANSWERED, Kind.OVERVIEW)) for q in taught)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"question": "q", "answers": ["Scar tissue grows for years."]},
            r"questions\.jsonl:1: .*nearest words.*Scar tissue only grows",
        ),
        ({"question": "q", "answers": ["surgery"]}, r"questions\.jsonl:1: the answer stands \d+ times"),
        ({"question": "q", "answers": []}, "needs at least one answer"),
        ({"question": "q", "answers": ["Scar tissue"], "kind": "declined"}, "must have no answers"),
        ({"question": " ", "answers": []}, "'question' must be text"),
        ({"question": "half \ud83d of it", "answers": []}, "half of a character"),
        ({"question": "q", "answers": "Scar"}, "'answers' must be a list"),
        ({"question": "q", "answers": [], "kind": "maybe"}, "kind 'maybe' is none of"),
        ({"question": "q", "answer": []}, "unknown field 'answer'"),
        ("{not json", r"questions\.jsonl:1: not valid JSON"),
        ("[1]", "one JSON object"),
    ],
)
def test_a_wrong_taught_question_is_named_by_file_and_line(corpus, row, message):
    teach(corpus, row)
    with pytest.raises(QuestionsError, match=message):
        load_corpus(corpus)


def test_a_question_taught_twice_is_refused(corpus):
    row = {"question": "When can I drive?", "answers": [], "kind": "declined"}
    teach(corpus, row, {**row, "question": "when can i  drive"})
    with pytest.raises(QuestionsError, match=r":2: the same question as line 1"):
        load_corpus(corpus)
