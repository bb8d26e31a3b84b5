"""Fitting what decides for articles that nobody taught, on a third-party set that tells what it does not answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from eval.beir import BeirSet, Query
from eval.measures import auroc
from eval.retrieval import Library
from indexer.decision import SENTENCE_FEATURES, judge, outcome_features, sentence_features
from indexer.encoder import Vectors
from indexer.errors import UsageError
from indexer.evidence import OUTCOME_COLUMNS, Evidence, Taught
from indexer.head import Floats
from indexer.questions import Kind, Question
from indexer.training import fit_decider
from indexer.untaught import Untaught

# Of the questions that their article does not answer, this share may get an answer. High, because nothing tells them
# well: a stricter one would decline most of what an article does answer.
WRONG_UNTAUGHT_SHARE = 0.5
# Articles differ in length; the best places of each are fitted on.
PLACES = 15
FOLDS = 8
# Every so many queries one is also asked of another article, which does not even speak of it: a set whose questions
# all stay on their subject would not teach what is off the subject.
ASKED_ELSEWHERE = 3
# Inverse strength of the ridge on the weights of the reader's state: many numbers, and few articles.
STATE_FREEDOM = 0.03

_DECLINED = OUTCOME_COLUMNS.index("declined")


@dataclass(frozen=True, slots=True)
class Fitted:
    """What decides for untaught articles, and how well it does on articles that it was not fitted on."""

    untaught: Untaught
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Material:
    """The evidence of n queries for the best PLACES of the articles they were asked of, and what is right.

    `states` (n, d) of the reader; `articles`: whose article each query is about; `elsewhere`: asked of another one.
    """

    evidence: Evidence
    states: Vectors
    taught: Taught
    articles: tuple[str, ...]
    elsewhere: tuple[bool, ...]

    def part(self, rows: Sequence[int]) -> "_Material":
        return _Material(
            _evidence_of(self.evidence, rows),
            self.states[rows],
            Taught(tuple(self.taught.questions[row] for row in rows), tuple(self.taught.leads_to[row] for row in rows)),
            tuple(self.articles[row] for row in rows),
            tuple(self.elsewhere[row] for row in rows),
        )


def fit_untaught(beir: BeirSet, library: Library, queries: Iterable[Query]) -> Fitted:
    """Fit on all queries of a set, each within its article; figures are out of fold over articles.

    Raises UsageError when the set does not tell articles and what they do not answer.
    """
    material = _gather(beir, library, queries)
    answerable = _answerable(material)
    if answerable.all() or not answerable.any() or len(set(material.articles)) < FOLDS:
        raise UsageError(f"{beir.name}: too little to fit on; a set must tell 'article' and 'is_answerable'.")
    confidence, threshold = np.zeros(len(answerable)), np.zeros(len(answerable))
    for learned, tested in GroupKFold(FOLDS).split(answerable, groups=material.articles):
        fitted, held_out = _fit(material.part(learned)), material.part(tested)
        evidence = _with_states(held_out.evidence, held_out.states @ np.array(fitted.unanswered) + fitted.bias)
        confidence[tested] = [judgement.confidence for judgement in judge(fitted.decider, evidence)]
        threshold[tested] = fitted.decider.answer_threshold
    shown, elsewhere = confidence >= threshold, np.array(material.elsewhere)
    return Fitted(
        _fit(material),
        {
            "auroc": float(auroc(confidence[~elsewhere], answerable[~elsewhere])),
            "answerable: answered": float(shown[answerable].mean()),
            "unanswerable: answered": float(shown[~answerable & ~elsewhere].mean()),
            "asked of another article: answered": float(shown[elsewhere].mean()),
        },
    )


def _gather(beir: BeirSet, library: Library, queries: Iterable[Query]) -> _Material:
    place_of = {document.id: number for number, document in enumerate(beir.documents)}
    long_enough = [a for a in sorted({q.article or "" for q in beir.queries}) if len(library.documents_of(a)) >= PLACES]
    found: list[Evidence] = []
    states, leads, questions, articles, elsewhere = [], [], [], [], []
    for number, query in enumerate(queries):
        if query.article not in long_enough:
            continue
        others = [article for article in long_enough if article != query.article]
        asked_of = [query.article, *([others[number % len(others)]] if others and not number % ASKED_ELSEWHERE else [])]
        for article in asked_of:
            evidence, state = library.read(query.text, article)
            best = np.sort(np.argsort(-evidence.taught[0], kind="stable")[:PLACES])
            answered = article == query.article and query.answerable is not False
            relevant = [place_of[document] for document in query.relevant] if answered else []
            found.append(_places_of(evidence, best))
            states.append(state)
            leads.append(tuple(np.flatnonzero(np.isin(library.documents_of(article)[best], relevant)).tolist()))
            questions.append(Question(query.text, Kind.ANSWERED if answered else Kind.DECLINED))
            articles.append(query.article)
            elsewhere.append(article != query.article)
    if not found:
        raise UsageError(f"{beir.name}: too little to fit on; a set must tell 'article' and 'is_answerable'.")
    return _Material(
        Evidence(**{f.name: np.concatenate([getattr(own, f.name) for own in found]) for f in fields(Evidence)}),
        np.stack(states),
        Taught(tuple(questions), tuple(leads)),
        tuple(articles),
        tuple(elsewhere),
    )


def _places_of(evidence: Evidence, places: Any) -> Evidence:
    """Return the evidence of some places; what is said of the whole article stays."""
    by_place = ("dense", "lexical", "taught", "neighbour", "part")
    return replace(evidence, **{name: getattr(evidence, name)[:, places] for name in by_place})


def _evidence_of(evidence: Evidence, rows: Sequence[int]) -> Evidence:
    return Evidence(**{field.name: getattr(evidence, field.name)[rows] for field in fields(Evidence)})


def _with_states(evidence: Evidence, unanswered: Floats) -> Evidence:
    """Put the log-odds that a question has no answer, (n,), where the head's would stand."""
    outcomes = evidence.outcomes.copy()
    outcomes[:, _DECLINED] = unanswered
    return replace(evidence, outcomes=outcomes)


