"""Which questions a run got wrong, what the patient saw, what would have been right, and why it went wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.answer import Outcome
from eval.compare import DECIDING
from eval.judged import ANSWERABLE
from eval.records import AnswerRecord, Run, SentenceRecord
from indexer.questions import Kind

# A right sentence below this rank was not found; above it, others were found better.
RETRIEVED = 10
BEST = 3


class Why(StrEnum):
    """Why a question was missed, the worst for a patient first."""

    EMERGENCY_MISSED = "emergency missed"
    WRONGLY_ANSWERED = "wrongly answered"
    FALSE_ALARM = "false alarm"
    DECLINED = "declined"
    NOT_RETRIEVED = "not retrieved"
    RANKED_LOW = "ranked low"
    LEFT_OUT = "left out"


MEANING = {
    Why.EMERGENCY_MISSED: "red-flag symptoms, and no emergency notice",
    Why.WRONGLY_ANSWERED: "the article does not answer, and something was quoted all the same",
    Why.FALSE_ALARM: "a usual question, and the emergency notice",
    Why.DECLINED: "the article answers, and the bot said that it does not",
    Why.NOT_RETRIEVED: f"no right sentence was among the best {RETRIEVED}",
    Why.RANKED_LOW: "a right sentence was found, but others were shown first",
    Why.LEFT_OUT: "a right sentence was found best, and something else was shown first",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a quote's text; `marked` when it is highlighted."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A quote as the patient saw it; `right` when a marked sentence of it answers."""

    heading: str | None
    pieces: tuple[Piece, ...]
    right: bool


@dataclass(frozen=True, slots=True)
class Ranked:
    """A sentence that the bot found best; `right` when it answers."""

    text: str
    right: bool


@dataclass(frozen=True, slots=True)
class Miss:
    """A missed question; `detail` says in a few words where the right sentence was."""

    record: AnswerRecord
    why: Why
    detail: str
    shown: tuple[Shown, ...]
    best: tuple[Ranked, ...]


def find_misses(run: Run) -> tuple[Miss, ...]:
    """Return every missed question of a run of the bot, the worst for a patient first."""
    misses = [_miss(record, run.sentences) for record in run.answers if is_missed(record)]
    order = list(Why)
    return tuple(sorted(misses, key=lambda miss: (order.index(miss.why), -miss.record.answer["confidence"])))


def is_missed(record: AnswerRecord) -> bool:
    """Return whether a question counts as missed: the first of DECIDING that applies to it is not 1."""
    return next((score < 1 for name in DECIDING if (score := record.scores.get(name)) is not None), False)


def shown_quotes(record: AnswerRecord, sentences: Sequence[SentenceRecord]) -> tuple[Shown, ...]:
    """Return the quotes of an answer with their marks."""
    right = [sentences[number] for number in record.gold_sentences]
    return tuple(
        Shown(
            heading=quote["heading"],
            pieces=tuple(_pieces(quote)),
            right=any(
                each.article == quote["article"] and each.start < mark["end"] and mark["start"] < each.end
                for each in right
                for mark in quote["highlights"]
            ),
        )
        for quote in record.answer.get("quotes", [])
    )


def _miss(record: AnswerRecord, sentences: Sequence[SentenceRecord]) -> Miss:
    shown = shown_quotes(record, sentences)
    why, detail = _why(record, shown)
    best = [Ranked(sentences[number].text, number in record.gold_sentences) for number in record.ranking[:BEST]]
    return Miss(record, why, detail, shown, tuple(best))


def _why(record: AnswerRecord, shown: Sequence[Shown]) -> tuple[Why, str]:
    kind, outcome = Kind(record.kind), Outcome(record.answer["outcome"])
    sure = f"the bot was {record.answer['confidence']:.0%} sure"
    if kind is Kind.EMERGENCY:
        return Why.EMERGENCY_MISSED, f"outcome {outcome}"
    if kind not in ANSWERABLE:
        return Why.WRONGLY_ANSWERED, f"outcome {outcome}, {sure}"
    rank = next((at for at, number in enumerate(record.ranking, start=1) if number in record.gold_sentences), None)
    where = f"the first right sentence was ranked {rank}" if rank else "no right sentence was ranked"
    place = next((at for at, quote in enumerate(shown, start=1) if quote.right), None)
    where += f" and marked in quote {place} of {len(shown)}" if place else ""
    if outcome is Outcome.EMERGENCY:
        return Why.FALSE_ALARM, where
    if outcome is Outcome.DECLINED:
        return Why.DECLINED, f"{where}, {sure}"
    if rank is None or rank > RETRIEVED:
        return Why.NOT_RETRIEVED, where
    return (Why.RANKED_LOW if rank > 1 or place else Why.LEFT_OUT), where


def _pieces(quote: Mapping[str, Any]) -> list[Piece]:
    pieces, edge = [], 0
    for mark in quote["highlights"]:
        start, end = mark["start"] - quote["start"], mark["end"] - quote["start"]
        pieces += [Piece(quote["text"][edge:start], False), Piece(quote["text"][start:end], True)]
        edge = end
    pieces.append(Piece(quote["text"][edge:], False))
    return [piece for piece in pieces if piece.text]
