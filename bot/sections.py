"""Answers that follow the article's sections: a section by its name, what comes next in it, what was not shown yet."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.answer import Answer, Outcome, Quote
from indexer.article import Span
from indexer.index import Index
from indexer.passages import Passage
from indexer.questions import normalise
from indexer.training import MAX_SENTENCES


def heading_named(index: Index, topic: str) -> Passage | None:
    """Return the first passage of the section whose heading is this topic, word for word; None without one."""
    wanted = normalise(topic)
    headed = (passage for passage in index.corpus.passages if wanted and passage.heading)
    return next((p for p in headed if p.heading and normalise(index.corpus.text(p.heading)) == wanted), None)


def section_of(index: Index, first: Passage, question: str, looked_up: str) -> Answer:
    """Show the beginning of the section of a passage."""
    return _shown(index, first, _section(index, first), question, looked_up)


def next_in_section(index: Index, last: int, shown: Collection[int], question: str, nothing: str) -> Answer:
    """Show what was not `shown` yet in the section of the `last` sentence, or say `nothing` when that is all.

    last, shown: numbers of sentences in the corpus.
    """
    here = index.corpus.passages[index.corpus.sentences[last].passage]
    left = [number for number in _section(index, here) if number not in shown]
    later = [number for number in left if number > last] or left
    looked_up = f"{question} — {index.corpus.text(here.heading)}" if here.heading else question
    answer = _shown(index, here, later, question, looked_up)
    return answer if answer.quotes else replace(answer, outcome=Outcome.DECLINED, confidence=0.0, notice=nothing)


def without_shown(answer: Answer, shown: Collection[Span]) -> Answer:
    """Take out of an answer the sentences that were shown before, unless that leaves nothing."""
    left = [replace(q, highlights=tuple(span for span in q.highlights if span not in shown)) for q in answer.quotes]
    quotes = tuple(quote for quote in left if quote.highlights)
    return replace(answer, quotes=quotes) if quotes else answer


def _section(index: Index, here: Passage) -> list[int]:
    """Return the numbers of the sentences of a passage's section."""
    article = here.span.article
    return [
        number
        for number, sentence in enumerate(index.corpus.sentences)
        if sentence.span.article == article and index.corpus.passages[sentence.passage].section == here.section
    ]


def _shown(index: Index, here: Passage, numbers: Sequence[int], question: str, looked_up: str) -> Answer:
    """Quote the first of some sentences of one section."""
    sentences = [index.corpus.sentences[number] for number in numbers[:MAX_SENTENCES]]
    quotes = []
    for passage in dict.fromkeys(sentence.passage for sentence in sentences):
        marked = tuple(sentence.span for sentence in sentences if sentence.passage == passage)
        quotes.append(Quote(index.corpus.passages[passage].span, here.heading, marked, 1.0))
    return Answer(
        question=question,
        looked_up=looked_up,
        outcome=Outcome.ANSWERED,
        confidence=1.0,
        quotes=tuple(quotes),
        see_also=here.see_also if quotes else (),
        attribution=index.corpus.articles[here.span.article].byline,
    )
