"""Which tensor belongs to which stream, and what the compiler put between them."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hailstack.emulator.engines import open_engine
from hailstack.emulator.host.layout import pack_frame, unpack_frame
from hailstack.emulator.program import GraphProgram
from hailstack.emulator.twin import TwinOptions, TwinSource, build_twin
from hailstack.errors import ModelError
from hailstack.hef import Direction, Format, FormatOrder, FormatType, NetworkGroup, QuantInfo, Shape, Stream

Names = tuple[str, ...]


def stream(
    name: str,
    direction: Direction,
    shape: Shape,
    *,
    names: Names = (),
    quants: tuple[QuantInfo, ...] = (QuantInfo(),),
    data_bytes: int = 1,
    order: FormatOrder = FormatOrder.NHWC,
) -> Stream:
    frame_bytes = -(-shape.size * data_bytes // 8) * 8
    kind = FormatType.UINT8 if data_bytes == 1 else FormatType.UINT16
    return Stream(
        f"net/{name}",
        "net/net",
        direction,
        0,
        Format(kind, order),
        shape,
        shape,
        data_bytes,
        frame_bytes,
        quants[0] if len(quants) == 1 else QuantInfo(0, 0, 0, 0),
        quants,
        original_names=names,
    )


def group(*streams: Stream) -> NetworkGroup:
    outputs = tuple(s.name for s in streams if s.direction is Direction.D2H)
    return NetworkGroup("net", (), 1, streams, (), (), outputs)


def model(path: Path, opset: int = 13, batch: int | str = 1) -> TwinSource:
    """image (1, 2, 4, 6) → double (Mul by 2), half (Div by 2), logits (1, 5) of the mean."""
    constants = {
        "two": np.float32(2),
        "weights": np.linspace(-1, 1, 2 * 5, dtype=np.float32).reshape(2, 5) / 40,
        "bias": np.arange(5, dtype=np.float32) - 2,
    }
    nodes = [
        helper.make_node("Mul", ["image", "two"], ["double"], name="/Mul"),
        helper.make_node("Div", ["image", "two"], ["half"], name="/Div"),
        helper.make_node("GlobalAveragePool", ["image"], ["mean"], name="/Pool"),
        helper.make_node("Flatten", ["mean"], ["flat"], name="/Flatten"),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["logits"], name="/Gemm"),
    ]
    image, logits = [batch, 2, 4, 6], [batch, 5]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "net",
        [info("image", TensorProto.FLOAT, image)],
        [
            info(name, TensorProto.FLOAT, shape)
            for name, shape in (("double", image), ("half", image), ("logits", logits))
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7), path)
    return TwinSource(path, TwinOptions())


INPUT = stream("input_layer1", Direction.H2D, Shape(4, 6, 2))
UNIT = QuantInfo(0, 1 / 255, 0, 1)


def compute(net: NetworkGroup, source: TwinSource, frame: np.ndarray) -> dict[str, np.ndarray]:
    graph = build_twin(net, source)
    program = GraphProgram(net, graph, open_engine("reference", graph.model))
    out = program.compute({INPUT.name: pack_frame(INPUT, frame)})
    return {s.name.removeprefix("net/"): unpack_frame(s, out[s.name]) for s in net.output_streams}


@pytest.fixture
def frame() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 6, 2), np.uint8)


@pytest.mark.parametrize("opset", [9, 13, 17])
@pytest.mark.parametrize("batch", [1, "batch"])
def test_names_win_over_order_whatever_the_opset_and_batch(
    tmp_path: Path, frame: np.ndarray, opset: int, batch: int | str
) -> None:
    half = stream("conv1", Direction.D2H, Shape(4, 6, 2), names=("/Div",))
    double = stream("conv2", Direction.D2H, Shape(4, 6, 2), names=("nowhere", "double"))
    out = compute(group(INPUT, half, double), model(tmp_path / "m.onnx", opset, batch), frame)
    np.testing.assert_array_equal(out["conv1"], np.rint(frame / 2))  # half to even
    np.testing.assert_array_equal(out["conv2"], np.minimum(frame * 2.0, 255))


def test_without_names_equal_shapes_are_paired_in_order_and_said(
    tmp_path: Path, frame: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (stream(f"conv{n}", Direction.D2H, Shape(4, 6, 2)) for n in (1, 2))
    with caplog.at_level(logging.WARNING, "hailstack.emulator"):
        out = compute(group(INPUT, first, second), model(tmp_path / "m.onnx"), frame)
    np.testing.assert_array_equal(out["conv2"], np.rint(frame / 2))
    assert "net/conv1 = double, net/conv2 = half" in caplog.text


def test_a_choice_between_two_tensors_is_not_guessed(tmp_path: Path) -> None:
    only = stream("conv1", Direction.D2H, Shape(4, 6, 2))
    with pytest.raises(ModelError, match=r"double 1x2x4x6, half 1x2x4x6, logits 1x5.*m\.twin\.json"):
        build_twin(group(INPUT, only), model(tmp_path / "m.onnx"))


def test_each_feature_has_its_own_scale_and_zero_point(tmp_path: Path, frame: np.ndarray) -> None:
    quants = (QuantInfo(10, 2.0, 0, 255), QuantInfo(3, 0.5, 0, 255))
    half = stream("conv1", Direction.D2H, Shape(4, 6, 2), names=("/Div",), quants=quants)
    out = compute(group(INPUT, half), model(tmp_path / "m.onnx"), frame)
    expected = np.clip(np.rint(frame / 2 / np.array([2.0, 0.5]) + [10, 3]), 0, 255)
    np.testing.assert_array_equal(out["conv1"], expected)


def test_sixteen_bit_outputs_keep_their_range(tmp_path: Path, frame: np.ndarray) -> None:
    quant = (QuantInfo(0, 0.01, 0, 655.35),)
    double = stream("conv1", Direction.D2H, Shape(4, 6, 2), names=("/Mul",), quants=quant, data_bytes=2)
    out = compute(group(INPUT, double), model(tmp_path / "m.onnx"), frame)["conv1"]
    assert out.dtype == np.uint16
    np.testing.assert_allclose(out * 0.01, frame * 2.0, atol=0.006)


def test_a_range_of_0_to_1_behind_a_linear_layer_means_a_sigmoid(tmp_path: Path, frame: np.ndarray) -> None:
    head = stream("fc1", Direction.D2H, Shape(1, 1, 5), names=("/Gemm",), quants=(UNIT,), order=FormatOrder.NC)
    source = model(tmp_path / "m.onnx")
    mean = frame.reshape(-1, 2).mean(0)
    logits = mean @ (np.linspace(-1, 1, 10).reshape(2, 5) / 40) + np.arange(5) - 2
    out = compute(group(INPUT, head), source, frame)["fc1"]
    np.testing.assert_allclose(out / 255, 1 / (1 + np.exp(-logits)), atol=0.003)
    plain = TwinSource(source.model, TwinOptions(activations={"fc1": "none"}))
    out = compute(group(INPUT, head), plain, frame)["fc1"]
    np.testing.assert_allclose(out / 255, np.clip(logits, 0, 1), atol=0.003)


def test_an_input_is_dequantised_before_the_twin_sees_it(tmp_path: Path, frame: np.ndarray) -> None:
    scaled = stream("input_layer1", Direction.H2D, Shape(4, 6, 2), quants=(QuantInfo(100, 0.5, -50, 77.5),))
    double = stream("conv1", Direction.D2H, Shape(4, 6, 2), names=("/Mul",), quants=(QuantInfo(128, 1.0, -128, 127),))
    out = compute(group(scaled, double), model(tmp_path / "m.onnx"), frame)
    np.testing.assert_array_equal(out["conv1"], np.clip(frame.astype(int) - 100 + 128, 0, 255))


def test_streams_that_are_no_plain_tensors_are_refused_by_name(tmp_path: Path) -> None:
    nms = stream("nms1", Direction.D2H, Shape(4, 6, 2), order=FormatOrder.HAILO_NMS_ON_CHIP)
    with pytest.raises(ModelError, match=r"'net/nms1' is HAILO_NMS_ON_CHIP"):
        build_twin(group(INPUT, nms), model(tmp_path / "m.onnx"))
