"""What every command line of the project shares: one clear line for an error, and the exit codes.

0: done. 1: ran, and a check failed. 2: wrong use or bad input.
"""

import sys
from collections.abc import Callable

import typer
from rich.console import Console

from indexer.errors import VerbatimError

OK, CHECK_FAILED, BAD_INPUT = 0, 1, 2


def new_app(description: str) -> typer.Typer:
    """Return an empty command line that shows its help when called without a command."""
    return typer.Typer(
        help=description, no_args_is_help=True, add_completion=False, rich_markup_mode=None,
        pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip


def run(app: Callable[[], None]) -> None:
    """Run a command line; an error of ours becomes one line on stderr and exit code 2."""
    try:
        app()
    except VerbatimError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:
        # The reader went away (`… | head`); Python would complain once more when it flushes at exit.
        sys.stderr.close()
        sys.exit(OK)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)


def notes() -> Console:
    """Return a console for progress and remarks: on stderr, so that results on stdout stay clean."""
    return Console(stderr=True, highlight=False, soft_wrap=True)
