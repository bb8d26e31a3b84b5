"""How sure a figure is: intervals, tests, and the smallest difference that a set of questions could show.

A *statistic* is a function of row numbers, shape (..., n), that returns values of shape (...): the rows are
questions, so that resampling questions is resampling numbers, whatever the figure is made of.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]
Statistic = Callable[[Ints], Floats]

LEVEL = 0.95
POWER = 0.80
RESAMPLES = 2000
SWAPS = 9999
_SEED = 20240501


def rate_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of a rate; it holds its level for any number of trials from 1."""
    interval = stats.binomtest(successes, trials).proportion_ci(LEVEL, method="exact")
    return float(interval.low), float(interval.high)


def bootstrap_interval(statistic: Statistic, rows: int) -> tuple[float, float] | None:
    """Return the percentile interval of a statistic under resampling of its rows, or None for fewer than two.

    The percentiles are moved outwards as Student's t asks for few rows: the plain ones are too narrow by
    √((n - 1) / n) and by t over z (Hesterberg, "What Teachers Should Know About the Bootstrap", 2015).
    Resamples on which the statistic is not defined are left out.
    """
    values = _resampled(statistic, rows)
    if len(values) < RESAMPLES // 2:
        return None
    tail = float(stats.norm.cdf(np.sqrt(rows / (rows - 1)) * stats.t.ppf((1 - LEVEL) / 2, rows - 1)))
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def standard_error(statistic: Statistic, rows: int) -> float:
    """Return the bootstrap standard error of a statistic; 0 where nothing varies."""
    values = _resampled(statistic, rows)
    return float(values.std()) if len(values) else 0.0


def quantile_interval(values: Floats, quantile: float) -> tuple[float, float] | None:
    """Return the interval of a quantile from the order of the values, or None where they are too few."""
    interval = stats.quantile_test(values, p=quantile).confidence_interval(LEVEL)
    if not (np.isfinite(interval.low) and np.isfinite(interval.high)):
        return None
    return float(interval.low), float(interval.high)


def randomisation_p(statistic: Statistic, rows: int) -> float:
    """Return the two-sided p-value of "both systems are alike", by swapping results question by question.

    statistic: over rows 0 … rows - 1 (first system) and rows … 2·rows - 1 (second system, same questions).
    """
    first, second = np.arange(rows), np.arange(rows, 2 * rows)
    if rows == 0 or not np.isfinite(difference := statistic(second) - statistic(first)):
        return 1.0
    if difference == 0:
        return 1.0
    result = stats.permutation_test(
        (first, second),
        lambda a, b, axis: statistic(np.moveaxis(b, axis, -1)) - statistic(np.moveaxis(a, axis, -1)),
        permutation_type="samples",
        vectorized=True,
        n_resamples=SWAPS,
        batch=1000,
        rng=np.random.default_rng(_SEED),
    )
    return float(result.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for testing all of them at once (Holm's step-down), in the order given."""
    order = np.argsort(p_values, kind="stable")
    steps = np.arange(len(p_values), 0, -1)
    adjusted = np.maximum.accumulate(np.asarray(p_values, dtype=float)[order] * steps)
    result = np.empty(len(p_values))
    result[order] = np.minimum(adjusted, 1.0)
    return [float(p) for p in result]


def detectable_difference(standard_error: float, rows: int, comparisons: int, *, bounded: bool) -> float | None:
    """Return the smallest difference that would be found with POWER, or None where nothing tells.

    comparisons: how many figures are tested at once. bounded: whether each row counts between 0 and 1; then
    no test can tell a difference of fewer rows than it needs, all in one direction, to leave chance behind.
    """
    if rows == 0:
        return None
    level = (1 - LEVEL) / max(1, comparisons)
    by_noise = float(stats.norm.isf(level / 2) + stats.norm.ppf(POWER)) * standard_error
    by_count = float(np.ceil(np.log2(2 / level))) / rows if bounded else 0.0
    found = max(by_noise, by_count)
    return min(found, 1.0) if bounded else (found or None)


def _resampled(statistic: Statistic, rows: int) -> Floats:
    """Return the statistic of RESAMPLES draws of its rows where it is defined; none for fewer than two rows."""
    if rows < 2:
        return np.zeros(0)
    drawn = np.random.default_rng(_SEED).integers(0, rows, size=(RESAMPLES, rows))
    values = statistic(drawn)
    return np.asarray(values[np.isfinite(values)])
