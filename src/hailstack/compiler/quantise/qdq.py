"""Writing quantisation into a graph: pairs of QuantizeLinear and DequantizeLinear around every operator.

Engines fuse the pairs into integer kernels; run unfused they are an exact simulation in float.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from hailstack.compiler.graph.model import Graph
from hailstack.compiler.quantise.scales import NARROW, Scale, quantise_bias
from hailstack.compiler.quantise.weights import IntegerWeights


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
    graph: Graph, scales: Mapping[str, Scale], exact: Mapping[str, Scale], weights: Mapping[str, IntegerWeights]
) -> GraphWriter:
    """The nodes of ``graph`` with integer weights, and a pair of nodes behind every quantised tensor.

    Args:
        graph: the float network with its pixel front.
        scales: scale of every tensor that becomes an integer.
        exact: tensors that the pixel front already makes from integers, with their scales.
        weights: by the name of the layer's output.
    """
    writer = GraphWriter()
    known = {**scales, **exact}
    for node in graph.nodes:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        if node.output[0] in weights:
            _write_weights(writer, copy, weights[node.output[0]], known.get(node.input[0]))
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
    if scale.top > NARROW:
        _write_wide_pair(writer, tensor, scale)
        return
    step = writer.constant(f"{tensor}_scale", np.asarray(np.float32(scale.scale)))
    zero = writer.constant(f"{tensor}_zero_point", np.asarray(np.uint8(scale.zero_point)))
    integers = writer.node("QuantizeLinear", [tensor, step, zero], quantised(tensor))
    writer.node("DequantizeLinear", [integers, step, zero], dequantised(tensor))


def _write_wide_pair(writer: GraphWriter, tensor: str, scale: Scale) -> None:
    """16 bits inside the network; the integers stay in float32, which holds them exactly."""
    integers = write_rounding(writer, tensor, f"{tensor}_wide", (scale,), ())
    step = writer.constant(f"{tensor}_wide_step", np.asarray(scale.scale, np.float32))
    zero = writer.constant(f"{tensor}_wide_zero", np.asarray(scale.zero_point, np.float32))
    moved = writer.node("Sub", [integers, zero], f"{tensor}_wide_centred")
    writer.node("Mul", [moved, step], dequantised(tensor))


def write_rounding(writer: GraphWriter, tensor: str, name: str, scales: Sequence[Scale], shape: Sequence[int]) -> str:
    """Nodes that make integers, still as float32: QuantizeLinear knows 16 bits only from operator set 21 on.

    Args:
        name: what the nodes' names begin with.
        scales: one for all, or one for each channel.
        shape: of the constants, so that they meet the tensor's channels.
    """
    step = writer.constant(f"{name}_step", np.array([scale.scale for scale in scales], np.float32).reshape(shape))
    zero = writer.constant(f"{name}_zero", np.array([scale.zero_point for scale in scales], np.float32).reshape(shape))
    bounds = [writer.constant(f"{name}_{key}", np.asarray(np.float32(value))) for key, value in
              (("low", 0), ("high", scales[0].top))]  # fmt: skip
    steps = writer.node("Div", [tensor, step], f"{name}_steps")
    whole = writer.node("Round", [steps], f"{name}_whole")
    moved = writer.node("Add", [whole, zero], f"{name}_moved")
    return writer.node("Clip", [moved, *bounds], f"{name}_inside")


def _write_weights(writer: GraphWriter, node: onnx.NodeProto, plan: IntegerWeights, source: Scale | None) -> None:
    """Replace a node's weights and bias. They are named after the node, which may have shared them; ``own``,
    since exporters and our own simplifier call constants ``…_bias``, too."""
    name = node.output[0]
    if plan.wide:
        node.input[1] = writer.constant(f"{name}_own_weights", plan.real)
    else:
        node.input[1] = _dequantise(
            writer, f"{name}_own_weights", plan.integers.astype(np.int8), plan.scale, plan.axis
        )
    if plan.bias is None:
        return
    if plan.wide or source is None or source.top > NARROW:
        made = writer.constant(f"{name}_own_bias", plan.bias.astype(np.float32))
    else:
        whole, step = quantise_bias(plan.bias, source.scale, plan.scale)
        made = _dequantise(writer, f"{name}_own_bias", whole, step, 0 if step.ndim else None)
    del node.input[2:]
    node.input.append(made)


def _dequantise(
    writer: GraphWriter, name: str, integers: NDArray[np.generic], scale: NDArray[np.float32], axis: int | None
) -> str:
    operands = [
        writer.constant(f"{name}_quantised", integers),
        writer.constant(f"{name}_scale", scale),
        writer.constant(f"{name}_zero_point", np.zeros(scale.shape, integers.dtype)),
    ]
    return writer.node("DequantizeLinear", operands, name, **({} if axis is None else {"axis": axis}))
