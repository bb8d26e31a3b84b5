"""Answering thousands of questions from a file to a file."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.progress import track

from bot.bot import Bot
from bot.files import write_atomically
from indexer.errors import QuestionsError, UsageError
from indexer.questions import read_rows


def answer_file(
    open_bot: Callable[[], Bot], questions: Path, output: Path, *, show_progress: bool
) -> tuple[int, float]:
    """Answer every row of `questions` and write `output` in one step at the end.

    All rows are checked before the bot is opened. Returns how many were answered, and in how many seconds.
    """
    rows = read_batch(questions)
    bot = open_bot()
    started = time.perf_counter()
    lines = [
        json.dumps({"id": row["id"], **bot.answer(row["question"], history=row["history"]).to_json(bot.corpus)},
                   ensure_ascii=False)
        for row in track(rows, "Answering", disable=not show_progress)
    ]  # fmt: skip
    write_atomically(output, "".join(line + "\n" for line in lines))
    return len(rows), time.perf_counter() - started


def read_batch(path: Path) -> list[dict[str, Any]]:
    """Read and check rows of {"id", "question", "history"?}; further fields are left alone."""
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file of questions.")
    rows: list[dict[str, Any]] = []
    for number, row in read_rows(path):
        history = row.get("history", [])
        if "id" not in row or not isinstance(row.get("question"), str):
            raise QuestionsError(f"{path}:{number}: a row needs an 'id' and a 'question' that is text.")
        if not isinstance(history, list) or not all(isinstance(turn, str) for turn in history):
            raise QuestionsError(f"{path}:{number}: 'history' must be a list of earlier questions.")
        rows.append({"id": row["id"], "question": row["question"], "history": history})
    return rows
