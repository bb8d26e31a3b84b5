"""Example questions: taught ones that the bot answers well, for each section of each article."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bot.answer import Outcome
from bot.bot import Bot
from bot.decide import list_places
from indexer.article import Span
from indexer.encoder import Vectors, plain
from indexer.questions import Kind, Question

# Questions that read well on a button: one plain sentence, not long.
_PLAIN = re.compile(r"(?=.{20,60}$)[A-Z](?:[a-z' ,’-]|\bI\b)+\?")
_WORD = re.compile(r"\w{4,}")
_TRIED = 40
# A taught question with this tag is offered before any that is chosen by itself.
EXAMPLE_TAG = "example"


@dataclass(frozen=True, slots=True)
class Example:
    """A question to tap, and the section it is answered from (its heading, if it has one)."""

    text: str
    language: str
    article: str
    section: Span | None


def examples(bot: Bot, *, each: int = 3) -> tuple[Example, ...]:
    """Choose up to `each` examples for every section, each answered as taught: tagged ones, then the most typical.

    An overview of the article's own list comes first of all: it is what most people want to know.
    """
    found: list[Example] = []
    for article, questions in bot.corpus.questions.items():
        language = bot.corpus.articles[article].language
        vectors = _vectors(bot, article)
        label = bot.corpus.articles[article].label
        chosen = _typical(bot, questions, vectors, _of_the_list(bot, article, questions), label, 1)
        found += [Example(questions[n].text, language, article, None) for n in chosen]
        for section, own in _by_section(bot, questions):
            chosen = _typical(bot, questions, vectors, own, bot.corpus.text(section) if section else label, each)
            found += [Example(questions[n].text, language, article, section) for n in chosen]
    return tuple(found)


def first_examples(chosen: Sequence[Example], count: int = 3) -> tuple[Example, ...]:
    """Return the examples to begin with: one for each section, in the order chosen."""
    by_section = {example.section: example for example in reversed(chosen)}
    return tuple(example for example in chosen if by_section[example.section] is example)[:count]


def _vectors(bot: Bot, article: str) -> Vectors:
    """Return the vectors of an article's taught questions, which the index holds as views."""
    shelf = next(shelf for shelf in bot.index.shelves if article in shelf.articles)
    before = shelf.articles[: shelf.articles.index(article)]
    first = shelf.first_question + sum(len(bot.corpus.questions[name]) for name in before)
    count = len(bot.corpus.questions[article])
    if not count:
        return np.zeros((0, 1), dtype=np.float32)
    return plain(bot.index.question_views.reconstruct_n(first, count), bot.index.encoder.dimension)


def _of_the_list(bot: Bot, article: str, questions: Sequence[Question]) -> list[int]:
    """Return the overviews that want most of an article's list; all overviews where it has none."""
    overviews = [number for number, question in enumerate(questions) if question.kind is Kind.OVERVIEW]
    shelf = next(shelf for shelf in bot.index.shelves if article in shelf.articles)
    listed = {int(shelf.sentences[place]) for place in list_places(bot.index, shelf, article)}
    if not listed:
        return overviews
    touched = {n: listed.intersection(bot.corpus.sentences_touched(questions[n].answers)) for n in overviews}
    return [number for number in overviews if 2 * len(touched[number]) > len(listed)]


def _by_section(bot: Bot, questions: Sequence[Question]) -> Iterator[tuple[Span | None, list[int]]]:
    """Group answered questions by the heading above their answer, the most asked about first.

    What stands under no heading comes last; the author's own paragraph is no section.
    """
    groups: dict[Span | None, list[int]] = {}
    for number, question in enumerate(questions):
        if question.kind is Kind.ANSWERED and len(question.answers) == 1:
            sentence = bot.corpus.sentences[bot.corpus.sentences_touched(question.answers)[0]]
            passage = bot.corpus.passages[sentence.passage]
            if not passage.is_byline:
                groups.setdefault(passage.heading, []).append(number)
    yield from sorted(groups.items(), key=lambda group: (group[0] is None, -len(group[1])))


def _typical(
    bot: Bot, questions: Sequence[Question], vectors: Vectors, numbers: Sequence[int], about: str, count: int
) -> list[int]:
    """Return the tagged and the plain questions of a group that are answered as taught, one for each answer.

    First the tagged ones as they were taught, then those that name what they are about with most words of its heading;
    of these the nearest to the middle.
    """
    if not numbers:
        return []
    nearness = vectors[list(numbers)] @ vectors[list(numbers)].mean(axis=0)
    order = [numbers[place] for place in np.argsort(-nearness, kind="stable")]
    tagged = [number for number in numbers if EXAMPLE_TAG in questions[number].tags]
    plain = [number for number in order if number not in tagged and _PLAIN.fullmatch(questions[number].text)]
    name = {*_WORD.findall(about.casefold())}
    plain.sort(key=lambda number: -len(name.intersection(_WORD.findall(questions[number].text.casefold()))))
    chosen: dict[tuple[Span, ...], int] = {}
    for number in [*tagged, *plain][:_TRIED]:
        if len(chosen) < count and questions[number].answers not in chosen and _answered(bot, questions[number]):
            chosen[questions[number].answers] = number
    return list(chosen.values())


def _answered(bot: Bot, question: Question) -> bool:
    answer = bot.answer(question.text)
    if question.kind is Kind.OVERVIEW:
        return answer.outcome is Outcome.OVERVIEW
    return answer.outcome is Outcome.ANSWERED and answer.quotes[0].highlights[0] in question.answers
