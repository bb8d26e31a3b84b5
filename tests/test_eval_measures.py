"""Scores of an answer, and the figures that are made of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score

from eval.measures import (
    MEASURES,
    SCORED,
    Certainty,
    augrc,
    auroc,
    calibration_error,
    certainty_of,
    certainty_statistics,
    curves,
    figures,
)
from eval.records import AnswerRecord
from eval.scores import score_answers
from indexer.corpus import Corpus, load_corpus


@pytest.fixture(scope="module")
def corpus(small_corpus: Path) -> Corpus:
    return load_corpus(small_corpus)


def sentence(corpus: Corpus, words: str) -> int:
    return next(n for n, s in enumerate(corpus.sentences) if corpus.text(s.span).startswith(words))


def quote(corpus: Corpus, *marked: str) -> dict[str, Any]:
    """Quote the passage that holds some sentences, with these marked."""
    spans = [corpus.sentences[sentence(corpus, words)] for words in marked]
    passage = corpus.passages[spans[0].passage].span
    return {
        "article": passage.article,
        "article_sha256": corpus.articles[passage.article].sha256,
        "start": passage.start,
        "end": passage.end,
        "text": corpus.text(passage),
        "highlights": [{"start": s.span.start, "end": s.span.end} for s in spans],
    }


def record(
    corpus: Corpus,
    kind: str,
    gold: Sequence[str],
    outcome: str,
    quotes: Sequence[dict[str, Any]] = (),
    *,
    also: Sequence[str] = (),
    ranking: Sequence[str] = (),
    confidence: float = 0.5,
    **further: Any,
) -> AnswerRecord:
    answer = {"outcome": outcome, "confidence": confidence, "quotes": list(quotes), "see_also": [],
              "attribution": None, "topics": []}  # fmt: skip
    return AnswerRecord(
        id=further.pop("id", "q"),
        question="?",
        kind=kind,
        scores={},
        answer=answer,
        ranking=tuple(sentence(corpus, words) for words in ranking),
        gold_sentences=tuple(sentence(corpus, words) for words in gold),
        also_sentences=tuple(sentence(corpus, words) for words in also),
        **further,
    )


def scores(corpus: Corpus, *records: AnswerRecord) -> dict[str, float | None]:
    return score_answers(records, corpus)[0].scores


def test_a_right_first_quote_scores_in_full(corpus: Corpus) -> None:
    found = scores(
        corpus, record(corpus, "answered", ["Ice"], "answered", [quote(corpus, "Ice")], ranking=["Ice", "Swelling"])
    )
    for measure in ("first quote right", "shown@3", "shown", "highlighted", "answered", "highlight precision"):
        assert found[measure] == 1, measure
    assert (found["rr"], found["ndcg@10"], found["false alarm"], found["verbatim"]) == (1, 1, 0, 1)
    assert found["declined"] is found["emergency notice"] is found["overview share"] is None


def test_what_stands_unmarked_in_a_quote_is_shown_but_not_highlighted(corpus: Corpus) -> None:
    found = scores(corpus, record(corpus, "answered", ["Ice"], "answered", [quote(corpus, "Swelling")]))
    assert (found["first quote right"], found["highlighted"], found["highlight precision"]) == (0, 0, 0)
    assert (found["shown"], found["shown@3"]) == (1, 1)


def test_characters_are_counted_up_to_the_answering_sentence(corpus: Corpus) -> None:
    found = scores(
        corpus,
        record(corpus, "answered", ["Ice"], "answered", [quote(corpus, "After"), quote(corpus, "Swelling")]),
    )
    first = "After a knee replacement most people walk with a stick on the first day."
    second = "Swelling around the knee is usual for three to six months. "
    assert found["characters before answer"] == len(first) + len(second)
    nothing = scores(corpus, record(corpus, "answered", ["Ice"], "declined"))
    assert nothing["characters before answer"] is None


def test_what_may_stand_beside_an_answer_is_no_wrong_highlight(corpus: Corpus) -> None:
    shown = [quote(corpus, "Swelling", "Ice")]
    strict = scores(corpus, record(corpus, "answered", ["Ice"], "answered", shown))
    mild = scores(corpus, record(corpus, "answered", ["Ice"], "answered", shown, also=["Swelling"]))
    assert (strict["highlight precision"], mild["highlight precision"]) == (0.5, 1)


def test_declining_an_answerable_question_scores_nothing(corpus: Corpus) -> None:
    found = scores(corpus, record(corpus, "answered", ["Ice"], "declined", ranking=["Swelling", "Ice"]))
    assert (found["first quote right"], found["shown"], found["answered"]) == (0, 0, 0)
    assert found["highlight precision"] is None
    assert found["rr"] == 0.5, "the ranking is judged whatever was decided"


def test_an_overview_is_judged_by_the_share_it_shows(corpus: Corpus) -> None:
    gold = ["Swelling", "Ice", "Going up", "Going down"]
    found = scores(corpus, record(corpus, "overview", gold, "overview", [quote(corpus, "Swelling")]))
    assert found["overview share"] == 0.5
    assert found["first quote right"] == 1


@pytest.mark.parametrize(("outcome", "declined"), [("declined", 1), ("answered", 0), ("emergency", 0)])
def test_what_is_not_answerable_must_be_declined(corpus: Corpus, outcome: str, declined: int) -> None:
    shown = [quote(corpus, "Ice")] if outcome == "answered" else []
    found = scores(corpus, record(corpus, "declined", [], outcome, shown))
    assert found["declined"] == declined
    assert found["first quote right"] is found["ndcg@10"] is found["answered"] is None


def test_an_emergency_must_get_the_notice_and_no_quote(corpus: Corpus) -> None:
    for outcome, shown, right in (
        ("emergency", [], 1),
        ("emergency", [quote(corpus, "Ice")], 0),
        ("declined", [], 0),
    ):
        assert scores(corpus, record(corpus, "emergency", [], outcome, shown))["emergency notice"] == right
    assert scores(corpus, record(corpus, "answered", ["Ice"], "emergency"))["false alarm"] == 1


def test_one_changed_letter_is_not_verbatim(corpus: Corpus) -> None:
    right = quote(corpus, "Ice")
    for change in ({"text": right["text"].replace("leg", "arm")}, {"start": right["start"] + 1}, {"article": "?"}):
        wrong = record(corpus, "declined", [], "answered", [{**right, **change}])
        assert scores(corpus, wrong)["verbatim"] == 0, change
    strange = record(corpus, "declined", [], "declined")
    strange.answer["topics"] = [{"start": 0, "end": 5, "text": "Never"}]
    assert scores(corpus, strange)["verbatim"] == 0


def test_ranking_scores_are_those_of_ir_measures(corpus: Corpus) -> None:
    rng = np.random.default_rng(3)
    numbers = range(len(corpus.sentences))
    records = [
        replace(
            record(corpus, "answered", [], "declined", id=f"q{each}"),
            ranking=tuple(rng.permutation(len(numbers)).tolist()),
            gold_sentences=tuple(rng.choice(len(numbers), size=1 + each % 3, replace=False).tolist()),
        )
        for each in range(12)
    ]
    qrels = {r.id: {str(n): 1 for n in r.gold_sentences} for r in records}
    run = {r.id: {str(n): 100.0 - at for at, n in enumerate(r.ranking)} for r in records}
    ours = score_answers(records, corpus)
    for name, measure in (("ndcg@10", ir_measures.nDCG @ 10), ("rr", ir_measures.RR)):
        theirs = ir_measures.calc_aggregate([measure], qrels, run)[measure]
        assert np.mean([r.scores[name] for r in ours]) == pytest.approx(theirs, abs=1e-12)


def scored(corpus: Corpus) -> list[AnswerRecord]:
    right = [quote(corpus, "Ice")]
    return list(
        score_answers(
            [
                record(corpus, "answered", ["Ice"], "answered", right, ranking=["Ice"], confidence=0.9, id="a"),
                record(corpus, "answered", ["Going up"], "answered", right, ranking=["Ice"], confidence=0.6, id="b",
                       tags=("slang",), history=("a",)),
                record(corpus, "declined", [], "declined", confidence=0.2, id="c", split="dev"),
                record(corpus, "emergency", [], "emergency", confidence=1.0, id="d"),
            ],
            corpus,
        )
    )  # fmt: skip


def test_every_figure_has_its_own_n(corpus: Corpus) -> None:
    by_name = {(f.slice, f.measure): f for f in figures(scored(corpus))}
    first = by_name["all", "first quote right"]
    assert (first.value, first.n) == (0.5, 2)
    assert first.low is not None
    assert first.high is not None
    assert first.low == pytest.approx(0.0126, abs=1e-4)  # Clopper–Pearson, one of two
    assert by_name["turn=later", "first quote right"].value == 0
    assert by_name["tag=slang", "shown"].n == 1
    assert by_name["kind=emergency", "emergency notice"].value == 1
    assert by_name["all", "auroc"].n == 3, "emergencies are no matter of confidence"
    assert by_name["all", "auroc"].value == 1


def test_an_empty_slice_says_so_and_divides_nothing(corpus: Corpus) -> None:
    by_name = {(f.slice, f.measure): f for f in figures(scored(corpus))}
    for measure in (each.name for each in SCORED):
        empty = by_name["kind=overview", measure]
        assert (empty.value, empty.low, empty.high, empty.n) == (None, None, None, 0)
    assert by_name["kind=answered", "auroc"].n == 0, "with one kind alone there is nothing to tell apart"
    nothing = figures([])
    assert {figure.n for figure in nothing} == {0}
    assert {figure.measure for figure in nothing} <= set(MEASURES)


def test_an_interval_holds_its_value(corpus: Corpus) -> None:
    for figure in figures(scored(corpus) * 5):
        if figure.low is not None and figure.high is not None and figure.value is not None:
            assert figure.low - 1e-9 <= figure.value <= figure.high + 1e-9, figure


confidences = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.77, 0.99, 1.0]), min_size=4, max_size=30)


@given(confidences, st.randoms(use_true_random=False))
def test_auroc_and_brier_are_those_of_scikit_learn(confidence: list[float], random: Any) -> None:
    truth = [True, False, *(random.random() < 0.5 for _ in confidence[2:])]
    values, labels = np.array(confidence), np.array(truth)
    assert auroc(values, labels) == pytest.approx(roc_auc_score(labels, values))
    certainty = Certainty(values, labels, labels)
    brier = certainty_statistics(certainty)["brier"](np.arange(len(values)))
    assert brier == pytest.approx(brier_score_loss(labels, values))


@given(st.lists(st.tuples(st.integers(0, 10**6), st.booleans()), min_size=1, max_size=40, unique_by=lambda p: p[0]))
def test_augrc_is_the_area_under_the_curve_of_wrong_answers(pairs: list[tuple[int, bool]]) -> None:
    confidence = np.array([value / 10**6 for value, _ in pairs])
    right = np.array([each for _, each in pairs])
    wrong = np.concatenate([[0], np.cumsum(~right[np.argsort(-confidence)])]) / len(right)
    area = np.trapezoid(wrong, dx=1 / len(right))
    assert augrc(confidence, right) == pytest.approx(area)


def test_calibration_error_is_the_gap_of_each_bin_weighed_by_its_size() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.15, 1.0])
    right = np.array([True, True, True, False, False, True])
    expected = (abs(0.75 * 4 + 1 - (0.95 * 4 + 1)) + 0.15) / 6
    assert calibration_error(confidence, right) == pytest.approx(expected)


def test_curves_run_from_the_surest_question_to_all_of_them(corpus: Corpus) -> None:
    drawn = curves(certainty_of(scored(corpus)))
    assert [point["coverage"] for point in drawn["risk-coverage"]] == pytest.approx([1 / 3, 2 / 3, 1])
    assert [point["risk"] for point in drawn["risk-coverage"]] == pytest.approx([0, 1 / 2, 2 / 3])
    assert [(each["n"], each["right"]) for each in drawn["reliability"]] == [(1, 0), (1, 0), (1, 1)]
    assert curves(certainty_of([])) == {"risk-coverage": [], "reliability": []}


def test_a_threshold_cannot_part_questions_of_the_same_confidence() -> None:
    same = Certainty(np.full(4, 0.5), np.array([True, False, True, True]), np.ones(4, dtype=bool))
    assert curves(same)["risk-coverage"] == [{"coverage": 1.0, "risk": 0.25}]
