"""Coverage and the learning curve for people, on a terminal."""

from typing import TYPE_CHECKING

from rich.table import Table

from eval.coverage import HARD_GRADE, Coverage, PassageCoverage, SectionCoverage
from eval.records import Figure

if TYPE_CHECKING:
    from eval.learning import Curve

GAPS_SHOWN = 15
_NO_HEADING = "(no heading)"


def coverage_tables(coverage: Coverage) -> list[Table | str]:
    """Return what a content editor reads: sections, passages, and what to write next."""
    unreached = [_name(section.heading, section.start) for section in coverage.unreached()]
    thin = len(coverage.thin())
    return [
        _sections_table(coverage),
        f"Reached by no question: {'; '.join(unreached)}." if unreached else "Questions reach every section.",
        "",
        _passages_table(coverage),
        f"{thin} of {len(coverage.passages)} passages have fewer than {coverage.enough} taught questions a sentence.",
        "",
        _gaps_table(coverage),
    ]


def curve_table(curve: "Curve") -> list[Table | str]:
    """Return the learning curve as a table, and what doubling the taught questions would bring."""
    table = _table(f"What teaching brings: {curve.article} (questions of authors never seen; 95 % intervals)")
    for name in ("taught a sentence", "taught in all", "best sentence right", "right among three", "AUROC"):
        table.add_column(name, justify="right")
    for point in curve.points:
        figures = (point.first_right, point.among_three, point.auroc)
        table.add_row(f"{point.per_sentence:.0f}", f"{point.taught:,.0f}", *(_figure(figure) for figure in figures))
    if curve.halving is None:
        return [table, "Too few points to tell what more questions would bring."]
    return [table, f"Twice as many questions leave about {curve.halving:.0%} of the misses."]


def _sections_table(coverage: Coverage) -> Table:
    table = _table(f"Sections (hard: more than {HARD_GRADE:.0f} school years; both estimates)")
    for name in ("section", "article"):
        table.add_column(name)
    for name in ("sentences", "taught", "quoted in the run", "words a sentence", "school years", "hard"):
        table.add_column(name, justify="right")
    for section in coverage.sections:
        table.add_row(
            _name(section.heading, section.start), section.article, str(section.sentences), str(section.taught),
            "–" if section.quoted is None else str(section.quoted), *_reading(section),
        )  # fmt: skip
    return table


def _passages_table(coverage: Coverage) -> Table:
    table = _table(
        "Passages: those taught too little, then the most missed (the best sentence is a wrong one, for unseen authors)"
    )
    table.add_column("passage", max_width=60, no_wrap=True)
    table.add_column("section")
    for name in ("taught a sentence", "missed", "with twice as many", "tested with"):
        table.add_column(name, justify="right")
    for passage in coverage.passages:
        table.add_row(
            " ".join(passage.text.split()), _name(passage.heading, passage.start),
            f"{passage.taught_a_sentence:.0f}", *_misses(passage),
        )  # fmt: skip
    return table


def _gaps_table(coverage: Coverage) -> Table:
    shown = min(GAPS_SHOWN, len(coverage.gaps))
    table = _table(f"What to write next: {shown} of {len(coverage.gaps)} groups of questions without an answer")
    for name in ("questions", "asked by patients"):
        table.add_column(name, justify="right")
    for name in ("the most typical ones", "words", "nearest section"):
        table.add_column(name)
    for gap in coverage.gaps[:GAPS_SHOWN]:
        table.add_row(str(gap.questions), str(gap.asked), "\n".join(gap.examples), ", ".join(gap.words), gap.near)
    return table


def _reading(section: SectionCoverage) -> tuple[str, str, str]:
    reading = section.reading
    if reading is None:
        return "–", "–", "–"
    years = f"{reading.automated_readability:.0f} / {reading.coleman_liau:.0f}"
    return f"{reading.words_a_sentence:.0f}", years, "hard" if reading.is_hard else ""


def _misses(passage: PassageCoverage) -> tuple[str, str, str]:
    doubled = "–" if passage.missed_doubled is None else f"{passage.missed_doubled:.0%}"
    return "–" if passage.missed is None else f"{passage.missed:.0%}", doubled, str(passage.tested or "–")


def _figure(figure: Figure) -> str:
    if figure.value is None:
        return "n = 0"
    bounds = "" if figure.low is None or figure.high is None else f" ({figure.low:.3f} … {figure.high:.3f})"
    return f"{figure.value:.3f}{bounds}"


def _name(heading: str | None, start: int) -> str:
    return heading or f"{_NO_HEADING}, from character {start}"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left")
