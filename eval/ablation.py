"""What each part of the understanding is worth: the article's taught questions, out of fold, each part removed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from rich.table import Table
from threadpoolctl import threadpool_limits

from eval.measures import Bools, auroc
from eval.statistics import bootstrap_interval
from indexer.build import THREADS
from indexer.decision import judge, outcome_features, sentence_features
from indexer.encoder import Vectors, plain
from indexer.evidence import Evidence
from indexer.head import WEIGHTS, Floats, fit_head
from indexer.index import Index, Shelf
from indexer.questions import Kind
from indexer.training import WRONG_ANSWER_SHARE, fit_decider, fold_labels, held_out_evidence, targets_of

# The likenesses in the kernel of the head, the second half of the vectors that it compares, then the kinds of evidence
# that are fused with what it says.
PARTS = ("meaning", "spelling", "wording", "halfway", "head", "dense", "lexical", "neighbour")

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ablated:
    """Figures without one part ("nothing": the whole), and the intervals of their differences from the whole."""

    without: str
    first_right: float
    first_right_change: tuple[float, float] | None
    auroc: float
    auroc_change: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class _Judged:
    """For each taught question whether its best sentence is right, and the confidence in it."""

    first_right: Bools
    confidence: Floats


def ablate(index: Index, shelf: Shelf, progress: Progress) -> Iterator[Ablated]:
    """Judge every taught question of a shelf by a head that never saw its author, once without each part."""
    vectors = index.question_views.reconstruct_n(shelf.first_question, len(shelf.taught.questions))
    dimension = index.encoder.dimension
    dense = index.views.dense(vectors)[:, shelf.sentences]
    lexical = index.lexicon.scores([q.text for q in shelf.taught.questions])[:, shelf.sentences]
    with threadpool_limits(THREADS):
        progress("Judging with everything")
        whole = _judge(shelf, vectors, dimension, dense, lexical, "nothing")
        yield _figures("nothing", shelf, whole, whole)
        for part in PARTS:
            progress(f"Judging without {part}")
            yield _figures(part, shelf, _judge(shelf, vectors, dimension, dense, lexical, part), whole)


def table_of(articles: Sequence[str], rows: Sequence[Ablated]) -> Table:
    """Return the figures for people: intervals are of the difference from the whole."""
    table = Table("without", "first sentence right", "difference", "AUROC answerable", "difference")
    table.title = f"What each part is worth: {', '.join(articles)}, out of fold"
    for row in rows:
        first, area = _interval(row.first_right_change), _interval(row.auroc_change)
        table.add_row(row.without, f"{row.first_right:.3f}", first, f"{row.auroc:.3f}", area)
    return table


def _interval(change: tuple[float, float] | None) -> str:
    return "" if change is None else f"{change[0]:+.3f} … {change[1]:+.3f}"


def _judge(shelf: Shelf, vectors: Vectors, dimension: int, dense: Floats, lexical: Floats, without: str) -> _Judged:
    taught, groups = shelf.taught, fold_labels(shelf.taught.questions)
    if without == "halfway":
        vectors = plain(vectors, dimension)
    weights = {likeness: 0.0 if likeness == without else weight for likeness, weight in WEIGHTS.items()}
    weights = {likeness: weight / sum(weights.values()) for likeness, weight in weights.items()}
    texts = [question.text for question in taught.questions]
    _, held_out = fit_head(vectors, texts, targets_of(taught), groups, weights)
    evidence = _without(held_out_evidence(taught, vectors, dense, lexical, held_out, groups), without)
    decider = fit_decider(taught, sentence_features(evidence), partial(outcome_features, evidence), WRONG_ANSWER_SHARE)
    judged = judge(decider, evidence)
    right = [int(j.sentences.argmax()) in leads for j, leads in zip(judged, taught.leads_to, strict=True)]
    return _Judged(np.array(right), np.array([judgement.confidence for judgement in judged]))


def _without(evidence: Evidence, part: str) -> Evidence:
    names = {
        "head": ("taught", "outcomes"),
        "dense": ("dense",),
        "lexical": ("lexical",),
        "neighbour": ("neighbour", "declined_neighbour"),
    }.get(part, ())
    return replace(evidence, **{name: np.zeros_like(getattr(evidence, name)) for name in names})


def _figures(without: str, shelf: Shelf, judged: _Judged, whole: _Judged) -> Ablated:
    kinds = np.array([question.kind.value for question in shelf.taught.questions])
    answered = kinds == Kind.ANSWERED.value
    parted = np.flatnonzero(answered | (kinds == Kind.DECLINED.value))
    own, full, answerable = judged.confidence[parted], whole.confidence[parted], answered[parted]
    gain = judged.first_right[answered].astype(float) - whole.first_right[answered]
    return Ablated(
        without=without,
        first_right=float(judged.first_right[answered].mean()),
        first_right_change=bootstrap_interval(lambda rows: np.asarray(gain[rows].mean(axis=-1)), len(gain)),
        auroc=float(auroc(own, answerable)),
        auroc_change=bootstrap_interval(
            lambda rows: auroc(own[rows], answerable[rows]) - auroc(full[rows], answerable[rows]), len(parted)
        ),
    )
