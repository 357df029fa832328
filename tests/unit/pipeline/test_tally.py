"""Counts and latencies of a source in a model."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.pipeline.tally import Latency, Tally, sum_latencies


@given(st.lists(st.integers(1_000, 10**12), min_size=1, max_size=300), st.sampled_from([1, 50, 95, 99, 100]))
def test_percentiles_are_those_of_the_latencies_within_a_per_cent(nanoseconds, percent):
    latency = Latency()
    for one in nanoseconds:
        latency.add(one)
    exact = sorted(nanoseconds)[math.ceil(len(nanoseconds) * percent / 100) - 1] / 1e6
    assert latency.percentile_ms(percent) == pytest.approx(exact, rel=0.01)


def test_without_frames_there_is_no_latency():
    assert Latency().percentile_ms(50) is None
    assert Tally("camera:0").to_dict(0.0)["latency_ms"] == {}


def test_latencies_of_several_sources_add_up():
    quick, slow = Tally("a"), Tally("b")
    for _ in range(90):
        quick.latency.add(1_000_000)
    for _ in range(10):
        slow.latency.add(100_000_000)
    both = sum_latencies([quick.latency, slow.latency]).to_dict()
    assert both["p50"] == pytest.approx(1, rel=0.01)
    assert both["p95"] == pytest.approx(100, rel=0.01)
    assert len(both) == 3
