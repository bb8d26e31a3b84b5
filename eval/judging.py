"""Judging in a spreadsheet: a sheet of answers goes out, verdicts come back, and become judged questions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from bot.answer import Outcome
from bot.bot import Bot
from eval import ratings
from eval.anchoring import answers_in
from eval.records import AnswerRecord
from eval.sheets import BAR, Column, read_sheet, write_sheet
from indexer.article import Article, Span
from indexer.errors import QuestionsError
from indexer.questions import Kind, anchor, parse_question


class Verdict(StrEnum):
    """What a judge may say of an answer; the values stand in the sheet."""

    RIGHT = "right"
    PARTLY = "partly"
    WRONG = "wrong"
    SHOULD_DECLINE = "should decline"
    EMERGENCY = "emergency"


COLUMNS = (
    Column("id", 14),
    Column("asked before", 24),
    Column("question", 40),
    Column("outcome", 12),
    Column("marked", 45),
    Column("shown", 60),
    Column("verdict", 16, choices=tuple(Verdict), to_fill=True),
    Column("right words", 45, to_fill=True),
    Column("remark", 30, to_fill=True),
)
_NAMES = tuple(column.name for column in COLUMNS)
_NEEDED = ("id", "question", "outcome", "marked", "verdict")

_KIND_OF_DECISION = {Verdict.SHOULD_DECLINE: Kind.DECLINED, Verdict.EMERGENCY: Kind.EMERGENCY}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one judge says of one answer, and what is right by it.

    `answers` are spans of the article, none where it should decline or show the notice; `also` may be shown
    beside them. `where` is file:row.
    """

    where: str
    judge: str
    id: str
    question: str
    history: tuple[str, ...]
    verdict: Verdict
    kind: Kind
    answers: tuple[Span, ...]
    also: tuple[Span, ...]
    cells: tuple[str, ...]


def export_sheet(path: Path, records: Sequence[AnswerRecord]) -> None:
    """Write a sheet with one answer a row and empty columns to fill; CSV or XLSX by the name of the file."""
    write_sheet(path, COLUMNS, [_row(record) for record in records])


def ask(bot: Bot, questions: Iterable[dict[str, Any]]) -> list[AnswerRecord]:
    """Answer questions that nobody judged yet: rows with "id", "question" and perhaps "history"."""
    records = []
    for row in questions:
        history = tuple(row.get("history", ()))
        answer = bot.answer(row["question"], history=history).to_json(bot.corpus)
        records.append(AnswerRecord(str(row["id"]), row["question"], "", {}, history=history, answer=answer))
    return records


def import_sheet(path: Path, articles: Sequence[Article]) -> tuple[list[Judgement], int]:
    """Read the verdicts of one judge, who is named by the file; returns also how many rows are not judged yet.

    A file of the ratings that patients gave on the page is read as the sheet of one judge, too.
    Raises QuestionsError with one line for every row that is not as it should be.
    """
    judgements: list[Judgement] = []
    wrong: list[str] = []
    seen: dict[str, int] = {}
    empty = 0
    rated = path.suffix.lower() == ratings.SUFFIX
    for row in ratings.read_ratings(path, articles) if rated else read_sheet(path, known=_NAMES, needed=_NEEDED):
        where = f"{path}:{row.number}"
        identity = row.cells["id"].strip()
        if identity in seen:
            wrong.append(f"{where}: id '{identity}' stands in row {seen[identity]} too; keep one of them.")
        seen[identity] = row.number
        if not row.cells["verdict"].strip():
            empty += 1
            continue
        try:
            judgements.append(_judgement(where, path.stem, dict(row.cells), articles))
        except QuestionsError as error:
            wrong.append(str(error))
    if wrong:
        raise QuestionsError("\n".join([*wrong, f"{path}: nothing was imported; mend these rows first."]))
    return judgements, empty


def _row(record: AnswerRecord) -> list[str]:
    quotes = record.answer["quotes"]
    shown = "\n\n".join(f"{quote['heading'] or ''}\n{quote['text']}".strip() for quote in quotes)
    return [
        record.id,
        "\n".join(record.history),
        record.question,
        record.answer["outcome"],
        BAR.join(words for quote in quotes for words in _marked(quote)),
        shown or record.answer["notice"] or "",
        "", "", "",
    ]  # fmt: skip


def _marked(quote: dict[str, Any]) -> list[str]:
    """Return the words of a quote's marks."""
    start = quote["start"]
    return [quote["text"][mark["start"] - start : mark["end"] - start] for mark in quote["highlights"]]


def _judgement(where: str, judge: str, cells: dict[str, str], articles: Sequence[Article]) -> Judgement:
    identity, question = cells["id"].strip(), cells["question"].strip()
    if not identity or any(character.isspace() for character in identity):
        raise QuestionsError(f"{where}: 'id' must be there, without white space; leave it as it was exported.")
    verdict = _verdict(where, cells["verdict"])
    try:
        outcome = Outcome(cells["outcome"].strip())
    except ValueError:
        raise QuestionsError(f"{where}: 'outcome' must stay as it was exported: {', '.join(Outcome)}.") from None
    marked = answers_in(cells["marked"], articles)
    kind, answers, also = _right(where, verdict, outcome, marked, answers_in(cells.get("right words", ""), articles))
    parsed = parse_question(
        where,
        {"question": question, "answers": answers, "kind": kind.value},
        articles,
        known_keys={"question", "answers", "kind"},
    )
    return Judgement(
        where=where,
        judge=judge,
        id=identity,
        question=question,
        history=tuple(line for line in cells.get("asked before", "").splitlines() if line.strip()),
        verdict=verdict,
        kind=kind,
        answers=parsed.answers,
        also=tuple(anchor(where, words, articles) for words in also),
        cells=tuple(cells.get(name, "") for name in _NAMES),
    )


def _verdict(where: str, cell: str) -> Verdict:
    try:
        return Verdict(" ".join(cell.casefold().split()))
    except ValueError:
        raise QuestionsError(f"{where}: verdict '{cell}' is none of {', '.join(Verdict)}.") from None


def _right(
    where: str, verdict: Verdict, outcome: Outcome, marked: list[str], words: list[str]
) -> tuple[Kind, list[str], list[str]]:
    """Return what is right by a verdict: the kind of question, the words that answer, those that may stand beside."""
    if verdict in _KIND_OF_DECISION:
        if words:
            raise QuestionsError(f"{where}: verdict '{verdict}' has no right words; empty that cell, or say wrong.")
        return _KIND_OF_DECISION[verdict], [], []
    if verdict is Verdict.RIGHT:
        if words:
            raise QuestionsError(f"{where}: what was right needs no right words; empty that cell, or say partly.")
        return Kind(outcome.value), marked, []
    if not words:
        raise QuestionsError(
            f"{where}: verdict '{verdict}' needs 'right words', copied from the article; "
            f"if it does not answer, say '{Verdict.SHOULD_DECLINE}'."
        )
    kind = Kind.OVERVIEW if outcome is Outcome.OVERVIEW and verdict is Verdict.PARTLY else Kind.ANSWERED
    return kind, words, [each for each in marked if each not in words] if verdict is Verdict.PARTLY else []
