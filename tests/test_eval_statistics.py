"""Intervals that hold their level, tests that hold theirs, and differences that can be found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eval.measures import Bools, auroc, mean_statistic
from eval.statistics import (
    Floats,
    Statistic,
    bootstrap_interval,
    detectable_difference,
    holm,
    quantile_interval,
    randomisation_p,
    rate_interval,
    standard_error,
)

RNG_SEED = 7


def auroc_statistic(confidence: Floats, positive: Bools) -> Statistic:
    return lambda rows: auroc(confidence[rows], positive[rows])


def paired_mean(both: Floats, rows_each: int) -> Statistic:
    """Second minus first, where the first system's rows come first."""
    mean = mean_statistic(both)
    return lambda rows: np.asarray(mean(rows + rows_each) - mean(rows))


@pytest.mark.parametrize("trials", [5, 20, 64])
@pytest.mark.parametrize("rate", [0.02, 0.3, 0.5, 0.95])
def test_the_interval_of_a_rate_covers_it_at_least_as_often_as_it_says(trials: int, rate: float) -> None:
    intervals = [rate_interval(successes, trials) for successes in range(trials + 1)]
    covered = sum(
        stats.binom.pmf(successes, trials, rate)
        for successes, (low, high) in enumerate(intervals)
        if low <= rate <= high
    )
    assert covered >= 0.95


@pytest.mark.parametrize(("rows", "lowest"), [(15, 0.90), (60, 0.92)])
def test_the_interval_of_a_mean_covers_it_as_often_as_it_says(rows: int, lowest: float) -> None:
    """Scores like nDCG: many ones, some zeros, the rest between."""
    rng = np.random.default_rng(RNG_SEED)

    def draw(size: tuple[int, int]) -> np.ndarray:
        kind, between = rng.random(size), rng.random(size)
        return np.where(kind < 0.5, 1.0, np.where(kind < 0.7, 0.0, between))

    truth = 0.5 + 0.3 * 0.5
    covered = 0
    for values in draw((400, rows)):
        interval = bootstrap_interval(mean_statistic(values), rows)
        assert interval is not None
        covered += interval[0] <= truth <= interval[1]
    assert lowest <= covered / 400 <= 0.985


def test_the_interval_of_auroc_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(RNG_SEED)
    truth = stats.norm.cdf(1 / np.sqrt(2))
    covered = 0
    for _ in range(200):
        positive = np.arange(80) < 50
        confidence = rng.normal(size=80) + positive
        interval = bootstrap_interval(auroc_statistic(confidence, positive), 80)
        assert interval is not None
        covered += interval[0] <= truth <= interval[1]
    assert 0.90 <= covered / 200 <= 0.99


def test_the_interval_of_a_paired_difference_covers_it() -> None:
    rng = np.random.default_rng(RNG_SEED)
    covered = 0
    for _ in range(300):
        difficulty = rng.random(50)
        both = np.stack([(rng.random(50) < difficulty), (rng.random(50) < difficulty)]).astype(float)
        interval = bootstrap_interval(paired_mean(both.ravel(), 50), 50)
        assert interval is not None
        covered += interval[0] <= 0 <= interval[1]
    assert 0.92 <= covered / 300 <= 0.985


def test_no_interval_is_told_from_one_row() -> None:
    assert bootstrap_interval(mean_statistic(np.array([0.5])), 1) is None
    assert bootstrap_interval(mean_statistic(np.zeros(0)), 0) is None


def test_the_interval_of_a_quantile_comes_from_the_order_alone() -> None:
    values = np.arange(1.0, 101.0)
    low, high = quantile_interval(values, 0.5) or (0.0, 0.0)
    assert 38 <= low <= 42
    assert 59 <= high <= 63
    assert quantile_interval(values[:5], 0.95) is None


def test_two_alike_systems_are_told_apart_no_more_often_than_chance_allows() -> None:
    rng = np.random.default_rng(RNG_SEED)
    found = 0
    for _ in range(200):
        both = rng.random(60)
        found += randomisation_p(mean_statistic(both), 30) < 0.05
    assert found <= 18  # 10 are expected; more than 18 come once in a hundred


def test_a_system_against_itself_has_no_difference() -> None:
    values = np.random.default_rng(RNG_SEED).random(40)
    assert randomisation_p(mean_statistic(np.tile(values, 2)), 40) == 1.0
    assert randomisation_p(mean_statistic(np.zeros(0)), 0) == 1.0


def test_the_randomisation_test_is_exact_for_few_rows() -> None:
    """Five questions won of five: one of two extremes among 2^5 ways to swap."""
    both = np.array([0.0] * 5 + [1.0] * 5)
    assert randomisation_p(mean_statistic(both), 5) == pytest.approx(2 / 2**5)


def test_holm_steps_down() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_never_lowers_a_p_value_nor_exceeds_one(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert all(np.diff(np.array(adjusted)[order]) >= 0)


def test_a_detectable_difference_is_detected_four_times_in_five() -> None:
    rng = np.random.default_rng(RNG_SEED)
    noise = rng.normal(size=100) * 0.2
    both = np.concatenate([np.zeros(100), noise])
    error = standard_error(paired_mean(both, 100), 100)
    smallest = detectable_difference(error, 100, 1, bounded=True)
    assert smallest is not None
    assert smallest == pytest.approx(0.2 * 2.8 / 10, rel=0.15)
    found = 0
    for _ in range(100):
        second = rng.normal(size=100) * 0.2 + smallest
        found += randomisation_p(mean_statistic(np.concatenate([np.zeros(100), second])), 100) < 0.05
    assert 65 <= found <= 95


def test_where_nothing_varied_a_difference_still_needs_enough_questions() -> None:
    assert detectable_difference(0.0, 60, 1, bounded=True) == pytest.approx(6 / 60)
    assert detectable_difference(0.0, 3, 1, bounded=True) == 1.0
    assert detectable_difference(0.0, 60, 1, bounded=False) is None
    assert detectable_difference(0.0, 0, 1, bounded=True) is None
