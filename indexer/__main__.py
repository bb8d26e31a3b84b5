"""The command line `python -m indexer build | show | check`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from indexer.cli import CHECK_FAILED, new_app, notes, run

app = new_app("Turn the articles of a corpus into an index that the bot answers from.")

Corpus = Annotated[Path, typer.Option(help="Folder with one folder for each article.")]
Index = Annotated[Path, typer.Option(help="Folder of the index.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]


@app.command()
def build(
    corpus: Corpus = Path("corpus"),
    index: Index = Path(".index"),
    model: Annotated[
        str | None, typer.Option(help="A packaged model, or any sentence-transformers model by name or path.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Build even when nothing changed, and encode everything anew.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build the index when articles, taught questions or the model changed since the last time."""
    from indexer.build import build as build_index

    console = notes()
    report = build_index(
        corpus, index, model=model, force=force, progress=console.print, progress_bar=console.is_terminal
    )
    if as_json:
        print(json.dumps({"built": report.why is not None, "why": report.why, "counts": report.counts}))
    elif report.why is None:
        print(f"Nothing to do: {index} is up to date ({_counts(report.counts)}).")
    else:
        print(f"Built {index} ({report.why}): {_counts(report.counts)}.")


@app.command()
def show(corpus: Corpus = Path("corpus"), index: Index = Path(".index"), as_json: AsJson = False) -> None:
    """Show what the articles were cut into, and what the index holds."""
    from indexer.corpus import load_corpus
    from indexer.show import as_text, describe
    from indexer.storage import check_fresh, read_manifest

    manifest = read_manifest(corpus, index)
    check_fresh(manifest, corpus, index)
    description = describe(load_corpus(corpus), manifest)
    print(json.dumps(description, ensure_ascii=False) if as_json else as_text(description))


@app.command()
def check(corpus: Corpus = Path("corpus"), index: Index = Path(".index"), as_json: AsJson = False) -> None:
    """Check every span of every article, and every hash that the index was built with."""
    from indexer.check import check_corpus, check_index

    problems = [*check_corpus(corpus), *check_index(corpus, index)]
    if as_json:
        print(json.dumps({"problems": problems}, ensure_ascii=False))
    else:
        print("\n".join(problems) or "All spans and hashes are right.")
    if problems:
        raise typer.Exit(CHECK_FAILED)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in counts.items())


if __name__ == "__main__":
    run(app)
