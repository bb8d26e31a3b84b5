"""Follow-up questions: what is meant by "and how long does that take?" after something was answered.

No text is written. A head of its own, learned from taught conversations, compares a follow-up with taught ones
twice over: alone, and behind the sentence that was shown last. It scores every sentence, every outcome, and
whether the question *leans* on what was shown at all; one that does not is judged as if it were the first. What
the head says goes with the question's own evidence, and with where each sentence stands to the one shown last,
into the same two small models that decide for single questions (indexer/decision.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from indexer.decision import (
    Decider,
    Judgement,
    confidence_features,
    judgements,
    lead,
    log_odds,
    outcome_features,
    sentence_features,
)
from indexer.encoder import Vectors
from indexer.evidence import Evidence, head_columns
from indexer.head import Floats, Head

PLACE_FEATURES = ("is last", "passage of last", "section of last", "next after last", "was shown", "later in section")

# Tags of taught turns that lean on the conversation; all others stand alone.
LEANING_TAGS = frozenset({"followup", "more"})

# Where no conversations were taught, the evidence for a follow-up is mixed of its readings: alone, behind what was
# shown or asked last, behind the first question. Picked on mtrag_clapnq and mtrag_govt (eval/RESULTS.md).
READINGS = (1 / 2, 1 / 6, 1 / 3)


@dataclass(frozen=True, slots=True)
class Context:
    """What a follow-up may lean on. Sentences are numbers in the corpus.

    `sentence` is the best one of the last answer, None when there was none or when it was an overview;
    `shown` are all that were highlighted so far; `first` is the question that opened the conversation, where that
    was not the previous one.
    """

    previous: str
    sentence: int | None = None
    shown: frozenset[int] = frozenset()
    first: str | None = None

    def behind(self, question: str, sentence_text: str | None) -> str:
        """Return a question behind the sentence shown last, or else behind the question before it."""
        return f"{sentence_text or self.previous} {question}"

    def behind_first(self, question: str) -> str:
        """Return a question behind the one that opened the conversation, which often names its subject."""
        return f"{self.first or self.previous} {question}"


@dataclass(frozen=True, slots=True)
class FollowUpEvidence:
    """Evidence for n follow-ups over s sentences: that of the question alone, the head's, and places.

    `taught` (n, s), `part` (n, s) and `outcomes` (n, 4) are scores of the follow-up head; `places` (n, s, 6)
    has PLACE_FEATURES; `lengths` (n,) counts the words of each question.
    """

    alone: Evidence
    taught: Floats
    part: Floats
    outcomes: Floats
    places: Floats
    lengths: Floats


@dataclass(frozen=True)
class FollowUps:
    """What was learned from the taught conversations of a shelf; `views` is the FAISS index of their turns.

    `leads` are the places that the head has columns for; a question whose leaning score is below
    `leaning_threshold` stands alone.
    """

    head: Head
    decider: Decider
    leads: tuple[int, ...]
    leaning_threshold: float
    views: Any

    def alone(self, row: int) -> Vectors:
        """Return the unit vector of a taught turn by itself, (d,); see `turn_vectors`."""
        both = self.views.reconstruct(row)
        return np.asarray(both[: len(both) // 2] * np.sqrt(2), dtype=np.float32)

    def judge(
        self, alone: Decider, question: str, evidence: Evidence, likeness: Floats, places: Floats
    ) -> Judgement | None:
        """Judge a follow-up, or return None when it stands alone.

        alone: what decides for single questions; likeness: (1, turns) to each taught turn; places: (s, 6).
        """
        scores = self.head.scores(likeness, [question])
        if scores[0, -1] < self.leaning_threshold:
            return None
        taught, part, outcomes = head_columns(scores[:, :-1], self.leads, evidence.sentences)
        length = np.array([float(len(question.split()))])
        found = FollowUpEvidence(evidence, taught, part, outcomes, places[None], length)
        sentences = self.decider.sentence(follow_up_sentence_features(found))
        features = follow_up_outcome_features(alone, found, sentences)
        outcomes = self.decider.outcome(features)
        confidence = self.decider.confidence(confidence_features(sentences, outcomes))
        return judgements(self.decider, sentences, outcomes, part, confidence, leans=True)[0]


def turn_vectors(alone: Vectors, behind: Vectors) -> Vectors:
    """Return what the follow-up head compares: a turn alone beside the same turn behind the last sentence."""
    return np.ascontiguousarray(np.concatenate([alone, behind], axis=1) / np.sqrt(2), dtype=np.float32)


def place_features(last: int | None, shown: Sequence[int], passages: Sequence[int], sections: Sequence[int]) -> Floats:
    """Return PLACE_FEATURES of every place of a shelf, shape (s, 6); last and shown are places."""
    own = np.arange(len(passages))
    features = np.zeros((len(own), len(PLACE_FEATURES)))
    if last is None:
        return features
    same_section = np.asarray(sections) == sections[last]
    features[:, 0] = own == last
    features[:, 1] = np.asarray(passages) == passages[last]
    features[:, 2] = same_section
    features[:, 3] = own == last + 1
    features[:, 4] = np.isin(own, list(shown))
    features[:, 5] = same_section & (own > last)
    return features


def follow_up_sentence_features(evidence: FollowUpEvidence) -> Floats:
    """Return the features of every follow-up and sentence, shape (n, s, features)."""
    own = np.stack([evidence.taught, lead(evidence.taught)], axis=-1)
    has_last = np.broadcast_to(evidence.places.max(axis=(1, 2), keepdims=True), (*evidence.taught.shape, 1))
    return np.concatenate([sentence_features(evidence.alone), own, evidence.places, has_last], axis=-1)


def follow_up_outcome_features(alone: Decider, evidence: FollowUpEvidence, sentences: Floats) -> Floats:
    """Return the features of every follow-up, shape (n, features)."""
    features = outcome_features(evidence.alone, alone.sentence(sentence_features(evidence.alone)))
    columns = [
        np.sort(sentences, axis=1)[:, -2:],
        log_odds(sentences.max(axis=1))[:, None],
        features,
        np.log(alone.outcome(features) + 1e-4),
        evidence.taught.max(axis=1, keepdims=True),
        evidence.outcomes,
        np.sqrt(evidence.lengths)[:, None],
        np.max(evidence.places, axis=(1, 2))[:, None],
    ]
    return np.concatenate(columns, axis=1)
