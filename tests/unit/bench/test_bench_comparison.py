"""Comparing two measurements of simulated devices whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hailstack.bench.comparison import compare
from hailstack.bench.environment import Environment
from hailstack.bench.plan import Plan, Point
from hailstack.bench.report import Report, summarise
from hailstack.bench.resources import Resources
from hailstack.bench.streams import Times
from hailstack.errors import InputError

HERE = Environment(
    *(
        "board",
        4,
        8.0,
        "Linux",
        "performance",
        0.1,
        "3.11",
        "2.0",
        "0.1",
        "4.23",
        "HAILO8L",
        "M.2",
        "4.23",
        "net.hef",
        "ab",
    )
)
PLAN = Plan("net.hef")


def measured(seed: int, period_ms: float = 1.0, latency_ms: float = 2.4, steady: bool = True, **about: Any) -> Report:
    random = np.random.default_rng(seed)
    periods = period_ms * random.uniform(0.9, 1.1, 1500)
    if not steady:
        periods[700:] *= 1.3
    done = (np.cumsum(periods) * 1e6).astype(np.int64)
    latency = latency_ms * (0.8 + random.gamma(4, 0.05, len(done)))
    point = summarise(PLAN, Point("hw"), Times(done - (latency * 1e6).astype(np.int64), done, 0), Resources())
    return Report(replace(HERE, **about), (point,))


def outcomes(before: Report, after: Report) -> dict[str, str]:
    return {one.figure: one.outcome for one in compare(before, after).differences}


def test_a_tenth_slower_is_worse_in_the_figures_where_it_is() -> None:
    found = outcomes(measured(1), measured(2, period_ms=1.1))
    assert found == {"fps": "worse", "p50": "can't tell", "p95": "can't tell", "p99": "can't tell"}
    assert compare(measured(1), measured(2, period_ms=1.1)).outcome == "worse"


def test_a_shorter_latency_is_better() -> None:
    assert outcomes(measured(1), measured(2, latency_ms=2.0))["p50"] == "better"
    assert compare(measured(1), measured(2, latency_ms=2.0)).outcome == "better"


def test_the_same_thing_measured_twice_is_hardly_ever_called_different() -> None:
    found = [compare(measured(seed), measured(seed + 500)).outcome for seed in range(25)]
    assert found == ["can't tell"] * 25


def test_the_wandering_of_a_run_that_was_not_steady_counts_against_its_figures() -> None:
    slightly = compare(measured(1), measured(2, period_ms=1.03, steady=False))
    assert slightly.outcome == "can't tell"
    assert slightly.differences[0].reach > 0.2
    clearly = outcomes(measured(1), measured(2, period_ms=3.0, latency_ms=5.0, steady=False))
    assert clearly == {"fps": "worse", "p50": "worse", "p95": "can't tell", "p99": "can't tell"}
    tails = compare(measured(1), measured(2, steady=False)).differences[-1]
    assert "slower along" in tails.why


def test_better_here_and_worse_there_is_worse() -> None:
    assert compare(measured(1), measured(2, period_ms=1.2, latency_ms=2.0)).outcome == "worse"


def test_what_was_not_the_same_around_them_is_told() -> None:
    found = compare(measured(1), measured(2, firmware="4.20", load_before=9.0))
    assert found.surroundings == ("firmware: 4.23 / 4.20",)


@pytest.mark.parametrize("margin", [-0.01, float("nan")])
def test_a_margin_that_is_none_is_refused(margin: float) -> None:
    report = measured(1)
    with pytest.raises(InputError, match="it must be at least 0"):
        compare(report, report, margin)


def test_reports_of_different_points_cannot_be_compared() -> None:
    other = measured(2)
    other = replace(other, points=(replace(other.points[0], point=Point("hw", depth=4)),))
    with pytest.raises(InputError, match="no point in common"):
        compare(measured(1), other)
