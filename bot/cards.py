"""Answer → the HTML of one turn: quote cards, notices, topics, attribution. Words are slices, escaped, unchanged."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.answer import Answer, Outcome, Quote
from bot.question import clean, resolve
from bot.templates import render
from bot.wording import page_words, translated
from indexer.article import Span
from indexer.corpus import Corpus

CALL_NUMBERS = ("112", "911", "999")
_SHA_PREFIX = 16


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a quote: marked where it is a sentence that answers."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Words:
    """A span as shown: its slice, where it stands, and the language it is written in."""

    text: str
    article: str
    sha256: str
    start: int
    end: int
    language: str


@dataclass(frozen=True, slots=True)
class Card:
    """A quote as shown.

    `marks` are the highlights as JSON; `copy` is what *Copy with source* copies, `source` its last line.
    """

    number: int
    heading: str | None
    pieces: tuple[Piece, ...]
    article: str
    sha256: str
    start: int
    end: int
    marks: str
    source: str
    copy: str
    cite: str
    language: str


def turn_html(
    answer: Answer,
    corpus: Corpus,
    *,
    turn: int,
    conversation: str,
    parted: bool,
    number_of: Callable[[Span], int],
    language: str,
    root_path: str = "",
    token: str | None = None,
) -> str:
    """Return one turn of the conversation as HTML.

    turn: which question of the conversation this is, from 1. conversation: its name as it stands now.
    parted: the question was asked without those before it. number_of: the citation number of a passage.
    token: by which the answer can be rated, if it can.
    """
    w = page_words(language)
    emergency = answer.outcome is Outcome.EMERGENCY
    quotes = [_card(quote, corpus, number_of(quote.span), answer, w, root_path) for quote in answer.quotes]
    return render(
        "turn.html",
        w=w,
        turn=turn,
        conversation=conversation,
        parted=parted,
        outcome=answer.outcome.value,
        question=answer.question,
        looked_up=answer.looked_up if _differs(answer) else None,
        leans=_leans(answer),
        notice=translated(answer.notice, language) if answer.notice else None,
        quotes=quotes,
        topics=[words_of(span, corpus) for span in answer.topics],
        see_also=[words_of(span, corpus) for span in answer.see_also],
        attribution=words_of(answer.attribution, corpus) if answer.attribution and not emergency else None,
        announce=_announcement(answer, quotes, w, language),
        call_numbers=CALL_NUMBERS,
        token=token,
    )


def words_of(span: Span, corpus: Corpus) -> Words:
    """Return a span with all that showing it needs."""
    article = corpus.articles[span.article]
    return Words(article.slice(span), article.id, article.sha256, span.start, span.end, article.language)


def pieces_of(quote: Quote, corpus: Corpus) -> Iterator[Piece]:
    """Cut a quote at its highlights; the pieces joined are the quote."""
    text, edge = corpus.articles[quote.span.article].text, quote.span.start
    for mark in quote.highlights:
        if edge < mark.start:
            yield Piece(text[edge : mark.start], marked=False)
        yield Piece(text[mark.start : mark.end], marked=True)
        edge = mark.end
    if edge < quote.span.end:
        yield Piece(text[edge : quote.span.end], marked=False)


def _card(quote: Quote, corpus: Corpus, number: int, answer: Answer, w: dict[str, str], root_path: str) -> Card:
    article = corpus.articles[quote.span.article]
    heading = corpus.text(quote.heading) if quote.heading else None
    cited = w["source"].format(label=article.label, sha=article.sha256[:_SHA_PREFIX])
    parts = [
        corpus.text(quote.span),
        *([w["source_section"].format(section=heading)] if heading else []),
        *([corpus.text(answer.attribution)] if answer.attribution else []),
        cited,
    ]
    return Card(
        number=number,
        heading=heading,
        pieces=tuple(pieces_of(quote, corpus)),
        article=article.id,
        sha256=article.sha256,
        start=quote.span.start,
        end=quote.span.end,
        marks=json.dumps([[mark.start, mark.end] for mark in quote.highlights]),
        source=cited,
        copy="\n\n".join(parts),
        cite=article.address or f"{root_path}/article#{article.id}-{quote.span.start}",
        language=article.language,
    )


def _differs(answer: Answer) -> bool:
    """Tell whether something else was looked up than what the patient typed: worth saying only then."""
    return bool(answer.looked_up) and answer.looked_up.casefold() != clean(answer.question).casefold()


def _leans(answer: Answer) -> bool:
    """Tell whether the question was read with what stood before it, and can be asked without: not "tell me more"."""
    return answer.leans and resolve(answer.question).phrase is None


def _announcement(answer: Answer, quotes: list[Card], w: dict[str, str], language: str) -> str:
    """Return what a screen reader says when the turn arrives: once, short, and the answer itself where it can be."""
    if answer.outcome is Outcome.OVERVIEW:
        return w["announce_overview"].format(count=len(quotes))
    if quotes:
        marked = " ".join(piece.text for piece in quotes[0].pieces if piece.marked)
        return f"{w['announce_answered']} {marked}"
    return translated(answer.notice, language) if answer.notice else ""
