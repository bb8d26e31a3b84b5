"""The head: what taught questions say about a new one, learned at build time.

Kernel ridge regression from a question to one column per *class*: each sentence that questions lead to, each
such sentence as part of an overview, and the outcomes overview, declined and emergency. The kernel adds two
likenesses of questions: of meaning (a Gaussian on the angle between unit vectors) and of spelling (tf-idf of
character 3- to 5-grams, which carries typos, word forms and rare terms that the encoder blurs).

Ridge has a closed form, so that leaving a whole group of questions out costs a small linear system and not
another training: the out-of-fold scores that fusion and decision are fitted on are exact (Rifkin & Lippert,
"Notes on Regularized Least Squares", 2007).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from sklearn.feature_extraction.text import TfidfVectorizer

from indexer.encoder import Vectors

Floats = npt.NDArray[np.floating[Any]]

MEANING_WEIGHT = 2 / 3
SPELLING_WEIGHT = 1 / 3
GAUSSIAN_WIDTH = 2.0
RIDGE = 0.2


@dataclass(frozen=True)
class Head:
    """A fitted head over `n` taught questions and `k` classes.

    `dual` (n, k) weighs likeness of meaning to each taught question; `primal` (m, k) weighs the m character
    n-grams; `bias` (k,) is the share of each class among the taught questions.
    """

    dual: Vectors
    primal: Vectors
    bias: Vectors
    grams: tuple[str, ...]
    idf: Vectors

    def __post_init__(self) -> None:
        # Built once: the vectorizer is only a reader of grams and idf.
        object.__setattr__(self, "_vectorizer", _restore(self.grams, self.idf))

    def scores(self, likeness: Floats, text: str) -> Floats:
        """Score every class for a question.

        likeness: inner products with the vectors of the n taught questions, in their order.
        """
        grams = self._vectorizer.transform([text])  # type: ignore[attr-defined]
        spelling = np.asarray(grams @ self.primal)[0]
        return np.asarray(gaussian(likeness) @ self.dual + spelling + self.bias)


def fit_head(
    vectors: Vectors, texts: Sequence[str], targets: Floats, groups: Sequence[str]
) -> tuple[Head, Floats]:
    """Fit a head, and return it with the scores each question gets from a head that never saw its group.

    vectors: (n, d) unit vectors; targets: (n, k), 1 where a question leads to a class, else 0.
    groups: one label a question; questions by the same author share one, so that out of fold means unseen author.
    """
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2)
    try:
        grams = vectorizer.fit_transform(texts)
    except ValueError:  # no n-gram stands in two questions
        vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
        grams = vectorizer.fit_transform(texts)
    kernel = MEANING_WEIGHT * gaussian(vectors.astype(np.float64) @ vectors.T.astype(np.float64))
    kernel += SPELLING_WEIGHT * (grams @ grams.T).toarray()
    kernel[np.diag_indices_from(kernel)] += RIDGE
    inverse = cho_solve(cho_factor(kernel, lower=True), np.eye(len(kernel)))
    bias = targets.mean(axis=0)
    dual = inverse @ (targets - bias)
    held_out = np.empty_like(targets, dtype=np.float64)
    labels = np.asarray(groups)
    for group in sorted(set(groups)):
        rows = np.flatnonzero(labels == group)
        residual = np.linalg.solve(inverse[np.ix_(rows, rows)], dual[rows])
        held_out[rows] = targets[rows] - residual
    head = Head(
        dual=(MEANING_WEIGHT * dual).astype(np.float32),
        primal=(SPELLING_WEIGHT * (grams.T @ dual)).astype(np.float32),
        bias=bias.astype(np.float32),
        grams=tuple(str(gram) for gram in vectorizer.get_feature_names_out()),
        idf=vectorizer.idf_.astype(np.float32),
    )
    return head, held_out


def gaussian(likeness: Floats) -> Floats:
    """Return the Gaussian kernel of two unit vectors from their inner product."""
    return np.asarray(np.exp(-GAUSSIAN_WIDTH * (2 - 2 * likeness)))


def _restore(grams: tuple[str, ...], idf: Vectors) -> TfidfVectorizer:
    vectorizer = TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=(3, 5),
        sublinear_tf=True,
        vocabulary={gram: column for column, gram in enumerate(grams)},
    )
    vectorizer.idf_ = idf.astype(np.float64)
    return vectorizer
