"""One form for all layers with weights: a product, and a bias vector with one number for each output channel."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from hailstack.compiler.graph.model import Graph, attribute, infer, whole


def plain_products(graph: Graph) -> Graph:
    """The same function; Conv, ConvTranspose and Gemm with constant weights have a bias, and no Gemm has factors."""
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    changed = [_make_plain(model, graph, node) for node in model.graph.node]
    return Graph(infer(model, graph.source), graph.source) if any(changed) else graph


def _make_plain(model: onnx.ModelProto, graph: Graph, node: onnx.NodeProto) -> bool:
    weights = graph.constants.get(node.input[1]) if len(node.input) > 1 else None
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm") or weights is None:
        return False
    bias = graph.constants.get(node.input[2]) if len(node.input) > 2 else np.zeros(1, np.float32)
    channels = graph.shape(node.output[0])[1]
    alpha, beta = (_factor(node, name) for name in ("alpha", "beta"))
    if bias is None or (bias.ndim > 1 and bias.size not in (1, channels)):
        return False  # an activation as bias, or one bias a row: stays in float
    if alpha == 1.0 and beta == 1.0 and bias.shape == (channels,):
        return False
    _replace(model, node, 1, np.asarray(weights, np.float32) * np.float32(alpha))
    _replace(model, node, 2, np.broadcast_to(np.asarray(bias, np.float32).reshape(-1) * np.float32(beta), channels))
    kept = [entry for entry in node.attribute if entry.name not in ("alpha", "beta")]
    del node.attribute[:]
    node.attribute.extend(kept)
    return True


def _factor(node: onnx.NodeProto, name: str) -> float:
    value = attribute(node, name, 1.0)
    return float(value) if isinstance(value, float) else 1.0


def _replace(model: onnx.ModelProto, node: onnx.NodeProto, place: int, value: NDArray[np.float32]) -> None:
    """A constant of the node's own: others may share the one that it had."""
    name = f"{node.output[0]}_plain_{('weight', 'bias')[place - 1]}"
    del node.input[place + 1 :]
    if len(node.input) == place:
        node.input.append("")
    node.input[place] = name
    model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))


def is_plain(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether a node is a product with constant weights whose bias, if it may have one, is a constant vector."""
    weights = graph.constants.get(node.input[1]) if len(node.input) > 1 else None
    if weights is None or not np.issubdtype(weights.dtype, np.floating) or weights.ndim < 2:
        return False
    if node.op_type == "MatMul":
        return True
    bias = graph.constants.get(node.input[2]) if len(node.input) > 2 else None
    plain = _factor(node, "alpha") == 1.0 and _factor(node, "beta") == 1.0 and not whole(node, "transA", 0)
    return plain and bias is not None and bias.ndim == 1
