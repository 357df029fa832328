"""The network's far end: integers leave, channels last, each with its scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, helper

from hailstack.compiler.endnodes.plan import End
from hailstack.compiler.quantise.qdq import GraphWriter, quantised
from hailstack.compiler.quantise.scales import Range, Scale
from hailstack.hef.formats import Shape

OutputType: TypeAlias = Literal["uint8", "uint16"]

TOPS = {"uint8": 255, "uint16": 65535}
ELEMENTS = {"uint8": TensorProto.UINT8, "uint16": TensorProto.UINT16}


@dataclass(frozen=True, slots=True)
class Output:
    """One integer tensor that leaves the chip."""

    end: End
    tensor: str
    """Name of the graph's output."""
    shape: Shape
    vector: bool
    """Whether it is one row of numbers rather than a map."""
    type: OutputType
    scale: Scale


def make_output(end: End, shape: tuple[int, ...], span: Range, kind: OutputType) -> Output:
    """How an end of shape ``shape`` (channels first, batch 1 or without batch) leaves the chip."""
    dims = shape[1:] if shape[0] == 1 else shape
    vector = max(dims) == int(np.prod(dims))
    if vector:
        outside = Shape(1, 1, max(dims))
    elif len(dims) == 2:
        outside = Shape(1, dims[0], dims[1])
    else:
        outside = Shape(dims[1], dims[2], dims[0])
    return Output(end, f"{end.output}_{kind}", outside, vector, kind, Scale.fit(span, TOPS[kind]))


def write_output(writer: GraphWriter, output: Output, rank: int) -> onnx.ValueInfoProto:
    """Append the nodes that make ``output``; gives the declaration of the graph's output.

    Args:
        rank: number of axes of the tensor inside.
    """
    integers = quantised(output.end.output) if output.type == "uint8" else _round_to_16_bits(writer, output)
    shape = output.shape
    if output.vector or rank < 4:
        dims = (1, shape.features) if output.vector else (1, shape.height, shape.width, shape.features)
        target = writer.constant(f"{output.tensor}_shape", np.array(dims, np.int64))
        writer.node("Reshape", [integers, target], output.tensor)
    else:
        dims = (1, shape.height, shape.width, shape.features)
        writer.node("Transpose", [integers], output.tensor, perm=[0, 2, 3, 1])
    return helper.make_tensor_value_info(output.tensor, ELEMENTS[output.type], dims)


def _round_to_16_bits(writer: GraphWriter, output: Output) -> str:
    """QuantizeLinear knows 16 bits only from operator set 21 on; these nodes do the same in all of them."""
    name, scale = output.tensor, output.scale
    step = writer.constant(f"{name}_step", np.asarray(np.float32(scale.scale)))
    zero = writer.constant(f"{name}_zero", np.asarray(np.float32(scale.zero_point)))
    bounds = [writer.constant(f"{name}_{key}", np.asarray(np.float32(value))) for key, value in _bounds(scale)]
    steps = writer.node("Div", [output.end.output, step], f"{name}_steps")
    whole = writer.node("Round", [steps], f"{name}_whole")
    moved = writer.node("Add", [whole, zero], f"{name}_moved")
    inside = writer.node("Clip", [moved, *bounds], f"{name}_inside")
    return writer.node("Cast", [inside], f"{name}_integers", to=TensorProto.UINT16)


def _bounds(scale: Scale) -> tuple[tuple[str, int], tuple[str, int]]:
    return ("low", 0), ("high", scale.top)
