"""The commands for those who write and teach: teach, learning-curve, ablation, fit-untaught, coverage, report."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from eval.cli import JUDGED, AsJson, Corpus, Index, print_json, progress, show
from indexer.cli import CHECK_FAILED, new_app, notes
from indexer.errors import UsageError

app = new_app("For those who write and teach.")

CURVE_FOLDER = Path("runs/learning-curve")
README = Path("eval/README.md")


@app.command()
def teach(
    file: Annotated[
        Path,
        typer.Argument(
            help="New questions: a CSV or XLSX sheet with the columns question, answers (words of the article; "
            "several with ' | ' between them), kind, tags, voice, note; or JSON Lines."
        ),
    ],
    article: Annotated[
        str | None, typer.Option(help="The article that they are about; needed when the corpus has several.")
    ] = None,
    voice: Annotated[
        str | None,
        typer.Option(help="Whose wordings these are, such as old-phone; a row's own voice counts more."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be added.")] = False,
    skip_repeats: Annotated[
        bool,
        typer.Option("--skip-repeats", help="Add the others when some questions repeat taught or judged ones."),
    ] = False,
    corpus: Corpus = Path("corpus"),
    as_json: AsJson = False,
) -> None:
    """Add questions to what an article is taught, after every check.

    A row is refused when its answer is not in the article word for word, when the question is taught already,
    or when it nearly repeats a judged question (what is taught must not be what is judged).
    """
    from eval.teaching import add, prepare

    teaching = prepare(file, corpus, sorted(JUDGED.glob("*.jsonl")), article=article, voice=voice)
    refused = bool(teaching.repeats) and not skip_repeats
    if not (dry_run or refused) and teaching.lessons:
        add(teaching)
    if as_json:
        print_json(teaching.to_json() | {"added": 0 if dry_run or refused else len(teaching.lessons)})
    else:
        for line in teaching.repeats:
            print(line)
        print(teaching.summary(added=not (dry_run or refused)))
    if refused:
        raise typer.Exit(CHECK_FAILED)


@app.command()
def learning_curve(
    output: Annotated[Path, typer.Option(help="Folder for the figures and the plot.")] = CURVE_FOLDER,
    article: Annotated[str | None, typer.Option(help="The article; without: the first that is taught.")] = None,
    corpus: Corpus = Path("corpus"),
    index: Index = Path(".index"),
    as_json: AsJson = False,
) -> None:
    """Show what teaching brings: how well questions of new authors are answered, with ever more taught questions.

    Learns again and again from parts of the taught questions, and tests with authors that it did not learn from.
    Takes a few minutes. Writes curve.json, curve.svg and curve.png.
    """
    from eval.coverage_tables import curve_table
    from eval.learning import learning_curve as draw
    from eval.learning_curve_files import write_curve
    from indexer.storage import load_index

    console = notes()
    silent = not console.is_terminal
    curve = draw(load_index(corpus, index), article=article, progress=(lambda _: None) if silent else console.print)
    write_curve(curve, output)
    if as_json:
        print_json({"output": str(output), **asdict(curve)})
    else:
        show(*curve_table(curve), f"Plot: {output / 'curve.png'}")


@app.command()
def ablation(corpus: Corpus = Path("corpus"), index: Index = Path(".index"), as_json: AsJson = False) -> None:
    """Show what each part of the understanding is worth: the taught questions judged without it.

    Every question is judged by what was learned from other authors only. Takes a few minutes.
    """
    from eval.ablation import ablate, table_of
    from indexer.storage import load_index

    loaded = load_index(corpus, index)
    learned = [shelf for shelf in loaded.shelves if shelf.head]
    if not learned:
        raise UsageError(f"{corpus}: nothing was learned from taught questions here, so that no part can be removed.")
    for shelf in learned:
        rows = list(ablate(loaded, shelf, notes().print))
        if as_json:
            print_json({"articles": shelf.articles, "without": [asdict(row) for row in rows]})
        else:
            show(table_of(shelf.articles, rows))


@app.command()
def fit_untaught(
    beir: Annotated[Path, typer.Option(help="A third-party set that tells 'article' and 'is_answerable'.")],
    cache: Annotated[Path, typer.Option(help="Folder for the vectors of its documents.")] = Path("runs/cache"),
    write: Annotated[bool, typer.Option("--write", help="Let the bot decide by what was fitted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fit what decides for articles that nobody taught, and tell how well it does on articles it was not fitted on.

    Takes a few minutes. What was fitted before stays, in indexer/untaught.json, unless --write is given.
    """
    from bot.files import write_atomically
    from eval.beir import load_beir
    from eval.settings import Search, System
    from eval.third_party import open_library
    from eval.untaught import fit_untaught as fit
    from indexer.encoder import load_encoder
    from indexer.untaught import UNTAUGHT_FILE

    loaded = load_beir(beir)
    library = open_library(loaded, Search(System.PLAIN), load_encoder(), cache, progress)
    fitted = fit(loaded, library, progress(loaded.queries, "Searching"))
    if write:
        write_atomically(UNTAUGHT_FILE, json.dumps(fitted.untaught.to_json(), indent=1) + "\n")
    if as_json:
        print_json({"written": write, "out_of_fold": fitted.figures})
    else:
        print(*(f"{name}: {value:.3f}" for name, value in fitted.figures.items()), sep="\n")


