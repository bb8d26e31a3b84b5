"""The head: what taught questions say about a new one, learned at build time.

Kernel ridge regression from a question to one column per *class*: each sentence that questions lead to, each
such sentence as part of an overview, and the outcomes overview, declined, emergency and off subject. The kernel
adds three likenesses of two questions: of meaning (a Gaussian on the angle between unit vectors), of spelling
(tf-idf of character 3- to 5-grams, which carries typos and word forms) and of wording (tf-idf of stemmed words
and their 2- and 3-grams, which carries the rare terms and turns of phrase that an encoder blurs).

Ridge has a closed form, so that leaving a whole group of questions out costs a small linear system and not
another training: the out-of-fold scores that fusion and decision are fitted on are exact (Rifkin & Lippert,
"Notes on Regularized Least Squares", 2007).
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import Stemmer
from scipy.linalg.lapack import spotrf, strtri
from scipy.sparse import csr_array, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from indexer.encoder import Vectors

Floats = npt.NDArray[np.floating[Any]]

# What each likeness weighs in the kernel.
WEIGHTS = {"meaning": 0.5, "spelling": 0.25, "wording": 0.25}
GAUSSIAN_WIDTH = 2.0
RIDGE = 0.15
# Rows of the kernel that are filled at once.
_BLOCK = 512
_STEMMER = Stemmer.Stemmer("english")


def stemmed_words(text: str) -> list[str]:
    """Return the words of a text, folded and stemmed."""
    return list(_STEMMER.stemWords(re.findall(r"[\w#'-]+", text.casefold())))


# How a text is cut for the likenesses of its surface.
GRAM_KINDS: dict[str, dict[str, Any]] = {
    "spelling": {"analyzer": "char_wb", "ngram_range": (3, 5)},
    "wording": {"tokenizer": stemmed_words, "token_pattern": None, "ngram_range": (1, 3)},
}


@dataclass(frozen=True)
class GramTable:
    """The m grams of one kind that taught questions share, their idf (m,), and their weight for k classes (m, k)."""

    kind: str
    grams: tuple[str, ...]
    idf: Vectors
    weights: Vectors

    def scores(self, texts: Sequence[str]) -> Floats:
        """Return what the grams of n texts add to the score of every class, shape (n, k)."""
        return np.stack([self._scores(text) for text in texts])

    def _scores(self, text: str) -> Floats:
        # What TfidfVectorizer.transform computes, without its sparse matrices: they take 20 times as long.
        counts = Counter(self._rows[gram] for gram in self._analyse(text) if gram in self._rows)
        if not counts:
            return np.zeros(self.weights.shape[1])
        rows = np.fromiter(counts.keys(), dtype=np.int64)
        tfidf = (1 + np.log(np.fromiter(counts.values(), dtype=np.float64))) * self.idf[rows]
        return np.asarray(tfidf / np.linalg.norm(tfidf) @ self.weights[rows])

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {gram: row for row, gram in enumerate(self.grams)}

    @cached_property
    def _analyse(self) -> Callable[[str], list[str]]:
        analyse: Callable[[str], list[str]] = TfidfVectorizer(**GRAM_KINDS[self.kind]).build_analyzer()
        return analyse


@dataclass(frozen=True)
class Head:
    """A fitted head over `n` taught questions and `k` classes.

    `dual` (n, k) weighs likeness of meaning to each taught question; `tables` weigh the grams; `bias` (k,) is
    the share of each class among the taught questions.
    """

    dual: Vectors
    bias: Vectors
    tables: tuple[GramTable, ...]

    def scores(self, likeness: Floats, texts: Sequence[str]) -> Floats:
        """Score every class for some questions, shape (questions, k).

        likeness: inner products of their vectors with those of the n taught questions, shape (questions, n).
        """
        return np.asarray(gaussian(likeness) @ self.dual + sum(t.scores(texts) for t in self.tables) + self.bias)


def fit_head(
    vectors: Vectors,
    texts: Sequence[str],
    targets: Floats,
    groups: Sequence[str],
    weights: Mapping[str, float] = WEIGHTS,
) -> tuple[Head, Floats]:
    """Fit a head, and return it with the scores each question gets from a head that never saw its group.

    vectors: (n, d) unit vectors; targets: (n, k), 1 where a question leads to a class, else 0.
    groups: one label a question; questions by the same author share one, so that out of fold means unseen author.
    """
    surfaces = [(kind, *_fit_grams(settings, texts)) for kind, settings in GRAM_KINDS.items()]
    likenesses = [(weights[kind], grams) for kind, _, grams in surfaces]
    half = _half_inverse(_kernel(weights["meaning"], vectors, likenesses))
    bias = targets.mean(axis=0)
    dual = half.T @ (half @ (targets - bias).astype(np.float32))
    head = Head(
        dual=(weights["meaning"] * dual).astype(np.float32),
        bias=bias.astype(np.float32),
        tables=tuple(
            GramTable(
                kind=kind,
                grams=tuple(str(gram) for gram in vectorizer.get_feature_names_out()),
                idf=vectorizer.idf_.astype(np.float32),
                weights=(weights[kind] * (grams.T @ dual)).astype(np.float32),
            )
            for kind, vectorizer, grams in surfaces
        ),
    )
    return head, _held_out(half, dual, targets, groups)


def gaussian(likeness: Floats) -> Floats:
    """Return the Gaussian kernel of two unit vectors from their inner product."""
    return np.asarray(np.exp(2 * GAUSSIAN_WIDTH * (likeness - 1)))


def _kernel(meaning: float, vectors: Vectors, likenesses: Sequence[tuple[float, csr_array]]) -> Vectors:
    """Return the kernel of n questions with the ridge on its diagonal, (n, n); only its lower triangle is filled.

    likenesses: the weight of each kind of grams, with the (n, m) tf-idf of the questions.
    """
    kernel = np.zeros((len(vectors), len(vectors)), dtype=np.float32)
    # One product of all kinds of grams side by side costs less than a product of each.
    surface = csr_array(hstack([np.float32(np.sqrt(weight)) * grams for weight, grams in likenesses], format="csr"))

    def fill(start: int) -> None:
        rows, onwards = slice(start, start + _BLOCK), slice(start, None)
        block = gaussian(vectors[rows] @ vectors[onwards].T)
        block *= meaning
        block += (surface[rows] @ surface[onwards].T).toarray()
        kernel[rows, onwards] = block

    # Blocks do not touch each other, so that threads change nothing of the result. Each takes a core to itself: with
    # more, those of the linear algebra would stand in each other's way.
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(fill, range(0, len(vectors), _BLOCK)))
    kernel[np.diag_indices_from(kernel)] += RIDGE
    # It is symmetric: its upper triangle by rows, as it lies there, is its lower one by columns, as LAPACK wants it.
    return kernel.T


def _half_inverse(kernel: Vectors) -> Vectors:
    """Return the lower triangle W with W.T @ W the inverse of a symmetric positive matrix, and overwrite that.

    kernel: its lower triangle is given. The whole inverse would take twice as long, and is never needed.
    """
    factor, failed = spotrf(kernel, lower=1, overwrite_a=1)
    half, failed_too = strtri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise ArithmeticError("the kernel of the taught questions is not positive definite")
    return np.asarray(half)


def _held_out(half: Floats, dual: Floats, targets: Floats, groups: Sequence[str]) -> Floats:
    held_out = np.empty(targets.shape)
    labels = np.asarray(groups)
    for group in sorted(set(groups)):
        rows = np.flatnonzero(labels == group)
        columns = half[:, rows]
        held_out[rows] = targets[rows] - np.linalg.solve(columns.T @ columns, dual[rows])
    return held_out


def _fit_grams(settings: dict[str, Any], texts: Sequence[str]) -> tuple[TfidfVectorizer, csr_array]:
    # A gram that stands in one question only tells no two questions apart.
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=min(2, len(texts)), dtype=np.float32, **settings)
    return vectorizer, csr_array(vectorizer.fit_transform(texts))
