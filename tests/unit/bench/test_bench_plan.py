"""Which points a plan has."""

from __future__ import annotations

import pytest

from hailstack.bench.plan import Load, Plan, Point
from hailstack.errors import InputError


def test_without_a_word_everything_is_measured_for_which_there_is_what_it_needs() -> None:
    assert [point.what for point in Plan("net.hef").points()] == ["hw", "latency", "stream"]
    assert [point.what for point in Plan("net.hef", source="clip.mp4").points()] == ["hw", "latency", "stream", "e2e"]


def test_a_sweep_is_every_combination_once() -> None:
    plan = Plan("net.hef", ["hw", "latency"], batch_sizes=(1, 4), depths=(4, 8), workers=(1, 2))
    points = list(plan.points())
    assert len([point for point in points if point.what == "hw"]) == 8
    assert [point for point in points if point.what == "latency"] == [Point("latency", 1, 1)]
    assert "hw, batch 4, depth 8, 2 workers" in [point.name for point in points]


def test_loads_are_closed_or_open_with_a_rate() -> None:
    assert (str(Load.parse("closed")), Load.parse("open:29.97").rate) == ("closed", 29.97)
    for wrong in ("open", "open:0", "open:fast", "30"):
        with pytest.raises(InputError, match="closed, or open:"):
            Load.parse(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_sizes": (0,)},
        {"seconds": 0},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"iterations": 0},
        {"iterations": 1},
        {"whats": ["e2e"]},
        {"whats": ["e2e"], "source": "clip.mp4", "load": Load(30)},
        {"whats": ["latency"], "load": Load(30)},
    ],
)
def test_what_cannot_be_measured_is_refused(wrong: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError):
        Plan("net.hef", **wrong)
