"""The command line of the bench (python -m eval)."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eval.cli import AsJson, Corpus, Index, judged_files, print_json, progress, show
from eval.judging_commands import app as judging_commands
from eval.settings import History, Search, System
from eval.writing_commands import app as writing_commands
from indexer.cli import CHECK_FAILED, new_app, notes, run
from indexer.errors import UsageError

if TYPE_CHECKING:
    from eval.records import Run

app = new_app("The content team's bench: is the bot better, worse or the same for patients after a change?")

Cache = Annotated[Path, typer.Option(help="Folder that keeps what was computed of third-party sets.")]
Questions = Annotated[
    list[Path] | None,
    typer.Option(help="Judged questions, JSON Lines; give it again for more files. Without: eval/questions."),
]
Only = Annotated[
    list[str] | None,
    typer.Option(help="Take a part of the questions, such as split=dev or tag=near; again for both at once."),
]


@app.command("run")
def run_command(
    output: Annotated[Path, typer.Option(help="Folder that the run is written to.")],
    questions: Questions = None,
    only: Only = None,
    beir: Annotated[
        Path | None, typer.Option(help="A third-party set in BEIR layout, instead of judged questions.")
    ] = None,
    history: Annotated[
        History,
        typer.Option(help="What is told of a conversation: nothing, the user's turns, all, or a set's rewrite."),
    ] = History.USER,
    system: Annotated[System, typer.Option(help="With --beir: what ranks the documents.")] = System.DEFAULT,
    model: Annotated[str | None, typer.Option(help="With --beir: the model, as for python -m indexer build.")] = None,
    query_prefix: Annotated[str, typer.Option(help="With --beir: what the model wants in front of a query.")] = "",
    within_article: Annotated[
        bool, typer.Option("--within-article", help="With --beir: search only the article that a query was asked of.")
    ] = False,
    cache: Cache = Path("runs/cache"),
    corpus: Corpus = Path("corpus"),
    index: Index = Path(".index"),
    force: Annotated[bool, typer.Option("--force", help="Replace a run that is in the folder.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put every judged question to the bot, and tell how well it did.

    Writes the answers and all figures to a folder. A run that was interrupted continues where it stopped.
    With --beir, our retrieval is run over a third-party set instead, for figures that others publish too.
    """
    if beir and (questions or only):
        raise UsageError("--beir takes no --questions and no --only: it has its own queries.")
    search = Search(system, model, history, query_prefix, within_article)
    if not beir and (replace(search, history=History.USER) != Search() or history is History.REWRITE):
        raise UsageError(
            "--system, --model, --query-prefix, --within-article, --history rewrite: these need --beir FOLDER."
        )
    if not beir:
        done = _run_questions(questions, only, output, history, corpus, index, force)
    else:
        from eval.beir import load_beir
        from eval.third_party import run_beir

        done = run_beir(load_beir(beir), output, cache, search, force=force, progress=progress)
    if as_json:
        figures = [asdict(figure) for figure in done.figures]
        print_json({"output": str(output), "seconds": done.seconds, "figures": figures})
    else:
        from eval.tables import figures_table, slices_table

        show(figures_table(done), slices_table(done))
        print(f"{len(done.answers):,} questions in {done.seconds:.1f} s: {output}")
    if done.kind == "questions" and done.figure("all", "verbatim").value != 1.0:
        wrong = [answer.id for answer in done.answers if answer.scores["verbatim"] != 1.0]
        notes().print(f"Failed: a text is not the slice of the article that it names, in {', '.join(wrong[:5])}.")
        raise typer.Exit(CHECK_FAILED)


@app.command("compare")
def compare_command(
    first: Annotated[Path, typer.Argument(help="Folder of the run before the change.")],
    second: Annotated[Path, typer.Argument(help="Folder of the run after it: is it better, worse or a tie?")],
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", help="Part to compare, such as tag=near; again for more. Without: all questions."),
    ] = None,
    show_questions: Annotated[
        int, typer.Option("--show", help="How many won and lost questions to print, of each.")
    ] = 10,
    as_json: AsJson = False,
) -> None:
    """Say of every figure whether the second run is better, worse or a tie, and on which questions they differ.

    The more slices are compared at once, the more each difference must show before it counts.
    """
    from eval.compare import compare
    from eval.records import read_run
    from eval.tables import changes_table, differences_table

    comparison = compare(read_run(first), read_run(second), slices or ("all",))
    if as_json:
        print_json(comparison.to_json())
        return
    show(differences_table(comparison))
    for won in (True, False):
        own = [change for change in comparison.changes if change.won is won]
        if own and show_questions:
            show(changes_table(own[:show_questions], won=won, of=len(own)))
    won_count = sum(change.won for change in comparison.changes)
    print(f"{won_count} questions won, {len(comparison.changes) - won_count} lost.")