def _answerable(material: _Material) -> Any:
    return np.array([question.kind is Kind.ANSWERED for question in material.taught.questions])


def _fit(material: _Material) -> Untaught:
    answerable = _answerable(material)
    # The decider must see of a state what it will see of one that was not fitted on.
    unanswered = np.zeros(len(answerable))
    folds = min(FOLDS, len(set(material.articles)))
    for learned, tested in GroupKFold(folds).split(answerable, groups=material.articles):
        weights, bias = _weigh_states(material.states[learned], answerable[learned])
        unanswered[tested] = material.states[tested] @ weights + bias
    evidence = _with_states(material.evidence, unanswered)
    # Ranked by the fused score alone, so that sentences stand in the order that the third-party figures were taken in.
    features = sentence_features(evidence) * _only("taught", "taught lead")
    decider = fit_decider(material.taught, features, partial(outcome_features, evidence), WRONG_UNTAUGHT_SHARE)
    own = [j.confidence for j in judge(decider, evidence)]
    on_subject = np.array(own)[~answerable & ~np.array(material.elsewhere)]
    weights, bias = _weigh_states(material.states, answerable)
    return Untaught(
        replace(decider, answer_threshold=round(float(np.quantile(on_subject, 1 - WRONG_UNTAUGHT_SHARE)), 9)),
        tuple(round(float(weight), 6) for weight in weights),
        round(bias, 6),
    )


def _weigh_states(states: Vectors, answerable: Any) -> tuple[Floats, float]:
    """Fit the log-odds that a question has no answer on states (n, d); return weights (d,) and bias."""
    mean, deviation = states.mean(axis=0), states.std(axis=0) + 1e-6
    model = LogisticRegression(C=STATE_FREEDOM, max_iter=2000).fit((states - mean) / deviation, ~answerable)
    weights = model.coef_[0] / deviation
    return weights, float(model.intercept_[0] - weights @ mean)


def _only(*names: str) -> Any:
    return np.array([float(name in names) for name in SENTENCE_FEATURES])
