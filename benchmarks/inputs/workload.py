"""A network to measure with, made on the spot: no downloads, the same bytes everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from hailstack.hef import (
    EMULATED_GRAPH,
    Direction,
    FormatOrder,
    FormatType,
    HefBlueprint,
    QuantInfo,
    Shape,
    StreamPlan,
    write_hef,
)

INPUT, OUTPUT = "workload/input_layer1", "workload/fc1"
SIZE, CLASSES = 224, 1000
CHANNELS = (48, 96, 160, 256, 320)


def build_graph(channels: tuple[int, ...] = CHANNELS) -> bytes:
    """A plain convolutional classifier: uint8 ``frame`` (1, 224, 224, 3) → uint8 ``scores`` (1, 1000)."""
    random = np.random.default_rng(0)
    constants = {"scale": np.float32(1 / 128), "mean": np.float32(128), "step": np.float32(0.05)}
    constants |= {"low": np.float32(0), "high": np.float32(255)}
    node = helper.make_node
    nodes = [
        node("Cast", ["frame"], ["frame_f"], to=TensorProto.FLOAT),
        node("Sub", ["frame_f", "mean"], ["centred"]),
        node("Mul", ["centred", "scale"], ["scaled"]),
        node("Transpose", ["scaled"], ["x0"], perm=[0, 3, 1, 2]),
    ]
    features = 3
    for i, width in enumerate(channels):
        constants[f"w{i}"] = (random.normal(size=(width, features, 3, 3)) / np.sqrt(9 * features)).astype(np.float32)
        nodes += [
            node("Conv", [f"x{i}", f"w{i}"], [f"c{i}"], strides=[2, 2], pads=[1, 1, 1, 1]),
            node("Relu", [f"c{i}"], [f"x{i + 1}"]),
        ]
        features = width
    constants["head"] = random.normal(size=(features, CLASSES)).astype(np.float32)
    nodes += [
        node("GlobalAveragePool", [f"x{len(channels)}"], ["pooled"]),
        node("Flatten", ["pooled"], ["flat"]),
        node("MatMul", ["flat", "head"], ["logits"]),
        node("Div", ["logits", "step"], ["steps"]),
        node("Add", ["steps", "mean"], ["shifted"]),
        node("Round", ["shifted"], ["rounded"]),
        node("Clip", ["rounded", "low", "high"], ["clipped"]),
        node("Cast", ["clipped"], ["scores"], to=TensorProto.UINT8),
    ]
    graph = helper.make_graph(
        nodes,
        "workload",
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, SIZE, SIZE, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.UINT8, [1, CLASSES])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()
    )


def write_workload(path: Path, graph: bytes) -> None:
    """An emulated HEF of :func:`build_graph`, said to run at 1150 frames a second."""
    group = {"graph": EMULATED_GRAPH, "inputs": {INPUT: "frame"}, "outputs": {OUTPUT: "scores"}}
    quant = QuantInfo(128, 0.05, -6.4, 6.35)
    blueprint = HefBlueprint(
        group_name="workload",
        streams=(
            StreamPlan(INPUT, Direction.H2D, Shape(SIZE, SIZE, 3)),
            StreamPlan(OUTPUT, Direction.D2H, Shape(1, 1, CLASSES), FormatType.UINT8, FormatOrder.NC, quant),
        ),
        bottleneck_fps=1150.0,
        latency_ms=2.4,
        graphs={EMULATED_GRAPH: graph},
        meta={"groups": {"workload": group}},
    )
    write_hef(path, blueprint)


def frames(count: int) -> np.ndarray:
    """``(count, 224, 224, 3)`` uint8 noise."""
    return np.random.default_rng(1).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)
