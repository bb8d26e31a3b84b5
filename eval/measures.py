"""From scores to figures: one measure over one slice of the questions, with its interval and its n."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from bot.answer import Outcome
from eval.judged import ANSWERABLE, slices_of
from eval.records import AnswerRecord, Figure
from eval.statistics import Floats, Ints, Statistic, bootstrap_interval, quantile_interval, rate_interval
from indexer.questions import Kind

Bools = npt.NDArray[np.bool_]

BINS = 10

# Slices in the order of reading, by what they part the questions by.
_ORDER = ("all", "kind", "turn", "split", "kind, split", "voice", "tag")


@dataclass(frozen=True, slots=True)
class Measure:
    """What a figure says, in words for the content team. A rate counts questions, so each score is 0 or 1.

    `between_0_and_1`: whether one question can add at most 1 to it.
    """

    name: str
    says: str
    higher_is_better: bool = True
    is_rate: bool = False
    between_0_and_1: bool = True


def _rate(name: str, says: str, *, higher_is_better: bool = True) -> Measure:
    return Measure(name, says, higher_is_better, is_rate=True)


# Scores of one question each; a figure is their mean.
SCORED = (
    _rate("first quote right", "answerable: the first quote marks a sentence that answers"),
    _rate("shown@3", "answerable: an answering sentence stands in one of the first three quotes"),
    _rate("shown", "answerable: an answering sentence stands in some quote"),
    _rate("highlighted", "answerable: an answering sentence is marked in some quote"),
    Measure("rr", "answerable: 1 / the rank of the first answering sentence among all sentences"),
    Measure("ndcg@10", "answerable: how high answering sentences stand among the first ten"),
    Measure("highlight precision", "answered: the share of marked sentences that answer or may stand beside"),
    Measure(
        "characters before answer", "answerable: what is read before an answering sentence",
        higher_is_better=False, between_0_and_1=False,
    ),
    Measure("overview share", "overview: the share of its sentences that is shown"),
    _rate("answered", "answerable: something is quoted"),
    _rate("declined", "not answerable: declined"),
    _rate("emergency notice", "emergency: the notice is shown, and no quote"),
    _rate("false alarm", "answerable: the emergency notice is shown", higher_is_better=False),
    _rate("verbatim", "every quoted word equals the article"),
)  # fmt: skip
# Scores of one question of a third-party set.
RETRIEVED = (
    Measure("ndcg@10", "how high the right documents stand among the first ten"),
    Measure("ndcg@5", "how high the right documents stand among the first five"),
    Measure("rr", "1 / the rank of the first right document"),
    Measure("r@5", "the share of the right documents among the first five"),
    Measure("r@10", "the share of the right documents among the first ten"),
    Measure("r@100", "the share of the right documents among the first hundred"),
)
# Figures that no single question has: how the confidence orders questions, and whether it is a probability.
ORDERING = (
    Measure("auroc", "how well the confidence tells answerable questions from others (1/2 is chance)"),
    Measure("augrc", "the share of questions answered wrongly, over all thresholds", higher_is_better=False),
)
CALIBRATION = (
    Measure("brier", "squared distance of the confidence from what came true", higher_is_better=False),
    Measure("ece", "how far the confidence lies from how often it comes true", higher_is_better=False),
)
CERTAINTY = (*ORDERING, *CALIBRATION)
LATENCY = (
    Measure("latency p50", "milliseconds for an answer, half are faster", False, between_0_and_1=False),
    Measure("latency p95", "milliseconds for an answer, 95 % are faster", False, between_0_and_1=False),
)
MEASURES = {measure.name: measure for measure in (*RETRIEVED, *SCORED, *CERTAINTY, *LATENCY)}


@dataclass(frozen=True, slots=True)
class Certainty:
    """How sure the bot was of n questions, and what was true.

    `right`: whether the best it found answers, shown or not; `answerable`: whether anything does. Emergencies
    are left out: the notice needs no confidence that a sentence answers.
    """

    confidence: Floats
    right: Bools
    answerable: Bools

    def __len__(self) -> int:
        return len(self.confidence)

    def followed_by(self, other: "Certainty") -> "Certainty":
        """Return the rows of both, for comparing two runs over the same questions."""
        pairs = zip(
            (self.confidence, self.right, self.answerable),
            (other.confidence, other.right, other.answerable),
            strict=True,
        )
        confidence, right, answerable = (np.concatenate(pair) for pair in pairs)
        return Certainty(confidence, right, answerable)


def measures_of(run_kind: str) -> tuple[Measure, ...]:
    """Return the measures that a run over "questions" or "beir" has, in the order of reading."""
    # What ranks a third-party set has a score, but no probability that could be calibrated.
    return (*SCORED, *CERTAINTY, *LATENCY) if run_kind == "questions" else (*RETRIEVED, *ORDERING, *LATENCY)


def figures(answers: Sequence[AnswerRecord], run_kind: str = "questions") -> tuple[Figure, ...]:
    """Return every measure over every slice; slices of the kinds and turns are there also when empty."""
    slices: dict[str, list[AnswerRecord]] = {"all": []}
    if run_kind == "questions":
        slices |= {f"kind={kind}": [] for kind in Kind} | {"turn=first": [], "turn=later": []}
    for answer in answers:
        for name in slices_of(answer):
            slices.setdefault(name, []).append(answer)
    in_order = sorted(slices, key=lambda name: _ORDER.index(re.sub("=[^,]*", "", name)))
    return tuple(figure for name in in_order for figure in _slice_figures(name, slices[name], measures_of(run_kind)))


def mean_statistic(values: Floats) -> Statistic:
    """Return the mean over rows as a statistic."""
    return lambda rows: np.asarray(values[rows].mean(axis=-1))


def certainty_of(answers: Sequence[AnswerRecord]) -> Certainty:
    """Return what is known of the bot's confidence in these answers, without emergencies."""
    kept = [answer for answer in answers if _has_certainty(answer)]
    return Certainty(
        np.array([answer.answer["confidence"] for answer in kept], dtype=np.float64),
        np.array([_best_is_right(answer) for answer in kept], dtype=np.bool_),
        np.array([answer.kind in ANSWERABLE for answer in kept], dtype=np.bool_),
    )


