"""The learning curve: how well new authors' questions are answered, against the number taught per sentence.

The authors of the taught questions are parted into folds. For every fold and every size, a head and a decider
are fitted as a build fits them, on so many questions of the other folds, and judge the fold's questions.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from eval.measures import Bools, auroc
from eval.records import Figure
from eval.statistics import bootstrap_interval, rate_interval
from indexer.build import THREADS
from indexer.corpus import QUESTIONS_FILE
from indexer.decision import judge
from indexer.encoder import Vectors
from indexer.errors import UsageError
from indexer.evidence import Ints, Taught
from indexer.head import Floats
from indexer.index import Index, Shelf
from indexer.questions import Kind
from indexer.training import MIN_ANSWERED, fit_shelf, fold_labels
from indexer.untaught import load_untaught

FOLDS = 4
SIZES = (0, 2, 4, 8, 16, 32, 64, 128, 256, 512)
# Questions of a fold that are judged; more would not move the figures, only the clock.
TESTED = {Kind.ANSWERED: 400, Kind.DECLINED: 200}

FIRST_RIGHT, AMONG_THREE, AUROC = "first sentence right", "right among three", "auroc"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Point:
    """How well questions of unseen authors are answered with so many taught ones.

    `per_sentence`: taught questions per sentence, on average over the folds; `taught`: all, of every kind.
    `first_right`: the best sentence answers, of the answerable; `among_three`: one of the best three does.
    `auroc`: how well confidence parts answerable from unanswerable questions.
    """

    per_sentence: float
    taught: float
    first_right: Figure
    among_three: Figure
    auroc: Figure


@dataclass(frozen=True, slots=True)
class SentenceRate:
    """One sentence: how many questions lead to it, and how often new authors' questions find it."""

    sentence: int
    taught: int
    first_right: Figure


@dataclass(frozen=True, slots=True)
class Curve:
    """The curve of one article, and its sentences one by one with all that is taught.

    `halving`: doubling the taught questions multiplies the share of wrong first sentences by this much.
    """

    article: str
    questions_sha256: str
    points: tuple[Point, ...]
    sentences: tuple[SentenceRate, ...]
    halving: float | None


@dataclass(frozen=True)
class _Material:
    """All taught questions of a shelf with their evidence, one row a question, and the fold of each."""

    shelf: Shelf
    vectors: Vectors
    dense: Floats
    close: Floats
    lexical: Floats
    folds: Ints

    @property
    def fold_count(self) -> int:
        return int(self.folds.max()) + 1

    def kinds(self) -> list[Kind]:
        return [question.kind for question in self.shelf.taught.questions]


def learning_curve(index: Index, *, article: str | None = None, progress: Progress = lambda _: None) -> Curve:
    """Measure the curve of a taught article (the first one, unless named).

    Raises UsageError when too little is taught to draw one.
    """
    shelf = _taught_shelf(index, article)
    with threadpool_limits(THREADS):
        material = _gather(index, shelf)
        points: list[Point] = []
        hits: list[_Hits] = []
        for size in _sizes(material):
            name = "all" if size is None else str(size)
            progress(f"Learning from {name} taught questions a sentence")
            hits = [_judge_fold(material, fold, size) for fold in range(material.fold_count)]
            points.append(_point(hits))
    sentences = _by_sentence(shelf.taught, [int(n) for n in shelf.sentences], hits)
    sha256 = index.manifest["files_sha256"][shelf.articles[0]][QUESTIONS_FILE]
    return Curve(shelf.articles[0], sha256, tuple(points), sentences, halving(points))


def halving(points: Sequence[Point]) -> float | None:
    """Return by how much doubling multiplies the share of wrong first sentences; None without two points.

    The share falls as a power of the number taught, a line in logarithms, fitted from 4 a sentence on.
    """
    xs = [point.per_sentence for point in points if point.per_sentence >= 4]
    ys = [1 - (point.first_right.value or 0) for point in points if point.per_sentence >= 4]
    if len(xs) < 2 or min(ys) <= 0:
        return None
    slope = np.polyfit(np.log2(xs), np.log2(ys), 1)[0]
    return float(2**slope)


