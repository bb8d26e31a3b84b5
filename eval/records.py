"""What a run leaves behind, in memory and on disk.

    run.json         what was run on what, with which settings; figures, curves, sentences
    answers.jsonl    one line a question: the answer, what would have been right, and the scores
    run.trec         the ranking of every question, for ir_measures and trec_eval
    qrels.trec       what is right, in the same form

A run of the bot over judged questions has kind "questions"; a run over a third-party set has kind "beir", and
its answers carry scores but no words.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from bot.files import write_atomically
from indexer.errors import QuestionsError, UsageError
from indexer.questions import read_rows

RUN_FILE, ANSWERS_FILE, PARTIAL_FILE = "run.json", "answers.jsonl", "answers.partial.jsonl"
RUN_TREC, QRELS_TREC = "run.trec", "qrels.trec"

Ranking = tuple[str, Sequence[tuple[str, float]]]
"""A question's id, and its documents with scores, best first."""
Relevance = tuple[str, str, int]
"""A question's id, a document, and its grade."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure over one slice, with its 95 % interval; `n` questions went into it.

    Without a question (n = 0) there is no value; where no interval can be told, `low` and `high` are None.
    """

    slice: str
    measure: str
    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class SentenceRecord:
    """A sentence of the corpus as it was when the run was made; its place in the run is its number."""

    article: str
    start: int
    end: int
    text: str
    heading: str | None


@dataclass(frozen=True, slots=True)
class GoldSpan:
    """Words of an article that answer a question, or may stand beside its answer."""

    article: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """What became of one question.

    `answer` is the bot's answer as `Answer.to_json` gives it (empty in a run over a third-party set).
    `ranking`, `gold_sentences` and `also_sentences` are sentence numbers, the ranking best first.
    `scores` maps a measure to a number, or to None where it does not apply to this question.
    """

    id: str
    question: str
    kind: str
    scores: dict[str, float | None]
    history: tuple[str, ...] = ()
    split: str = ""
    voice: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    turn: int | None = None
    gold: tuple[GoldSpan, ...] = ()
    also: tuple[GoldSpan, ...] = ()
    answer: dict[str, Any] = field(default_factory=dict)
    ranking: tuple[int, ...] = ()
    gold_sentences: tuple[int, ...] = ()
    also_sentences: tuple[int, ...] = ()
    milliseconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain values for one line of answers.jsonl."""
        return asdict(self)

    @staticmethod
    def from_json(row: dict[str, Any]) -> "AnswerRecord":
        """Read back what `to_json` wrote. Raises KeyError or TypeError when it is something else."""
        known = {name: row[name] for name in (each.name for each in fields(AnswerRecord)) if name in row}
        for name in ("history", "tags", "ranking", "gold_sentences", "also_sentences"):
            known[name] = tuple(known.get(name, ()))
        for name in ("gold", "also"):
            known[name] = tuple(GoldSpan(**span) for span in known.get(name, ()))
        return AnswerRecord(**known)


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run. `settings` is what the command was told (history, slices, system, model …).

    `questions`: {"file", "sha256"} of each file of questions; `manifest`: that of the index; `curves`:
    "risk-coverage", points {"coverage", "risk"}, and "reliability", bins {"low", "high", "confidence",
    "right", "n"}.
    """

    kind: str
    questions: tuple[dict[str, str], ...]
    settings: dict[str, Any]
    environment: dict[str, Any]
    manifest: dict[str, Any]
    started: str
    seconds: float
    sentences: tuple[SentenceRecord, ...]
    figures: tuple[Figure, ...]
    curves: dict[str, list[dict[str, float]]]
    answers: tuple[AnswerRecord, ...]

    def figure(self, slice_name: str, measure: str) -> Figure:
        """Return one figure; of a slice or measure that the run does not have, an empty one (n = 0)."""
        for figure in self.figures:
            if (figure.slice, figure.measure) == (slice_name, measure):
                return figure
        return Figure(slice_name, measure, None, None, None, 0)

    def about(self) -> dict[str, Any]:
        """Return plain values of everything but the answers, for run.json."""
        about = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "answers"}
        about["sentences"] = [asdict(sentence) for sentence in self.sentences]
        about["figures"] = [asdict(figure) for figure in self.figures]
        return about


def prepare_folder(folder: Path, *, force: bool) -> None:
    """Make the folder of a new run. Raises UsageError when a finished run is there, unless `force` removes it."""
    if (folder / RUN_FILE).exists() and not force:
        raise UsageError(f"{folder}: a finished run is here; name another folder, or replace it with --force.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (RUN_FILE, ANSWERS_FILE, PARTIAL_FILE, RUN_TREC, QRELS_TREC) if force else ():
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror or error}); name another folder.") from None
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{folder}: may not be written to; name another folder.")


def write_run(run: Run, folder: Path) -> None:
    """Write a run's two JSON files; run.json comes last, so that a folder with one is whole."""
    lines = (json.dumps(answer.to_json(), ensure_ascii=False) + "\n" for answer in run.answers)
    write_atomically(folder / ANSWERS_FILE, "".join(lines))
    write_atomically(folder / RUN_FILE, json.dumps(run.about(), ensure_ascii=False, indent=1) + "\n")


def read_run(folder: Path) -> Run:
    """Read the folder of a finished run. Raises UsageError when there is none, or it is damaged."""
    again = "run it again: python -m eval run … --output FOLDER"
    if not (folder / RUN_FILE).is_file():
        what = "its run was interrupted" if (folder / RUN_FILE).parent.is_dir() else "there is no such folder"
        raise UsageError(f"{folder}: no finished run is here ({what}, or it is no run's folder); {again}")
    try:
        about = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        answers = tuple(AnswerRecord.from_json(row) for _, row in read_rows(folder / ANSWERS_FILE))
        about["questions"] = tuple(about["questions"])
        about["sentences"] = tuple(SentenceRecord(**sentence) for sentence in about["sentences"])
        about["figures"] = tuple(Figure(**figure) for figure in about["figures"])
        return Run(**about, answers=answers)
    except (OSError, ValueError, KeyError, TypeError, QuestionsError) as error:
        raise UsageError(f"{folder}: the files of this run are damaged ({error}); {again}") from None


def write_trec(folder: Path, rankings: Iterable[Ranking]) -> None:
    """Write run.trec."""
    lines = [
        f"{question} Q0 {document} {rank} {score!r} ask-the-article\n"
        for question, documents in rankings
        for rank, (document, score) in enumerate(documents, start=1)
    ]
    write_atomically(folder / RUN_TREC, "".join(lines))


def write_qrels(folder: Path, qrels: Iterable[Relevance]) -> None:
    """Write qrels.trec."""
    lines = [f"{question} 0 {document} {relevance}\n" for question, document, relevance in qrels]
    write_atomically(folder / QRELS_TREC, "".join(lines))
