"""Our own retrieval over a third-party set: the evidence that answers for articles nobody taught.

A document is a passage. Its dense evidence is that of its best sentence in the bot (indexer.index.Views): the mean of
the cosines with the passage and with the sentence. Searching thousands of documents adds two things that are of no
use within one article: a passage gains by its neighbours, and the question moves towards what it found first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import faiss
import numpy as np

from eval.beir import Document, Query
from eval.settings import History, System
from eval.vectors import sentence_views
from indexer.decision import judge
from indexer.encoder import Encoder, Vectors
from indexer.evidence import Evidence, Ints, Lexicon, fuse, untaught_evidence
from indexer.followups import READINGS, Context
from indexer.head import Floats
from indexer.index import all_scores
from indexer.reader import Reading, load_reader
from indexer.untaught import load_untaught, read_best

RANKED = 100
# What the mean of a passage's neighbours in its article weighs beside the passage.
NEIGHBOURS = 0.25
# What the mean of the first passages weighs beside the question in a second search (Rocchio, 1971).
FEEDBACK = 0.2
# What the passages weigh in that mean, best first: the further down, the less likely it is that one belongs.
FED_BACK = (1.0, 0.8, 0.6, 0.4, 0.2)


@dataclass(frozen=True, slots=True)
class Found:
    """Documents found for a query, best first, with falling scores; `confidence` that one of them answers."""

    documents: tuple[int, ...]
    scores: tuple[float, ...]
    confidence: float


@dataclass(frozen=True)
class DocumentViews:
    """The views of n documents as FAISS indexes: the documents, and their sentences if those are searched too.

    `first_sentence` (n,) is the number of each document's first sentence.
    """

    documents: Any
    sentences: Any
    first_sentence: Ints | None

    def dense(self, vector: Vectors) -> tuple[Floats, Floats]:
        """Return the dense evidence of n documents for a vector, and the cosines of their best sentences, (n,) each."""
        of_documents = all_scores(self.documents, vector)[0]
        if self.first_sentence is None:
            return of_documents, of_documents
        best = np.maximum.reduceat(all_scores(self.sentences, vector)[0], self.first_sentence)
        return np.asarray((of_documents + best) / 2), np.asarray(best)

    def moved(self, vectors: Vectors, towards: Ints) -> Vectors:
        """Return vectors moved towards the mean of up to len(FED_BACK) documents, of which the first weigh most."""
        found = [self.documents.reconstruct(int(number)) for number in towards]
        mean = np.average(found, axis=0, weights=FED_BACK[: len(found)])
        moved = vectors + FEEDBACK * mean / np.linalg.norm(mean)
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


class Library:
    """The documents of a set, ready to be searched by one system."""

    def __init__(
        self, documents: Sequence[Document], system: System, encoder: Encoder | None, views: DocumentViews | None
    ) -> None:
        self._system = system
        self._encoder = encoder
        self._views = views
        self._lexicon = Lexicon([document.text for document in documents]) if system != System.DENSE else None
        self._all = np.arange(len(documents))
        self._articles = np.array([document.article or "" for document in documents])
        self._sentences = cache(lambda number: sentence_views(documents[number]))
        self._joined = np.array([bool(a.title) and a.title == b.title for a, b in pairwise(documents)], dtype=bool)

    def search(self, readings: Mapping[str, float], prefix: str = "", article: str | None = None) -> Found:
        """Rank the documents, or those of one article, for a query that is read as these texts, by their weights.

        prefix: what the model wants in front of a query.
        """
        own = self.documents_of(article)
        dense, close, lexical = np.sum(
            [weight * np.stack(self.evidence(text, prefix, own)) for text, weight in readings.items()], axis=0
        )
        if self._system in (System.DEFAULT, System.PLAIN):
            evidence = untaught_evidence(dense[None, :], close[None, :], lexical[None, :])
            read = load_untaught().read(evidence, self._reader_of(next(iter(readings)), own))
            confidence = judge(load_untaught().decider, read)[0].confidence
            # Among thousands of documents the reader puts the first few in a worse order (docs/answers.md).
            scores = (evidence if article is None else read).taught[0]
        else:
            scores = dense if self._system is System.DENSE else lexical
            confidence = float(scores.max())
        order = np.argsort(-scores, kind="stable")[:RANKED]
        return Found(tuple(own[order].tolist()), tuple(scores[order].tolist()), confidence)

    def read(self, text: str, article: str) -> tuple[Evidence, Vectors]:
        """Return the evidence of an article's documents after reading, and the state of the reader on the best."""
        own = self.documents_of(article)
        evidence = untaught_evidence(*(scores[None, :] for scores in self.evidence(text, "", own)))
        return read_best(evidence, self._reader_of(text, own))

    def _reader_of(self, text: str, own: Ints) -> Callable[[int], Reading]:
        """Return what reads a text together with the sentence that is most like it in one of some documents."""
        vector = self._encoder.encode([text])[0] if self._encoder else None

        def read(place: int) -> Reading:
            number = int(own[place])
            sentences, most_like = self._sentences(number), 0
            if vector is not None and self._views is not None and self._views.first_sentence is not None:
                first = int(self._views.first_sentence[number])
                most_like = int(np.argmax(self._views.sentences.reconstruct_n(first, len(sentences)) @ vector))
            return load_reader().read(text, sentences[most_like])

        return read

    def documents_of(self, article: str | None) -> Ints:
        """Return the numbers of the documents of an article, or of all."""
        return self._all if article is None else np.flatnonzero(self._articles == article)

    def evidence(self, text: str, prefix: str, own: Ints) -> tuple[Floats, Floats, Floats]:
        """Return the dense evidence of some documents for a text, their best sentences' cosines, and the lexical.

        All of shape (documents,).
        """
        wide = self._system is System.DEFAULT
        lexical: Floats = np.zeros(len(own))
        if self._lexicon is not None:
            of_all = self._lexicon.scores([text])[0]
            lexical = (with_neighbours(of_all, self._joined) if wide else of_all)[own]
        if self._encoder is None or self._views is None:
            return np.zeros(len(own)), np.zeros(len(own)), lexical
        vector = self._encoder.encode([prefix + text])
        dense, close = self._views.dense(vector)
        if not wide:
            return dense[own], close[own], lexical
        first = np.argsort(-fuse(with_neighbours(dense, self._joined)[own], lexical), kind="stable")[: len(FED_BACK)]
        dense, close = self._views.dense(self._views.moved(vector, own[first]))
        return with_neighbours(dense, self._joined)[own], close[own], lexical


