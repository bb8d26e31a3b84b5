"""What the index knows about a question: several kinds of evidence for every sentence of a shelf.

A *shelf* is a set of sentences that are judged against each other: those of one taught article, which has a
head of its own, or those of all articles that nobody taught. Arrays have one row a question and one column a
sentence of the shelf, so that the same code serves one question at answer time and all of them at build time.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import bm25s
import numpy as np
import numpy.typing as npt
import Stemmer

from indexer.head import Floats
from indexer.questions import Kind, Question

Ints = npt.NDArray[np.int64]

# Columns of a head behind its sentences and their overview columns.
OUTCOME_COLUMNS = ("overview", "declined", "emergency", "off subject")

# Tags of the questions without an answer that are not about the article's subject at all.
OFF_SUBJECT_TAGS = frozenset({"offtopic", "injection", "gibberish"})

# What lexical evidence weighs beside dense where nothing was taught; picked on third-party sets (eval/RESULTS.md).
LEXICAL_WEIGHT = 0.2


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence for n questions over the s sentences of a shelf.

    `dense`: mean cosine with the views of the sentence and of its passage; `lexical`: BM25; `taught`: the head's
    score of the sentence; `neighbour`: cosine with the nearest taught
    question that leads to the sentence; `part`: the head's score of the sentence as part of an overview; all of
    shape (n, s). `outcomes`: the head's scores of OUTCOME_COLUMNS, shape (n, 4).
    `declined_neighbour`: cosine with the nearest taught question that has no answer, shape (n,). Where nothing was
    taught, `untaught_evidence` says what stands for what.
    """

    dense: Floats
    lexical: Floats
    taught: Floats
    neighbour: Floats
    part: Floats
    outcomes: Floats
    declined_neighbour: Floats

    @property
    def sentences(self) -> int:
        """How many sentences the shelf has."""
        return int(self.dense.shape[1])


def head_columns(scores: Floats, leads: Sequence[int], sentences: int) -> tuple[Floats, Floats, Floats]:
    """Spread a head's columns over the sentences of its shelf: (taught, part, outcomes).

    scores: (n, 2·len(leads) + 4) in the order of the head's classes; leads: the sentences that questions lead to.
    """
    taught = np.zeros((len(scores), sentences))
    part = np.zeros((len(scores), sentences))
    taught[:, leads] = scores[:, : len(leads)]
    part[:, leads] = scores[:, len(leads) : 2 * len(leads)]
    return taught, part, scores[:, 2 * len(leads) :]


class Lexicon:
    """BM25 over stemmed sentence views.

    synonyms: groups of words and phrases; where one of a group stands, the sign of the group is a word too.
    """

    def __init__(self, views: Sequence[str], synonyms: Sequence[Sequence[str]] = (), language: str = "english") -> None:
        self._group_of = {term.casefold(): number for number, group in enumerate(synonyms) for term in group}
        terms = sorted(map(re.escape, self._group_of), key=len, reverse=True)
        self._synonym = re.compile(rf"\b(?:{'|'.join(terms)})\b") if terms else None
        self._stemmer = Stemmer.Stemmer(language)
        self._bm25 = bm25s.BM25()
        self._views = len(views)
        tokens = self._tokens(views)
        # Views without one indexable word (emoji, another script) give an empty vocabulary, which bm25s refuses.
        self._empty = not any(tokens)
        if not self._empty:
            self._bm25.index(tokens, show_progress=False)

    def scores(self, texts: Sequence[str]) -> Floats:
        """Return the BM25 score of every view for n texts, shape (n, views)."""
        scores = np.zeros((len(texts), self._views), dtype=np.float32)
        for row, words in enumerate([] if self._empty else self._tokens(texts)):
            if known := [word for word in words if word in self._bm25.vocab_dict]:
                scores[row] = self._bm25.get_scores(known)
        return scores

    def _tokens(self, texts: Sequence[str]) -> list[list[str]]:
        tokens: list[list[str]] = bm25s.tokenize(
            [self._with_groups(text) for text in texts],
            stopwords="en",
            stemmer=self._stemmer,
            return_ids=False,
            show_progress=False,
        )
        return tokens

    def _with_groups(self, text: str) -> str:
        if self._synonym is None:
            return text
        found = self._synonym.findall(text.casefold())
        return " ".join([text, *(f"synonym{self._group_of[term]}" for term in found)])


