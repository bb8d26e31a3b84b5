"""The index in memory: the views of a corpus, its shelves, and the search of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from indexer.corpus import Corpus
from indexer.decision import Decider, Judgement, judge
from indexer.encoder import Encoder, Vectors, plain
from indexer.evidence import (
    Evidence,
    Ints,
    Lexicon,
    Taught,
    head_columns,
    mixed_evidence,
    nearest,
    nearest_declined,
    untaught_evidence,
)
from indexer.followups import READINGS, Context, FollowUps, place_features, turn_vectors
from indexer.head import Floats, Head
from indexer.questions import Question
from indexer.reader import load_reader
from indexer.untaught import load_untaught

_BELOW_ALL = -2.0  # no inner product of unit vectors is as low


@dataclass(frozen=True)
class Shelf:
    """Sentences judged against each other: those of one taught article, or of all untaught ones together.

    `sentences` are numbers in the corpus; `first_question` is the row of its first taught-question view.
    """

    articles: tuple[str, ...]
    sentences: Ints
    first_question: int
    taught: Taught
    head: Head | None
    decider: Decider
    follow_ups: FollowUps | None = None

    def evidence(
        self, texts: Sequence[str], dense: Floats, close: Floats, lexical: Floats, likeness: Floats
    ) -> Evidence:
        """Gather this shelf's evidence for n texts from the scores of all sentences and all taught questions.

        dense, lexical: (n, sentences); close: (n, sentences), cosines with the sentence views alone; likeness: (n,
        taught questions).
        """
        places = len(self.sentences)
        dense, lexical = dense[:, self.sentences], lexical[:, self.sentences]
        if self.head is None:
            return untaught_evidence(dense, close[:, self.sentences], lexical)
        own = likeness[:, self.first_question : self.first_question + len(self.taught.questions)]
        taught, part, outcomes = head_columns(self.head.scores(own, texts), self.taught.leads, places)
        return Evidence(
            dense=dense,
            lexical=lexical,
            taught=taught,
            neighbour=nearest(own, self.taught.rows_by_sentence, places),
            part=part,
            outcomes=outcomes,
            declined_neighbour=nearest_declined(own, self.taught.declined_rows),
        )

    def context_places(self, corpus: Corpus, context: Context) -> Floats:
        """Return where every sentence of the shelf stands to the one shown last, shape (s, 6)."""
        place = {int(number): at for at, number in enumerate(self.sentences)}
        passages = [corpus.sentences[number].passage for number in self.sentences]
        sections = [corpus.passages[number].section for number in passages]
        last = place.get(context.sentence) if context.sentence is not None else None
        return place_features(last, [place[n] for n in context.shown if n in place], passages, sections)


@dataclass(frozen=True)
class Views:
    """The views of a text as FAISS indexes: its s sentences, and the p passages they stand in.

    `passage_of` (s,) is the number of each sentence's passage.
    """

    sentences: Any
    passages: Any
    passage_of: Ints

    def dense(self, vectors: Vectors) -> Floats:
        """Return the dense evidence of every sentence for n vectors of questions, shape (n, s).

        It is the mean of the cosines with the sentence view and with the view of its passage: a sentence says what
        is meant, its passage says of what.
        """
        of_passages = all_scores(self.passages, plain(vectors, self.passages.d))[:, self.passage_of]
        return np.asarray((self.close(vectors) + of_passages) / 2)

    def close(self, vectors: Vectors) -> Vectors:
        """Return the cosines of n vectors of questions with the sentence views alone, shape (n, s)."""
        return all_scores(self.sentences, plain(vectors, self.sentences.d))


@dataclass(frozen=True)
class Index:
    """An index in memory, with the corpus and the encoder it was built from."""

    corpus: Corpus
    encoder: Encoder
    views: Views
    question_views: Any
    lexicon: Lexicon
    shelves: tuple[Shelf, ...]
    manifest: dict[str, Any]

    def search(self, question: str, context: Context | None = None) -> list[Judgement]:
        """Return what every shelf says of a question, in the order of `shelves`.

        context: what was asked and shown before it, if the question may lean on that.
        """
        if context is None:
            vector = self.encoder.encode_questions([question])
            return [self._judge(shelf, question, self.read([question], vector, shelf)) for shelf in self.shelves]
        last = None if context.sentence is None else self.corpus.text(self.corpus.sentences[context.sentence].span)
        readings = [question, context.behind(question, last), context.behind_first(question)]
        # The third reading is for shelves without taught conversations alone.
        used = readings if any(shelf.follow_ups is None for shelf in self.shelves) else readings[:2]
        vectors = self.encoder.encode_questions(used)
        return [self._judge_in_context(shelf, readings, vectors, context) for shelf in self.shelves]

    def read(self, texts: Sequence[str], vectors: Vectors, shelf: Shelf) -> Evidence:
        """Gather the evidence of a shelf for n texts and their vectors, those of `Encoder.encode_questions`."""
        likeness = all_scores(self.question_views, vectors)
        dense, close = self.views.dense(vectors), self.views.close(vectors)
        return shelf.evidence(texts, dense, close, self.lexicon.scores(texts), likeness)

    def _judge(self, shelf: Shelf, question: str, evidence: Evidence) -> Judgement:
        """Judge a question by itself; where nobody taught, the reader looks at the best sentences first."""
        if shelf.head is None:
            views = [self.corpus.sentence_view(self.corpus.sentences[number]) for number in shelf.sentences]
            evidence = load_untaught().read(evidence, lambda place: load_reader().read(question, views[place]))
        return judge(shelf.decider, evidence)[0]

    def _judge_in_context(self, shelf: Shelf, readings: Sequence[str], vectors: Vectors, context: Context) -> Judgement:
        """Judge a question that is not the first. readings: as READINGS has them; vectors: theirs, (2 or 3, d)."""
        question = readings[0]
        if shelf.follow_ups is None:
            read = [self.read([text], vectors[row : row + 1], shelf) for row, text in enumerate(readings)]
            return self._judge(shelf, question, mixed_evidence(read, READINGS))
        alone = self.read([question], vectors[:1], shelf)
        likeness = all_scores(shelf.follow_ups.views, turn_vectors(vectors[:1], vectors[1:2]))
        places = shelf.context_places(self.corpus, context)
        follow_up = shelf.follow_ups.judge(shelf.decider, question, alone, likeness, places)
        return follow_up or judge(shelf.decider, alone)[0]


def all_scores(views: Any, vectors: Vectors) -> Vectors:
    """Return the inner product of each vector with every view of a FAISS index, shape (vectors, views)."""
    if len(vectors) > 1:
        return np.asarray(vectors @ views.reconstruct_n(0, views.ntotal).T)
    # Everything lies within this range; a search for as many as there are would sort them, for six times the time.
    _, found, rows = views.range_search(vectors, _BELOW_ALL)
    scores = np.zeros((1, views.ntotal), dtype=np.float32)
    scores[0, rows] = found
    return scores


def passage_numbers(corpus: Corpus) -> Ints:
    """Return the number of every sentence's passage."""
    return np.array([sentence.passage for sentence in corpus.sentences], dtype=np.int64)


def shelf_sentences(corpus: Corpus, articles: Sequence[str]) -> Ints:
    """Return the numbers of the sentences of some articles."""
    return np.array([n for n, s in enumerate(corpus.sentences) if s.span.article in articles], dtype=np.int64)


def shelf_taught(corpus: Corpus, articles: Sequence[str]) -> Taught:
    """Return the taught questions of some articles with the places they lead to."""
    place = {int(number): at for at, number in enumerate(shelf_sentences(corpus, articles))}
    questions = tuple(question for article in articles for question in corpus.questions[article])
    return lead_places(corpus, questions, place)


def lead_places(corpus: Corpus, questions: tuple[Question, ...], place: dict[int, int]) -> Taught:
    """Turn the answers of questions into places of a shelf; `place` is from sentence numbers to places."""
    by_answers = {q.answers: tuple(place[n] for n in corpus.sentences_touched(q.answers)) for q in questions}
    return Taught(questions, tuple(by_answers[question.answers] for question in questions))
