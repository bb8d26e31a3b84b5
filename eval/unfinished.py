"""The answers of a run that goes on, or was interrupted: kept one by one, so that it can continue."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval.records import PARTIAL_FILE, AnswerRecord
from indexer.errors import UsageError


class Unfinished:
    """The answers of a run so far, in its folder: one line each, after a line that says what the run is."""

    def __init__(self, output: Path, about: dict[str, Any]) -> None:
        self.done: dict[str, AnswerRecord] = {}
        self._path = output / PARTIAL_FILE
        self._key = {"run": hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()}
        if self._path.exists():
            self._read()

    def _read(self) -> None:
        rows = _whole_rows(self._path)
        if next(rows, None) != self._key:
            raise UsageError(
                f"{self._path.parent}: an unfinished run of other questions, another index or other code is "
                "here; name another folder, or replace it with --force."
            )
        self.done = {row["id"]: AnswerRecord.from_json(row) for row in rows}

    def __enter__(self) -> "Unfinished":
        # Written anew, so that a line that was cut off in the middle does not stay.
        self._file = self._path.open("w", encoding="utf-8", newline="\n")
        self._write(self._key)
        for record in self.done.values():
            self._write(record.to_json())
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, record: AnswerRecord) -> None:
        """Keep an answer, on disk at once."""
        self.done[record.id] = record
        self._write(record.to_json())
        self._file.flush()

    def remove(self) -> None:
        """Remove the file; the run is finished."""
        self._path.unlink(missing_ok=True)

    def _write(self, row: dict[str, Any]) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _whole_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file up to the first that was cut off."""
    for line in path.read_bytes().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return
