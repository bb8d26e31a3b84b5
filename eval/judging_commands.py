"""The commands for judges: judge export, judge import."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from eval.cli import AsJson, Corpus, Index, print_json, progress
from indexer.cli import CHECK_FAILED, new_app
from indexer.errors import UsageError

app = new_app("Judge answers in a spreadsheet: export a sheet, fill it, import it.")


@app.command("export")
def judge_export(
    output: Annotated[Path, typer.Argument(help="Sheet to write, .csv or .xlsx.", metavar="SHEET")],
    run_folder: Annotated[
        Path | None, typer.Option("--run", help="Folder of a run: its answers are to be judged.")
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(help="New questions to answer: CSV or XLSX with a column question, or JSON Lines."),
    ] = None,
    corpus: Corpus = Path("corpus"),
    index: Index = Path(".index"),
    as_json: AsJson = False,
) -> None:
    """Write a sheet of questions and what the bot showed, with columns to fill.

    verdict: right, partly, wrong, should decline, or emergency. right words: the article's words that answer,
    for partly and wrong; several with ' | ' between them. Each judge fills a copy that has their name.
    """
    from bot.bot import Bot
    from eval.judging import ask, export_sheet
    from eval.questions_asked import read_asked
    from eval.records import read_run

    if (run_folder is None) == (questions is None):
        raise UsageError("Say what is to be judged: either --run FOLDER or --questions FILE.")
    if run_folder:
        run = read_run(run_folder)
        if run.kind != "questions":
            raise UsageError(f"{run_folder}: a run over a third-party set keeps no answers to judge.")
        records = list(run.answers)
    else:
        asked = read_asked(questions) if questions else []
        records = ask(Bot.open(corpus, index), progress(asked, "Answering"))
    export_sheet(output, records)
    if as_json:
        print_json({"output": str(output), "rows": len(records)})
    else:
        print(f"{len(records):,} answers to judge: {output}")


@app.command("import")
def judge_import(
    sheets: Annotated[list[Path], typer.Argument(help="Filled sheets, one a judge.", metavar="SHEET…")],
    into: Annotated[Path, typer.Option(help="Judged questions, JSON Lines: new ones are added, known ones updated.")],
    settled: Annotated[
        Path | None, typer.Option(help="A sheet of what judges differed on, filled by who settles it.")
    ] = None,
    differing: Annotated[
        Path | None, typer.Option(help="Sheet to write of what the judges differ on (.csv or .xlsx).")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count, and write no judged questions.")] = False,
    corpus: Corpus = Path("corpus"),
    index: Index = Path(".index"),
    as_json: AsJson = False,
) -> None:
    """Check filled sheets, tell how far the judges agree (Cohen's kappa), and merge them into judged questions.

    What the judges differ on is left out until it is settled. A question that nearly repeats a taught one is
    refused: what is taught is not judged.
    """
    from eval.judging import import_sheet
    from eval.merging import merge, without_repeats, write_differing, write_judged
    from indexer.storage import load_index

    judges = [sheet.stem for sheet in sheets]
    if len(set(judges)) < len(judges):
        raise UsageError("Two sheets have one name; name each sheet after its judge.")
    loaded = load_index(corpus, index)
    articles = list(loaded.corpus.articles.values())
    read = [import_sheet(sheet, articles) for sheet in sheets]
    final = import_sheet(settled, articles)[0] if settled else []
    merged = merge([judgement for judgements, _ in read for judgement in judgements], final)
    fresh, repeats = without_repeats(merged.settled, loaded)
    added, changed = write_judged(into, fresh, articles, dry_run=dry_run)
    if differing and merged.differing:
        write_differing(differing, merged.differing)
    result = {
        "judged": sum(len(judgements) for judgements, _ in read),
        "not_judged_yet": sum(empty for _, empty in read),
        "added": added,
        "changed": changed,
        "differing": [own[0].id for own in merged.differing],
        "repeats": repeats,
        "agreements": [asdict(agreement) for agreement in merged.agreements],
    }
    if as_json:
        print_json(result)
    else:
        from eval.judging_text import import_summary

        print(import_summary(merged, repeats, result, into, dry_run=dry_run))
    if repeats:
        raise typer.Exit(CHECK_FAILED)
