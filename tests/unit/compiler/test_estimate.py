from __future__ import annotations

from pathlib import Path

import pytest

from hailstack.compiler.endnodes.plan import cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import load_graph
from hailstack.compiler.preflight.estimate import CHIPS, estimate_speed
from hailstack.compiler.preflight.layers import Layer, list_layers
from tiny_networks import write_classifier


def test_layers_are_counted_with_their_multiplications(tmp_path: Path) -> None:
    layers = list_layers(load_graph(write_classifier(tmp_path / "net.onnx", softmax=False)))
    assert [layer.kind for layer in layers] == ["conv", "dw", "conv", "glue", "fc"]
    assert layers[0].macs == 3 * 8 * 9 * 32 * 32
    assert layers[1].macs == 8 * 9 * 32 * 32
    assert layers[-1].macs == 16 * 5
    assert layers[-1].parameters == 16 * 5 + 5


@pytest.mark.shared
@pytest.mark.parametrize(("target", "published"), [("hailo8", 2597), ("hailo8l", 1738), ("hailo10h", 2944)])
def test_mobilenet_comes_close_to_the_published_rate(shared: Path, target: str, published: float) -> None:
    graph = load_graph(shared / "onnx" / "mobilenet_v2_1.0_224.onnx")
    layers = list_layers(cut(graph, find_head(graph)))
    assert sum(layer.macs for layer in layers) == pytest.approx(300e6, rel=0.01)
    assert published / 2 < estimate_speed(layers, target).fps < published * 2


@pytest.mark.parametrize("target", list(CHIPS))
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
