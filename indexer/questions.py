"""Questions with their answers: taught ones (corpus/*/questions.jsonl) and judged ones (eval/questions).

An answer is written as words of the article and becomes a span of it, so that questions survive any change
of parsing or chunking.
"""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from indexer.article import Article, Span
from indexer.errors import QuestionsError


class Kind(StrEnum):
    """What the right outcome of a question is."""

    ANSWERED = "answered"
    OVERVIEW = "overview"
    DECLINED = "declined"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Question:
    """A patient's wording and the spans that answer it (none for declined and emergency)."""

    text: str
    kind: Kind
    answers: tuple[Span, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a taught conversation, and the earlier turns of it, oldest first."""

    question: Question
    earlier: tuple[Question, ...]


_KEYS = {"question", "answers", "kind", "tags"}
_TURN_KEYS = _KEYS | {"conversation", "turn", "history"}


def load_taught(path: Path, article: Article) -> tuple[Question, ...]:
    """Read the taught questions of an article; an article without the file has none.

    Raises QuestionsError with file:line when a line is not as it should be, an answer is not found exactly
    once in the article, or a question stands there twice.
    """
    if not path.is_file():
        return ()
    questions: list[Question] = []
    seen: dict[str, int] = {}
    for number, row in read_rows(path):
        question = parse_question(f"{path}:{number}", row, [article], known_keys=_KEYS)
        key = normalise(question.text)
        if key in seen:
            raise QuestionsError(f"{path}:{number}: the same question as line {seen[key]}; keep one of them.")
        seen[key] = number
        questions.append(question)
    return tuple(questions)


def load_conversations(path: Path, article: Article) -> tuple[Turn, ...]:
    """Read the taught conversations of an article, one turn a line; an article without the file has none.

    Raises QuestionsError with file:line, also where the history of a turn is not the turns above it.
    """
    if not path.is_file():
        return ()
    turns: list[Turn] = []
    earlier: dict[object, list[Question]] = {}
    for number, row in read_rows(path):
        where = f"{path}:{number}"
        question = parse_question(where, row, [article], known_keys=_TURN_KEYS)
        before = earlier.setdefault(row.get("conversation"), [])
        if row.get("history", []) != [turn.text for turn in before]:
            raise QuestionsError(f"{where}: 'history' must be the questions of the turns above it, oldest first.")
        turns.append(Turn(question, tuple(before)))
        before.append(question)
    return tuple(turns)


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, row) of a JSON Lines file; blank lines are passed over."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise QuestionsError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8 text.") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise QuestionsError(f"{path}:{number}: not valid JSON ({error}).") from None
        if not isinstance(row, dict):
            raise QuestionsError(f"{path}:{number}: a line must be one JSON object in braces.")
        yield number, row


def parse_question(where: str, row: dict[str, Any], articles: Sequence[Article], *, known_keys: set[str]) -> Question:
    """Check one row and anchor its answers. `where` (file:line) starts every error message."""
    if unknown := sorted(set(row) - known_keys):
        raise QuestionsError(f"{where}: unknown field '{unknown[0]}'; fields are {', '.join(sorted(known_keys))}.")
    text = row.get("question")
    if not isinstance(text, str) or not text.strip():
        raise QuestionsError(f"{where}: 'question' must be text, and not empty.")
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise QuestionsError(f"{where}: half of a character stands in it (a lone surrogate); type it anew.") from None
    answers, tags = row.get("answers", []), row.get("tags", [])
    for name, strings in (("answers", answers), ("tags", tags)):
        if not isinstance(strings, list) or not all(isinstance(s, str) and s.strip() for s in strings):
            raise QuestionsError(f"{where}: '{name}' must be a list of texts.")
    try:
        kind = Kind(row.get("kind", Kind.ANSWERED))
    except ValueError:
        raise QuestionsError(f"{where}: kind '{row['kind']}' is none of {', '.join(Kind)}.") from None
    if (kind in (Kind.ANSWERED, Kind.OVERVIEW)) != bool(answers):
        need = "needs at least one answer" if not answers else "must have no answers"
        raise QuestionsError(f"{where}: a question of kind '{kind}' {need}.")
    return Question(text, kind, tuple(anchor(where, answer, articles) for answer in answers), tuple(tags))


def anchor(where: str, words: str, articles: Sequence[Article]) -> Span:
    """Find the one span of the articles that has exactly these words."""
    found = [
        Span(article.id, match.start(), match.end())
        for article in articles
        for match in re.finditer(re.escape(words), article.text)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise QuestionsError(
            f"{where}: the answer stands {len(found)} times in the article; quote more of its words: '{words}'"
        )
    raise QuestionsError(f"{where}: the answer is not in the article: '{words}'. {_nearest(words, articles)}")


def _nearest(words: str, articles: Sequence[Article]) -> str:
    lines = [line.strip() for article in articles for line in re.split(r"[\r\n]+|(?<=[.!?])\s", article.text)]
    # How much of the words a line holds, not how alike the two are: a short heading is like any short answer.
    near = max((line for line in lines if line), key=lambda line: _share_found(words, line), default="")
    return f"The nearest words there are: '{near}'" if near else ""


def _share_found(words: str, line: str) -> float:
    blocks = difflib.SequenceMatcher(None, words, line, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks if block.size > 2) / len(words)


def normalise(question: str) -> str:
    """Return a question as it compares with others: lower case, letters and digits only."""
    return " ".join(re.findall(r"\w+", question.casefold()))
