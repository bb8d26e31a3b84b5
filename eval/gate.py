"""The gate: figures that a run must reach before a change goes to patients."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from eval.judged import SLICE_FORMS, is_slice_name
from eval.measures import MEASURES
from eval.records import Figure, Run
from indexer.errors import UsageError

_KEYS = {"slice", "measure", "at_least", "at_most"}


@dataclass(frozen=True, slots=True)
class Threshold:
    """What one figure must be; exactly one of `at_least` and `at_most` is set."""

    slice: str
    measure: str
    at_least: float | None
    at_most: float | None

    def __str__(self) -> str:
        asked = f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"
        return f"{self.slice}: {self.measure} {asked}"

    def holds(self, figure: Figure) -> bool:
        """Return whether a figure is as it must be; one without questions is not."""
        if figure.value is None:
            return False
        if self.at_least is not None:
            return figure.value >= self.at_least
        return self.at_most is not None and figure.value <= self.at_most


@dataclass(frozen=True, slots=True)
class Check:
    """A threshold, the figure that was found, and whether it holds."""

    threshold: Threshold
    figure: Figure
    passed: bool


def check(run: Run, thresholds: Sequence[Threshold]) -> tuple[Check, ...]:
    """Hold a run against thresholds. A slice without questions fails: nothing was shown of it."""
    found = [(each, run.figure(each.slice, each.measure)) for each in thresholds]
    return tuple(Check(threshold, figure, threshold.holds(figure)) for threshold, figure in found)


def load_thresholds(path: Path) -> tuple[Threshold, ...]:
    """Read [[threshold]] tables. Raises UsageError naming the table that is not as it should be."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("threshold", [])
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error}); name it with --thresholds.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML ({error}).") from None
    if not isinstance(tables, list) or not tables:
        raise UsageError(f"{path}: no threshold is in it; write [[threshold]] with slice, measure and at_least.")
    return tuple(_threshold(f"{path}: threshold {number}", each) for number, each in enumerate(tables, start=1))


def _threshold(where: str, table: Any) -> Threshold:
    if not isinstance(table, dict) or set(table) - _KEYS:
        raise UsageError(f"{where}: a threshold has {', '.join(sorted(_KEYS))}, and nothing else.")
    name, measure = table.get("slice"), table.get("measure")
    if not isinstance(name, str) or not is_slice_name(name):
        raise UsageError(f"{where}: '{name}' is no slice; slices are {'; '.join(SLICE_FORMS)}.")
    if measure not in MEASURES:
        raise UsageError(f"{where}: '{measure}' is no measure; measures are {', '.join(MEASURES)}.")
    bounds = {key: table[key] for key in ("at_least", "at_most") if key in table}
    if len(bounds) != 1 or not all(type(bound) in (int, float) for bound in bounds.values()):
        raise UsageError(f"{where}: give one number, at_least or at_most.")
    return Threshold(name, measure, bounds.get("at_least"), bounds.get("at_most"))


def junit_xml(checks: Sequence[Check], suite_name: str) -> str:
    """Return the checks as JUnit XML, one test case each."""
    suite = TestSuite(suite_name)
    for each in checks:
        case = TestCase(str(each.threshold), classname="gate")
        if each.figure.value is None:
            case.result = [Error(f"n = 0: no question to measure '{each.threshold.measure}' on")]
        elif not each.passed:
            case.result = [Failure(f"it is {each.figure.value:.4f} (n = {each.figure.n})")]
        suite.add_testcase(case)
    xml = JUnitXml("eval gate")
    xml.add_testsuite(suite)
    return str(xml.tostring().decode("utf-8"))  # type: ignore[no-untyped-call]
