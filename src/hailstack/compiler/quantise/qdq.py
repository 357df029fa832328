"""Writing quantisation into a graph: pairs of QuantizeLinear and DequantizeLinear around every operator.

Engines fuse the pairs into integer kernels; run unfused they are an exact simulation in float.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from hailstack.compiler.endnodes.plan import WEIGHTED
from hailstack.compiler.graph.model import Graph, attribute
from hailstack.compiler.quantise.correction import expected_error
from hailstack.compiler.quantise.scales import Scale, quantise_bias, quantise_weights, weight_scale_floor


@dataclass(slots=True)
class GraphWriter:
    """Nodes and constants of a graph that is being written."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """Adds a constant once; gives its name."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(value, name)
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Appends a node; gives its output's name."""
        self.nodes.append(helper.make_node(operator, inputs, [output], name=f"{output}/{operator}", **attributes))
        return output


def write_qdq(
    graph: Graph, scales: Mapping[str, Scale], exact: Mapping[str, Scale], means: Mapping[str, NDArray[np.float64]]
) -> GraphWriter:
    """The nodes of ``graph`` with integer weights, and a pair of nodes behind every quantised tensor.

    Args:
        graph: the float network with its pixel front.
        scales: scale of every tensor that becomes an integer.
        exact: tensors that the pixel front already makes from integers, with their scales.
        means: channel means of tensors that weights are applied to; where given, the mean error of rounding these
            weights goes into the bias.
    """
    writer = GraphWriter()
    known = {**scales, **exact}
    for node in graph.nodes:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        if node.op_type in WEIGHTED:
            _write_weights(writer, graph, copy, known.get(node.input[0]), means.get(node.input[0]))
        for i, name in enumerate(copy.input):
            copy.input[i] = dequantised(name) if name in scales else name
            if name in graph.constants and name not in writer.constants:
                writer.constant(name, graph.constants[name])
        writer.nodes.append(copy)
        for name in node.output:
            if name in scales:
                _write_pair(writer, name, scales[name])
    return writer


def quantised(tensor: str) -> str:
    """Name of a tensor's integers."""
    return f"{tensor}_quantised"


def dequantised(tensor: str) -> str:
    """Name of the real values that a tensor's integers stand for."""
    return f"{tensor}_dequantised"


def _write_pair(writer: GraphWriter, tensor: str, scale: Scale) -> None:
    step = writer.constant(f"{tensor}_scale", np.asarray(np.float32(scale.scale)))
    zero = writer.constant(f"{tensor}_zero_point", np.asarray(np.uint8(scale.zero_point)))
    integers = writer.node("QuantizeLinear", [tensor, step, zero], quantised(tensor))
    writer.node("DequantizeLinear", [integers, step, zero], dequantised(tensor))


def _write_weights(
    writer: GraphWriter, graph: Graph, node: onnx.NodeProto, source: Scale | None, mean: NDArray[np.float64] | None
) -> None:
    """Replace a node's weights and bias by integers; a node that cannot have them stays in float."""
    weights = graph.constants.get(node.input[1]) if len(node.input) > 1 else None
    if weights is None or not np.issubdtype(weights.dtype, np.floating) or not _plain(node):
        return
    axis = _channel_axis(node, weights)
    bias = _bias(graph, node)
    floor = weight_scale_floor(bias, source.scale) if bias is not None and source and axis is not None else None
    integers, scale = quantise_weights(weights, axis, floor)
    error = expected_error(node, weights, integers, scale, mean) if mean is not None else None
    if error is not None:
        bias = error if bias is None else bias + error
    # Weights that two nodes share may need two scales: copies are named after the node.
    node.input[1] = _dequantise(writer, f"{node.output[0]}_weights", integers, scale, axis)
    if bias is not None and source is not None and node.op_type != "MatMul":
        whole, step = quantise_bias(bias, source.scale, scale)
        made = _dequantise(writer, f"{node.output[0]}_bias", whole, step, 0 if step.ndim else None)
        del node.input[2:]
        node.input.append(made)


def _bias(graph: Graph, node: onnx.NodeProto) -> NDArray[np.float64] | None:
    if len(node.input) < 3 or node.input[2] not in graph.constants:
        return None
    return np.asarray(graph.constants[node.input[2]], np.float64).reshape(-1)


def _dequantise(
    writer: GraphWriter, name: str, integers: NDArray[np.generic], scale: NDArray[np.float32], axis: int | None
) -> str:
    operands = [
        writer.constant(f"{name}_quantised", integers),
        writer.constant(f"{name}_scale", scale),
        writer.constant(f"{name}_zero_point", np.zeros(scale.shape, integers.dtype)),
    ]
    return writer.node("DequantizeLinear", operands, name, **({} if axis is None else {"axis": axis}))


def _plain(node: onnx.NodeProto) -> bool:
    """Whether a node is a plain product; a scaled Gemm, or one whose bias is no vector, stays in float."""
    return node.op_type in ("Conv", "ConvTranspose", "MatMul") or (
        node.op_type == "Gemm" and attribute(node, "alpha", 1.0) == 1.0 and attribute(node, "beta", 1.0) == 1.0
    )


def _channel_axis(node: onnx.NodeProto, weights: NDArray[np.generic]) -> int | None:
    """The axis of output channels; None where one scale must do."""
    if node.op_type == "Conv":
        return 0
    if node.op_type == "Gemm":
        return 0 if attribute(node, "transB", 0) else 1
    return 1 if node.op_type == "MatMul" and weights.ndim == 2 else None