@app.command()
def coverage(
    run_folder: Annotated[
        Path | None, typer.Option("--run", help="A run: then sections that none of its answers quotes are named.")
    ] = None,
    curve: Annotated[
        Path, typer.Option(help="Folder of the learning curve; without one, what more would bring is left out.")
    ] = CURVE_FOLDER,
    asked: Annotated[
        Path | None,
        typer.Option(help="Questions that patients really asked (CSV or XLSX with a column question, or JSON Lines)."),
    ] = None,
    enough: Annotated[int, typer.Option(min=1, help="Taught questions a sentence that are enough.")] = 50,
    corpus: Corpus = Path("corpus"),
    index: Index = Path(".index"),
    as_json: AsJson = False,
) -> None:
    """Show where to teach and what to write next.

    Sections that no question reaches, passages with too few taught questions and what more would bring, groups
    of questions that the article does not answer, and how hard each section reads.
    """
    from bot.bot import Bot
    from eval.coverage import cover
    from eval.coverage_tables import coverage_tables
    from eval.gaps import find_gaps
    from eval.learning_curve_files import CURVE_FILE, read_curve
    from eval.questions_asked import read_asked
    from eval.records import read_run

    bot = Bot.open(corpus, index)
    known_curve = read_curve(curve) if (curve / CURVE_FILE).is_file() or curve != CURVE_FOLDER else None
    run = read_run(run_folder) if run_folder else None
    gaps = find_gaps(bot, [row["question"] for row in read_asked(asked)] if asked else ())
    found = cover(bot.index, gaps, run=run, curve=known_curve, enough=enough)
    if as_json:
        print_json(asdict(found))
        return
    show(*coverage_tables(found))
    if known_curve is None:
        print("Not told: what more questions would bring. First run: python -m eval learning-curve")


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    against: Annotated[
        Path | None, typer.Option(help="Folder of an earlier run: tells what became better or worse since.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="HTML file to write; without: report.html in the folder of the run.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a run as one page for a browser: figures, curves, and every miss in full.

    The page is one file that asks nothing of the network; it can be mailed, and read on a phone.
    """
    from eval.records import read_run
    from eval.report import write_report

    run = read_run(folder)
    path = write_report(run, output or folder, against=read_run(against) if against else None)
    if as_json:
        print_json({"output": str(path), "bytes": path.stat().st_size})
    else:
        print(f"Report: {path}")


@app.command()
def help_pages(
    context: typer.Context,
    readme: Annotated[Path, typer.Option(help="The page that has the commands between its two marks.")] = README,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the page tells what the commands tell.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write what --help says of every command into the bench's README."""
    from bot.files import write_atomically
    from eval.help_pages import with_commands

    before = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    after = with_commands(before, context, readme)
    if not check and after != before:
        write_atomically(readme, after)
    if as_json:
        print_json({"readme": str(readme), "changed": after != before})
    elif check and after != before:
        print(f"{readme}: the commands changed; run: python -m eval help-pages")
    else:
        print(f"{readme}: tells what the commands tell.")
    if check and after != before:
        raise typer.Exit(CHECK_FAILED)
