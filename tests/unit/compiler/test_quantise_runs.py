"""Pictures side by side, and values counted before their range is known."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hailstack.compiler import compile_model
from hailstack.compiler.endnodes.plan import cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import load_graph, open_session
from hailstack.compiler.quantise.histogram import Histogram
from hailstack.compiler.quantise.network import quantise
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.compiler.quantise.pixels import Normalisation, take_pixels
from hailstack.compiler.quantise.ranges import channel_peaks
from hailstack.compiler.quantise.runs import in_turn
from tiny_networks import NetworkWriter, write_classifier, write_yolov8

RANDOM = np.random.default_rng(5)
FRAMES = [RANDOM.integers(0, 256, (64, 64, 3), np.uint8) for _ in range(20)]
REALS = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)


def test_results_come_in_the_order_of_the_pictures() -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number

    assert list(in_turn(slow_at_first, range(9), 3)) == list(range(9))


def test_no_more_is_read_than_can_be_worked_on() -> None:
    read = []
    made = in_turn(lambda number: number, (read.append(i) or i for i in range(100)), 2)
    assert next(made) == 0
    assert len(read) <= 4
    made.close()


@pytest.mark.parametrize("level", [1, 3])
def test_the_number_of_cores_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: int) -> None:
    model = write_classifier(tmp_path / "net.onnx")
    for cores in (1, 5):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        compile_model(model, FRAMES, tmp_path / f"{cores}.hef", quantisation=QuantiseOptions(level=level))
    assert (tmp_path / "1.hef").read_bytes() == (tmp_path / "5.hef").read_bytes()


@given(arrays(np.float32, st.integers(1, 300), elements=REALS))
def test_a_histogram_covers_all_values_closely(values: np.ndarray) -> None:
    histogram = Histogram()
    histogram.add(values)
    span = histogram.inside(100.0)
    assert span.low <= values.min()
    assert span.high >= values.max()
    assert span.high - values.max() <= abs(values.max()) / 64 + 1e-30
    assert values.min() - span.low <= abs(values.min()) / 64 + 1e-30


@given(arrays(np.float32, 1000, elements=REALS), st.floats(50, 99.9))
def test_a_percentile_leaves_no_more_outside_than_it_says(values: np.ndarray, percentile: float) -> None:
    histogram = Histogram()
    histogram.add(values)
    span = histogram.inside(percentile)
    outside = np.mean((values < span.low) | (values > span.high))
    assert outside <= (100 - percentile) / 100 + 1e-9


def test_values_come_back_ascending_with_their_counts() -> None:
    histogram = Histogram()
    histogram.add(np.array([3.0, -1.0, 3.0, 0.0], np.float32))
    values, counts = histogram.values()
    np.testing.assert_allclose(values, [-1, 0, 3], atol=0.02)
    assert counts.tolist() == [1, 1, 2]


def test_a_channels_peak_counts_on_either_side_of_zero(tmp_path: Path) -> None:
    net = NetworkWriter()
    tensor = net.conv("images", 3, 4)
    graph = take_pixels(load_graph(net.save(tmp_path / "net.onnx", [tensor])), Normalisation(std=(255.0,) * 3))
    session = open_session(graph.model, graph.source)
    seen = np.stack([session.run(None, {graph.input: frame[None]})[0][0] for frame in FRAMES[:4]])
    peaks = channel_peaks(graph, [tensor], FRAMES[:4])[tensor]
    assert seen.min() < 0
    np.testing.assert_allclose(peaks, np.abs(seen).max(axis=(0, 2, 3)), rtol=1e-5)


def test_the_float_network_carries_no_constant_that_nobody_reads(tmp_path: Path) -> None:
    graph = load_graph(write_yolov8(tmp_path / "net.onnx"))
    plan = find_head(graph)
    made = quantise(cut(graph, plan), plan, Normalisation(std=(255.0,) * 3), FRAMES[:4]).float_graph
    read = {name for node in made.nodes for name in node.input}
    assert {tensor.name for tensor in made.model.graph.initializer} <= read
