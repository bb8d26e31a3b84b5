"""What the commands of the bench share: options that mean the same everywhere, and how results are printed."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from indexer.cli import notes
from indexer.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

Row = TypeVar("Row")

JUDGED = Path("eval/questions")

Corpus = Annotated[Path, typer.Option(help="Folder with one folder for each article.")]
Index = Annotated[Path, typer.Option(help="Folder of the index (python -m indexer build).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]


def judged_files() -> list[Path]:
    """Return the project's own judged questions. Raises UsageError when there are none."""
    files = sorted(JUDGED.glob("*.jsonl"))
    if not files:
        raise UsageError(f"{JUDGED}: no judged questions are here; name a file with --questions FILE.")
    return files


def show(*tables: "Table | str") -> None:
    """Print tables on stdout; as wide as they are where the output is no terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    for table in tables:
        console.print(table)


def progress(rows: Sequence[Row], what: str) -> Iterable[Row]:
    """Show a progress bar on stderr while rows are worked through; none where stderr is no terminal."""
    from rich.progress import track

    console = notes()
    return track(rows, what, console=console, disable=not console.is_terminal)


def print_json(value: Any) -> None:
    """Print a result for programs, in one line."""
    print(json.dumps(value, ensure_ascii=False))
