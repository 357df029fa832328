"""Small ONNX networks with random weights, shaped as exporters write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


@dataclass
class NetworkWriter:
    """Writes one network, node by node."""

    opset: int = 17
    seed: int = 0
    nodes: list = field(default_factory=list)
    weights: list = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)

    def constant(self, value: np.ndarray) -> str:
        name = f"constant_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, operator: str, *inputs: str, name: str | None = None, outputs: int = 1, **attributes) -> str | list:
        made = [f"t{len(self.nodes)}_{i}" if name is None or outputs > 1 else name for i in range(outputs)]
        node = helper.make_node(operator, list(inputs), made, name=f"{operator}_{len(self.nodes)}", **attributes)
        self.nodes.append(node)
        return made[0] if outputs == 1 else made

    def conv(self, tensor: str, into: int, out: int, kernel: int = 3, stride: int = 1, group: int = 1, **names) -> str:
        shape = (out, into // group, kernel, kernel)
        values = self.random.normal(0, 1.2 / np.sqrt(np.prod(shape[1:])), shape)
        bias = self.random.normal(0, 0.1, out)
        operands = [self.constant(v.astype(np.float32)) for v in (values, bias)]
        pad = kernel // 2
        options = {"strides": [stride] * 2, "pads": [pad] * 4, "group": group, "kernel_shape": [kernel] * 2}
        return self.add("Conv", tensor, *operands, **names, **options)

    def silu(self, tensor: str) -> str:
        return self.add("Mul", tensor, self.add("Sigmoid", tensor))

    def save(self, path: Path, outputs: list[str], size: int = 64, batch: int | str = 1) -> Path:
        whole = {name for node in self.nodes if node.op_type == "ArgMax" for name in node.output}
        kinds = {name: TensorProto.INT64 if name in whole else TensorProto.FLOAT for name in outputs}
        declared = [helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()]
        taken = [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, size, size])]
        graph = helper.make_graph(self.nodes, "tiny", taken, declared, self.weights)
        opsets = [helper.make_opsetid("", self.opset)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
        return path


def write_classifier(
    path: Path, classes: int = 5, softmax: bool = True, batch: int | str = 1, opset: int = 17, size: int = 64
) -> Path:
    """Convolutions, global pooling, one matrix product."""
    net = NetworkWriter(opset)
    features = net.add("Relu", net.conv("images", 3, 8, stride=2))
    features = net.add("Relu", net.conv(features, 8, 8, group=8))
    features = net.add("Relu", net.conv(features, 8, 16, stride=2))
    flat = net.add("Flatten", net.add("GlobalAveragePool", features))
    matrix = net.constant(net.random.normal(0, 1, (classes, 16)).astype(np.float32))
    bias = net.constant(net.random.normal(0, 0.1, classes).astype(np.float32))
    last = net.add("Gemm", flat, matrix, bias, transB=1, name="logits")
    if softmax:
        last = net.add("Softmax", last, axis=1, name="probabilities")
    return net.save(path, [last], size, batch)


def write_depth(path: Path) -> Path:
    """Half a metre, and ten more for white: a map of half the input's size from the mean of each 2x2 pixels."""
    net = NetworkWriter(17)
    features = net.constant(np.full((8, 3, 2, 2), 1 / 12, np.float32)), net.constant(np.zeros(8, np.float32))
    grey = net.add("Relu", net.add("Conv", "images", *features, strides=[2, 2], kernel_shape=[2, 2]))
    last = net.constant(np.full((1, 8, 1, 1), 10 / 8, np.float32)), net.constant(np.full(1, 0.5, np.float32))
    return net.save(path, [net.add("Conv", grey, *last, kernel_shape=[1, 1], name="depth")], 64, 1)


def _trunk(net: NetworkWriter) -> dict[int, str]:
    """Feature maps of 16 channels at strides 8, 16 and 32."""
    tensor = net.silu(net.conv("images", 3, 24, stride=2))
    tensor = net.silu(net.conv(tensor, 24, 24, stride=2))
    levels = {}
    for stride in (8, 16, 32):
        tensor = net.silu(net.conv(tensor, 24, 24, stride=2))
        levels[stride] = tensor
    return levels


def write_yolov8(
    path: Path, classes: int = 3, reg_max: int = 16, tail: bool = False, batch: int | str = 1, opset: int = 17
) -> Path:
    """A YOLOv8-type detector: raw heads ``reg_s8, cls_s8, …``, or with the decoding behind them."""
    net = NetworkWriter(opset)
    outputs = []
    for stride, features in _trunk(net).items():
        reg, cls = (f"reg_s{stride}", f"cls_s{stride}")
        net.conv(net.silu(net.conv(features, 24, 24)), 24, 4 * reg_max, kernel=1, name=reg)
        net.conv(net.silu(net.conv(features, 24, 24)), 24, classes, kernel=1, name=cls)
        outputs += [reg, cls]
    return net.save(path, [_decode(net, outputs, classes, reg_max)] if tail else outputs, batch=batch)


def _decode(net: NetworkWriter, heads: list[str], classes: int, reg_max: int) -> str:
    """The usual tail: join, split, softmax over bins, expectation by a convolution, sigmoid, join."""
    flat = net.constant(np.array([1, 4 * reg_max + classes, -1]))
    joined = [net.add("Concat", *heads[i : i + 2], axis=1) for i in range(0, len(heads), 2)]
    every = net.add("Concat", *[net.add("Reshape", tensor, flat) for tensor in joined], axis=2)
    sizes = net.constant(np.array([4 * reg_max, classes]))
    boxes, scores = net.add("Split", every, sizes, axis=1, outputs=2)
    bins = net.add("Reshape", boxes, net.constant(np.array([1, 4, reg_max, -1])))
    chances = net.add("Softmax", net.add("Transpose", bins, perm=[0, 2, 1, 3]), axis=1)
    expectation = net.constant(np.arange(reg_max, dtype=np.float32).reshape(1, reg_max, 1, 1))
    sides = net.add("Reshape", net.add("Conv", chances, expectation), net.constant(np.array([1, 4, -1])))
    return net.add("Concat", sides, net.add("Sigmoid", scores), axis=1, name="output0")


def write_yolox(path: Path, classes: int = 3, raw: bool = False) -> Path:
    """A YOLOX-type detector: three convolutions a level, joined, or raw."""
    net = NetworkWriter(11)
    outputs, joined = [], []
    for features in _trunk(net).values():
        cls = net.conv(features, 24, classes, kernel=1)
        box = net.conv(features, 24, 4, kernel=1)
        obj = net.conv(features, 24, 1, kernel=1)
        outputs += [box, obj, cls]
        parts = [box, net.add("Sigmoid", obj), net.add("Sigmoid", cls)]
        level = net.add("Concat", *parts, axis=1)
        joined.append(net.add("Reshape", level, net.constant(np.array([1, 5 + classes, -1]))))
    if raw:
        return net.save(path, outputs)
    return net.save(path, [net.add("Concat", *joined, axis=2, name="output")])


def write_anchor_yolo(path: Path) -> Path:
    """An anchor-based detector (YOLOv5): one convolution a level."""
    net = NetworkWriter()
    return net.save(path, [net.conv(features, 24, 24, kernel=1) for features in _trunk(net).values()])