@dataclass(frozen=True)
class _Hits:
    """What came out for the tested questions of one fold; `rows` are theirs in the material."""

    seen_per_sentence: float
    seen: int
    rows: Ints
    first: Bools
    among_three: Bools
    answerable: Bools
    confidence: Floats


def _taught_shelf(index: Index, article: str | None) -> Shelf:
    taught = {shelf.articles[0]: shelf for shelf in index.shelves if shelf.head is not None}
    if not taught:
        raise UsageError(
            f"No article has {MIN_ANSWERED} taught questions with an answer; teach more, then draw the curve."
        )
    if article is not None and article not in taught:
        raise UsageError(f"'{article}' is no article that was taught enough; there is {', '.join(taught)}.")
    return taught[article] if article else next(iter(taught.values()))


def _gather(index: Index, shelf: Shelf) -> _Material:
    questions = shelf.taught.questions
    vectors = index.question_views.reconstruct_n(shelf.first_question, len(questions))
    return _Material(
        shelf=shelf,
        vectors=vectors,
        dense=index.views.dense(vectors),
        close=index.views.close(vectors),
        lexical=index.lexicon.scores([question.text for question in questions]),
        folds=_folds(fold_labels(questions)),
    )


def _folds(labels: Sequence[str]) -> Ints:
    """Part authors into folds of about equal size, the largest author first; FOLDS, or fewer for fewer authors."""
    counts: dict[str, int] = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    sizes = [0] * min(FOLDS, len(counts))
    fold_of: dict[str, int] = {}
    for label in sorted(counts, key=lambda name: (-counts[name], name)):
        fold_of[label] = sizes.index(min(sizes))
        sizes[fold_of[label]] += counts[label]
    return np.array([fold_of[label] for label in labels])


def _sizes(material: _Material) -> Iterator[int | None]:
    """Yield how many questions a sentence are taught, doubling; None stands for all."""
    most = max(len(rows) for rows in material.shelf.taught.rows_by_sentence.values())
    folds = material.fold_count
    yield from (size for size in SIZES if size < most * (folds - 1) / folds)
    yield None


def _judge_fold(material: _Material, fold: int, size: int | None) -> _Hits:
    """Learn from at most `size` questions a sentence of the other folds, and judge those of this one."""
    seed = np.random.default_rng(fold)
    others = seed.permutation(np.flatnonzero(material.folds != fold))
    own = seed.permutation(np.flatnonzero(material.folds == fold))
    kinds = material.kinds()
    tested = np.concatenate([[r for r in own if kinds[r] is kind][:most] for kind, most in TESTED.items()])
    tested = tested.astype(np.int64)
    learned, seen_per_sentence = _sample(material, others, size)
    shelf = _learn(material, learned)
    likeness = material.vectors[tested] @ material.vectors[learned].T
    texts = [material.shelf.taught.questions[row].text for row in tested]
    evidence = shelf.evidence(texts, material.dense[tested], material.close[tested], material.lexical[tested], likeness)
    first, among_three, confidence = [], [], []
    for row, judgement in zip(tested, judge(shelf.decider, evidence), strict=True):
        best = np.argsort(-judgement.sentences, kind="stable")[:3].tolist()
        gold = material.shelf.taught.leads_to[row]
        first.append(best[0] in gold)
        among_three.append(any(place in gold for place in best))
        confidence.append(judgement.confidence)
    return _Hits(
        seen_per_sentence=seen_per_sentence,
        seen=len(learned),
        rows=tested,
        first=np.array(first, dtype=np.bool_),
        among_three=np.array(among_three, dtype=np.bool_),
        answerable=np.array([kinds[row] is Kind.ANSWERED for row in tested], dtype=np.bool_),
        confidence=np.array(confidence, dtype=np.float64),
    )


