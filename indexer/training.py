"""Fit what decides for a taught article, out of fold: no question is judged by a head that saw its author."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression

from indexer.decision import (
    OUTCOMES,
    Decider,
    Flags,
    Logistic,
    confidence_features,
    judge,
    off_subject_features,
    outcome_features,
    sentence_features,
)
from indexer.encoder import Vectors
from indexer.evidence import (
    OFF_SUBJECT_TAGS,
    OUTCOME_COLUMNS,
    Evidence,
    Taught,
    head_columns,
    nearest,
    nearest_declined,
)
from indexer.followups import (
    LEANING_TAGS,
    FollowUpEvidence,
    follow_up_outcome_features,
    follow_up_sentence_features,
)
from indexer.head import Floats, Head, fit_head
from indexer.questions import Kind, Question

# Fewer answered questions than this, and an article is treated as untaught: nothing could be fitted on them.
MIN_ANSWERED = 60

# The same for the follow-up turns of taught conversations.
MIN_FOLLOW_UPS = 100

# Of the taught questions that the article does not answer, at most this share may get an answer (out of fold).
WRONG_ANSWER_SHARE = 0.22
# The same for follow-up questions, which are taught with more and nearer traps than patients set.
WRONG_FOLLOW_UP_SHARE = 0.1
# Of the questions that stand alone, at most this share may be read with what was shown before them.
TAKEN_FOR_LEANING_SHARE = 0.15
# Of the sentences highlighted in an answer, at least this share must be right (out of fold).
HIGHLIGHT_PRECISION = 0.87
# No sentence less probable than this is highlighted beside the best one.
LEAST_HIGHLIGHT = 0.05
# Of the taught questions that the article answers, at most this share may raise the emergency notice.
FALSE_ALARM_SHARE = 0.002

# Of the taught questions that the article answers, at most this share may be declined as too unlike the others.
TAKEN_FOR_STRANGE_SHARE = 0.002

# Of the taught questions that the article answers and the bot too, at most this share may be declined as off subject.
TAKEN_FOR_OFF_SUBJECT_SHARE = 0.02
# Whether a question is off the subject is learned from those with at least this share of the confidence that an answer
# needs; the others are declined anyhow, and are so many that they would drown what matters.
_IN_DOUBT = 0.25
# With fewer of them off the subject it is not learned at all.
MIN_OFF_SUBJECT = 50

# A sentence belongs to an overview when its score is at least this share of the strongest one's.
PART_THRESHOLD = 0.5

# An answer highlights at most this many sentences.
MAX_SENTENCES = 3

VOICE_TAG = "voice:"


def fit_shelf(
    taught: Taught, vectors: Vectors, dense: Floats, lexical: Floats
) -> tuple[Head, Decider, dict[str, float]]:
    """Fit head and decider of a taught article.

    vectors: (n, d) unit vectors of the taught questions; dense, lexical: (n, s) their evidence.
    Returns also the out-of-fold figures, which the manifest keeps.
    """
    groups = fold_labels(taught.questions)
    head, held_out = fit_head(vectors, [q.text for q in taught.questions], targets_of(taught), groups)
    evidence = held_out_evidence(taught, vectors, dense, lexical, held_out, groups)
    decider = fit_decider(taught, sentence_features(evidence), partial(outcome_features, evidence), WRONG_ANSWER_SHARE)
    answerable = [q.kind in (Kind.ANSWERED, Kind.OVERVIEW) for q in taught.questions]
    familiar = float(np.quantile(evidence.neighbour.max(axis=1)[answerable], TAKEN_FOR_STRANGE_SHARE))
    decider = with_off_subject(replace(decider, familiar_threshold=familiar), taught, evidence)
    judged = judge(decider, evidence)
    sentences, confidence = (np.array([getattr(j, name) for j in judged]) for name in ("sentences", "confidence"))
    return head, decider, figures_of(taught, sentences, confidence, decider.answer_threshold)


def with_off_subject(decider: Decider, taught: Taught, evidence: Evidence) -> Decider:
    """Return a decider that also tells, on out-of-fold evidence, what is not about the article's subject at all."""
    confidence = np.array([judgement.confidence for judgement in judge(decider, evidence)])
    off_subject = np.array([is_off_subject(question) for question in taught.questions])
    answerable = np.array([q.kind in (Kind.ANSWERED, Kind.OVERVIEW) for q in taught.questions])
    in_doubt = confidence > _IN_DOUBT * decider.answer_threshold
    if (off_subject & in_doubt).sum() < MIN_OFF_SUBJECT:
        return decider
    features = off_subject_features(confidence, evidence)
    fitted = in_doubt & (off_subject | answerable)
    model = _logistic(features[fitted], off_subject[fitted])
    shown = answerable & (confidence > decider.answer_threshold)
    threshold = float(np.quantile(model(features[shown]), 1 - TAKEN_FOR_OFF_SUBJECT_SHARE))
    return replace(decider, off_subject=model, off_subject_threshold=threshold)


