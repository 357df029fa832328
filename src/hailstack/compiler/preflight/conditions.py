"""When an operator is one of the chip's layers. Each function says what is wrong with a node, or nothing."""

from __future__ import annotations

import math

import numpy as np
import onnx

from hailstack.compiler.graph.model import Graph, attribute, whole

MAX_RANK = 4
SHUFFLES = ([0, 2, 1, 3, 4], [0, 1, 4, 2, 5, 3], [0, 3, 4, 1, 5, 2], [0, 1, 3, 5, 2, 4], [0, 3, 5, 1, 2, 4])
"""Orders of axes between two reshapes that are layers: shuffled channels, depth to space, space to depth."""
HEADS = ([2, 0, 3, 1, 4], [2, 0, 1, 3, 4])
"""Orders of axes that part a map into queries, keys and values by head, as vision transformers of the tables do it."""


def two_dimensional(graph: Graph, node: onnx.NodeProto) -> str:
    if node.input[1] not in graph.constants:
        return "its weights are not constant"
    dimensions = graph.constants[node.input[1]].ndim - 2
    return "" if dimensions <= 2 else f"it has {dimensions} dimensions"


def constant_weights(graph: Graph, node: onnx.NodeProto) -> str:
    return "" if node.input[1] in graph.constants else "its weights are not constant"


def four_dimensions(graph: Graph, node: onnx.NodeProto) -> str:
    ranks = [len(graph.shapes[name]) for name in (*node.input, *node.output) if name in graph.shapes]
    worst = max(ranks, default=0)
    if worst == MAX_RANK + 1 and _parts_heads(graph, node):
        return ""
    return f"it works on {worst} dimensions" if worst > MAX_RANK else ""


def plain_pool(graph: Graph, node: onnx.NodeProto) -> str:
    if len([name for name in node.output if name]) > 1:
        return "its indices are used"
    kernel = attribute(node, "kernel_shape")
    return f"it has {len(kernel)} dimensions" if isinstance(kernel, list) and len(kernel) > 2 else ""


def channels(graph: Graph, node: onnx.NodeProto) -> str:
    rank = len(graph.shape(node.input[0]))
    axis = whole(node, "axis", -1 if node.op_type == "Softmax" else 0) % rank
    if math.prod(graph.shape(node.input[0])) == graph.shape(node.input[0])[axis]:
        return ""  # nothing but channels
    if rank > MAX_RANK:
        return f"it works on {rank} dimensions"
    return "" if axis == rank - 1 or (rank == MAX_RANK and axis == 1) else f"it runs over axis {axis} of {rank}"


def joins(graph: Graph, node: onnx.NodeProto) -> str:
    rank = len(graph.shape(node.output[0]))
    axis = whole(node, "axis", 0) % rank
    if rank > MAX_RANK:
        return "" if _parts_heads(graph, node) else f"it works on {rank} dimensions"
    return "it runs over the batch" if axis == 0 and rank > 1 else ""


def plain_slice(graph: Graph, node: onnx.NodeProto) -> str:
    if any(name and name not in graph.constants for name in node.input[1:]):
        return "its bounds are computed"
    steps = graph.constants[node.input[4]] if len(node.input) > 4 and node.input[4] else np.ones(1)
    odd = [int(step) for step in np.ravel(steps) if step not in (1, 2)]
    return f"it steps by {odd[0]}" if odd else ""


def plain_resize(graph: Graph, node: onnx.NodeProto) -> str:
    mode = attribute(node, "mode", b"nearest")
    name = mode.decode() if isinstance(mode, bytes) else str(mode)
    if name not in ("nearest", "linear", "bilinear"):
        return f"it is {name}"
    before, after = graph.shape(node.input[0]), graph.shape(node.output[0])
    if len(before) == MAX_RANK and before[:2] != after[:2] and (before[0], before[3]) != (after[0], after[3]):
        return "it resizes channels"
    return f"it works on {len(before)} dimensions" if len(before) > MAX_RANK else ""


def constant_pad(graph: Graph, node: onnx.NodeProto) -> str:
    mode = attribute(node, "mode", b"constant")
    name = mode.decode() if isinstance(mode, bytes) else str(mode)
    return "" if name == "constant" else f"it pads by {name}"


def square_or_root(graph: Graph, node: onnx.NodeProto) -> str:
    exponent = graph.constants.get(node.input[1])
    if exponent is None or exponent.size != 1:
        return "its exponent is computed"
    value = float(exponent.ravel()[0])
    return "" if value in (0.5, 1.0, 2.0) else f"its exponent is {value:g}"


def known_shuffle(graph: Graph, node: onnx.NodeProto) -> str:
    """More than four dimensions are fine between two reshapes that are one layer together."""
    problem = four_dimensions(graph, node)
    return "" if not problem or _in_shuffle(graph, node) or _parts_heads(graph, node) else problem


def _parts_heads(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether it is a piece of Reshape, Transpose, then Split, Gather or Slice and Squeeze, that part heads."""
    near: list[onnx.NodeProto | None] = [node, *graph.consumers.get(node.output[0], ())]
    for _ in range(2):
        near += [graph.producers.get(other.input[0]) for other in near if other is not None and len(other.input)]
    return any(n is not None and n.op_type == "Transpose" and attribute(n, "perm") in HEADS for n in near)


def _in_shuffle(graph: Graph, node: onnx.NodeProto) -> bool:
    if node.op_type == "Transpose":
        neighbours = [graph.producers.get(node.input[0]), *graph.consumers.get(node.output[0], ())]
        around = all(other is not None and other.op_type == "Reshape" for other in neighbours)
        return around and attribute(node, "perm") in SHUFFLES
    before = graph.producers.get(node.input[0])
    after = graph.consumers.get(node.output[0], ())
    near = [other for other in (before, *after) if other is not None and other.op_type == "Transpose"]
    return any(attribute(other, "perm") in SHUFFLES for other in near)


def gather_is_slice(graph: Graph, node: onnx.NodeProto) -> str:
    places = graph.constants.get(node.input[1])
    if places is None:
        return "its places are computed"
    flat = np.ravel(places)
    return "" if len(flat) == 1 or bool(np.all(np.diff(flat) == 1)) else "its places are not in a row"


def erf_is_gelu(graph: Graph, node: onnx.NodeProto) -> str:
    """x * (1 + erf(x / sqrt 2)) / 2 is one activation of the chip; any other use of erf is none."""
    after = graph.consumers.get(node.output[0], ())
    plus = next((other for other in after if other.op_type == "Add"), None)
    before = graph.producers.get(node.input[0])
    scaled = before is not None and before.op_type in ("Div", "Mul")
    times = plus is not None and any(r.op_type == "Mul" for r in graph.consumers.get(plus.output[0], ()))
    return "" if scaled and times else "it is not part of a GELU"


def cast_to_float(graph: Graph, node: onnx.NodeProto) -> str:
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    return "" if whole(node, "to", onnx.TensorProto.FLOAT) in floats else "it makes integers or truth values"
