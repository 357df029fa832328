from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailstack.compiler.endnodes.plan import cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import load_graph
from hailstack.compiler.preflight.chips import CHIPS
from hailstack.compiler.preflight.estimate import TARGETS, Estimate, estimate_from_features, estimate_speed
from hailstack.compiler.preflight.layers import Layer, list_layers
from hailstack.compiler.preflight.published import load_networks
from hailstack.errors import ConfigError
from tiny_networks import NetworkWriter, write_classifier

RESNET = [Layer("conv", 91_000_000, 556_000, True, enters=150_528 * (i == 0)) for i in range(20)] + [
    Layer("fc", 512_000, 560_000, last=True, outputs=1000)
]
"""Layers with the numbers of ResNet-18."""


def test_layers_are_counted_with_their_multiplications(tmp_path: Path) -> None:
    layers = list_layers(load_graph(write_classifier(tmp_path / "net.onnx", softmax=False)))
    assert [layer.kind for layer in layers] == ["conv", "dw", "conv", "glue", "fc"]
    assert layers[0].macs == 3 * 8 * 9 * 32 * 32
    assert layers[1].macs == 8 * 9 * 32 * 32
    assert layers[-1].macs == 16 * 5
    assert layers[-1].parameters == 16 * 5 + 5
    assert [layer.enters for layer in layers] == [3 * 64 * 64, 0, 0, 0, 0]
    assert [layer.last for layer in layers] == [False, False, False, False, True]
    assert layers[-1].outputs == 5


def test_a_picture_that_is_cut_into_four_or_turned_first_enters_once(tmp_path: Path) -> None:
    net = NetworkWriter()
    turned = net.add("Transpose", "images", perm=[0, 1, 3, 2])
    starts = [net.constant(np.array([i, j], np.int64)) for i in (0, 1) for j in (0, 1)]
    ends, axes, steps = (net.constant(np.array(pair, np.int64)) for pair in ([64, 64], [2, 3], [2, 2]))
    x = net.add("Concat", *(net.add("Slice", turned, start, ends, axes, steps) for start in starts), axis=1)
    layers = list_layers(load_graph(net.save(tmp_path / "net.onnx", [net.conv(x, 12, 4)])))
    assert sum(layer.enters for layer in layers) == 3 * 64 * 64


@pytest.mark.shared
@pytest.mark.parametrize(("target", "published"), [("hailo8", 2597), ("hailo8l", 1738), ("hailo10h", 2944)])
def test_mobilenet_which_the_tables_here_lack_comes_close_to_its_published_rate(
    shared: Path, target: str, published: float
) -> None:
    graph = load_graph(shared / "onnx" / "mobilenet_v2_1.0_224.onnx")
    layers = list_layers(cut(graph, find_head(graph)))
    assert sum(layer.macs for layer in layers) == pytest.approx(300e6, rel=0.01)
    estimate = estimate_speed(layers, target, task="classification")
    assert (estimate.basis, estimate.contexts) == ("model", 1)
    assert estimate.fps == pytest.approx(published, rel=0.3)
    assert estimate.low < published < estimate.high


@pytest.mark.parametrize(("batch", "fps"), [(1, 2718), (8, 2718)])
def test_a_network_of_the_tables_gets_its_published_rate(batch: int, fps: float) -> None:
    estimate = estimate_speed(RESNET, "hailo8", batch=batch, task="classification")
    assert (estimate.basis, estimate.contexts, estimate.fps) == ("published", 1, pytest.approx(fps))


def test_the_same_numbers_at_another_input_are_another_network() -> None:
    wider = [replace(layer, enters=2 * layer.enters) for layer in RESNET]
    assert estimate_speed(wider, "hailo8", task="classification").basis == "model"


def test_a_network_that_is_published_for_other_chips_is_scaled_from_them() -> None:
    for chip, basis in (("hailo8", "published"), ("hailo10h", "scaled")):
        estimate = estimate_from_features(2.4, 5.5, (640, 640, 3), chip, family="yolo26", task="object_detection")
        assert estimate.basis == basis
        assert estimate.contexts > 1


