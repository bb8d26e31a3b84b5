"""Teaching: a file of new questions → lines at the end of an article's questions.jsonl, after every check."""

import json
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.files import write_atomically
from eval.anchoring import answers_in
from eval.repeats import Asked, find_repeats, judged_questions
from eval.sheets import SUFFIXES, read_sheet
from indexer.article import Article, article_folders, load_article
from indexer.corpus import QUESTIONS_FILE
from indexer.encoder import load_encoder
from indexer.errors import QuestionsError, UsageError
from indexer.questions import Question, load_taught, normalise, parse_question, read_rows
from indexer.training import VOICE_TAG

COLUMNS = ("question", "answers", "kind", "tags", "voice", "note")


@dataclass(frozen=True, slots=True)
class Lesson:
    """One new question: `where` is file:line, `row` the line that would be added."""

    where: str
    question: Question
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Teaching:
    """What is about to be taught: the lessons to add, and why others were refused (file:line: why)."""

    article: Article
    path: Path
    lessons: tuple[Lesson, ...]
    repeats: tuple[str, ...]
    taught: tuple[Question, ...]

    def counts(self) -> dict[str, int]:
        """Return how many lessons there are of each kind."""
        return dict(Counter(lesson.question.kind.value for lesson in self.lessons))

    def to_json(self) -> dict[str, Any]:
        """Return plain values: what would be added, and what was refused."""
        by_answer = [{"answer": words, "before": old, "after": new} for words, old, new in self.by_answer()]
        rows = [lesson.row for lesson in self.lessons]
        return {"article": self.article.id, "rows": rows, "repeats": list(self.repeats), "by_answer": by_answer}

    def summary(self, *, added: bool) -> str:
        """Return what was added, or would be, for people."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts().items())) or "none"
        lines = [f"{'Added' if added else 'Would add'} {len(self.lessons)} questions to {self.path}: {kinds}."]
        lines += [f"  {before:4} → {after:<4} {words}" for words, before, after in self.by_answer()]
        if self.repeats:
            lines.append(f"Refused {len(self.repeats)} that repeat others; leave them out, or add --skip-repeats.")
        if added and self.lessons:
            corpus = shlex.quote(str(self.path.parent.parent))
            lines.append(f"The bot learns them with: python -m indexer build --corpus {corpus}")
        return "\n".join(lines)

    def by_answer(self) -> list[tuple[str, int, int]]:
        """Return for every answer: its words, how many questions led there before, and how many will."""
        before = Counter(answer for question in self.taught for answer in question.answers)
        new = Counter(answer for lesson in self.lessons for answer in lesson.question.answers)
        return [
            (self.article.slice(span), before[span], before[span] + count)
            for span, count in sorted(new.items(), key=lambda item: item[0].start)
        ]


def prepare(
    path: Path, corpus: Path, judged: Sequence[Path], *, article: str | None = None, voice: str | None = None
) -> Teaching:
    """Read a file of new questions and check every row; nothing is written.

    judged: files of judged questions, which must not be taught. voice: whose wordings these are, for
    rows that do not say. Raises QuestionsError with one line for every wrong row, UsageError for a file or an article
    that is not there. Repeats are no error here: they are named in the result, and left out of its lessons.
    """
    folder = _article_folder(corpus, article)
    about = load_article(folder)
    taught = load_taught(folder / QUESTIONS_FILE, about)
    lessons: list[Lesson] = []
    wrong: list[str] = []
    for where, row in _read(path, about):
        try:
            lessons.append(_lesson(where, row, about, voice))
        except QuestionsError as error:
            wrong.append(str(error))
    if wrong:
        raise QuestionsError("\n".join([*wrong, f"{path}: nothing was added; mend these rows and teach again."]))
    if not lessons:
        raise UsageError(f"{path}: there is no question in it.")
    fresh, repeats = _without_repeats(lessons, folder / QUESTIONS_FILE, judged)
    return Teaching(about, folder / QUESTIONS_FILE, tuple(fresh), tuple(repeats), taught)


def add(teaching: Teaching) -> None:
    """Append the lessons to the article's questions, in one step; earlier lines stay as they are."""
    before = teaching.path.read_text(encoding="utf-8") if teaching.path.is_file() else ""
    lines = [json.dumps(lesson.row, ensure_ascii=False) + "\n" for lesson in teaching.lessons]
    gap = "\n" if before and not before.endswith("\n") else ""
    write_atomically(teaching.path, before + gap + "".join(lines))


