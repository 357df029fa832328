from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from hailstack.compiler.endnodes.plan import cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import Graph, load_graph
from hailstack.compiler.quantise.equalise import channel_ratio, equalise
from hailstack.compiler.quantise.network import QuantisedNetwork, quantise
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.compiler.quantise.pixels import Normalisation, take_pixels
from hailstack.errors import ModelError
from tiny_networks import NetworkWriter, write_classifier, write_yolov8

RANDOM = np.random.default_rng(3)
FRAMES = [RANDOM.integers(0, 256, (64, 64, 3), np.uint8) for _ in range(6)]
UNIT = Normalisation(std=(255.0,) * 3)


def make(path: Path, head: str = "auto", normalisation: Normalisation = UNIT, **options) -> QuantisedNetwork:
    graph = load_graph(path)
    plan = find_head(graph, head)
    return quantise(cut(graph, plan), plan, normalisation, FRAMES, QuantiseOptions(**options))


def run(graph: Graph, frame: np.ndarray, level: str = "ORT_ENABLE_ALL") -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    session = onnxruntime.InferenceSession(graph.model.SerializeToString(), options)
    return session.run(None, {graph.input: frame[None]})


def noise_db(network: QuantisedNetwork, level: str = "ORT_ENABLE_ALL") -> list[float]:
    """Signal over noise of each output, in decibels."""
    signal, noise = np.zeros(len(network.outputs)), np.zeros(len(network.outputs))
    for frame in FRAMES:
        pairs = zip(run(network.graph, frame, level), run(network.float_graph, frame), strict=True)
        for i, (integer, real) in enumerate(pairs):
            value = network.outputs[i].dequantise(integer)
            real = real.transpose(0, 2, 3, 1) if real.ndim == 4 else real
            signal[i] += (real**2).sum()
            noise[i] += ((real - value) ** 2).sum()
    return list(10 * np.log10(signal / noise))


@pytest.mark.parametrize("level", ["ORT_ENABLE_ALL", "ORT_ENABLE_BASIC"])
@pytest.mark.parametrize("output_type", ["uint8", "uint16"])
def test_integers_stand_for_what_the_float_network_computes(tmp_path: Path, level: str, output_type: str) -> None:
    network = make(write_yolov8(tmp_path / "net.onnx"), output_type=output_type)
    assert min(noise_db(network, level)) > 20


def test_the_graph_takes_pixels_and_gives_integers_with_channels_last(tmp_path: Path) -> None:
    network = make(write_yolov8(tmp_path / "net.onnx", classes=3))
    outputs = run(network.graph, FRAMES[0])
    assert {output.dtype for output in outputs} == {np.dtype(np.uint8)}
    assert [output.shape for output in outputs][:2] == [(1, 8, 8, 64), (1, 8, 8, 3)]
    taken = network.graph.model.graph.input[0].type.tensor_type
    assert (taken.elem_type, network.graph.shape(network.graph.input)) == (TensorProto.UINT8, (1, 64, 64, 3))


def test_16_bit_outputs_are_finer(tmp_path: Path) -> None:
    path = write_classifier(tmp_path / "net.onnx")
    coarse, fine = make(path).outputs[0], make(path, output_type="uint16").outputs[0]
    assert fine.scale.scale < coarse.scale.scale / 200
    assert run(make(path, output_type="uint16").graph, FRAMES[0])[0].dtype == np.uint16


def test_scores_take_the_whole_range_from_0_to_1(tmp_path: Path) -> None:
    network = make(write_yolov8(tmp_path / "net.onnx"))
    scores = [output.scale for output in network.outputs if output.end.role == "cls"]
    assert {(scale.zero_point, round(1 / scale.scale)) for scale in scores} == {(0, 255)}


@pytest.mark.parametrize(
    "normalisation", [Normalisation(), Normalisation((128.0,) * 3, (64.0,) * 3), Normalisation(std=(255.0,) * 3)]
)
def test_uniform_normalisation_rounds_no_pixel_twice(tmp_path: Path, normalisation: Normalisation) -> None:
    graph = make(write_classifier(tmp_path / "net.onnx"), normalisation=normalisation).graph
    first = next(node for node in graph.nodes if node.op_type == "Conv")
    assert graph.producers[first.input[0]].op_type == "DequantizeLinear"
    before = graph.producers[graph.producers[first.input[0]].input[0]]
    assert before.op_type in ("Transpose", "Gather")