def test_a_family_may_be_named_by_one_of_its_members() -> None:
    named = [estimate_from_features(11, 28, (640, 640, 3), "hailo8", family=f).fps for f in ("yolov8", "yolov8m")]
    assert named[0] == named[1]


@pytest.mark.parametrize("target", TARGETS)
def test_a_network_too_deep_for_one_context_is_slower(target: str) -> None:
    layer = Layer("conv", macs=1_000_000, parameters=10_000, wide=True)
    fits, deep = estimate_speed([layer] * 40, target), estimate_speed([layer] * 200, target)
    assert (fits.contexts, deep.contexts > 1) == (1, True)
    assert fits.fps > deep.fps


def test_more_work_is_never_faster() -> None:
    rates = [
        estimate_speed([Layer("conv", macs, 1000, wide=True)] * 20, "hailo8").fps for macs in (10**6, 10**7, 10**8)
    ]
    assert rates == sorted(rates, reverse=True)


def test_depth_wise_layers_are_slower_than_their_operations_say() -> None:
    plain, depthwise = (
        estimate_speed([Layer(kind, 5_000_000, 1000, outputs=100_000)] * 20, "hailo8").fps for kind in ("conv", "dw")
    )
    assert depthwise < plain


@given(
    parameters=st.floats(0.01, 300),
    operations=st.floats(0.01, 2000),
    side=st.integers(32, 2000),
    chip=st.sampled_from(sorted(CHIPS)),
)
@settings(max_examples=25, deadline=None)
def test_any_network_gets_a_rate_inside_its_interval(
    parameters: float, operations: float, side: int, chip: str
) -> None:
    rates = [estimate_from_features(parameters, operations, (side, side, 3), chip, batch=b) for b in (1, 8)]
    for estimate in rates:
        assert 0 < estimate.low <= estimate.fps <= estimate.high
        assert np.isfinite(estimate.high)


def test_larger_batches_do_not_slow_a_network_of_several_contexts() -> None:
    rates = [estimate_from_features(20, 70, (640, 640, 3), "hailo8l", batch=b).fps for b in (1, 2, 4, 8, 16)]
    assert rates == sorted(rates)
    assert rates[-1] > rates[0]


def heavy(chip: str, link: str | None) -> Estimate:
    return estimate_from_features(20.4, 68.4, (640, 640, 3), chip, link=link, family="yolo26", task="object_detection")


@pytest.mark.parametrize(("chip", "table_ms", "pi_ms"), [("hailo8", 20.4, 34.9), ("hailo8l", 34.5, 48.0)])
def test_a_raspberry_pi_slows_reloaded_weights_as_was_measured(chip: str, table_ms: float, pi_ms: float) -> None:
    assert heavy(chip, None).latency_ms == pytest.approx(table_ms, rel=0.03)
    assert heavy(chip, "x4") == heavy(chip, None)
    assert heavy(chip, "pi5").latency_ms == pytest.approx(pi_ms, rel=0.07)


def test_one_lane_costs_a_network_of_one_context_a_tenth() -> None:
    free, one = (estimate_speed(RESNET, "hailo8l", link=link, task="classification").fps for link in (None, "x1"))
    assert one == pytest.approx(0.9 * free)


@pytest.mark.parametrize(
    ("keywords", "problem"),
    [
        ({"target": "hailo9"}, "hailo9"),
        ({"target": "hailo8", "batch": 0}, "batch is 0"),
        ({"target": "hailo15h", "link": "pi5"}, "its own bus"),
    ],
)
def test_nonsense_is_refused(keywords: dict, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        estimate_speed(RESNET, **keywords)


def test_every_published_rate_belongs_to_a_known_network() -> None:
    networks = load_networks()
    rated = [network for network in networks if network.rates]
    assert len(rated) == 164
    assert sum(len(network.rates) for network in rated) == 703
    assert len({network.name for network in networks}) == len(networks)
