"""A learning curve on disk and on paper: curve.json, curve.svg, curve.png, and a table for people."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.files import write_atomically
from eval.records import Figure
from indexer.errors import UsageError

if TYPE_CHECKING:
    from eval.learning import Curve

CURVE_FILE, SVG_FILE, PNG_FILE = "curve.json", "curve.svg", "curve.png"


def write_curve(curve: "Curve", folder: Path) -> None:
    """Write curve.json and the plot as SVG and PNG. Raises UsageError when the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: this folder cannot be made ({error.strerror or error}).") from None
    for name in (SVG_FILE, PNG_FILE):
        write_atomically(folder / name, _plot(curve, name.rpartition(".")[2]))
    write_atomically(folder / CURVE_FILE, json.dumps(asdict(curve), ensure_ascii=False, indent=1) + "\n")


def read_curve(folder: Path) -> "Curve":
    """Read what `write_curve` wrote. Raises UsageError when it is not there, or damaged."""
    from eval.learning import Curve, Point, SentenceRate

    again = f"draw it: python -m eval learning-curve --output {folder}"
    path = folder / CURVE_FILE
    if not path.is_file():
        raise UsageError(f"{folder}: no learning curve is here; {again}")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        return Curve(
            article=about["article"],
            questions_sha256=about["questions_sha256"],
            points=tuple(Point(**_with_figures(point)) for point in about["points"]),
            sentences=tuple(SentenceRate(**_with_figures(sentence)) for sentence in about["sentences"]),
            halving=about["halving"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: damaged ({error}); {again}") from None


def _with_figures(values: dict[str, Any]) -> dict[str, Any]:
    return {name: Figure(**value) if isinstance(value, dict) else value for name, value in values.items()}


def _plot(curve: "Curve", form: str) -> bytes:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import PercentFormatter

    seen = [point.per_sentence for point in curve.points]
    lines: dict[str, tuple[str, list[Figure]]] = {
        "the best sentence answers": ("o-", [point.first_right for point in curve.points]),
        "one of the best three does": ("s--", [point.among_three for point in curve.points]),
        "AUROC of answerability": ("^:", [point.auroc for point in curve.points]),
    }
    # Nothing of the moment or the machine goes into the file: the same curve gives the same bytes.
    with mpl.rc_context({"svg.hashsalt": "learning-curve", "font.size": 11}):
        figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
        for label, (style, figures) in lines.items():
            shown = [(x, each) for x, each in zip(seen, figures, strict=True) if each.value is not None]
            xs, values = [x for x, _ in shown], [each.value or 0.0 for _, each in shown]
            below, above = _whiskers([each for _, each in shown])
            axes.errorbar(xs, values, yerr=[below, above], fmt=style, capsize=3, label=label)
        axes.set_xscale("symlog", base=2, linthresh=1)
        axes.set_xticks(_ticks(seen), [f"{x:.0f}" for x in _ticks(seen)], minor=False)
        axes.minorticks_off()
        axes.set_xlabel("taught questions a sentence")
        axes.set_ylabel("questions of authors never seen")
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_ylim(top=1.01)
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right")
        axes.set_title(f"What teaching brings: {curve.article}")
        content = io.BytesIO()
        figure.savefig(content, format=form, dpi=150, metadata={"Date": None} if form == "svg" else None)
        pyplot.close(figure)
    return content.getvalue()


def _ticks(seen: Sequence[float]) -> list[float]:
    """Return the places to name on the axis: all but those whose number would run into the next one."""
    return [x for x, after in zip(seen, [*seen[1:], float("inf")], strict=True) if after > 1.5 * x]


def _whiskers(figures: Sequence[Figure]) -> tuple[list[float], list[float]]:
    """Return how far each interval reaches below and above its value."""
    triples = [(each.value or 0.0, each.low, each.high) for each in figures]
    below = [max(0.0, value - low) if low is not None else 0.0 for value, low, _ in triples]
    above = [max(0.0, high - value) if high is not None else 0.0 for value, _, high in triples]
    return below, above
