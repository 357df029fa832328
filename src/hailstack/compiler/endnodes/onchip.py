"""Which operators a chip runs in place, whatever has no learned weights."""

from __future__ import annotations

import math

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.graph.model import Graph, attribute, whole

RESHAPING = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity"})

ACTIVATIONS = frozenset(
    {
        "Clip",
        "Elu",
        "Gelu",
        "HardSigmoid",
        "HardSwish",
        "LeakyRelu",
        "Mish",
        "PRelu",
        "Relu",
        "Selu",
        "Sigmoid",
        "Softplus",
        "Softsign",
        "Swish",
        "Tanh",
        "ThresholdedRelu",
    }
)

ON_CHIP = ACTIVATIONS | {
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "DepthToSpace",
    "Dropout",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Identity",
    "InstanceNormalization",
    "MaxPool",
    "Pad",
    "Resize",
    "SpaceToDepth",
    "Upsample",
}
"""Operators without learned weights that a chip runs whatever surrounds them."""

BINARY = frozenset({"Add", "Sub", "Mul", "Div"})


def runs_on_chip(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether a chip runs a node without learned weights."""
    operator = node.op_type
    if operator in ON_CHIP or keeps_order(graph, node):
        return True
    if not all(name in graph.shapes for name in (*filter(None, node.input), node.output[0])):
        return False
    if operator in ("Softmax", "LogSoftmax"):
        rank, axis = len(graph.shape(node.input[0])), whole(node, "axis", -1)
        return rank in (2, 4) and (axis % rank in (1, rank - 1))
    if operator == "Transpose":
        return attribute(node, "perm") in ([0, 2, 3, 1], [0, 3, 1, 2])
    if operator in ("ReduceMean", "ReduceMax", "ReduceSum"):
        return len(graph.shape(node.input[0])) == 4
    if operator in BINARY:
        return _joins_alike(graph, node)
    if operator == "Concat":
        return _joins_features(graph, node)
    if operator in ("Slice", "Split"):
        shape, made = graph.shape(node.input[0]), graph.shape(node.output[0])
        return len(shape) == 4 and shape[2:] == made[2:]
    return shuffles_pixels(graph, node)


def _joins_alike(graph: Graph, node: onnx.NodeProto) -> bool:
    """A sum or product of two maps of one size, of a map and a factor a channel, or of a map and constants."""
    if any(name in graph.constants for name in node.input):
        return is_per_channel(graph, node)
    shapes = [graph.shape(name) for name in node.input]
    if len({len(shape) for shape in shapes}) > 1:
        return False
    made = graph.shape(node.output[0])
    return all(shape == made or (len(shape) == 4 and shape[1:] == (made[1], 1, 1)) for shape in shapes)


def _joins_features(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether what is joined are feature maps, not parts of a head: all fresh from the same kind of activation."""
    makers = {graph.producers[name].op_type for name in node.input if name in graph.producers}
    bounded = {"Sigmoid", "HardSigmoid", "Softmax", "Tanh"}
    on_channels = len(graph.shape(node.output[0])) == 4 and whole(node, "axis", 1) in (1, -3)
    return on_channels and len(makers) == 1 and makers <= (ACTIVATIONS | {"Mul"}) - bounded


def shuffles_pixels(graph: Graph, node: onnx.NodeProto) -> bool:
    """Depth to space, or back, written as a reshape, a transposition and a reshape; ``node`` is the last of them."""
    turned = graph.producers.get(node.input[0]) if node.op_type == "Reshape" else None
    split = graph.producers.get(turned.input[0]) if turned is not None and turned.op_type == "Transpose" else None
    if split is None or split.op_type != "Reshape":
        return False
    ranks = [len(graph.shapes.get(name, ())) for name in (split.input[0], split.output[0], node.output[0])]
    return ranks == [4, 6, 4]


def before_shuffle(graph: Graph, node: onnx.NodeProto) -> str:
    """What is shuffled by ``node`` and the two in front of it."""
    turned = graph.producers[node.input[0]]
    return str(graph.producers[turned.input[0]].input[0])


def keeps_order(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether a node merely gives a vector another shape, or moves channels to the end, where the host has them."""
    if node.op_type not in RESHAPING or node.input[0] not in graph.producers or not has_known_shapes(graph, node):
        return False
    if node.op_type == "Transpose" and attribute(node, "perm") == [0, 2, 3, 1]:
        return True
    shape, made = graph.shape(node.input[0]), graph.shape(node.output[0])
    if max(shape, default=1) == math.prod(shape):
        return True
    solid = [[length for length in one if length != 1] for one in (shape, made)]
    return node.op_type != "Transpose" and solid[0] == solid[1]


def has_known_shapes(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether the shapes on both sides of a node are; behind a selection they need not be."""
    return node.input[0] in graph.shapes and node.output[0] in graph.shapes


def is_per_channel(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether a node adds or multiplies by constants that are the same all over the map."""
    if node.op_type not in BINARY:
        return False
    constants = [graph.constants[name] for name in node.input if name in graph.constants]
    return len(constants) == 1 and _flat_over_map(constants[0], len(graph.shape(node.output[0])))


def _flat_over_map(value: NDArray[np.generic], rank: int) -> bool:
    shape = (1,) * (rank - value.ndim) + value.shape
    wide = [axis for axis, length in enumerate(shape) if length > 1]
    return not wide or (len(wide) == 1 and wide[0] in ((1,) if rank == 4 else (1, rank - 1)))