@app.command("gate")
def gate_command(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of a finished run; without one, the questions are run now.")
    ] = None,
    thresholds: Annotated[Path, typer.Option(help="What the figures must be.")] = Path("eval/thresholds.toml"),
    junit: Annotated[Path | None, typer.Option(help="Also write the checks here as JUnit XML, for CI.")] = None,
    questions: Questions = None,
    only: Only = None,
    corpus: Corpus = Path("corpus"),
    index: Index = Path(".index"),
    as_json: AsJson = False,
) -> None:
    """Check that a run reaches every threshold: exit code 0 when it does, 1 when not, 2 for wrong use."""
    from tempfile import TemporaryDirectory

    from bot.files import write_atomically
    from eval.gate import check, junit_xml, load_thresholds
    from eval.records import read_run
    from eval.tables import checks_table

    if folder and (questions or only):
        raise UsageError(f"{folder} is a finished run; --questions and --only choose what is run without one.")
    asked = load_thresholds(thresholds)
    with TemporaryDirectory() as scratch:
        if folder:
            done = read_run(folder)
        else:
            done = _run_questions(questions, only, Path(scratch), History.USER, corpus, index, force=False)
    checks = check(done, asked)
    if junit:
        write_atomically(junit, junit_xml(checks, suite_name=str(thresholds)))
    passed = all(each.passed for each in checks)
    if as_json:
        print_json({"passed": passed, "checks": [asdict(each) for each in checks]})
    else:
        show(checks_table(checks))
        failed = sum(not each.passed for each in checks)
        print("All thresholds are reached." if passed else f"{failed} of {len(checks)} thresholds are not reached.")
    if not passed:
        raise typer.Exit(CHECK_FAILED)


@app.command("results")
def results_command(
    data: Annotated[Path, typer.Option(help="Folder with one folder for each third-party set, in BEIR layout.")],
    runs: Annotated[Path, typer.Option(help="Folder of the runs; those that are there are not made again.")] = Path(
        "runs/third-party"
    ),
    cache: Cache = Path("runs/cache"),
    output: Annotated[Path, typer.Option(help="The page that is written.")] = Path("eval/RESULTS.md"),
    run_folder: Annotated[
        Path | None, typer.Option("--run", help="A run over our judged questions, for its worst misses.")
    ] = None,
    curve: Annotated[Path | None, typer.Option(help="Folder of the learning curve.")] = None,
    ablation: Annotated[
        Path | None, typer.Option(help="What 'ablation --json' printed: what each part is worth.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run our retrieval over third-party sets, and write the page that sets it beside published figures.

    This takes about an hour on two cores the first time; interrupted, it continues where it stopped.
    """
    from bot.files import write_atomically
    from eval.learning_curve_files import read_curve
    from eval.records import read_run
    from eval.results import as_markdown, gather
    from eval.results_own import own_markdown, read_ablations

    own = own_markdown(
        read_ablations(ablation) if ablation else (),
        read_curve(curve) if curve else None,
        read_run(run_folder) if run_folder else None,
    )
    made = gather(data, runs, cache, note=notes().print, progress=progress)
    write_atomically(output, as_markdown(made, own))
    if as_json:
        print_json({"output": str(output), "runs": [str(runs / plan.folder) for plan in made]})
    else:
        print(f"{output}: {len(made)} runs over {len({plan.set for plan in made})} sets.")


def _run_questions(
    questions: list[Path] | None,
    slices: list[str] | None,
    output: Path,
    history: History,
    corpus: Path,
    index: Path,
    force: bool,
) -> "Run":
    from bot.bot import Bot
    from eval.judged import load_judged, only
    from eval.running import run_questions

    files = questions or judged_files()
    bot = Bot.open(corpus, index)
    judged = only(load_judged(files, list(bot.corpus.articles.values())), slices or ())
    return run_questions(
        bot,
        judged,
        files,
        output,
        history=history,
        only=slices or (),
        force=force,
        progress=lambda rows: progress(rows, "Answering"),
    )


app.add_typer(writing_commands)
app.add_typer(judging_commands, name="judge")


if __name__ == "__main__":
    run(app)