def is_off_subject(question: Question) -> bool:
    """Tell whether a taught question is without an answer because it is not about the article's subject at all."""
    return question.kind is Kind.DECLINED and not OFF_SUBJECT_TAGS.isdisjoint(question.tags)


def fit_follow_ups(
    taught: Taught, vectors: Vectors, evidence: Evidence, places: Floats, alone: Decider
) -> tuple[Head, Decider, float, dict[str, float]]:
    """Fit head, decider and leaning threshold for the follow-up turns of taught conversations.

    vectors: (n, 2·d) of `followups.turn_vectors`; evidence: of the questions alone, n rows; places: (n, s, 6)
    of `followups.place_features`; alone: what decides for single questions.
    """
    texts = [question.text for question in taught.questions]
    leaning = np.array([float(bool(LEANING_TAGS.intersection(q.tags))) for q in taught.questions])
    targets = np.concatenate([targets_of(taught), leaning[:, None]], axis=1)
    head, held_out = fit_head(vectors, texts, targets, fold_labels(taught.questions))
    scores, part, outcomes = head_columns(held_out[:, :-1], taught.leads, evidence.sentences)
    lengths = np.array([float(len(text.split())) for text in texts])
    found = FollowUpEvidence(evidence, scores, part, outcomes, places, lengths)
    features, outcome_features_of = (
        follow_up_sentence_features(found),
        partial(follow_up_outcome_features, alone, found),
    )
    decider = fit_decider(taught, features, outcome_features_of, WRONG_FOLLOW_UP_SHARE)
    sentences = decider.sentence(features)
    confidence = decider.confidence(confidence_features(sentences, decider.outcome(outcome_features_of(sentences))))
    figures = figures_of(taught, sentences, confidence, decider.answer_threshold)
    threshold = float(np.quantile(held_out[leaning == 0, -1], 1 - TAKEN_FOR_LEANING_SHARE))
    figures["leaning: read with what was shown"] = float((held_out[leaning == 1, -1] >= threshold).mean())
    figures["standing alone: read with what was shown"] = float((held_out[leaning == 0, -1] >= threshold).mean())
    return head, decider, threshold, figures


def fit_decider(
    taught: Taught, features: Floats, outcome_features_of: Callable[[Floats], Floats], wrong_share: float
) -> Decider:
    """Fit the models and choose the thresholds on out-of-fold features.

    features: (n, s, f) of every question and sentence; outcome_features_of: from the sentences' probabilities
    (n, s) to the features of every question; wrong_share: of the questions without an answer, at most this
    share may get one.
    """
    kinds = np.array([OUTCOMES.index(q.kind.value) for q in taught.questions])
    answered: Flags = np.equal(kinds, OUTCOMES.index("answered"))
    overview: Flags = np.equal(kinds, OUTCOMES.index("overview"))
    declined: Flags = np.equal(kinds, OUTCOMES.index("declined"))
    right = _right(taught, features.shape[1])
    sentence_model = _logistic(features[answered].reshape(-1, features.shape[-1]), right[answered].ravel())
    probabilities = sentence_model(features)
    of_questions = outcome_features_of(probabilities)
    outcome_model = _logistic(of_questions, kinds)
    outcomes = outcome_model(of_questions)
    _, one_right = _right_places(right, probabilities)
    of_answers = confidence_features(probabilities, outcomes)
    confidence_model = _logistic(of_answers, one_right | overview)
    confidence = confidence_model(of_answers)
    threshold = float(np.quantile(confidence[declined], 1 - wrong_share)) if declined.any() else 0.5
    emergency = outcomes[answered | overview, OUTCOMES.index("emergency")]
    return Decider(
        sentence=sentence_model,
        outcome=outcome_model,
        confidence=confidence_model,
        answer_threshold=threshold,
        highlight_threshold=_highlight_threshold(probabilities[answered], right[answered]),
        part_threshold=PART_THRESHOLD,
        emergency_threshold=max(0.5, float(np.quantile(emergency, 1 - FALSE_ALARM_SHARE))),
    )


