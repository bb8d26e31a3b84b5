"""Two runs over the same questions: better, worse or tie, and on which questions they differ."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from eval.judged import is_slice_name, slices_of
from eval.measures import (
    CERTAINTY,
    LATENCY,
    MEASURES,
    Certainty,
    Measure,
    certainty_of,
    certainty_statistics,
    mean_statistic,
    measures_of,
)
from eval.records import AnswerRecord, Run
from eval.statistics import (
    LEVEL,
    Floats,
    Ints,
    Statistic,
    bootstrap_interval,
    detectable_difference,
    holm,
    randomisation_p,
    standard_error,
)
from indexer.errors import UsageError

# A question counts as won or lost by the first of these that its kind has.
DECIDING = ("first quote right", "declined", "emergency notice", "ndcg@10")


class Verdict(StrEnum):
    """What a comparison says of the second run."""

    BETTER = "better"
    WORSE = "worse"
    TIE = "tie"


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure over one slice in both runs; `difference` is second minus first, with its 95 % interval.

    `p` is adjusted for all the differences of the comparison. `detectable`: the smallest difference that
    so many questions would have shown four times in five. Values are None where `n`, the number of questions that
    the measure applies to in both runs, is 0.
    """

    slice: str
    measure: str
    n: int
    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    detectable: float | None
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Change:
    """A question on which the two runs differ by one of DECIDING, with both answers."""

    id: str
    question: str
    measure: str
    won: bool
    first: AnswerRecord
    second: AnswerRecord


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of comparing two runs."""

    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with both answers to every question that was won or lost."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Paired:
    """A statistic over the rows of the first run followed by those of the second, `n` each."""

    slice: str
    measure: Measure
    n: int
    statistic: Statistic

    def difference(self, rows: Ints) -> Floats:
        """Return second minus first over the same questions, as a statistic."""
        return np.asarray(self.statistic(rows + self.n) - self.statistic(rows))


def compare(first: Run, second: Run, slices: Sequence[str] = ("all",)) -> Comparison:
    """Compare every measure over the named slices; the second run is the one that is better or worse.

    All differences of a comparison are one family: the more slices are asked for, the more each must show.
    Raises UsageError when the runs are not over the same questions, or a name is no slice.
    """
    for name in slices:
        if not is_slice_name(name):
            raise UsageError(f"'{name}' is no slice; slices are named as in the table of 'run', such as tag=near.")
    pairs = same_questions(first, second)
    paired = [each for name in slices for each in _paired(name, pairs, first.kind)]
    p_values = [randomisation_p(each.statistic, each.n) for each in paired]
    tested = [row for row, each in enumerate(paired) if each.n]
    adjusted = dict(zip(tested, holm([p_values[row] for row in tested]), strict=True))
    return Comparison(
        differences=tuple(_difference(each, adjusted.get(row), len(tested)) for row, each in enumerate(paired)),
        changes=tuple(change for pair in pairs if (change := _change(*pair)) is not None),
    )


def same_questions(first: Run, second: Run) -> list[tuple[AnswerRecord, AnswerRecord]]:
    """Pair the answers of two runs by question.

    Raises UsageError, saying what differs, unless both runs were asked the same and judge it the same. What is
    right is compared by its words, so that an article may be cut or edited between the runs.
    """
    if first.kind != second.kind:
        raise UsageError(f"The runs cannot be compared: one is over {first.kind}, the other over {second.kind}.")
    by_id = {answer.id: answer for answer in second.answers}
    own = {answer.id for answer in first.answers}
    for missing, where in ((own - set(by_id), "first"), (set(by_id) - own, "second")):
        if missing:
            names = ", ".join(sorted(missing)[:3]) + (" …" if len(missing) > 3 else "")
            raise UsageError(
                f"The runs are over different questions: {len(missing)} only in the {where} run ({names}); "
                "compare runs over the same files and slices."
            )
    for answer in first.answers:
        for what in ("question", "kind", "history", "gold"):
            if _words(answer, what) != _words(by_id[answer.id], what):
                raise UsageError(
                    f"The runs are over different questions: '{answer.id}' has another {what} in the second run; "
                    "run both over the same files."
                )
    return [(answer, by_id[answer.id]) for answer in first.answers]


def _words(answer: AnswerRecord, what: str) -> object:
    return [gold.text for gold in answer.gold] if what == "gold" else getattr(answer, what)


def _paired(name: str, pairs: Sequence[tuple[AnswerRecord, AnswerRecord]], kind: str) -> list[_Paired]:
    own = [pair for pair in pairs if name in slices_of(pair[0])]
    paired = []
    # Latency is no part of it: two runs of the same bot on a busier machine would differ.
    measures = [measure for measure in measures_of(kind) if measure not in LATENCY]
    for measure in (each for each in measures if each not in CERTAINTY):
        scores = [(a.scores.get(measure.name), b.scores.get(measure.name)) for a, b in own]
        both = np.array([pair for pair in scores if None not in pair], dtype=np.float64).reshape(-1, 2)
        paired.append(_Paired(name, measure, len(both), mean_statistic(both.T.ravel())))
    certain = [pair for pair in own if all(len(certainty_of([answer])) for answer in pair)]
    first, second = (certainty_of([pair[side] for pair in certain]) for side in (0, 1))
    statistics = certainty_statistics(first.followed_by(second))
    paired += [
        _Paired(name, measure, _n(first, measure), statistics[measure.name])
        for measure in measures
        if measure in CERTAINTY
    ]
    return paired


def _n(certainty: Certainty, measure: Measure) -> int:
    """Return how many questions a measure of certainty has; none where it is not defined."""
    if measure.name == "auroc" and len(set(certainty.answerable.tolist())) < 2:
        return 0
    return len(certainty)


def _difference(paired: _Paired, p: float | None, comparisons: int) -> Difference:
    measure, rows = paired.measure, np.arange(paired.n)
    if p is None:
        none = (None, None, None, None, None, None, None, None)
        return Difference(paired.slice, measure.name, 0, *none)
    difference = float(paired.difference(rows))
    low, high = bootstrap_interval(paired.difference, paired.n) or (None, None)
    gain = difference if measure.higher_is_better else -difference
    verdict = Verdict.TIE if p >= 1 - LEVEL else Verdict.BETTER if gain > 0 else Verdict.WORSE
    return Difference(
        slice=paired.slice,
        measure=measure.name,
        n=paired.n,
        first=float(paired.statistic(rows)),
        second=float(paired.statistic(rows + paired.n)),
        difference=difference,
        low=low,
        high=high,
        p=p,
        detectable=detectable_difference(
            standard_error(paired.difference, paired.n),
            paired.n,
            comparisons,
            bounded=measure.between_0_and_1,
        ),
        verdict=verdict,
    )


def _change(first: AnswerRecord, second: AnswerRecord) -> Change | None:
    for name in DECIDING:
        before, after = first.scores.get(name), second.scores.get(name)
        if before is None or after is None:
            continue
        if before == after:
            return None
        won = (after > before) == MEASURES[name].higher_is_better
        return Change(first.id, first.question, name, won, first, second)
    return None