def library_views(documents: Vectors, sentences: tuple[Vectors, Ints] | None) -> DocumentViews:
    """Put vectors of documents, and of their sentences if those are searched too, into FAISS indexes."""
    faiss.omp_set_num_threads(1)  # as in the bot: one query does not feed two
    vectors, first = sentences or (documents[:0], None)
    return DocumentViews(_flat(documents), _flat(vectors), first)


def with_neighbours(scores: Floats, joined: Floats) -> Floats:
    """Return the scores of n passages, each mixed with the mean of its neighbours' in the same article.

    joined: (n - 1,), whether a passage and the next one are of one article. A passage without neighbours stays.
    """
    total, count = np.zeros(len(scores)), np.zeros(len(scores))
    for near, far in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
        total[near] += scores[far] * joined
        count[near] += joined
    mean = np.where(count > 0, total / np.maximum(count, 1), scores)
    return np.asarray((scores + NEIGHBOURS * mean) / (1 + NEIGHBOURS))


def readings(query: Query, history: History) -> dict[str, float]:
    """Return the texts that a query is read as, with their weights; with the user's turns, as the bot reads one."""
    if history is History.REWRITE:
        return {query.rewrite or query.text: 1.0}
    asked = [turn.text for turn in query.history if turn.by_user]
    if history is History.ALL:
        return {" ".join([*(turn.text for turn in query.history), query.text]): 1.0}
    if not asked or history is History.LAST:
        return {query.text: 1.0}
    context = Context(previous=asked[-1], first=asked[0])
    weights: dict[str, float] = {}
    own = (query.text, context.behind(query.text, None), context.behind_first(query.text))
    for text, weight in zip(own, READINGS, strict=True):
        weights[text] = weights.get(text, 0.0) + weight
    return weights


def _flat(vectors: Vectors) -> Any:
    views = faiss.IndexFlatIP(vectors.shape[1])
    views.add(np.ascontiguousarray(vectors))
    return views