def test_normalisation_by_channel_is_quantised_once(tmp_path: Path) -> None:
    network = make(write_classifier(tmp_path / "net.onnx"), normalisation=Normalisation((124, 116, 104), (58, 57, 57)))
    assert min(noise_db(network)) > 20


def test_weights_are_int8_with_a_scale_for_each_channel(tmp_path: Path) -> None:
    graph = make(write_classifier(tmp_path / "net.onnx")).graph
    for node in graph.nodes:
        if node.op_type in ("Conv", "Gemm"):
            weights = graph.producers[node.input[1]]
            assert graph.constants[weights.input[0]].dtype == np.int8
            assert graph.constants[weights.input[1]].shape == (graph.shape(node.output[0])[1],)


def test_two_nodes_may_share_their_weights(tmp_path: Path) -> None:
    net = NetworkWriter()
    first = net.conv("images", 3, 3)
    weights, bias = net.nodes[-1].input[1:]
    second = net.add("Conv", net.add("Relu", first), weights, bias, pads=[1] * 4, kernel_shape=[3, 3])
    path = net.save(tmp_path / "net.onnx", [second])
    assert min(noise_db(make(path, "raw"))) > 20


def test_operators_without_integer_kernels_run_in_between(tmp_path: Path) -> None:
    net = NetworkWriter()
    tensor = net.add("HardSwish", net.conv("images", 3, 24))
    tensor = net.add("Elu", net.conv(tensor, 24, 24))
    tensor = net.add("Add", tensor, net.add("LeakyRelu", net.conv(tensor, 24, 24)))
    joined = net.add("Concat", net.add("MaxPool", tensor, kernel_shape=[2, 2], strides=[2, 2]),
                     net.add("AveragePool", tensor, kernel_shape=[2, 2], strides=[2, 2]), axis=1)  # fmt: skip
    path = net.save(tmp_path / "net.onnx", [net.conv(joined, 48, 5, kernel=1)])
    assert min(noise_db(make(path, "raw"))) > 20


def test_no_pictures_is_an_error(tmp_path: Path) -> None:
    graph = load_graph(write_classifier(tmp_path / "net.onnx"))
    plan = find_head(graph)
    with pytest.raises(ModelError, match="no pictures"):
        quantise(cut(graph, plan), plan, UNIT, [])


def test_a_network_that_computes_nonsense_is_refused(tmp_path: Path) -> None:
    net = NetworkWriter()
    path = net.save(tmp_path / "net.onnx", [net.add("Log", net.add("Neg", net.add("Relu", net.conv("images", 3, 4))))])
    with pytest.raises(ModelError, match="not finite"):
        make(path, "raw")


def uneven_network(path: Path, activation: str) -> Path:
    """A convolution with one channel a thousand times larger than the others, then a depthwise one."""
    net = NetworkWriter()
    tensor = net.conv("images", 3, 24)
    big = onnx.numpy_helper.to_array(net.weights[-2]).copy()
    big[0] *= 300
    net.weights[-2].CopyFrom(onnx.numpy_helper.from_array(big, net.weights[-2].name))
    tensor = net.silu(tensor) if activation == "SiLU" else net.add(activation, tensor)
    tensor = net.conv(tensor, 24, 24, group=24)
    small = onnx.numpy_helper.to_array(net.weights[-2]).copy()
    small[0] /= 300
    net.weights[-2].CopyFrom(onnx.numpy_helper.from_array(small, net.weights[-2].name))
    return net.save(path, [net.conv(net.add("Relu", tensor), 24, 8, kernel=1)])


@pytest.mark.parametrize("activation", ["Relu", "SiLU", "LeakyRelu"])
def test_evening_channels_out_changes_nothing_but_their_ranges(tmp_path: Path, activation: str) -> None:
    plain = take_pixels(load_graph(uneven_network(tmp_path / "net.onnx", activation)), UNIT)
    even = equalise(plain, FRAMES)
    assert even is not plain
    assert even.constants.keys() != plain.constants.keys()
    for frame in FRAMES:
        expected = run(plain, frame)[0]
        np.testing.assert_allclose(run(even, frame)[0], expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("activation", ["Relu", "SiLU"])
def test_one_huge_channel_does_not_drown_the_others(tmp_path: Path, activation: str) -> None:
    assert min(noise_db(make(uneven_network(tmp_path / "net.onnx", activation), "raw"))) > 20


def test_even_channels_are_left_alone() -> None:
    assert channel_ratio(np.array([1.0, 0.9, 0.8, 0.5])) is None
    assert channel_ratio(np.zeros(4)) is None
