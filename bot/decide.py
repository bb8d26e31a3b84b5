"""Judgements of the shelves → an answer, an overview, or a decline."""

from collections.abc import Sequence

import numpy as np

from bot.answer import Answer, Outcome, Quote
from indexer.article import Span
from indexer.decision import Judgement
from indexer.head import Floats
from indexer.index import Index, Shelf
from indexer.training import MAX_SENTENCES

# An overview must be likelier than an answer by one sentence; where that sentence only announces a list, this
# many times as likely is enough, for the announcement alone helps nobody.
OPENER_SHARE = 0.15


def decide(index: Index, judgements: Sequence[Judgement], *, question: str, looked_up: str, notice: str) -> Answer:
    """Choose the shelf that is surest of its answer, and show what it found, or decline with `notice`."""
    judged = list(zip(index.shelves, judgements, strict=True))
    shelf, judgement = max(judged, key=lambda pair: pair[1].confidence - pair[1].decider.answer_threshold)
    if judgement.confidence < judgement.decider.answer_threshold:
        return Answer(
            question=question,
            looked_up=looked_up,
            outcome=Outcome.DECLINED,
            confidence=judgement.confidence,
            attribution=attribution(index, shelf),
            notice=notice,
            topics=_topics(index, shelf, judgement),
        )
    overview, answered = judgement.outcomes["overview"], judgement.outcomes["answered"]
    wants_overview = overview > answered * (OPENER_SHARE if _best_opens_list(index, shelf, judgement) else 1)
    quotes = _overview(index, shelf, judgement) if wants_overview else _best(index, shelf, judgement)
    return Answer(
        question=question,
        looked_up=looked_up,
        outcome=Outcome.OVERVIEW if wants_overview else Outcome.ANSWERED,
        confidence=judgement.confidence,
        quotes=quotes,
        see_also=_see_also(index, quotes),
        attribution=index.corpus.articles[quotes[0].span.article].byline,
    )


def emergency_probability(judgements: Sequence[Judgement]) -> tuple[float, bool]:
    """Return the highest probability of an emergency, and whether it is high enough for the notice."""
    sure = [
        (judgement.outcomes["emergency"], judgement.outcomes["emergency"] >= judgement.decider.emergency_threshold)
        for judgement in judgements
    ]
    return max(sure)


def attribution(index: Index, shelf: Shelf | None = None) -> Span | None:
    """Return the byline of the first article (of a shelf) that names its author."""
    articles = shelf.articles if shelf else tuple(index.corpus.articles)
    return next((byline for article in articles if (byline := index.corpus.articles[article].byline)), None)


def _best(index: Index, shelf: Shelf, judgement: Judgement) -> tuple[Quote, ...]:
    """Quote the best sentence's passage, and those of up to two more that are likely to answer too."""
    order = np.argsort(-judgement.sentences, kind="stable")[:MAX_SENTENCES]
    chosen = [
        place
        for rank, place in enumerate(order)
        if rank == 0 or judgement.sentences[place] >= judgement.decider.highlight_threshold
    ]
    return _quotes(index, shelf, chosen, judgement.sentences)


def _best_opens_list(index: Index, shelf: Shelf, judgement: Judgement) -> bool:
    best = index.corpus.sentences[int(shelf.sentences[int(judgement.sentences.argmax())])].span
    return best == index.corpus.list_openers.get(best.article)


def _overview(index: Index, shelf: Shelf, judgement: Judgement) -> tuple[Quote, ...]:
    """Quote the parts that belong to an overview, in the order of the article; a list is given whole."""
    parts = {int(place) for place in np.flatnonzero(judgement.parts >= judgement.decider.part_threshold)}
    parts = parts or {int(judgement.sentences.argmax())}
    article = index.corpus.sentences[int(shelf.sentences[max(parts, key=lambda p: judgement.parts[p])])].span.article
    listed = list_places(index, shelf, article)
    if len(parts & set(listed)) * 2 > len(listed):
        parts |= set(listed)
    return _quotes(index, shelf, sorted(parts), judgement.parts.clip(0, 1))


def list_places(index: Index, shelf: Shelf, article: str) -> list[int]:
    """Return the places of the sentence that opens an article's list of sections and of each section's first one."""
    opener = index.corpus.list_openers.get(article)
    if opener is None:
        return []
    places: list[int] = []
    seen: set[int] = set()
    for place, number in enumerate(shelf.sentences):
        sentence = index.corpus.sentences[number]
        passage = index.corpus.passages[sentence.passage]
        if sentence.span == opener:
            places.append(place)
        elif sentence.span.article == article and sentence.span.start > opener.start and passage.heading:
            if passage.section not in seen:
                places.append(place)
            seen.add(passage.section)
    return places


def _quotes(index: Index, shelf: Shelf, places: Sequence[int], scores: Floats) -> tuple[Quote, ...]:
    """Group sentences by passage; passages stand in the order of their first sentence in `places`."""
    by_passage: dict[int, list[int]] = {}
    for place in places:
        by_passage.setdefault(index.corpus.sentences[shelf.sentences[place]].passage, []).append(place)
    quotes = []
    for number, own in by_passage.items():
        passage = index.corpus.passages[number]
        spans = sorted((index.corpus.sentences[shelf.sentences[place]].span for place in own), key=lambda s: s.start)
        quotes.append(Quote(passage.span, passage.heading, tuple(spans), float(max(scores[place] for place in own))))
    return tuple(quotes)


def _see_also(index: Index, quotes: Sequence[Quote]) -> tuple[Span, ...]:
    """Return the cross-references of the quoted sections, once each, in the order of the quotes."""
    quoted = {quote.span for quote in quotes}
    found = [span for passage in index.corpus.passages if passage.span in quoted for span in passage.see_also]
    return tuple(dict.fromkeys(found))


def _topics(index: Index, shelf: Shelf, judgement: Judgement) -> tuple[Span, ...]:
    """Return the headings of the surest shelf's articles, nearest to the question first."""
    strength: dict[Span, float] = {}
    for place, number in enumerate(shelf.sentences):
        heading = index.corpus.passages[index.corpus.sentences[number].passage].heading
        if heading:
            strength[heading] = max(strength.get(heading, 0.0), float(judgement.sentences[place]))
    return tuple(sorted(strength, key=lambda heading: -strength[heading])[:6])