def figures_of(taught: Taught, sentences: Floats, confidence: Floats, threshold: float) -> dict[str, float]:
    """Return the figures that the manifest keeps, out of fold. sentences: (n, s) probabilities; confidence: (n,)."""
    kinds = np.array([question.kind for question in taught.questions])
    answered, declined = np.equal(kinds, Kind.ANSWERED), np.equal(kinds, Kind.DECLINED)
    first_right, one_right = _right_places(_right(taught, sentences.shape[1]), sentences)
    shown: Flags = np.greater(confidence, threshold)
    wrongly = int(np.count_nonzero(shown & declined))
    return {
        "answerable: first sentence right": float(first_right[answered].mean()),
        "answerable: right among three": float(one_right[answered].mean()),
        "answerable: answered": float(shown[answered].mean()),
        "unanswerable: answered": wrongly / max(1, int(declined.sum())),
        "unanswerable: answered, upper bound": upper_bound(wrongly, int(declined.sum())),
        "answers shown that are wrong": float((shown & (declined | (answered & ~first_right))).sum() / shown.sum()),
    }


def _right(taught: Taught, sentences: int) -> Flags:
    """Return which of the s sentences answer each question by themselves, shape (n, s); none of an overview."""
    right = np.zeros((len(taught.questions), sentences), dtype=bool)
    for row, (question, leads) in enumerate(zip(taught.questions, taught.leads_to, strict=True)):
        if question.kind is Kind.ANSWERED:
            right[row, list(leads)] = True
    return right


