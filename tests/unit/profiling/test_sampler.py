"""Gauges that are read while a run works."""

from __future__ import annotations

import threading

import pytest

from hailstack.profiling import Profiler
from hailstack.profiling.sampler import ProcessorUse, Sampler


def test_gauges_are_read_into_counters_until_it_is_left() -> None:
    profiler, read = Profiler(), threading.Event()

    def temperature() -> float:
        read.set()
        return 51.5

    with Sampler(profiler, {"temperature_c": temperature, "power_w": lambda: None}) as sampler:
        assert read.wait(10)
    sampler.close()
    counters = profiler.snapshot().counters
    assert counters["temperature_c"].value[0] == 51.5
    assert "power_w" not in counters


def test_a_gauge_that_fails_is_heard_of() -> None:
    def broken() -> float:
        raise ValueError("the gauge fell off")

    sampler = Sampler(Profiler(), {"temperature_c": broken})
    with pytest.raises(ValueError, match="fell off"), sampler:
        pass
    sampler.close()


def test_the_use_of_the_processor_is_a_share_of_all_cores() -> None:
    use = ProcessorUse()
    assert use() is None
    sum(range(300_000))
    share = use()
    assert share is not None and 0 < share <= 101
