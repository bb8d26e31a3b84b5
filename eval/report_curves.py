"""The curves of a report as places in an SVG drawing; the template draws them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from eval.measures import certainty_of
from eval.records import Run
from eval.statistics import rate_interval

WIDTH, HEIGHT = 320.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 16.0, 10.0, 36.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and what stands there."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The axes of a drawing: both start at 0; x ends at 1, y at `top`."""

    top: float

    def x(self, value: float) -> float:
        """Return where a value lies across."""
        return round(LEFT + value * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Return where a value lies down."""
        return round(HEIGHT - BOTTOM - min(value, self.top) / self.top * (HEIGHT - TOP - BOTTOM), 1)

    @property
    def x_ticks(self) -> list[Tick]:
        """Ticks across, every quarter."""
        return [Tick(self.x(value), f"{value:.0%}") for value in (0, 0.25, 0.5, 0.75, 1)]

    @property
    def y_ticks(self) -> list[Tick]:
        """Ticks down, four steps."""
        return [Tick(self.y(self.top * step / 4), f"{self.top * step / 4:.3g}") for step in range(5)]


@dataclass(frozen=True, slots=True)
class Operating:
    """Where the bot works: the share of questions that it answers, and the share of those answered wrongly."""

    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The risk-coverage curve: `line` are the points of a polyline, `rows` a few points as a table."""

    frame: Frame
    line: str
    other_line: str | None
    rows: tuple[dict[str, float], ...]
    operating: Operating | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of about equal confidence: how often the best sentence was right, with its interval."""

    confidence: float
    right: float
    low: float
    high: float
    n: int


def risk_coverage(run: Run, other: Run | None = None) -> RiskCoverage | None:
    """Return the risk-coverage curve of a run, with that of another one beside it; None where there is none."""
    points = run.curves.get("risk-coverage", [])
    if not points:
        return None
    others = other.curves.get("risk-coverage", []) if other else []
    highest = max(point["risk"] for point in [*points, *others] if point["coverage"] >= 0.05)
    frame = Frame(top=max(0.1, math.ceil(highest * 10) / 10))
    rows = [min(points, key=lambda point: abs(point["coverage"] - share / 10)) for share in range(1, 11)]
    return RiskCoverage(
        frame, _line(frame, points), _line(frame, others) if others else None, tuple(rows), _operating(run)
    )


def reliability(run: Run) -> tuple[Bin, ...]:
    """Return the bins of the reliability curve with Clopper-Pearson intervals."""
    bins = []
    for each in run.curves.get("reliability", []):
        n = int(each["n"])
        low, high = rate_interval(round(each["right"] * n), n)
        bins.append(Bin(each["confidence"], each["right"], low, high, n))
    return tuple(bins)


def _line(frame: Frame, points: Sequence[dict[str, float]]) -> str:
    return " ".join(f"{frame.x(point['coverage'])},{frame.y(point['risk'])}" for point in points)


def _operating(run: Run) -> Operating | None:
    """Return where the threshold lies: of the questions without an emergency, those that were answered."""
    quoted = [answer for answer in run.answers if answer.answer.get("quotes")]
    certain, answered = certainty_of(run.answers), certainty_of(quoted)
    if not len(certain) or not len(answered):
        return None
    return Operating(len(answered) / len(certain), float(1 - answered.right.mean()))