def certainty_statistics(certainty: Certainty) -> dict[str, Statistic]:
    """Return the measures of CERTAINTY as statistics over its rows; not defined is nan."""
    confidence, right, answerable = certainty.confidence, certainty.right, certainty.answerable
    return {
        "auroc": lambda rows: auroc(confidence[rows], answerable[rows]),
        "augrc": lambda rows: augrc(confidence[rows], right[rows]),
        "brier": lambda rows: np.asarray(((confidence[rows] - right[rows]) ** 2).mean(axis=-1)),
        "ece": lambda rows: calibration_error(confidence[rows], right[rows]),
    }


def auroc(confidence: Floats, positive: Bools) -> Floats:
    """Return the chance that a positive row has more confidence than a negative one; ties count half.

    Both have shape (..., n); the result (...), nan where all rows are alike.
    """
    positives, ranks = positive.sum(axis=-1), rankdata(confidence, axis=-1)
    pairs = positives * (positive.shape[-1] - positives)
    wins = (ranks * positive).sum(axis=-1) - positives * (positives + 1) / 2
    return np.asarray(np.divide(wins, pairs, out=np.full(np.shape(pairs), np.nan), where=pairs > 0))


def augrc(confidence: Floats, right: Bools) -> Floats:
    """Return the area under the generalised risk-coverage curve, shape (..., n) to (...).

    The share of all questions that would be answered wrongly, averaged over all shares that could be answered
    (Traub et al., "Overcoming Common Flaws in the Evaluation of Selective Classification Systems", 2024).
    """
    accuracy = right.mean(axis=-1)
    ranking = np.nan_to_num(auroc(confidence, right), nan=1.0)
    return np.asarray((1 - ranking) * accuracy * (1 - accuracy) + (1 - accuracy) ** 2 / 2)


