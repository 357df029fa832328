"""A detector of YOLOv8n's shape and size with random weights: made on the spot, the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SIZE, CLASSES, BINS = 640, 80, 16
WANTED_CELLS = 60
"""Cells of a frame whose best class passes the usual threshold: some 20 boxes after suppression."""
LOGIT_OF_THRESHOLD = -1.0986
"""The score 0.25."""


@dataclass
class Detector:
    """The graph under construction, layer by layer as the architecture is published."""

    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    nodes: list = field(default_factory=list)
    weights: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, operator: str, *inputs: str, outputs: int = 1, name: str = "", **attributes) -> str | list[str]:
        made = [name or f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), made, name=f"n{len(self.nodes)}", **attributes))
        return made[0] if outputs == 1 else made

    def conv(self, tensor: str, into: int, out: int, kernel: int = 3, stride: int = 1, name: str = "") -> str:
        weight, bias = f"w{len(self.nodes)}", f"b{len(self.nodes)}"
        fan_in = into * kernel * kernel
        self.weights[weight] = self.random.normal(0, 1.7 / fan_in**0.5, (out, into, kernel, kernel)).astype(np.float32)
        self.weights[bias] = self.random.normal(0, 0.1, out).astype(np.float32)
        options = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4}
        return str(self.add("Conv", tensor, weight, bias, name=name, **options))

    def block(self, tensor: str, into: int, out: int, kernel: int = 3, stride: int = 1) -> str:
        made = self.conv(tensor, into, out, kernel, stride)
        return str(self.add("Mul", made, str(self.add("Sigmoid", made))))

    def c2f(self, tensor: str, into: int, out: int, count: int, residual: bool) -> str:
        half = out // 2
        parts = list(self.add("Split", self.block(tensor, into, out, 1), outputs=2, axis=1))
        for _ in range(count):
            inner = self.block(self.block(parts[-1], half, half), half, half)
            parts.append(str(self.add("Add", parts[-1], inner)) if residual else inner)
        return self.block(str(self.add("Concat", *parts, axis=1)), half * (2 + count), out, 1)

    def sppf(self, tensor: str, channels: int) -> str:
        parts = [self.block(tensor, channels, channels // 2, 1)]
        for _ in range(3):
            parts.append(str(self.add("MaxPool", parts[-1], kernel_shape=[5, 5], pads=[2] * 4, strides=[1, 1])))
        return self.block(str(self.add("Concat", *parts, axis=1)), 2 * channels, channels, 1)

    def up(self, tensor: str) -> str:
        self.weights["twice"] = np.array([1, 1, 2, 2], np.float32)
        return str(
            self.add("Resize", tensor, "", "twice", mode="nearest", coordinate_transformation_mode="asymmetric")
        )

    def join(self, *tensors: str) -> str:
        return str(self.add("Concat", *tensors, axis=1))


def _features(net: Detector) -> dict[int, tuple[str, int]]:
    """Stride → feature map and its channels."""
    p2 = net.c2f(net.block(net.block("images", 3, 16, stride=2), 16, 32, stride=2), 32, 32, 1, True)
    p3 = net.c2f(net.block(p2, 32, 64, stride=2), 64, 64, 2, True)
    p4 = net.c2f(net.block(p3, 64, 128, stride=2), 128, 128, 2, True)
    p5 = net.sppf(net.c2f(net.block(p4, 128, 256, stride=2), 256, 256, 1, True), 256)
    n4 = net.c2f(net.join(net.up(p5), p4), 384, 128, 1, False)
    n3 = net.c2f(net.join(net.up(n4), p3), 192, 64, 1, False)
    m4 = net.c2f(net.join(net.block(n3, 64, 64, stride=2), n4), 192, 128, 1, False)
    m5 = net.c2f(net.join(net.block(m4, 128, 128, stride=2), p5), 384, 256, 1, False)
    return {8: (n3, 64), 16: (m4, 128), 32: (m5, 256)}


def write_detector(path: Path, frames: np.ndarray) -> Path:
    """Six outputs ``box_S`` and ``class_S``, as YOLOv8n's head has them before its decoding.

    ``frames`` (n, 640, 640, 3) uint8: what it will be shown; a few cells of each pass the threshold.
    """
    net = Detector()
    outputs: list[str] = []
    for stride, (features, channels) in _features(net).items():
        for name, middle, last in ((f"box_{stride}", 64, 4 * BINS), (f"class_{stride}", CLASSES, CLASSES)):
            inner = net.block(net.block(features, channels, middle), middle, middle)
            outputs.append(net.conv(inner, middle, last, kernel=1, name=name))
    _settle(net, outputs, frames)
    onnx.save(_model(net, outputs), path)
    return path


def _settle(net: Detector, outputs: list[str], frames: np.ndarray) -> None:
    """Scale the last layers so that boxes have a size and few cells pass the threshold, as in a trained network."""
    session = onnxruntime.InferenceSession(_model(net, outputs).SerializeToString())
    shown = [frame.transpose(2, 0, 1)[None].astype(np.float32) / 255 for frame in frames]
    runs = [session.run(outputs, {"images": one}) for one in shown]
    found = {name: np.concatenate([run[index] for run in runs]) for index, name in enumerate(outputs)}
    best = np.sort(np.concatenate([found[name].max(axis=1).ravel() for name in outputs if "class" in name]))
    spread = float(best.std())
    shift = LOGIT_OF_THRESHOLD - float(best[-WANTED_CELLS * len(frames)]) / spread
    for node in net.nodes:
        if node.output[0] not in outputs:
            continue
        weight, bias = node.input[1], node.input[2]
        scale = 1 / spread if "class" in node.output[0] else 1 / float(found[node.output[0]].std())
        net.weights[weight] = net.weights[weight] * np.float32(scale)
        net.weights[bias] = net.weights[bias] * np.float32(scale)
        if "class" in node.output[0]:
            net.weights[bias] = net.weights[bias] + np.float32(shift)


def _model(net: Detector, outputs: list[str]) -> onnx.ModelProto:
    graph = helper.make_graph(
        net.nodes,
        "detector",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in net.weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
