"""Fitting what decides for articles that nobody taught, on a third-party set that tells what it does not answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.model_selection import GroupKFold

from eval.beir import BeirSet, Query
from eval.measures import auroc
from eval.retrieval import Library
from indexer.decision import SENTENCE_FEATURES, Decider, judge, outcome_features, sentence_features
from indexer.errors import UsageError
from indexer.evidence import Evidence, Taught, untaught_evidence
from indexer.questions import Kind, Question
from indexer.training import fit_decider

# Of the questions that their article does not answer, this share may get an answer. High, because nothing tells them
# well: a stricter one would decline most of what an article does answer.
WRONG_UNTAUGHT_SHARE = 0.5
# Articles differ in length; the best places of each are fitted on.
PLACES = 15
FOLDS = 8


@dataclass(frozen=True, slots=True)
class Fitted:
    """A decider for untaught articles, and how well it does on articles that it was not fitted on."""

    decider: Decider
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Material:
    """The evidence of n queries for the best PLACES of their articles, and what is right."""

    evidence: Evidence
    taught: Taught
    articles: tuple[str, ...]

    def part(self, rows: Sequence[int]) -> "_Material":
        return _Material(
            _evidence_of(self.evidence, rows),
            Taught(tuple(self.taught.questions[row] for row in rows), tuple(self.taught.leads_to[row] for row in rows)),
            tuple(self.articles[row] for row in rows),
        )


def fit_untaught(beir: BeirSet, library: Library, queries: Iterable[Query]) -> Fitted:
    """Fit on all queries of a set, each within its article; figures are out of fold over articles.

    Raises UsageError when the set does not tell articles and what they do not answer.
    """
    material = _gather(beir, library, queries)
    answerable = np.array([question.kind is Kind.ANSWERED for question in material.taught.questions])
    if answerable.all() or not answerable.any() or len(set(material.articles)) < FOLDS:
        raise UsageError(f"{beir.name}: too little to fit on; a set must tell 'article' and 'is_answerable'.")
    confidence, threshold = np.zeros(len(answerable)), np.zeros(len(answerable))
    for learned, tested in GroupKFold(FOLDS).split(answerable, groups=material.articles):
        decider = _fit(material.part(learned))
        confidence[tested] = [judgement.confidence for judgement in judge(decider, material.part(tested).evidence)]
        threshold[tested] = decider.answer_threshold
    shown = confidence >= threshold
    return Fitted(
        _fit(material),
        {
            "auroc": float(auroc(confidence, answerable)),
            "answerable: answered": float(shown[answerable].mean()),
            "unanswerable: answered": float(shown[~answerable].mean()),
        },
    )


def _gather(beir: BeirSet, library: Library, queries: Iterable[Query]) -> _Material:
    place_of = {document.id: number for number, document in enumerate(beir.documents)}
    found, whole, leads, questions, articles = [], [], [], [], []
    for query in queries:
        own = library.documents_of(query.article)
        if query.article is None or len(own) < PLACES:
            continue
        of_own = np.stack(library.evidence(query.text, "", own))
        best = np.sort(np.argsort(-untaught_evidence(*of_own[:, None, :]).taught[0])[:PLACES])
        answered = query.answerable is not False
        relevant = [place_of[document] for document in query.relevant] if answered else []
        found.append(of_own[:, best])
        whole.append(of_own[0].mean())
        leads.append(tuple(int(at) for at in np.flatnonzero(np.isin(own[best], relevant))))
        questions.append(Question(query.text, Kind.ANSWERED if answered else Kind.DECLINED))
        articles.append(query.article)
    if not found:
        raise UsageError(f"{beir.name}: too little to fit on; a set must tell 'article' and 'is_answerable'.")
    # The mean is that of the whole article, not of its best places.
    evidence = replace(untaught_evidence(*np.stack(found, axis=1)), declined_neighbour=np.array(whole))
    return _Material(evidence, Taught(tuple(questions), tuple(leads)), tuple(articles))


def _evidence_of(evidence: Evidence, rows: Sequence[int]) -> Evidence:
    return Evidence(**{field.name: getattr(evidence, field.name)[rows] for field in fields(Evidence)})


def _fit(material: _Material) -> Decider:
    evidence = material.evidence
    # Ranked by the fused score alone, so that sentences stand in the order that the third-party figures were taken in.
    features = sentence_features(evidence) * _only("taught", "taught lead")
    return fit_decider(material.taught, features, partial(outcome_features, evidence), WRONG_UNTAUGHT_SHARE)[0]


def _only(*names: str) -> Any:
    return np.array([float(name in names) for name in SENTENCE_FEATURES])