@dataclass(frozen=True)
class Taught:
    """The taught questions of a shelf, and for each the places among the shelf's sentences it leads to."""

    questions: tuple[Question, ...]
    leads_to: tuple[tuple[int, ...], ...]

    @cached_property
    def leads(self) -> list[int]:
        """The places that at least one question leads to, in order."""
        return sorted({place for leads in self.leads_to for place in leads})

    @cached_property
    def rows_by_sentence(self) -> dict[int, Ints]:
        """For each place the rows of the questions that it answers by itself (no overviews)."""
        rows: dict[int, list[int]] = {}
        for row, (question, leads) in enumerate(zip(self.questions, self.leads_to, strict=True)):
            if question.kind is Kind.ANSWERED:
                for place in leads:
                    rows.setdefault(place, []).append(row)
        return {place: np.array(found) for place, found in sorted(rows.items())}

    @cached_property
    def declined_rows(self) -> Ints:
        """Rows of the questions that the article does not answer."""
        return np.array([row for row, q in enumerate(self.questions) if q.kind is Kind.DECLINED], dtype=np.int64)


def nearest(likeness: Floats, rows_by_sentence: Mapping[int, Ints], sentences: int) -> Floats:
    """Return, per question and sentence, the highest likeness to a taught question leading there.

    likeness: (n, taught); the result is (n, sentences).
    """
    best = np.zeros((len(likeness), sentences))
    for sentence, rows in rows_by_sentence.items():
        best[:, sentence] = likeness[:, rows].max(axis=1)
    return best


def nearest_declined(likeness: Floats, declined_rows: Ints) -> Floats:
    """Return, per question, the highest likeness to a taught question without an answer, shape (n,)."""
    return likeness[:, declined_rows].max(axis=1) if len(declined_rows) else np.zeros(len(likeness))


def untaught_evidence(dense: Floats, close: Floats, lexical: Floats) -> Evidence:
    """Return the evidence where nothing was taught, with the best stand-ins for what teaching would give.

    The fused score stands for the head's; the cosine with the sentence for that with a question that leads to it; and
    the mean dense evidence, what the article as a whole is like, for the likeness to questions that it does not answer.
    dense, lexical: (n, s); close: (n, s), cosines with the sentence views alone.
    """
    return Evidence(
        dense=dense,
        lexical=lexical,
        taught=fuse(dense, lexical),
        neighbour=close,
        part=np.zeros_like(dense),
        outcomes=np.zeros((len(dense), len(OUTCOME_COLUMNS))),
        declined_neighbour=dense.mean(axis=1),
    )


def fuse(dense: Floats, lexical: Floats) -> Floats:
    """Return one score a place from its two kinds of evidence, each stretched to 0 … 1 over the last axis."""
    return stretched(dense) + LEXICAL_WEIGHT * stretched(lexical)


def stretched(scores: Floats) -> Floats:
    """Return scores moved and scaled to 0 … 1 along the last axis; all 0 where they do not differ."""
    low, high = scores.min(axis=-1, keepdims=True), scores.max(axis=-1, keepdims=True)
    return np.asarray((scores - low) / np.where(high > low, high - low, 1))


def mixed_evidence(readings: Sequence[Evidence], weights: Sequence[float]) -> Evidence:
    """Return the weighted sum of the evidence for several readings of the same questions."""
    pairs = list(zip(readings, weights, strict=True))
    names = [field.name for field in fields(Evidence)]
    return Evidence(**{name: sum(weight * getattr(own, name) for own, weight in pairs) for name in names})
