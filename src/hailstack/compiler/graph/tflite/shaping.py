"""Operators that move numbers, select them, or reduce axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto, helper

from hailstack.compiler.graph.tflite.arithmetic import axis_in, layout
from hailstack.compiler.graph.tflite.file import Operator
from hailstack.compiler.graph.tflite.layers import layouts_agree
from hailstack.compiler.graph.tflite.writer import TO_FIRST, OnnxWriter
from hailstack.errors import ModelError

LARGEST = 2**31 - 1
"""Stands for the end of an axis."""

SPATIAL, FIRST_SPATIAL = {1, 2}, [2, 3]

REDUCTIONS = {"MEAN": "ReduceMean", "SUM": "ReduceSum", "REDUCE_MAX": "ReduceMax", "REDUCE_MIN": "ReduceMin"}


def reshape(writer: OnnxWriter, op: Operator) -> None:
    """``RESHAPE``, ``SQUEEZE``, ``EXPAND_DIMS``: the output's shape is written in the file."""
    source, made = op.inputs[0], op.outputs[0]
    taken_first = writer.is_first(source) and layouts_agree(writer.shape(source))
    made_first = layouts_agree(writer.shape(made)) and made not in writer.file.outputs
    shape = np.array(writer.shape(made))
    if made_first:
        shape = shape[list(TO_FIRST)]
    name = writer.constant(f"{writer.tensor(made).name}/shape", shape)
    writer.put("Reshape", [writer.get(source, taken_first), name], made, channels_first=made_first)


def transpose(writer: OnnxWriter, op: Operator) -> None:
    writer.put(
        "Transpose",
        [writer.get(op.inputs[0], False)],
        op.outputs[0],
        channels_first=False,
        perm=writer.whole(op.inputs[1]),
    )


def concatenate(writer: OnnxWriter, op: Operator) -> None:
    first, rank = layout(writer, op), len(writer.shape(op.outputs[0]))
    writer.put(
        "Concat",
        [writer.get(place, first) for place in op.inputs],
        op.outputs[0],
        channels_first=first,
        activation=op.option("activation"),
        axis=axis_in(op.option("axis"), rank, first),
    )


def pad(writer: OnnxWriter, op: Operator) -> None:
    """``PAD``, ``PADV2`` and ``MIRROR_PAD`` without the edge repeated."""
    first, name = layout(writer, op), writer.tensor(op.outputs[0]).name
    if op.kind == "MIRROR_PAD" and op.option("mode"):
        message = f"{writer.source}: {name!r}: padding that repeats the edge (symmetric) cannot be imported"
        raise ModelError(message)
    amounts = np.array(writer.whole(op.inputs[1])).reshape(-1, 2)
    if first:
        amounts = amounts[list(TO_FIRST)]
    operands = [writer.get(op.inputs[0], first), writer.constant(f"{name}/pads", amounts.T.reshape(-1))]
    if op.kind == "PADV2":
        operands.append(writer.get(op.inputs[2], False))
    mode = "reflect" if op.kind == "MIRROR_PAD" else "constant"
    writer.put("Pad", operands, op.outputs[0], channels_first=first, mode=mode)


def reduce(writer: OnnxWriter, op: Operator) -> None:
    """``MEAN``, ``SUM``, ``REDUCE_MAX``, ``REDUCE_MIN``; the mean over a whole map is a global pool."""
    source, made = op.inputs[0], op.outputs[0]
    rank, keep = len(writer.shape(source)), op.option("keep_dims")
    axes = {axis % rank for axis in writer.whole(op.inputs[1])}
    first = writer.is_first(source) and (bool(keep) or axes in (SPATIAL, {3}, {1, 2, 3}))
    taken = writer.get(source, first)
    if first and op.kind == "MEAN" and axes == SPATIAL:
        _global_pool(writer, op, taken)
        return
    places = sorted(axis_in(axis, rank, first) for axis in axes)
    if op.kind == "SUM":  # alone takes its axes as an operand in this operator set
        operands = [taken, writer.constant(f"{writer.tensor(made).name}/axes", np.array(places))]
        writer.put("ReduceSum", operands, made, channels_first=first, keepdims=keep)
        return
    writer.put(REDUCTIONS[op.kind], [taken], made, channels_first=first, axes=places, keepdims=keep)


def _global_pool(writer: OnnxWriter, op: Operator, taken: str) -> None:
    made = op.outputs[0]
    if op.option("keep_dims"):
        writer.put("GlobalAveragePool", [taken], made, channels_first=True)
        return
    name = writer.tensor(made).name
    pooled = writer.node("GlobalAveragePool", [taken], f"{name}/pooled")
    writer.put("Flatten", [pooled], made, channels_first=False)


def arg_max(writer: OnnxWriter, op: Operator) -> None:
    """``ARG_MAX``: the axis goes."""
    source, made = op.inputs[0], op.outputs[0]
    rank, name = len(writer.shape(source)), writer.tensor(made).name
    axis = writer.whole(op.inputs[1])[0] % rank
    first = writer.is_first(source) and axis == 3
    taken, axis = writer.get(source, first), axis_in(axis, rank, first)
    if writer.tensor(made).dtype == np.int64:
        writer.put("ArgMax", [taken], made, channels_first=False, axis=axis, keepdims=0)
        return
    wide = writer.node("ArgMax", [taken], f"{name}/int64", axis=axis, keepdims=0)
    writer.put("Cast", [wide], made, channels_first=False, to=TensorProto.INT32)


