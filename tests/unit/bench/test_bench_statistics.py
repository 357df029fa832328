"""Intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from hailstack.bench.statistics import percentiles, rate, steadiness, student_95


def completions(random: np.random.Generator, count: int, mean_ms: float = 1.0, memory: float = 0.0) -> np.ndarray:
    """Completion times whose periods remember the ones before."""
    noise = random.normal(0, 0.1, count)
    for index in range(1, count):
        noise[index] += memory * noise[index - 1]
    return np.cumsum((mean_ms * (1 + noise) * 1e6).clip(1)).astype(np.int64)


def test_the_rate_is_the_count_over_the_time() -> None:
    estimate = rate(np.arange(101) * 2_000_000)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((500, 500, 500))


@pytest.mark.parametrize("memory", [0.0, 0.8])
def test_the_interval_of_the_rate_holds_the_truth_about_as_often_as_it_says(memory: float) -> None:
    random = np.random.default_rng(3)
    intervals = [rate(completions(random, 1200, memory=memory)) for _ in range(200)]
    held = sum(one.low <= 1000 <= one.high for one in intervals)
    assert 180 <= held <= 199


def test_the_intervals_of_percentiles_hold_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(4)
    truth = -np.log(1 - np.array([0.5, 0.9, 0.95]))  # an exponential distribution
    runs = [percentiles(random.exponential(1, 1000), (50, 90, 95)) for _ in range(60)]
    for index, true in enumerate(truth):
        assert sum(run[index].low <= true <= run[index].high for run in runs) >= 51


def test_two_frames_have_a_rate_and_no_interval() -> None:
    estimate = rate(np.array([0, 10_000_000]))
    assert (estimate.value, estimate.low, estimate.high) == (100, 0, float("inf"))


def test_a_run_that_becomes_slower_is_not_steady() -> None:
    slower = np.cumsum(np.linspace(1e6, 1.2e6, 1000)).astype(np.int64)
    assert "slower along the run" in steadiness(slower).trouble
    assert "faster along the run" in steadiness(np.cumsum(np.linspace(1.2e6, 1e6, 1000)).astype(np.int64)).trouble


def test_a_run_with_pauses_is_not_steady() -> None:
    periods = np.full(1000, 1e6)
    periods[[80, 260, 410, 555, 700, 930]] = 3e7
    assert "up and down" in steadiness(np.cumsum(periods).astype(np.int64)).trouble


def test_an_even_run_is_steady() -> None:
    found = steadiness(completions(np.random.default_rng(1), 2000))
    assert not found.trouble and found.spread < 0.02


def test_a_handful_of_frames_is_too_few_to_tell() -> None:
    assert "too few" in steadiness(np.arange(3) * 1_000_000).trouble


@pytest.mark.parametrize(("freedom", "table"), [(4, 2.776), (9, 2.262), (19, 2.093), (100, 1.984)])
def test_students_t_is_that_of_the_tables(freedom: int, table: float) -> None:
    assert student_95(freedom) == pytest.approx(table, rel=0.01)
