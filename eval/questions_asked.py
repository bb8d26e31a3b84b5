"""Questions that nobody judged yet: what patients asked, from a sheet or from JSON Lines."""

from pathlib import Path
from typing import Any

from eval.sheets import SUFFIXES, read_sheet
from indexer.errors import QuestionsError, UsageError
from indexer.questions import read_rows

COLUMNS = ("id", "question", "note")


def read_asked(path: Path) -> list[dict[str, Any]]:
    """Read rows of {"id", "question", "history"}; a row without an id is named by its number.

    Raises QuestionsError with file:line for a row without a question, UsageError for a file that is not there.
    """
    if path.suffix.lower() in SUFFIXES:
        rows: list[tuple[int, dict[str, Any]]] = [
            (row.number, {name: cell for name, cell in row.cells.items() if cell.strip()})
            for row in read_sheet(path, known=COLUMNS, needed=("question",))
        ]
    elif path.is_file():
        rows = list(read_rows(path))
    else:
        raise UsageError(f"{path}: there is no such file.")
    asked = []
    for number, row in rows:
        question, history = row.get("question"), row.get("history", [])
        if question is None and "verdict" in row:
            continue  # a patient's rating, without the words of the question
        if not isinstance(question, str) or not question.strip():
            raise QuestionsError(f"{path}:{number}: 'question' must be text, and not empty.")
        if not isinstance(history, list) or not all(isinstance(turn, str) for turn in history):
            raise QuestionsError(f"{path}:{number}: 'history' must be a list of earlier questions.")
        name = str(row.get("id", f"{path.stem}-{number}")).replace(" ", "-")
        asked.append({"id": name, "question": question.strip(), "history": history})
    return asked
