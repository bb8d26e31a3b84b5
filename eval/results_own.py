"""The part of eval/RESULTS.md on the articles that were taught: its parts, its learning curve, its misses."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.misses import MEANING, Miss, find_misses
from eval.records import Figure, Run
from indexer.errors import UsageError

if TYPE_CHECKING:
    from eval.learning import Curve

WORST = 20
# The questions that may be looked at; the words of the others stay unread.
OPEN_SPLIT = "dev"


def read_ablations(path: Path) -> tuple[Mapping[str, Any], ...]:
    """Read what `eval ablation --json` printed. Raises UsageError when it is something else."""
    try:
        rows = tuple(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
        for row in rows:
            _ablation(row)
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"{path}: not what 'python -m eval ablation --json' prints; run it again.") from None
    return rows


def own_markdown(ablations: Sequence[Mapping[str, Any]], curve: "Curve | None", run: Run | None) -> list[str]:
    """Return the lines of the part; what was not measured is left out.

    ablations: what `eval ablation --json` prints, one for each taught article.
    """
    lines: list[str] = []
    for ablation in ablations:
        lines += _ablation(ablation)
    if curve is not None:
        lines += _curve(curve)
    if run is not None:
        lines += _misses([miss for miss in find_misses(run) if miss.record.split == OPEN_SPLIT])
    return lines


def _ablation(ablation: Mapping[str, Any]) -> list[str]:
    lines = [
        f"## What each part is worth: {', '.join(ablation['articles'])}",
        "",
        "`python -m eval ablation`: every taught question is judged by what was learned from other authors only, once "
        "without each part. The 95 % bootstrap intervals are of the difference from the whole.",
        "",
        "| without | first sentence right | difference | AUROC answerable | difference |",
        "|---|---|---|---|---|",
    ]
    for row in ablation["without"]:
        first, area = _interval(row["first_right_change"]), _interval(row["auroc_change"])
        lines.append(f"| {row['without']} | {row['first_right']:.3f} | {first} | {row['auroc']:.3f} | {area} |")
    return [*lines, ""]


def _interval(change: Sequence[float] | None) -> str:
    return "" if change is None or not any(change) else f"{change[0]:+.3f} … {change[1]:+.3f}"


def _curve(curve: "Curve") -> list[str]:
    lines = [
        f"## What teaching more brings: {curve.article}",
        "",
        "`python -m eval learning-curve`: learned from parts of the taught questions, tested on authors who are not "
        "among them.",
        "",
        "| taught a sentence | taught in all | first sentence right | right among three | AUROC answerable |",
        "|---|---|---|---|---|",
    ]
    for point in curve.points:
        cells = " | ".join(_cell(figure) for figure in (point.first_right, point.among_three, point.auroc))
        lines.append(f"| {point.per_sentence:.0f} | {point.taught:,.0f} | {cells} |")
    if curve.halving is not None:
        lines += ["", f"Doubling what is taught leaves {curve.halving:.0%} of the wrong first sentences."]
    return [*lines, ""]


def _cell(figure: Figure) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return ""
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _misses(misses: Sequence[Miss]) -> list[str]:
    counts = {why: sum(miss.why is why for miss in misses) for why in MEANING}
    lines = [
        f"## The {min(WORST, len(misses))} worst misses of {len(misses)}",
        "",
        f"Of the judged questions in the split `{OPEN_SPLIT}`, the worst for a patient first; those of the other split "
        "are not looked at. All of them, with what was shown: `python -m eval report`.",
        "",
        "| cause | | questions |",
        "|---|---|---|",
        *(f"| {why} | {MEANING[why]} | {count} |" for why, count in counts.items() if count),
        "",
        "| question | cause | |",
        "|---|---|---|",
    ]
    for miss in misses[:WORST]:
        asked = " / ".join([*miss.record.history[-1:], miss.record.question]).replace("|", "\\|")
        lines.append(f"| {asked} | {miss.why} | {miss.detail} |")
    return [*lines, ""]
