"""Our own retrieval over a third-party set: the encoder, FAISS and BM25 that answer for articles nobody taught."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import faiss
import numpy as np

from eval.beir import BeirSet, Document, Query
from eval.settings import History, System
from indexer.decision import judge
from indexer.encoder import Encoder, Vectors
from indexer.errors import UsageError
from indexer.evidence import Lexicon, untaught_evidence
from indexer.head import Floats
from indexer.index import all_scores
from indexer.untaught import UNTAUGHT

LEXICAL_WEIGHT = 0.3
RANKED = 100
CHUNK = 256

Progress = Callable[[Sequence[Any]], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """Documents found for a query, best first, with falling scores; `confidence` that one of them answers."""

    documents: tuple[int, ...]
    scores: tuple[float, ...]
    confidence: float


class Library:
    """The documents of a set, ready to be searched by one system."""

    def __init__(
        self, documents: Sequence[Document], system: System, encoder: Encoder | None, vectors: Vectors | None
    ) -> None:
        self._system = system
        self._encoder = encoder
        self._lexicon = Lexicon([document.text for document in documents]) if system != System.DENSE else None
        self._views: Any = None
        if vectors is not None:
            faiss.omp_set_num_threads(1)  # as in the bot: one query does not feed two
            self._views = faiss.IndexFlatIP(vectors.shape[1])
            self._views.add(vectors)

    def search(self, texts: Sequence[str], prefix: str = "") -> Found:
        """Rank the documents for a query that is read as these texts; their evidence is averaged.

        prefix: what the model wants in front of a query.
        """
        dense: Floats = np.zeros(0)
        lexical: Floats = np.zeros(0)
        if self._encoder is not None:
            vectors = self._encoder.encode([prefix + text for text in texts])
            dense = np.asarray(all_scores(self._views, vectors).mean(axis=0))
        if self._lexicon is not None:
            lexical = self._lexicon.scores(texts).mean(axis=0)
        if self._system is System.DEFAULT:
            scores, confidence = fuse(dense, lexical), untaught_confidence(dense, lexical)
        else:
            scores = dense if self._system is System.DENSE else lexical
            confidence = float(scores.max())
        order = np.argsort(-scores, kind="stable")[:RANKED]
        return Found(tuple(order.tolist()), tuple(scores[order].tolist()), confidence)


def fuse(dense: Floats, lexical: Floats) -> Floats:
    """Return one score a document from its cosine and its BM25, each stretched to 0 … 1 over the documents."""
    return stretched(dense) + LEXICAL_WEIGHT * stretched(lexical)


def stretched(scores: Floats) -> Floats:
    """Return scores moved and scaled to 0 … 1; all 0 where they do not differ."""
    width = scores.max() - scores.min()
    return np.asarray((scores - scores.min()) / width if width else np.zeros_like(scores))


def untaught_confidence(dense: Floats, lexical: Floats) -> float:
    """Return how sure the bot would be that one of the documents answers, each taken as one sentence."""
    return judge(UNTAUGHT, untaught_evidence(dense[None, :], lexical[None, :]))[0].confidence


def readings(query: Query, history: History) -> tuple[str, ...]:
    """Return the texts that a query is read as; with the user's turns, as the bot reads a follow-up."""
    if history is History.REWRITE:
        return (query.rewrite or query.text,)
    if not query.history or history is History.LAST:
        return (query.text,)
    if history is History.ALL:
        return (" ".join([*(turn.text for turn in query.history), query.text]),)
    asked = [turn.text for turn in query.history if turn.by_user]
    return (query.text, *(f"{previous} {query.text}" for previous in asked[-1:]))


def document_vectors(beir: BeirSet, encoder: Encoder, cache: Path, progress: Progress = iter) -> Vectors:
    """Return the vectors of a set's documents, encoded once for each content and model and kept in `cache`.

    They are written in chunks, so that an interrupted encoding continues where it stopped.
    """
    digest = hashlib.sha256(encoder.sha256.encode())
    for document in beir.documents:
        digest.update(document.text.encode("utf-8", "surrogatepass") + b"\0")
    folder = cache / f"{beir.name}-{encoder.name.replace('/', '-')}-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); name another --cache.") from None
    starts = range(0, len(beir.documents), CHUNK)
    # One text at a time, as the bot does it, so that vectors do not depend on their neighbours; two cores are
    # kept busy by two texts at once.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.vstack([_chunk(beir, encoder, folder, start, pool) for start in progress(starts)])


def _chunk(beir: BeirSet, encoder: Encoder, folder: Path, start: int, pool: ThreadPoolExecutor) -> Vectors:
    path = folder / f"{start:07}.npy"
    if path.is_file():
        return np.asarray(np.load(path), dtype=np.float32)
    texts = [document.text for document in beir.documents[start : start + CHUNK]]
    parts = pool.map(encoder.encode, [texts[at : at + 8] for at in range(0, len(texts), 8)])
    vectors: Vectors = np.vstack(list(parts))
    with NamedTemporaryFile(dir=folder, suffix=".npy", delete=False) as file:
        np.save(file, vectors)
    Path(file.name).replace(path)
    return vectors