def _article_folder(corpus: Path, article: str | None) -> Path:
    folders = {folder.name: folder for folder in article_folders(corpus)}
    names = ", ".join(folders)
    if article is None and len(folders) > 1:
        raise UsageError(f"{corpus}: it has several articles; say which with --article, one of: {names}.")
    if article is not None and article not in folders:
        raise UsageError(f"{corpus}: it has no article '{article}'; it has {names}.")
    return folders[article] if article is not None else next(iter(folders.values()))


def _read(path: Path, article: Article) -> list[tuple[str, dict[str, Any]]]:
    """Return (file:line, fields) of every row of a sheet or a JSON Lines file."""
    if path.suffix.lower() in SUFFIXES:
        return [
            (f"{path}:{row.number}", _fields(dict(row.cells), article))
            for row in read_sheet(path, known=COLUMNS, needed=("question",))
        ]
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file.")
    if path.suffix.lower() != ".jsonl":
        raise UsageError(f"{path}: its name must end in .csv, .xlsx or .jsonl.")
    return [(f"{path}:{number}", row) for number, row in read_rows(path)]


def _fields(cells: dict[str, str], article: Article) -> dict[str, Any]:
    fields: dict[str, Any] = {"question": cells["question"].strip()}
    fields["answers"] = answers_in(cells.get("answers", ""), [article])
    fields["tags"] = cells.get("tags", "").replace(",", " ").replace("|", " ").split()
    if kind := cells.get("kind", "").strip():
        fields["kind"] = kind.casefold()
    if voice := cells.get("voice", "").strip():
        fields["voice"] = voice
    return fields


def _lesson(where: str, row: dict[str, Any], article: Article, voice: str | None) -> Lesson:
    own_voice = row.get("voice", voice)
    if own_voice is not None and not (isinstance(own_voice, str) and own_voice.strip()):
        raise QuestionsError(f"{where}: 'voice' must be a name.")
    question = parse_question(where, row, [article], known_keys=set(COLUMNS))
    if not normalise(question.text):
        raise QuestionsError(f"{where}: a question needs letters or digits.")
    tags = list(question.tags)
    if own_voice and not any(tag.startswith(VOICE_TAG) for tag in tags):
        tags.append(f"{VOICE_TAG}{own_voice.strip()}")
    taught_row: dict[str, Any] = {"question": question.text, "answers": row.get("answers", [])}
    if "kind" in row:
        taught_row["kind"] = question.kind.value
    if tags:
        taught_row["tags"] = tags
    return Lesson(where, question, taught_row)


def _without_repeats(
    lessons: Sequence[Lesson], path: Path, judged_files: Sequence[Path]
) -> tuple[list[Lesson], list[str]]:
    """Part the lessons that are new from those that repeat a taught, an earlier new, or a judged question."""
    seen = {normalise(row["question"]): f"line {number} of {path}" for number, row in _taught_rows(path)}
    new = [Asked(lesson.where, lesson.question.text) for lesson in lessons]
    repeats = find_repeats(new, judged_questions(judged_files), load_encoder().encode)
    near = {repeat.left.name: repeat.right.name for repeat in repeats}
    fresh: list[Lesson] = []
    refused: list[str] = []
    for lesson in lessons:
        key = normalise(lesson.question.text)
        if key in seen:
            refused.append(f"{lesson.where}: the same question as {seen[key]}; leave it out.")
        elif lesson.where in near:
            # Its words are not shown: who teaches must not see what is judged.
            refused.append(f"{lesson.where}: nearly repeats the judged question {near[lesson.where]}; leave it out.")
        else:
            seen[key] = lesson.where
            fresh.append(lesson)
    return fresh, refused


def _taught_rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    return list(read_rows(path)) if path.is_file() else []
