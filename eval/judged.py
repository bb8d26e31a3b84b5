"""Judged questions: what a patient asked, and what a right answer to it would show. Never taught."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from indexer.article import Article, Span
from indexer.errors import QuestionsError, UsageError
from indexer.questions import Kind, anchor, parse_question, read_rows

ANSWERABLE = (Kind.ANSWERED, Kind.OVERVIEW)

_PARSED_ELSEWHERE = {"question", "answers", "kind", "tags"}
_TEXTS = ("id", "voice", "author", "split", "conversation")
_KEYS = {*_PARSED_ELSEWHERE, *_TEXTS, "also", "turn", "history"}


@dataclass(frozen=True, slots=True)
class JudgedQuestion:
    """A question with the spans that answer it and those that may be shown beside them.

    `history`: the earlier questions of its conversation, oldest first. `turn` counts from 1 and is None
    outside conversations. `voice`, `author` and `split` are empty where the file does not tell them.
    """

    id: str
    text: str
    kind: Kind
    answers: tuple[Span, ...] = ()
    also: tuple[Span, ...] = ()
    tags: tuple[str, ...] = ()
    voice: str = ""
    author: str = ""
    split: str = ""
    conversation: str = ""
    turn: int | None = None
    history: tuple[str, ...] = ()


class Sliceable(Protocol):
    """What tells the slices that a question belongs to; judged questions and their answers both have it."""

    @property
    def kind(self) -> str: ...  # noqa: D102

    @property
    def tags(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def voice(self) -> str: ...  # noqa: D102

    @property
    def split(self) -> str: ...  # noqa: D102

    @property
    def history(self) -> Sequence[str]: ...  # noqa: D102


SLICE_FORMS = ("all", "kind=…", "tag=…", "voice=…", "split=…", "turn=first", "turn=later", "kind=…, split=…")


def slices_of(question: Sliceable) -> tuple[str, ...]:
    """Return the names of the slices that a question belongs to.

    A question with a history is a later turn; every other one, also outside conversations, is a first turn.
    """
    names = ["all", f"kind={question.kind}", *(f"tag={tag}" for tag in question.tags)]
    if question.voice:
        names.append(f"voice={question.voice}")
    names.append("turn=later" if question.history else "turn=first")
    if question.split:
        names += [f"split={question.split}", f"kind={question.kind}, split={question.split}"]
    return tuple(names)


def is_slice_name(name: str) -> bool:
    """Return whether a name has one of SLICE_FORMS; such a slice may still be empty."""
    if name in ("all", "turn=first", "turn=later"):
        return True
    keys = [part.partition("=")[0] for part in name.split(", ")]
    values = [part.partition("=")[2] for part in name.split(", ")]
    return all(values) and keys in (["kind"], ["tag"], ["voice"], ["split"], ["kind", "split"])


def load_judged(paths: Sequence[Path], articles: Sequence[Article]) -> tuple[JudgedQuestion, ...]:
    """Read judged questions from JSON Lines files; a question without an id gets its file and line as one.

    Raises QuestionsError with file:line for a row that is not as it should be, an answer that does not stand
    exactly once in the articles, or an id that was seen before; UsageError for a file that is not there.
    """
    questions: list[JudgedQuestion] = []
    seen: dict[str, str] = {}
    for path in paths:
        if not path.is_file():
            raise UsageError(f"{path}: there is no such file of judged questions.")
        for number, row in read_rows(path):
            where = f"{path}:{number}"
            fallback = str(number) if len(paths) == 1 else f"{path.stem}:{number}"
            question = _parse(where, {"id": fallback, **row}, articles)
            if question.id in seen:
                raise QuestionsError(
                    f"{where}: id '{question.id}' stands at {seen[question.id]} too; give each its own."
                )
            seen[question.id] = where
            questions.append(question)
    if not questions:
        raise UsageError(f"{', '.join(map(str, paths))}: there is no question in it; a line holds one question.")
    return tuple(questions)


def only(questions: Sequence[JudgedQuestion], slices: Iterable[str]) -> tuple[JudgedQuestion, ...]:
    """Return the questions that belong to every one of the named slices.

    Raises UsageError when a name is none, or no question is left.
    """
    names = list(slices)
    for name in names:
        if not is_slice_name(name):
            raise UsageError(f"'{name}' is no slice; slices are {'; '.join(SLICE_FORMS)}.")
    kept = tuple(question for question in questions if set(names) <= set(slices_of(question)))
    if not kept:
        known = sorted({name for question in questions for name in slices_of(question)})
        raise UsageError(f"No question belongs to {' and '.join(names)}; there are {'; '.join(known)}.")
    return kept


def _parse(where: str, row: dict[str, Any], articles: Sequence[Article]) -> JudgedQuestion:
    question = parse_question(where, row, articles, known_keys=_KEYS)
    for name in _TEXTS:
        if not isinstance(row.get(name, ""), str):
            raise QuestionsError(f"{where}: '{name}' must be text in quotes.")
    identity = row["id"]
    if not identity or any(character.isspace() for character in identity):
        raise QuestionsError(f"{where}: id '{identity}' must have letters and no white space (run files part by it).")
    for name in (*question.tags, row.get("voice", ""), row.get("split", "")):
        if "," in name or "=" in name:
            raise QuestionsError(f"{where}: '{name}' names a slice, so it must have no comma and no = in it.")
    lists = {}
    for name in ("also", "history"):
        lists[name] = row.get(name, [])
        if not isinstance(lists[name], list) or not all(isinstance(s, str) and s.strip() for s in lists[name]):
            raise QuestionsError(f"{where}: '{name}' must be a list of texts.")
    turn = row.get("turn")
    if turn is not None and (isinstance(turn, bool) or not isinstance(turn, int) or turn < 1):
        raise QuestionsError(f"{where}: 'turn' must be a number from 1.")
    return JudgedQuestion(
        id=identity,
        text=question.text,
        kind=question.kind,
        answers=question.answers,
        also=tuple(anchor(where, words, articles) for words in lists["also"]),
        tags=question.tags,
        voice=row.get("voice", ""),
        author=row.get("author", ""),
        split=row.get("split", ""),
        conversation=row.get("conversation", ""),
        turn=turn,
        history=tuple(lists["history"]),
    )
