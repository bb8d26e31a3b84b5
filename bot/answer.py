"""Answers, made of spans only. Their words are read from the article when shown, never stored or written."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from indexer.article import Span
from indexer.corpus import Corpus


class Outcome(StrEnum):
    """What became of a question."""

    ANSWERED = "answered"
    OVERVIEW = "overview"
    DECLINED = "declined"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage that can stand alone, and the sentences in it that answer.

    `score` is the probability that its best sentence answers (in an overview: that it belongs there).
    """

    span: Span
    heading: Span | None
    highlights: tuple[Span, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    `quotes` stand in the order of reading, the best first; in an overview, in the order of the article.
    `notice` is a sentence of wording.toml, set where there is something to say that no article says.
    `topics` are headings to offer when the question is declined. `leans` tells that the question was read with what
    was shown before it; it is for the page and no part of the JSON.
    """

    question: str
    looked_up: str
    outcome: Outcome
    confidence: float
    quotes: tuple[Quote, ...] = ()
    see_also: tuple[Span, ...] = ()
    attribution: Span | None = None
    notice: str | None = None
    topics: tuple[Span, ...] = ()
    leans: bool = False

    def to_json(self, corpus: Corpus) -> dict[str, Any]:
        """Return the answer in the form that other programs rely on; every text is the slice it names."""
        return {
            "question": self.question,
            "looked_up": self.looked_up,
            "outcome": self.outcome.value,
            "confidence": round(self.confidence, 4),
            "quotes": [
                {
                    "article": quote.span.article,
                    "article_sha256": corpus.articles[quote.span.article].sha256,
                    **_span_json(quote.span, corpus),
                    "heading": corpus.text(quote.heading) if quote.heading else None,
                    "highlights": [{"start": span.start, "end": span.end} for span in quote.highlights],
                    "score": round(quote.score, 4),
                }
                for quote in self.quotes
            ],
            "see_also": [_span_json(span, corpus) for span in self.see_also],
            "attribution": _span_json(self.attribution, corpus) if self.attribution else None,
            "notice": self.notice,
            "topics": [_span_json(span, corpus) for span in self.topics],
        }


def _span_json(span: Span, corpus: Corpus) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, "text": corpus.text(span)}
