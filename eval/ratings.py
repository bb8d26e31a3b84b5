"""Patients' ratings, as the page's --feedback writes them: read as the sheet of one more judge."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.question import resolve
from eval.sheets import BAR, SheetRow
from indexer.article import Article
from indexer.errors import QuestionsError, UsageError
from indexer.questions import read_rows

SUFFIX = ".jsonl"


class _Mark(BaseModel):
    start: int
    end: int


class _Quote(BaseModel):
    article_sha256: str
    start: int
    text: str
    highlights: list[_Mark]

    def marked(self) -> Iterator[str]:
        for mark in self.highlights:
            yield self.text[mark.start - self.start : mark.end - self.start]


class _Rating(BaseModel):
    """A line of the file; of its fields, those that a judgement needs."""

    id: str
    verdict: str
    reason: str | None
    question: str | None
    looked_up: str | None
    leans: bool
    outcome: str
    quotes: list[_Quote]


def read_ratings(path: Path, articles: Collection[Article]) -> list[SheetRow]:
    """Read ratings as rows of a sheet. Only "right" is a verdict; "wrong" lacks the right words, and stays open.

    A rating says nothing, and is passed over, where the patient did not let the question's words be kept, where
    the question leant on earlier ones, and where the article has changed since.
    Raises QuestionsError with file:line for a line that the page did not write.
    """
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file.")
    current = {article.sha256 for article in articles}
    rows = []
    for number, row in read_rows(path):
        rating = _checked(f"{path}:{number}", row)
        if _stands_alone(rating) and all(quote.article_sha256 in current for quote in rating.quotes):
            rows.append(SheetRow(number, _cells(rating)))
    return rows


def _stands_alone(rating: _Rating) -> bool:
    """Tell whether the question's words were kept and say by themselves what is asked."""
    if rating.question is None or rating.leans:
        return False
    looked_up = resolve(rating.question)
    return looked_up.phrase is None and not looked_up.wants_others


def _checked(where: str, row: dict[str, Any]) -> _Rating:
    try:
        return _Rating.model_validate(row)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise QuestionsError(f"{where}: not a rating as --feedback writes it: see '{field}'.") from None


def _cells(rating: _Rating) -> dict[str, str]:
    return {
        "id": rating.id,
        "question": rating.question or "",
        "outcome": rating.outcome,
        "marked": BAR.join(words for quote in rating.quotes for words in quote.marked()),
        "shown": "\n\n".join(quote.text for quote in rating.quotes),
        "verdict": rating.verdict if rating.verdict == "right" else "",
        "remark": " ".join(filter(None, ["a patient:", rating.verdict, rating.reason])),
    }
