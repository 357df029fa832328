"""Writing what surrounds a convolution or product into it: batch normalisation, factors, offsets, padding.

A node is only absorbed if nothing else reads what it reads; the result keeps the name of its tensor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.graph.draft import Draft
from hailstack.compiler.graph.structure import attribute, subgraphs, whole

Vector = NDArray[np.float64]

WEIGHTED = ("Conv", "ConvTranspose", "Gemm")


@dataclass(frozen=True, slots=True)
class Scaling:
    """``scale * x + shift`` for each output channel."""

    scale: Vector
    shift: Vector


def absorb(draft: Draft) -> None:
    """Fold into the weights all that can be; shapes must be up to date.

    ``MatMul`` with a constant bias behind becomes ``Gemm`` where the input is a matrix. Names of nodes stay those of
    the convolutions and products.
    """
    for node in list(draft.nodes):
        if node.op_type == "Pad":
            _absorb_padding(draft, node)
        elif node.op_type == "MatMul":
            _join_bias(draft, node)
    for node in [node for node in draft.nodes if node.op_type in WEIGHTED]:
        while (reader := _only_reader(draft, node)) is not None:
            scaling = _scaling(draft, node, reader)
            if scaling is None or not _rescale(draft, node, scaling):
                break
            _take_over(draft, node, reader)
    draft.prune()


def _only_reader(draft: Draft, node: onnx.NodeProto) -> onnx.NodeProto | None:
    """The node that alone reads a node's result; None if there are more, or it is an output or goes into a branch."""
    made = node.output[0]
    readers = draft.readers().get(made, [])
    if len(readers) != 1 or made in draft.outputs or any(True for _ in subgraphs(readers[0])):
        return None
    return readers[0] if list(readers[0].input).count(made) == 1 else None


def _take_over(draft: Draft, node: onnx.NodeProto, reader: onnx.NodeProto) -> None:
    node.output[0] = reader.output[0]
    draft.remove(reader, node.output[0])


def _scaling(draft: Draft, node: onnx.NodeProto, reader: onnx.NodeProto) -> Scaling | None:
    """What ``reader`` does to the channels of ``node``'s result, if it is one factor and offset each."""
    shape = draft.shapes.get(node.output[0], ())
    if len(shape) < 2 or draft.shapes.get(reader.output[0]) != shape:
        return None
    if reader.op_type == "BatchNormalization":
        return _normalisation(draft, reader)
    if reader.op_type not in ("Add", "Sub", "Mul", "Div"):
        return None
    place = list(reader.input).index(node.output[0])
    value = _per_channel(draft.value(reader.input[1 - place]), shape)
    if value is None or (place == 1 and reader.op_type == "Div"):
        return None
    one, zero = np.ones_like(value), np.zeros_like(value)
    match reader.op_type:
        case "Add":
            return Scaling(one, value)
        case "Sub":
            return Scaling(one, -value) if place == 0 else Scaling(-one, value)
        case "Mul":
            return Scaling(value, zero)
    return Scaling(1.0 / value, zero) if np.all(value) else None


def _normalisation(draft: Draft, node: onnx.NodeProto) -> Scaling | None:
    values = [draft.value(name) for name in node.input[1:5]]
    if whole(node, "training_mode", 0) or any(value is None for value in values) or any(node.output[1:]):
        return None
    gain, offset, mean, variance = (np.asarray(value, np.float64) for value in values)
    epsilon = attribute(node, "epsilon", 1e-5)
    assert isinstance(epsilon, float)
    scale = gain / np.sqrt(variance + epsilon)
    return Scaling(scale, offset - mean * scale)


def _per_channel(value: NDArray[np.generic] | None, shape: tuple[int, ...]) -> Vector | None:
    """A constant operand as one number a channel, if it has no more than that."""
    if value is None or value.ndim > len(shape) or not np.issubdtype(value.dtype, np.floating):
        return None
    aligned = value.reshape((1,) * (len(shape) - value.ndim) + value.shape)
    if any(size != 1 for axis, size in enumerate(aligned.shape) if axis != 1):
        return None
    return np.broadcast_to(aligned.reshape(-1).astype(np.float64), (shape[1],))