def calibration_error(confidence: Floats, right: Bools) -> Floats:
    """Return the expected calibration error over BINS bins of equal width, shape (..., n) to (...)."""
    bins = _bins(confidence)
    gap = confidence - right
    total = sum(np.abs(np.where(bins == each, gap, 0).sum(axis=-1)) for each in range(BINS))
    return np.asarray(total / confidence.shape[-1])


def curves(certainty: Certainty) -> dict[str, list[dict[str, float]]]:
    """Return the points of the risk-coverage curve and the bins of the reliability curve.

    A point: when the surest share `coverage` of the questions is answered, `risk` of these are wrong.
    """
    order = np.argsort(-certainty.confidence, kind="stable")
    wrong = np.cumsum(~certainty.right[order])
    # Only thresholds between unlike confidences can be chosen.
    sorted_confidence = certainty.confidence[order]
    ends = np.flatnonzero(np.diff(sorted_confidence, append=-np.inf) != 0)
    bins = _bins(certainty.confidence)
    return {
        "risk-coverage": [
            {"coverage": (end + 1) / len(order), "risk": float(wrong[end]) / (end + 1)} for end in ends.tolist()
        ],
        "reliability": [
            {
                "low": each / BINS,
                "high": (each + 1) / BINS,
                "confidence": float(certainty.confidence[bins == each].mean()),
                "right": float(certainty.right[bins == each].mean()),
                "n": int((bins == each).sum()),
            }
            for each in range(BINS)
            if (bins == each).any()
        ],
    }


def _slice_figures(name: str, answers: Sequence[AnswerRecord], measures: Sequence[Measure]) -> Iterator[Figure]:
    for measure in (each for each in measures if each not in (*CERTAINTY, *LATENCY)):
        scores = [score for answer in answers if (score := answer.scores.get(measure.name)) is not None]
        values = np.array(scores, dtype=np.float64)
        if measure.is_rate and scores:
            interval: tuple[float, float] | None = rate_interval(round(values.sum()), len(values))
        else:
            interval = bootstrap_interval(mean_statistic(values), len(values))
        yield _figure(name, measure.name, values.mean() if scores else None, interval, len(scores))
    certainty = certainty_of(answers)
    rows = np.arange(len(certainty))
    statistics = certainty_statistics(certainty)
    for measure in (each for each in measures if each in CERTAINTY):
        statistic = statistics[measure.name]
        value = _finite(statistic, rows)
        interval = None if value is None else bootstrap_interval(statistic, len(rows))
        yield _figure(name, measure.name, value, interval, 0 if value is None else len(rows))
    milliseconds = np.array([answer.milliseconds for answer in answers])
    for measure, share in zip(LATENCY, (0.5, 0.95), strict=True):
        if not len(milliseconds):
            yield _figure(name, measure.name, None, None, 0)
            continue
        value = float(np.quantile(milliseconds, share))
        yield _figure(name, measure.name, value, quantile_interval(milliseconds, share), len(milliseconds))


def _figure(slice_name: str, measure: str, value: float | None, interval: tuple[float, float] | None, n: int) -> Figure:
    low, high = interval or (None, None)
    return Figure(slice_name, measure, None if value is None else float(value), low, high, n)


def _finite(statistic: Callable[[Ints], Floats], rows: Ints) -> float | None:
    if not len(rows):
        return None
    value = float(statistic(rows))
    return value if np.isfinite(value) else None


def _has_certainty(answer: AnswerRecord) -> bool:
    outcome = answer.answer.get("outcome")
    return "confidence" in answer.answer and Kind.EMERGENCY not in (answer.kind, outcome)


def _best_is_right(answer: AnswerRecord) -> bool:
    if answer.answer.get("outcome") in (Outcome.ANSWERED, Outcome.OVERVIEW):
        return answer.scores.get("first quote right") == 1
    return bool(answer.ranking) and answer.ranking[0] in answer.gold_sentences


def _bins(confidence: Floats) -> Ints:
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
