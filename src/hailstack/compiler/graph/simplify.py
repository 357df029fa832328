"""Taking out nodes that do nothing. What stays keeps its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import onnx
from onnx import TensorProto

from hailstack.compiler.graph.draft import Draft
from hailstack.compiler.graph.structure import attribute


def drop_idle_nodes(draft: Draft) -> None:
    """Take out every node whose result is its first input; shapes and types must be up to date."""
    for node in list(draft.nodes):
        if _is_idle(draft, node):
            draft.bypass(node)
    draft.prune()


def merge_turns(draft: Draft) -> None:
    """Let each ``Transpose`` behind another one do the work of both."""
    makers = draft.makers()
    for node in draft.nodes:
        maker = makers.get(node.input[0]) if node.op_type == "Transpose" else None
        if maker is not None and maker.op_type == "Transpose":
            inner, outer = _order(draft, maker), _order(draft, node)
            node.input[0] = maker.input[0]
            del node.attribute[:]
            node.attribute.append(onnx.helper.make_attribute("perm", [inner[axis] for axis in outer]))
    draft.prune()


def _order(draft: Draft, node: onnx.NodeProto) -> list[int]:
    order = attribute(node, "perm")
    return order if isinstance(order, list) else list(reversed(range(len(draft.shapes[node.input[0]]))))


def _is_idle(draft: Draft, node: onnx.NodeProto) -> bool:
    test = IDLE.get(node.op_type)
    return test is not None and test(draft, node) and not _extra_outputs(draft, node)


def _extra_outputs(draft: Draft, node: onnx.NodeProto) -> bool:
    extra = [name for name in node.output[1:] if name]
    return any(name in draft.outputs or name in draft.readers() for name in extra)


def _always(draft: Draft, node: onnx.NodeProto) -> bool:
    return True


def _same_shape(draft: Draft, node: onnx.NodeProto) -> bool:
    shape = draft.shapes.get(node.input[0])
    return shape is not None and shape == draft.shapes.get(node.output[0])


def _same_type(draft: Draft, node: onnx.NodeProto) -> bool:
    return draft.types.get(node.input[0], TensorProto.UNDEFINED) == attribute(node, "to")


def _same_order(draft: Draft, node: onnx.NodeProto) -> bool:
    order = _order(draft, node)
    return order == sorted(order)


def _single(draft: Draft, node: onnx.NodeProto) -> bool:
    return len(node.input) == 1


def _forward(draft: Draft, node: onnx.NodeProto) -> bool:
    """A slice from end to end."""
    steps = draft.value(node.input[4]) if len(node.input) > 4 else np.ones(1)
    return _same_shape(draft, node) and steps is not None and bool((steps == 1).all())


def _no_padding(draft: Draft, node: onnx.NodeProto) -> bool:
    pads = draft.value(node.input[1]) if len(node.input) > 1 else None
    return pads is not None and not pads.any()


def _neutral(number: float) -> Callable[[Draft, onnx.NodeProto], bool]:
    """Whether the second operand is a constant that leaves the first as it is."""

    def test(draft: Draft, node: onnx.NodeProto) -> bool:
        value = draft.value(node.input[1])
        return value is not None and bool((value == number).all()) and _same_shape(draft, node)

    return test


IDLE: Mapping[str, Callable[[Draft, onnx.NodeProto], bool]] = {
    "Identity": _always,
    "Dropout": _always,
    "Cast": _same_type,
    "Transpose": _same_order,
    "Concat": _single,
    "Slice": _forward,
    "Pad": _no_padding,
    "Expand": _same_shape,
    "Flatten": _same_shape,
    "Reshape": _same_shape,
    "Squeeze": _same_shape,
    "Tile": _same_shape,
    "Unsqueeze": _same_shape,
    "Add": _neutral(0),
    "Sub": _neutral(0),
    "Mul": _neutral(1),
    "Div": _neutral(1),
}
"""Operator → whether a node of it does nothing."""