def _rescale(draft: Draft, node: onnx.NodeProto, scaling: Scaling) -> bool:
    """Write a scaling into a node's weights and bias; False if they are not constants of the plain kind."""
    weights = draft.value(node.input[1])
    bias = draft.value(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(len(scaling.scale))
    plain = attribute(node, "alpha", 1.0) == attribute(node, "beta", 1.0) == 1.0
    if weights is None or bias is None or not plain or not np.issubdtype(weights.dtype, np.floating):
        return False
    offset = np.broadcast_to(bias.reshape(-1).astype(np.float64), scaling.scale.shape)
    _write(draft, node, 1, weights.astype(np.float64) * _along_outputs(node, weights.shape, scaling.scale), "weights")
    _write(draft, node, 2, offset * scaling.scale + scaling.shift, "bias")
    return True


def _along_outputs(node: onnx.NodeProto, shape: tuple[int, ...], scale: Vector) -> Vector:
    """One factor an output channel, laid along the axis of the weights that holds them."""
    if node.op_type == "Conv":
        return scale.reshape(-1, *(1,) * (len(shape) - 1))
    if node.op_type == "Gemm":
        return scale.reshape(-1, 1) if whole(node, "transB", 0) else scale
    groups = whole(node, "group", 1)  # a transposed convolution: (in, out / groups, ...), groups along the first axis
    rows = np.repeat(scale.reshape(groups, -1), shape[0] // groups, axis=0)
    return rows.reshape(*rows.shape, *(1,) * (len(shape) - 2))


def _write(draft: Draft, node: onnx.NodeProto, place: int, value: Vector, kind: str) -> None:
    """Replace a constant operand; others may read the old one, so the name changes with the first writing."""
    while len(node.input) <= place:
        node.input.append("")
    name = node.input[place]
    shared = not name or len(draft.readers().get(name, [])) > 1 or list(node.input).count(name) > 1
    node.input[place] = draft.store(f"{node.output[0]}_{kind}" if shared else name, value.astype(np.float32))


def _join_bias(draft: Draft, node: onnx.NodeProto) -> None:
    """``MatMul`` of a matrix and constant weights, then ``Add``: one ``Gemm``."""
    reader, shape = _only_reader(draft, node), draft.shapes.get(node.output[0], ())
    weights = draft.value(node.input[1])
    if reader is None or reader.op_type != "Add" or weights is None or weights.ndim != 2 or len(shape) != 2:
        return
    place = 1 - list(reader.input).index(node.output[0])
    bias = _per_channel(draft.value(reader.input[place]), shape)
    if bias is None or draft.shapes.get(reader.output[0]) != shape or len(draft.shapes[node.input[0]]) != 2:
        return
    node.op_type = "Gemm"
    _write(draft, node, 2, bias, "bias")
    _take_over(draft, node, reader)


def _absorb_padding(draft: Draft, node: onnx.NodeProto) -> None:
    """Zeros around a map become the padding of the convolution or average that alone reads it."""
    reader, around = _only_reader(draft, node), _zeros_around(draft, node)
    if reader is None or around is None or reader.op_type not in ("Conv", "AveragePool"):
        return
    if attribute(reader, "auto_pad", b"NOTSET") != b"NOTSET":
        return
    own = attribute(reader, "pads", [0] * len(around))
    assert isinstance(own, list)
    pads = [a + b for a, b in zip(own, around, strict=True)]
    if reader.op_type == "AveragePool":
        kernel = attribute(reader, "kernel_shape")
        assert isinstance(kernel, list)
        counted = whole(reader, "count_include_pad", 0) == 1 or not any(own)
        if not counted or whole(reader, "ceil_mode", 0) or max(pads) >= min(kernel):
            return
        _set(reader, "count_include_pad", 1)
    _set(reader, "pads", pads)
    reader.input[0] = node.input[0]
    draft.nodes.remove(node)


def _zeros_around(draft: Draft, node: onnx.NodeProto) -> list[int] | None:
    """The rows and columns of zeros that a ``Pad`` adds, begins before ends; None if it does anything else."""
    pads = draft.value(node.input[1]) if len(node.input) > 1 else None
    fill = draft.value(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(1)
    if pads is None or fill is None or len(node.input) > 3 or attribute(node, "mode", b"constant") != b"constant":
        return None
    half = pads.size // 2
    outside = (*pads[:2], *pads[half : half + 2])
    around = [int(size) for size in (*pads[2:half], *pads[half + 2 :])]
    return None if fill.any() or any(outside) or not around or min(around) < 0 else around


def _set(node: onnx.NodeProto, name: str, value: int | list[int]) -> None:
    kept = [entry for entry in node.attribute if entry.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])