def strided_slice(writer: OnnxWriter, op: Operator) -> None:
    """Begins, ends and steps an axis; a bit of a mask opens an end or drops an axis."""
    if op.option("ellipsis_mask") or op.option("new_axis_mask"):
        message = f"{writer.source}: {writer.tensor(op.outputs[0]).name!r}: slicing with new axes cannot be imported"
        raise ModelError(message)
    begins, ends, steps = (writer.whole(place) for place in op.inputs[1:4])
    dropped = [axis for axis in range(len(begins)) if op.option("shrink_axis_mask") >> axis & 1]
    for axis in range(len(begins)):
        forward = steps[axis] > 0
        if op.option("begin_mask") >> axis & 1:
            begins[axis] = 0 if forward else LARGEST
        if op.option("end_mask") >> axis & 1:
            ends[axis] = LARGEST if forward else -LARGEST
        if axis in dropped:
            ends[axis] = begins[axis] + 1 or LARGEST
    _slice(writer, op, begins, ends, steps, dropped)


def plain_slice(writer: OnnxWriter, op: Operator) -> None:
    """``SLICE``: begins and sizes, where -1 goes to the end."""
    begins, sizes = (writer.whole(place) for place in op.inputs[1:3])
    ends = [LARGEST if size < 0 else begin + size for begin, size in zip(begins, sizes, strict=True)]
    _slice(writer, op, begins, ends, [1] * len(begins), [])


def _slice(
    writer: OnnxWriter,
    op: Operator,
    begins: Sequence[int],
    ends: Sequence[int],
    steps: Sequence[int],
    dropped: Sequence[int],
) -> None:
    first, rank = layout(writer, op), len(writer.shape(op.inputs[0]))
    name = writer.tensor(op.outputs[0]).name
    axes = [axis_in(axis, rank, first) for axis in range(len(begins))]
    words = {"starts": begins, "ends": ends, "axes": axes, "steps": steps}
    operands = [writer.constant(f"{name}/{word}", np.array(numbers)) for word, numbers in words.items()]
    taken = writer.get(op.inputs[0], first)
    if not dropped:
        writer.put("Slice", [taken, *operands], op.outputs[0], channels_first=first)
        return
    part = writer.node("Slice", [taken, *operands], f"{name}/part")
    gone = writer.constant(f"{name}/dropped", np.array([axes[axis] for axis in dropped]))
    writer.put("Squeeze", [part, gone], op.outputs[0], channels_first=False)


def split(writer: OnnxWriter, op: Operator) -> None:
    """``SPLIT`` into equal parts: the axis comes first."""
    source = Operator(op.kind, op.inputs[1:], op.outputs, op.options)
    first, rank = layout(writer, source), len(writer.shape(op.inputs[1]))
    axis = axis_in(writer.whole(op.inputs[0])[0], rank, first)
    names = [writer.name(place, first) for place in op.outputs]
    taken = writer.get(op.inputs[1], first)
    writer.nodes.append(helper.make_node("Split", [taken], names, name=names[0], axis=axis))


def pack(writer: OnnxWriter, op: Operator) -> None:
    """``PACK``: tensors side by side along a new axis."""
    made = writer.tensor(op.outputs[0])
    axis = op.option("axis") % len(made.shape)
    where = writer.constant(f"{made.name}/axis", np.array([axis]))
    parts = [
        writer.node("Unsqueeze", [writer.get(place, False), where], f"{made.name}/part{i}")
        for i, place in enumerate(op.inputs)
    ]
    writer.put("Concat", parts, op.outputs[0], channels_first=False, axis=axis)


def unpack(writer: OnnxWriter, op: Operator) -> None:
    """``UNPACK``: the places along an axis, each for itself."""
    axis = op.option("axis") % len(writer.shape(op.inputs[0]))
    taken = writer.get(op.inputs[0], False)
    for i, place in enumerate(op.outputs):
        which = writer.constant(f"{writer.tensor(place).name}/place", np.array(i))
        writer.put("Gather", [taken, which], place, channels_first=False, axis=axis)


def gather(writer: OnnxWriter, op: Operator) -> None:
    if op.option("batch_dims"):
        message = f"{writer.source}: {writer.tensor(op.outputs[0]).name!r}: gathering in batches cannot be imported"
        raise ModelError(message)
    operands = [writer.get(place, False) for place in op.inputs]
    axis = op.option("axis") % len(writer.shape(op.inputs[0]))
    writer.put("Gather", operands, op.outputs[0], channels_first=False, axis=axis)


def gather_places(writer: OnnxWriter, op: Operator) -> None:
    """``GATHER_ND``."""
    name, places = writer.tensor(op.outputs[0]).name, writer.get(op.inputs[1], False)
    wide = writer.node("Cast", [places], f"{name}/places", to=TensorProto.INT64)
    writer.put("GatherND", [writer.get(op.inputs[0], False), wide], op.outputs[0], channels_first=False)


def tile(writer: OnnxWriter, op: Operator) -> None:
    name = writer.tensor(op.outputs[0]).name
    times = writer.constant(f"{name}/repeats", np.array(writer.whole(op.inputs[1])))
    writer.put("Tile", [writer.get(op.inputs[0], False), times], op.outputs[0], channels_first=False)


def matrix_product(writer: OnnxWriter, op: Operator) -> None:
    """``BATCH_MATMUL``."""
    name, operands = writer.tensor(op.outputs[0]).name, []
    for place, turned, side in zip(op.inputs, ("adj_x", "adj_y"), ("left", "right"), strict=True):
        taken, rank = writer.get(place, False), len(writer.shape(place))
        if op.option(turned):
            order = [*range(rank - 2), rank - 1, rank - 2]
            taken = writer.node("Transpose", [taken], f"{name}/{side}", perm=order)
        operands.append(taken)
    writer.put("MatMul", operands, op.outputs[0], channels_first=False)
