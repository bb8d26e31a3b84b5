"""Evidence → probabilities: which sentence answers, and what the right outcome is.

Two small logistic models, fitted at build time on out-of-fold evidence (indexer/training.py), whose features
are named here so that build and answer time compute the same ones.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.evidence import OUTCOME_COLUMNS, Evidence
from indexer.head import Floats

Flags = npt.NDArray[np.bool_]

SENTENCE_FEATURES = (
    "taught", "taught lead", "dense", "dense lead", "lexical", "lexical lead", "neighbour", "neighbour lead",
)  # fmt: skip
OUTCOME_FEATURES = (
    "best taught", "second taught", "overview", "declined", "emergency", "best sentence", "second sentence",
    "best dense", "best lexical", "best neighbour", "declined neighbour", "neighbour lead over declined",
)  # fmt: skip
OUTCOMES = ("answered", "overview", "declined", "emergency")

_OFF_SUBJECT = OUTCOME_COLUMNS.index("off subject")


@dataclass(frozen=True)
class Logistic:
    """Logistic regression: `weights` (outputs, features) and `bias` (outputs,); one output is a sigmoid."""

    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]

    def __call__(self, features: Floats) -> Floats:
        """Return probabilities, shape (..., outputs), or (...) where there is one output."""
        logits = features @ np.asarray(self.weights).T + np.asarray(self.bias)
        if len(self.bias) == 1:
            return np.asarray(1 / (1 + np.exp(-logits[..., 0])))
        shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class Decider:
    """What decides for a shelf: the fitted models and the thresholds chosen with them.

    answer_threshold: confidence below which a question is declined.
    highlight_threshold: probability from which a second or third sentence is highlighted beside the best one.
    part_threshold: share of the strongest part from which a sentence belongs to an overview.
    emergency_threshold: probability of an emergency from which the notice is shown.
    familiar_threshold: cosine with the nearest answered taught question below which a question is declined, as too
    unlike all that was taught for the models to know anything of it; -1 where that does not matter.
    off_subject: from the confidence and the head's score of "off subject" to the probability that the question is not
    about the article's subject at all; from off_subject_threshold on it is declined. None where nobody taught that.
    """

    sentence: Logistic
    outcome: Logistic
    confidence: Logistic
    answer_threshold: float
    highlight_threshold: float
    part_threshold: float
    emergency_threshold: float
    familiar_threshold: float = -1.0
    off_subject: Logistic | None = None
    off_subject_threshold: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the manifest."""
        return asdict(self)

    @staticmethod
    def from_json(values: dict[str, Any]) -> "Decider":
        """Read back what `to_json` wrote."""
        models = {
            name: Logistic(tuple(tuple(row) for row in model["weights"]), tuple(model["bias"]))
            for name, model in values.items()
            if isinstance(model, dict)
        }
        return Decider(**{**values, **models})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a shelf says of one question.

    `sentences` (s,): probability that each sentence answers; `parts` (s,): strength of each as part of an
    overview, 1 for the strongest; `outcomes`: probability of each of OUTCOMES; `confidence`: probability that
    one of the best three sentences answers the question, or that an overview does; `decider` has the thresholds
    that go with them; `leans` says that the question was read with what was shown before it.
    """

    sentences: Floats
    parts: Floats
    outcomes: dict[str, float]
    confidence: float
    decider: Decider
    leans: bool = False


def judge(decider: Decider, evidence: Evidence) -> list[Judgement]:
    """Judge each question of the evidence."""
    sentences = decider.sentence(sentence_features(evidence))
    outcomes = decider.outcome(outcome_features(evidence, sentences))
    confidence = decider.confidence(confidence_features(sentences, outcomes))
    believed = evidence.neighbour.max(axis=1) >= decider.familiar_threshold
    if decider.off_subject is not None:
        off_subject = decider.off_subject(off_subject_features(confidence, evidence))
        believed &= off_subject < decider.off_subject_threshold
    return judgements(decider, sentences, outcomes, evidence.part, confidence * believed)


def judgements(
    decider: Decider, sentences: Floats, outcomes: Floats, part: Floats, confidence: Floats, *, leans: bool = False
) -> list[Judgement]:
    """Put together what was found for n questions: sentences and part (n, s), outcomes (n, 4), confidence (n,)."""
    strongest = np.maximum(part.max(axis=1, keepdims=True), 0.05)
    return [
        Judgement(
            sentences=sentences[row],
            parts=part[row] / strongest[row],
            outcomes=dict(zip(OUTCOMES, map(float, outcomes[row]), strict=True)),
            confidence=float(confidence[row]),
            decider=decider,
            leans=leans,
        )
        for row in range(len(sentences))
    ]


def sentence_features(evidence: Evidence) -> Floats:
    """Return SENTENCE_FEATURES for every question and sentence, shape (n, s, features)."""
    columns = []
    for kind in (evidence.taught, evidence.dense, evidence.lexical, evidence.neighbour):
        columns += [kind, lead(kind)]
    return np.stack(columns, axis=-1)


def outcome_features(evidence: Evidence, sentences: Floats) -> Floats:
    """Return OUTCOME_FEATURES for every question, shape (n, features)."""
    best_neighbour = evidence.neighbour.max(axis=1)
    return np.stack(
        [
            *_best_two(evidence.taught),
            *evidence.outcomes[:, :_OFF_SUBJECT].T,
            *_best_two(sentences),
            evidence.dense.max(axis=1),
            evidence.lexical.max(axis=1),
            best_neighbour,
            evidence.declined_neighbour,
            best_neighbour - evidence.declined_neighbour,
        ],
        axis=-1,
    )


def confidence_features(sentences: Floats, outcomes: Floats) -> Floats:
    """Return the log-odds that the article answers and that the best sentence does, shape (n, 2)."""
    answerable = outcomes[:, OUTCOMES.index("answered")] + outcomes[:, OUTCOMES.index("overview")]
    return np.stack([log_odds(answerable), log_odds(sentences.max(axis=1))], axis=-1)


def off_subject_features(confidence: Floats, evidence: Evidence) -> Floats:
    """Return the log-odds of the confidence and the head's score of "off subject", shape (n, 2)."""
    return np.stack([log_odds(confidence), evidence.outcomes[:, _OFF_SUBJECT]], axis=-1)


def lead(scores: Floats) -> Floats:
    """Return how far each score lies above the best of the others (below it: negative), shape as given."""
    if scores.shape[1] == 1:
        return np.zeros_like(scores)
    second, first = np.partition(scores, -2, axis=1)[:, -2:].T
    is_first = scores == first[:, None]
    return np.asarray(scores - np.where(is_first, second[:, None], first[:, None]))


def _best_two(scores: Floats) -> tuple[Floats, Floats]:
    if scores.shape[1] == 1:
        return scores[:, 0], np.zeros(len(scores))
    second, first = np.partition(scores, -2, axis=1)[:, -2:].T
    return first, second


def log_odds(probability: Floats) -> Floats:
    """Return the logarithm of p / (1 - p), for p kept off 0 and 1."""
    clipped = np.clip(probability, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(clipped / (1 - clipped)))
