"""A run as one HTML file: figures with intervals, curves, every miss in full. It asks nothing of the network."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.files import write_atomically
from eval.compare import Change, Comparison, compare
from eval.measures import CERTAINTY, LATENCY, MEASURES, RETRIEVED, SCORED
from eval.misses import MEANING, Miss, find_misses, is_missed, shown_quotes
from eval.records import Figure, Run
from eval.report_curves import Frame, reliability, risk_coverage
from eval.tables import interval, number, plain

REPORT_FILE = "report.html"

# What a reader sees first, and what it means in words.
HEADLINES = (
    ("first quote right", "of the questions that the article answers get a right sentence marked in the first quote"),
    ("shown@3", "of them see a right sentence in the first three quotes"),
    ("declined", "of the questions that the article does not answer are declined"),
    ("emergency notice", "of the emergencies get the notice"),
    ("false alarm", "of the answerable questions get the emergency notice for nothing"),
    ("verbatim", "of the answers show the article's words unchanged"),
)
# The split that judges; its misses stay folded away, for who reads them tunes on them.
HELD_BACK, OPEN = "test", "dev"


@dataclass(frozen=True, slots=True)
class Filter:
    """A way to choose among the misses: a field, and its values with how many misses each has."""

    field: str
    label: str
    values: tuple[tuple[str, int], ...]
    chosen: str = ""


def write_report(run: Run, output: Path, *, against: Run | None = None) -> Path:
    """Write the report of a run and return its path; with `against`, also what changed since that run.

    output: a folder, or the name of an HTML file. Raises UsageError when it cannot be written, or the two runs
    are not over the same questions.
    """
    path = output / REPORT_FILE if output.is_dir() else output
    write_atomically(path, render(run, against=against))
    return path


def render(run: Run, *, against: Run | None = None) -> str:
    """Return the report as one HTML page that needs nothing else."""
    comparison = compare(against, run) if against else None
    misses = find_misses(run) if run.kind == "questions" else ()
    missed_before = {record.id for record in against.answers if is_missed(record)} if against else None
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"number": number, "interval": interval, "plain": plain}
    page = environment.get_template("report.html.jinja").render(
        run=run,
        against=against,
        headlines=_headlines(run),
        slices=_slices(run),
        measures=MEASURES,
        risk=risk_coverage(run, against),
        bins=reliability(run),
        square=Frame(top=1.0),
        comparison=comparison,
        changes=_changes(comparison, run, against) if comparison and against else {},
        misses=misses,
        missed_before=missed_before,
        why=Counter(miss.why for miss in misses),
        meaning=MEANING,
        filters=_filters(misses),
        asked=len(run.answers),
    )
    # A question may hold half a surrogate pair, which no UTF-8 file can.
    return page.encode("utf-8", errors="replace").decode("utf-8")


def _headlines(run: Run) -> list[tuple[Figure, str]]:
    """Return the figures to begin with, and what each says; those without a question are left out."""
    found = [(run.figure("all", measure), words) for measure, words in HEADLINES]
    return [(figure, words) for figure, words in found if figure.n]


def _slices(run: Run) -> dict[str, list[Figure]]:
    """Return the figures of every slice, in the order of the measures."""
    measures = (*SCORED, *CERTAINTY, *LATENCY) if run.kind == "questions" else (*RETRIEVED, *CERTAINTY)
    names = list(dict.fromkeys(figure.slice for figure in run.figures))
    return {name: [run.figure(name, measure.name) for measure in measures] for name in names}


def _changes(comparison: Comparison, run: Run, against: Run) -> dict[str, list[dict[str, Any]]]:
    """Return the questions lost and won, each with the quotes of both runs."""

    def both(change: Change) -> dict[str, Any]:
        return {
            "change": change,
            "before": shown_quotes(change.first, against.sentences),
            "now": shown_quotes(change.second, run.sentences),
        }

    return {
        "Lost: right before, wrong now": [both(change) for change in comparison.changes if not change.won],
        "Won: wrong before, right now": [both(change) for change in comparison.changes if change.won],
    }


def _filters(misses: Sequence[Miss]) -> list[Filter]:
    fields = (
        ("why", "Why", [[miss.why.value] for miss in misses]),
        ("split", "Split", [[miss.record.split] for miss in misses]),
        ("kind", "Kind", [[miss.record.kind] for miss in misses]),
        ("voice", "Voice", [[miss.record.voice] for miss in misses]),
        ("tags", "Tag", [list(miss.record.tags) for miss in misses]),
        ("turn", "Turn", [["later" if miss.record.history else "first"] for miss in misses]),
    )
    filters = []
    for field, label, values in fields:
        counts = Counter(value for own in values for value in own if value)
        chosen = OPEN if field == "split" and {HELD_BACK, OPEN} <= set(counts) else ""
        if len(counts) > 1:
            filters.append(Filter(field, label, tuple(counts.most_common()), chosen))
    return filters
