"""Figures for people, on a terminal."""

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from eval.compare import Change, Comparison, Verdict
from eval.gate import Check
from eval.measures import LATENCY, MEASURES, measures_of
from eval.records import AnswerRecord, Figure, Run

# Columns of the table of slices; every figure stands in run.json.
SLICE_COLUMNS = (
    "first quote right", "shown@3", "ndcg@10", "answered", "declined",
    "emergency notice", "false alarm", "auroc",
)  # fmt: skip
# A slice of fewer questions says too little for the table.
SMALLEST_SLICE = 10

_STYLES = {Verdict.BETTER: "green", Verdict.WORSE: "red", Verdict.TIE: None, None: None}


def figures_table(run: Run, slice_name: str = "all") -> Table:
    """Return every measure over one slice, one a line."""
    table = Table(title=f"{_title(run)}: {slice_name}", title_justify="left")
    table.add_column("measure")
    for name in ("value", "95 % interval", "n"):
        table.add_column(name, justify="right")
    table.add_column("what it says", style="dim")
    for measure in measures_of(run.kind):
        figure = run.figure(slice_name, measure.name)
        table.add_row(measure.name, number(figure, figure.value), interval(figure), str(figure.n), measure.says)
    return table


def slices_table(run: Run) -> Table:
    """Return the main measures over all slices, one slice a line; small slices are left out."""
    columns = (
        SLICE_COLUMNS
        if run.kind == "questions"
        else tuple(measure.name for measure in measures_of(run.kind) if measure not in LATENCY)
    )
    table = Table(title="By slice (n in brackets)", title_justify="left")
    table.add_column("slice")
    for name in columns:
        table.add_column(name, justify="right")
    sizes = {figure.slice: figure.n for figure in run.figures if figure.measure == LATENCY[0].name}
    for name, size in sizes.items():
        if size >= SMALLEST_SLICE or not name.startswith("tag="):
            table.add_row(f"{name} [{size}]", *(_cell(run.figure(name, column)) for column in columns))
    return table


def number(figure: Figure, value: float | None) -> str:
    """Return a value as it is read: with three digits between 0 and 1, with one beyond."""
    return "n = 0" if figure.n == 0 else plain(figure.measure, value)


def plain(measure: str, value: float | None, sign: str = "") -> str:
    """Return a value of a measure (or a p-value) as it is read; a dash for none."""
    if value is None:
        return "–"
    small = measure not in MEASURES or MEASURES[measure].between_0_and_1
    return f"{value:{sign}.3f}" if small else f"{value:{sign}.1f}"


def interval(figure: Figure) -> str:
    """Return an interval as it is read; a dash where none can be told."""
    if figure.low is None or figure.high is None:
        return "–"
    return f"{number(figure, figure.low)} … {number(figure, figure.high)}"


def _cell(figure: Figure) -> str:
    return f"{number(figure, figure.value)} ({figure.n})" if figure.n else "–"


def _title(run: Run) -> str:
    return ", ".join(_names(run))


def _names(run: Run) -> Iterable[str]:
    yield from (each["file"] for each in run.questions)
    yield from (f"{name} {value}" for name, value in run.settings.items() if value)


def differences_table(comparison: Comparison) -> Table:
    """Return what became better, worse or stayed a tie, one figure a line."""
    table = Table(
        title="Second run against first",
        caption="would have shown: the smallest difference that so many questions show four times in five",
        title_justify="left",
        caption_justify="left",
    )
    several = len({each.slice for each in comparison.differences}) > 1
    for name in ("slice", "measure") if several else ("measure",):
        table.add_column(name)
    for name in ("first", "second", "difference", "95 % interval", "p", "would have shown", "n"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for each in comparison.differences:
        values = ("–",) * 6
        if each.n:
            values = (
                plain(each.measure, each.first),
                plain(each.measure, each.second),
                plain(each.measure, each.difference, "+"),
                "–"
                if each.low is None
                else f"{plain(each.measure, each.low, '+')} … {plain(each.measure, each.high, '+')}",
                plain("p", each.p),
                plain(each.measure, each.detectable),
            )
        names = (each.slice, each.measure) if several else (each.measure,)
        table.add_row(
            *names,
            *values,
            str(each.n),
            each.verdict or "n = 0",
            style=_STYLES[each.verdict],
        )
    return table


def changes_table(changes: Sequence[Change], *, won: bool, of: int) -> Table:
    """Return questions that were won (or lost), with what each run showed."""
    what = "Won: right only after the change" if won else "Lost: right only before the change"
    table = Table(title=f"{what} ({len(changes)} of {of})", title_justify="left", show_lines=True)
    for name in ("question", "by", "first run", "second run"):
        table.add_column(name, overflow="fold")
    for each in changes:
        table.add_row(
            escape(f"{each.id}: {each.question}"), each.measure,
            escape(_shown(each.first)), escape(_shown(each.second)),
        )  # fmt: skip
    return table


def checks_table(checks: Sequence[Check]) -> Table:
    """Return the thresholds with what was found, one a line."""
    table = Table(title="Thresholds", title_justify="left")
    table.add_column("threshold")
    for name in ("found", "n"):
        table.add_column(name, justify="right")
    table.add_column("")
    for each in checks:
        words = "reached" if each.passed else "not reached"
        style = None if each.passed else "bold red"
        table.add_row(
            str(each.threshold), number(each.figure, each.figure.value), str(each.figure.n), words, style=style
        )
    return table


def _shown(record: AnswerRecord) -> str:
    """Return what a patient saw first, in a few words."""
    outcome, quotes = record.answer.get("outcome"), record.answer.get("quotes", [])
    if not quotes:
        return outcome or f"nDCG@10 {record.scores.get('ndcg@10')}"
    first, marked = quotes[0], quotes[0]["highlights"]
    at = marked[0]["start"] - first["start"] if marked else 0
    words = first["text"][at : at + 120]
    return f"{outcome}: {words}"
