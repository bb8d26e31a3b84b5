"""What the team should write next: groups of questions that the articles do not answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import AgglomerativeClustering
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

from bot.answer import Outcome
from bot.bot import Bot
from indexer.encoder import Vectors, plain
from indexer.questions import Kind, normalise

# Questions of one group are on average this alike (cosine): chosen by reading the groups of 1,400 questions.
ALIKE = 0.70
SMALLEST_GROUP = 4
EXAMPLES = 3
WORDS = 4
# Questions that no text for patients in general should answer.
NOT_TO_WRITE = frozenset({"advice", "offtopic", "injection", "gibberish"})


@dataclass(frozen=True, slots=True)
class Gap:
    """A group of declined questions: how many, how many of them patients asked, and what they are about.

    `examples`: the most typical questions; `words`: those that set the group apart; `near`: the heading (or
    article) that its questions lie nearest to, where an answer could be written.
    """

    questions: int
    asked: int
    examples: tuple[str, ...]
    words: tuple[str, ...]
    near: str


def find_gaps(bot: Bot, asked: Sequence[str] = ()) -> tuple[Gap, ...]:
    """Group the questions that the articles do not answer, the largest group first.

    They are the taught ones of kind declined (but those tagged as nothing to write about), and of `asked`,
    questions that patients really put, those that the bot declines.
    """
    taught, rows = _declined_taught(bot)
    unanswered = [text for text in asked if bot.answer(text).outcome is Outcome.DECLINED]
    texts = [*taught, *unanswered]
    if len(texts) < SMALLEST_GROUP:
        return ()
    encoder = bot.index.encoder
    vectors = np.concatenate([plain(rows, encoder.dimension), encoder.encode(unanswered)])
    groups = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=1 - ALIKE
    ).fit_predict(vectors)
    members = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
    members = [own for own in members if len(own) >= SMALLEST_GROUP]
    words = _telling_words([" ".join(texts[row] for row in own) for own in members])
    gaps = [
        Gap(
            questions=len(own),
            asked=int((own >= len(taught)).sum()),
            examples=_typical([texts[row] for row in own], vectors[own]),
            words=own_words,
            near=_nearest_heading(bot, vectors[own]),
        )
        for own, own_words in zip(members, words, strict=True)
    ]
    return tuple(sorted(gaps, key=lambda gap: (-gap.asked, -gap.questions)))


def _declined_taught(bot: Bot) -> tuple[list[str], Vectors]:
    """Return the declined taught questions worth an answer, and their vectors from the index."""
    texts: list[str] = []
    rows: list[Vectors] = [np.zeros((0, bot.index.encoder.question_dimension), dtype=np.float32)]
    for shelf in bot.index.shelves:
        for row, question in enumerate(shelf.taught.questions):
            if question.kind is Kind.DECLINED and not NOT_TO_WRITE & set(question.tags):
                texts.append(question.text)
                rows.append(bot.index.question_views.reconstruct(shelf.first_question + row)[None])
    return texts, np.concatenate(rows)


def _typical(texts: Sequence[str], vectors: Vectors) -> tuple[str, ...]:
    """Return the questions nearest to the middle of their group."""
    order = np.argsort(-(vectors @ vectors.mean(axis=0)), kind="stable")
    return tuple(texts[row] for row in order[:EXAMPLES])


def _telling_words(groups: Sequence[str]) -> list[tuple[str, ...]]:
    """Return for every group the words that it has and the others have not."""
    if not groups:
        return []
    stop_words = list(ENGLISH_STOP_WORDS)
    vectorizer = TfidfVectorizer(preprocessor=normalise, stop_words=stop_words, sublinear_tf=True, norm=None)
    try:
        weights = vectorizer.fit_transform(groups).toarray()
    except ValueError:  # nothing but stop words
        return [()] * len(groups)
    names = vectorizer.get_feature_names_out()
    return [
        tuple(str(names[column]) for column in np.argsort(-row, kind="stable")[:WORDS] if row[column] > 0)
        for row in weights
    ]


def _nearest_heading(bot: Bot, vectors: Vectors) -> str:
    corpus = bot.corpus
    nearest = int(bot.index.views.dense(vectors).mean(axis=0).argmax())
    sentence = corpus.sentences[nearest]
    heading = corpus.passages[sentence.passage].heading
    return corpus.text(heading) if heading else corpus.articles[sentence.span.article].label
