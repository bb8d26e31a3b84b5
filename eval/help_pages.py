"""The README's section of commands, made of their own help, so that it cannot drift."""

from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from indexer.errors import UsageError

BEGIN, END = "<!-- commands: made by python -m eval help-pages -->", "<!-- end of commands -->"
PROGRAM = "python -m eval"


def with_commands(readme: str, context: typer.Context, path: Path) -> str:
    """Return a README whose section between BEGIN and END is the help of every command.

    context: that of any command of the program. Raises UsageError when the marks are not there.
    """
    head, begin, rest = readme.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise UsageError(f"{path}: it lacks the marks '{BEGIN}' and '{END}'; put them where the commands belong.")
    pages = get_docs_for_click(obj=context.find_root().command, ctx=context, name=PROGRAM, title="Commands", indent=1)
    return f"{head}{BEGIN}\n\n{pages.strip()}\n\n{END}{tail}"
