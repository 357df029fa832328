"""The network's far end: integers leave, channels last, each with its scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from hailstack.compiler.endnodes.plan import End
from hailstack.compiler.quantise.options import OutputType
from hailstack.compiler.quantise.qdq import GraphWriter, quantised, write_rounding
from hailstack.compiler.quantise.scales import NARROW, WIDE, Range, Scale
from hailstack.hef.formats import Shape

TOPS = {"uint8": NARROW, "uint16": WIDE}
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
    """That of all channels; with :attr:`scales` the first channel's."""
    scales: tuple[Scale, ...] = ()
    """One a feature, where they differ; else empty."""

    def dequantise(self, integers: NDArray[np.generic]) -> NDArray[np.float64]:
        """The real values that a tensor ``(…, features)`` stands for."""
        scales = self.scales or (self.scale,)
        zero = np.array([scale.zero_point for scale in scales], np.float64)
        return np.asarray((integers.astype(np.float64) - zero) * [scale.scale for scale in scales])


def make_output(end: End, shape: tuple[int, ...], spans: tuple[Range, ...], kind: OutputType) -> Output:
    """How an end of shape ``shape`` (channels first, batch 1 or without batch) leaves the chip.

    Args:
        spans: what its values cover: one for all, or one for each feature.
    """
    dims = shape[1:] if shape[0] == 1 else shape
    vector = max(dims) == int(np.prod(dims))
    if vector:
        outside = Shape(1, 1, max(dims))
    elif len(dims) == 2:
        outside = Shape(1, dims[0], dims[1])
    else:
        outside = Shape(dims[1], dims[2], dims[0])
    scales = tuple(Scale.fit(span, TOPS[kind]) for span in spans)
    return Output(end, f"{end.output}_{kind}", outside, vector, kind, scales[0], scales if len(scales) > 1 else ())


def feature_axis(shape: tuple[int, ...]) -> int:
    """The axis of a tensor inside the network that becomes the features of an output."""
    if len(shape) == 4:
        return 1
    return int(np.argmax(shape)) if max(shape) == int(np.prod(shape)) else len(shape) - 1


def write_output(writer: GraphWriter, output: Output, inside: tuple[int, ...]) -> onnx.ValueInfoProto:
    """Append the nodes that make ``output``; gives the declaration of the graph's output.

    Args:
        inside: shape of the tensor in the network.
    """
    integers = _integers(writer, output, inside)
    shape = output.shape
    if output.vector or len(inside) < 4:
        dims = (1, shape.features) if output.vector else (1, shape.height, shape.width, shape.features)
        target = writer.constant(f"{output.tensor}_shape", np.array(dims, np.int64))
        writer.node("Reshape", [integers, target], output.tensor)
    else:
        dims = (1, shape.height, shape.width, shape.features)
        writer.node("Transpose", [integers], output.tensor, perm=[0, 2, 3, 1])
    return helper.make_tensor_value_info(output.tensor, ELEMENTS[output.type], dims)


def _integers(writer: GraphWriter, output: Output, inside: tuple[int, ...]) -> str:
    if output.type == "uint8" and not output.scales:
        return quantised(output.end.output)
    scales = output.scales or (output.scale,)
    shape = [1] * len(inside)
    shape[feature_axis(inside)] = len(scales)
    rounded = write_rounding(writer, output.end.output, output.tensor, scales, shape)
    return writer.node("Cast", [rounded], f"{output.tensor}_integers", to=ELEMENTS[output.type])
