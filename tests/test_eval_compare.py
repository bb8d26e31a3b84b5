"""Two runs against each other: better, worse or a tie."""

import random
from dataclasses import replace

import pytest

from bot.bot import Bot
from eval.compare import Verdict, compare
from eval.measures import figures
from eval.records import Run
from eval.scores import score_answers
from indexer.errors import UsageError

pytest_plugins = ("bench_fixtures",)


def test_a_run_against_itself_is_a_tie_on_everything(real_run: Run) -> None:
    slices = ("all", "turn=later", "kind=overview", "tag=near")
    comparison = compare(real_run, replace(real_run), slices)
    tested = [each for each in comparison.differences if each.n]
    assert {each.verdict for each in tested} == {Verdict.TIE}
    assert {(each.difference, each.low, each.high, each.p) for each in tested} == {(0, 0, 0, 1)}
    assert not comparison.changes
    assert all(each.detectable is None or each.detectable > 0 for each in tested)


def test_shuffled_answers_are_worse(bot: Bot, real_run: Run) -> None:
    shuffled = list(real_run.answers)
    random.Random(5).shuffle(shuffled)
    mixed = [
        replace(own, answer=other.answer, ranking=other.ranking)
        for own, other in zip(real_run.answers, shuffled, strict=True)
    ]
    answers = score_answers(mixed, bot.corpus)
    second = replace(real_run, answers=answers, figures=figures(answers))
    verdicts = {each.measure: each.verdict for each in compare(real_run, second).differences}
    for measure in (
        "first quote right",
        "shown@3",
        "ndcg@10",
        "rr",
        "declined",
        "highlight precision",
        "auroc",
        "brier",
    ):
        assert verdicts[measure] == Verdict.WORSE, measure
    assert Verdict.BETTER not in verdicts.values()
    back = compare(second, real_run)
    assert {each.measure: each.verdict for each in back.differences}["ndcg@10"] == Verdict.BETTER
    lost = sum(not change.won for change in compare(real_run, second).changes)
    assert lost == sum(change.won for change in back.changes) > 0


def test_a_difference_lies_in_its_interval_and_matches_the_figures(bot: Bot, real_run: Run) -> None:
    worse = [
        replace(answer, ranking=answer.ranking[1:]) if number % 3 == 0 else answer
        for number, answer in enumerate(real_run.answers)
    ]
    answers = score_answers(worse, bot.corpus)
    second = replace(real_run, answers=answers, figures=figures(answers))
    for each in compare(real_run, second).differences:
        assert each.first == pytest.approx(real_run.figure("all", each.measure).value), each.measure
        assert each.second == pytest.approx(second.figure("all", each.measure).value), each.measure
        assert each.low is not None
        assert each.high is not None
        assert each.difference is not None
        assert each.low <= each.difference <= each.high


def test_an_empty_slice_has_no_verdict(real_run: Run) -> None:
    (difference,) = [d for d in compare(real_run, real_run, ["tag=nobody"]).differences if d.measure == "declined"]
    assert (difference.n, difference.verdict, difference.difference) == (0, None, None)


def test_runs_over_different_questions_are_refused_with_what_differs(real_run: Run) -> None:
    fewer = replace(real_run, answers=real_run.answers[2:])
    with pytest.raises(UsageError, match=r"2 only in the first run \(clinician"):
        compare(real_run, fewer)
    with pytest.raises(UsageError, match="2 only in the second run"):
        compare(fewer, real_run)
    first, *others = real_run.answers
    for change in ({"question": "another"}, {"kind": "overview"}, {"gold": ()}, {"history": ("before",)}):
        changed = replace(real_run, answers=(replace(first, **change), *others))
        with pytest.raises(UsageError, match=f"'{first.id}' has another {next(iter(change))}"):
            compare(real_run, changed)
    with pytest.raises(UsageError, match="one is over questions, the other over beir"):
        compare(real_run, replace(real_run, kind="beir"))
