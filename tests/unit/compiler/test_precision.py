"""What the options of the quantiser change, seen at the network's outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import openvino
import pytest

from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import load_graph
from hailstack.compiler.quantise.network import QuantisedNetwork, quantise
from hailstack.compiler.quantise.options import Effort, QuantiseOptions
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.compiler.quantise.raising import (
    Wanted,
    float_values,
    integer_values,
    points_changed,
    raise_precision,
)
from hailstack.compiler.quantise.sensitivity import layer_noise
from hailstack.errors import ConfigError
from tiny_networks import NetworkWriter, write_classifier, write_yolov8

RANDOM = np.random.default_rng(3)
FRAMES = [RANDOM.integers(0, 256, (64, 64, 3), np.uint8) for _ in range(16)]
UNSEEN = [RANDOM.integers(0, 256, (64, 64, 3), np.uint8) for _ in range(6)]
UNIT = Normalisation(std=(255.0,) * 3)


def make(path: Path, head: str = "auto", **options) -> QuantisedNetwork:
    graph = load_graph(path)
    plan = find_head(graph, head)
    return quantise(cut(graph, plan), plan, UNIT, FRAMES, QuantiseOptions(**options))


def noise_db(network: QuantisedNetwork) -> float:
    """Signal over noise of the worst output on pictures that were not calibrated with."""
    real, integer = float_values(network, UNSEEN), integer_values(network, UNSEEN)
    found = []
    for name in real[0]:
        signal = sum((row[name] ** 2).sum() for row in real)
        noise = sum(
            ((a[name].reshape(b[name].shape) - b[name]) ** 2).sum() for a, b in zip(real, integer, strict=True)
        )
        found.append(10 * np.log10(signal / noise))
    return float(min(found))


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    return write_classifier(tmp_path / "net.onnx", softmax=False)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("weight_scales", ["channel", "layer"])
def test_every_level_stays_near_the_float_network(tmp_path: Path, level: int, weight_scales: str) -> None:
    network = make(write_yolov8(tmp_path / "net.onnx"), level=level, weight_scales=weight_scales)
    assert noise_db(network) > 18
    assert network.effort == Effort(level, level)


def test_rounding_weights_in_turn_pays_where_a_layer_has_one_scale(tmp_path: Path) -> None:
    path = write_yolov8(tmp_path / "net.onnx")
    nearest = make(path, level=1, weight_scales="layer", equalise=False)
    in_turn = make(path, level=2, weight_scales="layer", equalise=False)
    assert noise_db(in_turn) > noise_db(nearest)


def test_a_level_that_needs_more_pictures_falls_back_and_says_why(classifier: Path) -> None:
    effort = make(classifier, level=4).effort
    assert (effort.requested, effort.effective) == (4, 2)
    assert "16 pictures" in effort.reason
    assert "64" in effort.reason


@pytest.mark.parametrize("clipping", ["typical", "minmax", "percentile", "mse"])
def test_every_way_of_clipping_works(classifier: Path, clipping: str) -> None:
    assert noise_db(make(classifier, clipping=clipping, weight_clipping="mse")) > 20


def test_a_network_all_in_16_bits_is_a_hundred_times_finer(classifier: Path) -> None:
    layers = ("conv1", "dw1", "conv2", "globalaveragepool1", "fc1")
    narrow, wide = make(classifier), make(classifier, wide_layers=layers)
    assert noise_db(wide) > noise_db(narrow) + 30
    assert wide.outputs[0].type == "uint16"


def test_one_wide_layer_leaves_the_others_alone(classifier: Path) -> None:
    network = make(classifier, wide_layers=("conv2",))
    assert network.parts is not None
    assert {plan.wide for plan in network.parts.weights.values()} == {True, False}
    assert network.outputs[0].type == "uint8"


def test_an_output_alone_may_leave_in_16_bits(tmp_path: Path) -> None:
    network = make(write_yolov8(tmp_path / "net.onnx"), "raw", wide_layers=("net/output_layer1",))
    assert [output.type for output in network.outputs] == ["uint16", *["uint8"] * 5]


def test_outputs_of_one_post_processing_widen_together(tmp_path: Path) -> None:
    network = make(write_yolov8(tmp_path / "net.onnx"), wide_layers=("output_layer1",))
    assert {output.type for output in network.outputs} == {"uint16"}


def test_an_unknown_layer_is_refused_with_its_neighbours(classifier: Path) -> None:
    with pytest.raises(ConfigError, match=r"conv99.*conv"):
        make(classifier, wide_layers=("conv99",))


def test_engines_agree_on_16_bits(classifier: Path) -> None:
    network = make(classifier, wide_layers=("conv1", "dw1", "conv2", "fc1"))
    model = network.graph.model.SerializeToString()
    basic = onnxruntime.SessionOptions()
    basic.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    sessions = [onnxruntime.InferenceSession(model), onnxruntime.InferenceSession(model, basic)]
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for frame in UNSEEN:
        first, *others = [s.run(None, {network.graph.input: frame[None]})[0] for s in sessions]
        others.append(compiled({0: frame[None]})[0])
        for other in others:
            assert np.abs(first.astype(int) - other).max() < 65536 / 256 / 4


def test_channels_of_an_output_may_have_their_own_scales(tmp_path: Path) -> None:
    net = NetworkWriter()
    features = net.add("Relu", net.conv("images", 3, 8))
    uneven = net.add(
        "Mul", net.conv(features, 8, 4, kernel=1), net.constant(np.float32([1, 0.1, 0.01, 5]).reshape(1, 4, 1, 1))
    )
    path = net.save(tmp_path / "net.onnx", [uneven])
    whole, apart = make(path, "raw"), make(path, "raw", output_scales="channel", wide_layers=("conv2",))
    assert whole.outputs[0].scales == ()
    scales = [scale.scale for scale in apart.outputs[0].scales]
    assert len(scales) == 4
    assert min(scales) < max(scales) / 50


def test_scores_and_boxes_for_the_hosts_nms_keep_one_scale(tmp_path: Path) -> None:
    network = make(write_yolov8(tmp_path / "net.onnx"), output_scales="channel")
    assert all(output.scales == () for output in network.outputs)


def test_pairs_name_what_stands_for_each_tensor(tmp_path: Path) -> None:
    network = make(write_yolov8(tmp_path / "net.onnx"))
    made = {name for node in network.graph.nodes for name in node.output}
    real = {name for node in network.float_graph.nodes for name in node.output}
    assert len(network.pairs) > 10
    assert set(network.pairs) <= real
    assert set(network.pairs.values()) <= made


def test_factors_of_a_matrix_product_move_into_its_weights(tmp_path: Path) -> None:
    net = NetworkWriter()
    flat = net.add("Flatten", net.add("GlobalAveragePool", net.add("Relu", net.conv("images", 3, 16))))
    matrix, bias = (net.constant(net.random.normal(0, 1, shape).astype(np.float32)) for shape in ((16, 5), (1, 5)))
    path = net.save(tmp_path / "net.onnx", [net.add("Gemm", flat, matrix, bias, alpha=0.5, beta=2.0)])
    network = make(path, "raw")
    assert noise_db(network) > 25
    assert network.parts is not None
    assert len(network.parts.weights) == 2


def test_a_transposed_convolution_has_a_scale_for_each_channel(tmp_path: Path) -> None:
    net = NetworkWriter()
    weights = net.random.normal(0, 0.3, (8, 4, 2, 2)) * np.array([1, 0.1, 0.01, 1]).reshape(1, 4, 1, 1)
    features = net.add("Relu", net.conv("images", 3, 8))
    raised = net.add("ConvTranspose", features, net.constant(weights.astype(np.float32)), strides=[2, 2])
    network = make(net.save(tmp_path / "net.onnx", [raised]), "raw")
    assert network.parts is not None
    assert network.parts.weights[network.outputs[0].end.tensor].scale.shape == (4,)
    assert noise_db(network) > 20


def attention_network(path: Path) -> Path:
    """Patches, layer normalisation and GELU in single nodes, one attention block with two dynamic operands."""
    net = NetworkWriter(seed=1)
    patches = net.conv("images", 3, 16, kernel=8, stride=8)
    tokens = net.add("Transpose", net.add("Reshape", patches, net.constant(np.array([1, 16, -1]))), perm=[0, 2, 1])

    def matrix(into: int, out: int) -> str:
        return net.constant(net.random.normal(0, into**-0.5, (into, out)).astype(np.float32))

    def norm(tensor: str) -> str:
        lost = net.add("Sub", tensor, net.add("ReduceMean", tensor, axes=[-1]))
        squares = net.add("Pow", lost, net.constant(np.float32(2)))
        spread = net.add("Add", net.add("ReduceMean", squares, axes=[-1]), net.constant(np.float32(1e-5)))
        even = net.add("Div", lost, net.add("Sqrt", spread))
        scaled = net.add("Mul", even, net.constant(net.random.uniform(0.5, 2, 16).astype(np.float32)))
        return net.add("Add", scaled, net.constant(net.random.normal(0, 0.2, 16).astype(np.float32)))

    even = norm(tokens)
    query, key, value = (net.add("MatMul", even, matrix(16, 16)) for _ in range(3))
    scores = net.add("MatMul", query, net.add("Transpose", key, perm=[0, 2, 1]))
    chances = net.add("Softmax", net.add("Mul", scores, net.constant(np.float32(0.25))), axis=-1)
    tokens = net.add("Add", tokens, net.add("MatMul", chances, value))
    hidden = net.add("MatMul", norm(tokens), matrix(16, 32))
    error = net.add("Erf", net.add("Div", hidden, net.constant(np.float32(2**0.5))))
    gelu = net.add("Mul", net.add("Mul", hidden, net.add("Add", error, net.constant(np.float32(1)))),
                   net.constant(np.float32(0.5)))  # fmt: skip
    tokens = net.add("Add", tokens, net.add("MatMul", gelu, matrix(32, 16)))
    return net.save(path, [norm(tokens)])


def test_attention_normalisation_and_gelu_survive_8_bits(tmp_path: Path) -> None:
    network = make(attention_network(tmp_path / "net.onnx"), "raw")
    assert noise_db(network) > 18


def test_networks_with_several_inputs_take_pixels_at_each(tmp_path: Path) -> None:
    import onnx

    net = NetworkWriter()
    joined = net.add("Add", net.conv("images", 3, 8, stride=2), net.conv("depth", 1, 8))
    path = net.save(tmp_path / "net.onnx", [net.add("Relu", joined)])
    model = onnx.load(path)
    model.graph.input.append(onnx.helper.make_tensor_value_info("depth", onnx.TensorProto.FLOAT, [1, 1, 32, 32]))
    onnx.save(model, path)
    graph = load_graph(path)
    frames = [{"images": f, "depth": RANDOM.integers(0, 256, (32, 32, 1), np.uint8)} for f in FRAMES]
    plan = HeadPlan("raw", find_head(graph, "raw").ends)
    network = quantise(cut(graph, plan), plan, UNIT, frames)
    assert network.graph.inputs == ("images_pixels", "depth_pixels")
    real, integer = float_values(network, frames[:4]), integer_values(network, frames[:4])
    assert points_changed(plan, real, integer) < 5


def test_precision_is_raised_until_the_answers_agree(classifier: Path) -> None:
    graph = load_graph(classifier)
    plan = find_head(graph, "raw")
    options = QuantiseOptions(level=0, weight_scales="layer", equalise=False)
    start = points_changed(plan, *_values(quantise(cut(graph, plan), plan, UNIT, FRAMES, options)))
    goal = start / 4
    raised = raise_precision(cut(graph, plan), plan, UNIT, FRAMES, options, Wanted(goal, "hailo8l", UNSEEN))
    assert raised.reached
    assert raised.steps[0].drop == pytest.approx(start)
    assert raised.steps[-1].drop <= goal
    assert len(raised.options.wide_layers) > 0
    assert raised.steps[-1].fps <= raised.steps[0].fps


def _values(network: QuantisedNetwork) -> tuple[list, list]:
    return float_values(network, UNSEEN), integer_values(network, UNSEEN)


def test_the_noisiest_layer_comes_first(tmp_path: Path) -> None:
    net = NetworkWriter()
    tensor = net.conv("images", 3, 8)
    net.weights[-2].CopyFrom(_with_outlier(net.weights[-2]))
    path = net.save(tmp_path / "net.onnx", [net.conv(net.add("Relu", tensor), 8, 8)])
    network = make(path, "raw", weight_scales="layer", equalise=False, level=0)
    assert network.parts is not None
    assert next(iter(layer_noise(network.parts, UNSEEN))) == "conv1"


def _with_outlier(tensor):
    """One channel whose weights are far larger, and which sees a picture's mean only: its own scale would be finer."""
    import onnx

    values = onnx.numpy_helper.to_array(tensor).copy()
    values[0] *= 40
    return onnx.numpy_helper.from_array(values, tensor.name)
