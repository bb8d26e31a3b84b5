"""The command line `python -m bot ask | answer`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli import new_app, notes, run
from indexer.errors import UsageError

if TYPE_CHECKING:
    from bot.bot import Bot

app = new_app("Ask the articles of a corpus; they answer in their own words.")

Corpus = Annotated[Path, typer.Option(help="Folder with one folder for each article.")]
Index = Annotated[Path, typer.Option(help="Folder of the index (python -m indexer build).")]


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="The question; without one, a conversation starts.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for programs.")] = False,
    corpus: Corpus = Path("corpus"),
    index: Index = Path(".index"),
) -> None:
    """Ask one question, or hold a small conversation on the terminal."""
    from rich.console import Console

    from bot.terminal import converse, render

    bot = _open(corpus, index)
    if question is None:
        converse(bot)
        return
    answer = bot.answer(question)
    if as_json:
        print(json.dumps(answer.to_json(bot.corpus), ensure_ascii=False))
    else:
        Console(highlight=False, markup=False).print(render(answer, bot.corpus))


@app.command()
def answer(
    questions: Annotated[Path, typer.Option(help='JSON Lines: {"id": …, "question": …, "history": […]} a line.')],
    output: Annotated[Path, typer.Option(help="Where the answers are written, one a line, in the same order.")],
    corpus: Corpus = Path("corpus"),
    index: Index = Path(".index"),
) -> None:
    """Answer a file of questions; the output file appears when all of them are answered."""
    from bot.batch import answer_file

    if questions.resolve() == output.resolve():
        raise UsageError(f"{output}: the output would overwrite the questions; name another file.")
    console = notes()
    count, seconds = answer_file(lambda: _open(corpus, index), questions, output, show_progress=console.is_terminal)
    console.print(f"Answered {count:,} questions in {seconds:.1f} s: {output}")


def _open(corpus: Path, index: Path) -> "Bot":
    from bot.bot import Bot

    return Bot.open(corpus, index)


if __name__ == "__main__":
    run(app)