def _sample(material: _Material, rows: Ints, size: int | None) -> tuple[Ints, float]:
    """Take the first `size` questions of each sentence, and the same share of the other kinds.

    Returns the rows taken, in their order, and how many questions a sentence got.
    """
    taught = material.shelf.taught
    answered = [row for row in rows if taught.questions[row].kind is Kind.ANSWERED]
    got: dict[int, int] = defaultdict(int)
    taken = []
    for row in answered:
        if size is None or any(got[place] < size for place in taught.leads_to[row]):
            taken.append(row)
            for place in taught.leads_to[row]:
                got[place] += 1
    share = len(taken) / max(1, len(answered))
    for kind in (Kind.OVERVIEW, Kind.DECLINED, Kind.EMERGENCY):
        of_kind = [row for row in rows if taught.questions[row].kind is kind]
        taken += of_kind[: round(share * len(of_kind))]
    per_sentence = sum(got.values()) / max(1, len(taught.rows_by_sentence))
    return np.array(sorted(taken), dtype=int), per_sentence


def _learn(material: _Material, rows: Ints) -> Shelf:
    """Return the shelf that a build would make from these questions alone."""
    whole = material.shelf
    taught = Taught(
        tuple(whole.taught.questions[row] for row in rows), tuple(whole.taught.leads_to[row] for row in rows)
    )
    if sum(question.kind is Kind.ANSWERED for question in taught.questions) < MIN_ANSWERED:
        return Shelf(whole.articles, whole.sentences, 0, taught, None, load_untaught().decider)
    dense, lexical = material.dense[rows][:, whole.sentences], material.lexical[rows][:, whole.sentences]
    head, decider, _ = fit_shelf(taught, material.vectors[rows], dense, lexical)
    return Shelf(whole.articles, whole.sentences, 0, taught, head, decider)


def _point(hits: Sequence[_Hits]) -> Point:
    per_sentence = float(np.mean([hit.seen_per_sentence for hit in hits]))
    answerable = np.concatenate([hit.answerable for hit in hits])
    name = f"{per_sentence:.0f} a sentence"
    return Point(
        per_sentence=per_sentence,
        taught=float(np.mean([hit.seen for hit in hits])),
        first_right=_rate(name, FIRST_RIGHT, np.concatenate([hit.first for hit in hits])[answerable]),
        among_three=_rate(name, AMONG_THREE, np.concatenate([hit.among_three for hit in hits])[answerable]),
        auroc=_auroc(name, np.concatenate([hit.confidence for hit in hits]), answerable),
    )


def _by_sentence(taught: Taught, numbers: Sequence[int], hits: Sequence[_Hits]) -> tuple[SentenceRate, ...]:
    right: dict[int, list[bool]] = defaultdict(list)
    for hit in hits:
        for row, first, answerable in zip(hit.rows, hit.first, hit.answerable, strict=True):
            for place in taught.leads_to[row] if answerable else ():
                right[place].append(first)
    return tuple(
        SentenceRate(
            number,
            len(taught.rows_by_sentence.get(place, ())),
            _rate(f"sentence {number}", FIRST_RIGHT, np.array(right[place], dtype=np.bool_)),
        )
        for place, number in enumerate(numbers)
    )


def _rate(name: str, measure: str, right: Bools) -> Figure:
    if not len(right):
        return Figure(name, measure, None, None, None, 0)
    low, high = rate_interval(int(right.sum()), len(right))
    return Figure(name, measure, float(right.mean()), low, high, len(right))


def _auroc(name: str, confidence: Floats, answerable: Bools) -> Figure:
    value = float(auroc(confidence, answerable))
    if not np.isfinite(value):
        return Figure(name, AUROC, None, None, None, 0)
    interval = bootstrap_interval(lambda rows: auroc(confidence[rows], answerable[rows]), len(confidence))
    low, high = interval or (None, None)
    return Figure(name, AUROC, value, low, high, len(confidence))