def _right_places(right: Flags, probabilities: Floats) -> tuple[Flags, Flags]:
    """Return, per question, whether its best sentence is right, and whether one of its best MAX_SENTENCES is."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :MAX_SENTENCES]
    right_of_best: Flags = np.take_along_axis(right, best, axis=1)
    return right_of_best[:, 0], np.asarray(right_of_best.any(axis=1))


def fold_labels(questions: Sequence[Question]) -> list[str]:
    """Return one fold label a question: its `voice:` tag, so that a fold is an author the head never saw.

    Questions without one go to five folds by their words.
    """
    labels = []
    for question in questions:
        voice = next((tag for tag in question.tags if tag.startswith(VOICE_TAG)), None)
        labels.append(voice or f"words:{zlib.crc32(question.text.encode()) % 5}")
    if len(set(labels)) == 1:
        return [f"words:{zlib.crc32(question.text.encode()) % 5}" for question in questions]
    return labels


def upper_bound(failures: int, trials: int, level: float = 0.95) -> float:
    """Return the one-sided Clopper–Pearson upper bound of a rate (1.0 without trials)."""
    return 1.0 if failures >= trials else float(beta.ppf(level, failures + 1, trials - failures))


def targets_of(taught: Taught) -> Floats:
    """Return what a head learns: for each question 1 in the columns of its sentences and outcome, shape (n, k)."""
    leads = taught.leads
    column = {sentence: number for number, sentence in enumerate(leads)}
    targets = np.zeros((len(taught.questions), 2 * len(leads) + len(OUTCOME_COLUMNS)))
    for row, (question, own) in enumerate(zip(taught.questions, taught.leads_to, strict=True)):
        if question.kind is Kind.ANSWERED:
            for sentence in own:
                targets[row, column[sentence]] = 1 / len(own)
            continue
        targets[row, 2 * len(leads) + OUTCOME_COLUMNS.index(question.kind.value)] = 1
        if is_off_subject(question):
            targets[row, 2 * len(leads) + OUTCOME_COLUMNS.index("off subject")] = 1
        for sentence in own:
            targets[row, len(leads) + column[sentence]] = 1
    return targets


def held_out_evidence(
    taught: Taught,
    vectors: Vectors,
    dense: Floats,
    lexical: Floats,
    held_out: Floats,
    groups: Sequence[str],
) -> Evidence:
    """Evidence in which every taught question sees only questions of other groups."""
    labels = np.asarray(groups)
    sentences = dense.shape[1]
    neighbour, declined_neighbour = np.empty(dense.shape), np.empty(len(dense))
    for group in sorted(set(groups)):
        own = np.flatnonzero(labels == group)
        likeness = vectors[own] @ vectors.T
        likeness[:, own] = 0
        neighbour[own] = nearest(likeness, taught.rows_by_sentence, sentences)
        declined_neighbour[own] = nearest_declined(likeness, taught.declined_rows)
    scores, part, outcomes = head_columns(held_out, taught.leads, sentences)
    return Evidence(
        dense=dense,
        lexical=lexical,
        taught=scores,
        neighbour=neighbour,
        part=part,
        outcomes=outcomes,
        declined_neighbour=declined_neighbour,
    )


def _logistic(features: Floats, labels: npt.NDArray[Any]) -> Logistic:
    """Fit a logistic regression; features are scaled for the fit, and the scale is folded into the weights."""
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    deviation[deviation == 0] = 1
    classes = sorted(set(labels.tolist()))
    if len(classes) < 2:
        outputs = 1 if labels.dtype == bool else len(OUTCOMES)
        only = [20.0 if number == classes[0] else -20.0 for number in range(outputs)]
        return _rounded(np.zeros((outputs, features.shape[1])), np.array(only))
    model = LogisticRegression(C=1.0, max_iter=2000).fit((features - mean) / deviation, labels)
    weights = model.coef_ / deviation
    bias = model.intercept_ - weights @ mean
    if labels.dtype == bool:
        return _rounded(weights, bias)
    # Outcomes that nobody taught get no probability.
    full_weights = np.zeros((len(OUTCOMES), features.shape[1]))
    full_bias = np.full(len(OUTCOMES), -50.0)
    if len(classes) == 2:
        weights, bias = np.vstack([0 * weights, weights]), np.concatenate([[0.0], bias])
    full_weights[classes], full_bias[classes] = weights, bias
    return _rounded(full_weights, full_bias)


def _rounded(weights: Floats, bias: Floats) -> Logistic:
    # Nine digits: more than the models' precision, few enough that builds agree to the byte.
    return Logistic(
        tuple(tuple(round(float(w), 9) for w in row) for row in weights),
        tuple(round(float(b), 9) for b in bias),
    )


def _highlight_threshold(probabilities: Floats, right: npt.NDArray[np.bool_]) -> float:
    """Return the lowest probability from which highlighted sentences keep HIGHLIGHT_PRECISION.

    The best sentence is always highlighted, so that the others may spend only what it leaves.
    """
    best = probabilities.argmax(axis=1)
    rows = np.arange(len(best))
    shown, good = len(best), int(np.count_nonzero(right[rows, best]))
    others = probabilities.copy()
    others[rows, best] = -1
    chosen = 0.5
    order = np.argsort(-others, axis=None)
    for position in order:
        row, sentence = np.unravel_index(position, others.shape)
        if others[row, sentence] < LEAST_HIGHLIGHT:
            break
        shown, good = shown + 1, good + int(right[row, sentence])
        if good / shown >= HIGHLIGHT_PRECISION:
            chosen = float(others[row, sentence])
    return min(chosen, 0.5)
