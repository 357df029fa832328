"""Older operator sets written in the words of a newer one; half and double precision written as float."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper, version_converter

from hailstack.compiler.graph.draft import Draft
from hailstack.compiler.graph.read import all_nodes
from hailstack.compiler.graph.structure import subgraphs, whole
from hailstack.errors import ModelError

MINIMUM_OPSET = 13
"""The first ONNX operator set with one quantisation scale a channel."""

OTHER_FLOATS = (TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)

TYPE_ATTRIBUTES = ("to", "dtype", "output_datatype")
"""Attributes that name the type of a result."""


def lift(draft: Draft) -> Draft:
    """The draft in operator set 13, or as it is if it is newer.

    Raises:
        ModelError: there is no way up for one of its operators.
    """
    if draft.opset >= MINIMUM_OPSET:
        return draft
    try:
        lifted = version_converter.convert_version(draft.model(), MINIMUM_OPSET)
    except (version_converter.ConvertError, RuntimeError, ValueError, IndexError) as error:
        message = (
            f"{draft.source}: operator set {draft.opset} cannot be lifted to {MINIMUM_OPSET} ({error}); "
            "export it with a newer one"
        )
        raise ModelError(message) from error
    newer = Draft.of(lifted, draft.source)
    newer.gone = draft.gone
    newer.infer()
    _unwrap_softmax(newer)
    return newer


def _unwrap_softmax(draft: Draft) -> None:
    """Take out the reshapes that lifting puts around a softmax over the last axis, where they change nothing."""
    makers, readers = draft.makers(), draft.readers()
    for node in [node for node in draft.nodes if node.op_type in ("Softmax", "LogSoftmax", "Hardmax")]:
        flat, after = makers.get(node.input[0]), readers.get(node.output[0], [])
        if flat is None or flat.op_type != "Flatten" or len(after) != 1 or after[0].op_type != "Reshape":
            continue
        shape = draft.shapes.get(flat.input[0], ())
        if (
            whole(flat, "axis", 1) % max(len(shape), 1) == len(shape) - 1
            and draft.shapes.get(after[0].output[0]) == shape
        ):
            node.input[0], node.output[0] = flat.input[0], after[0].output[0]
            draft.nodes.remove(after[0])
    draft.prune()


def widen(model: onnx.ModelProto) -> None:
    """Turn half, brain and double precision into float, in place: weights, casts, inputs and outputs."""
    _widen_graph(model.graph)
    for node in all_nodes(model.graph):
        for entry in node.attribute:
            if entry.type == onnx.AttributeProto.TENSOR and entry.t.data_type in OTHER_FLOATS:
                entry.t.CopyFrom(_as_float(entry.t))
            if entry.name in TYPE_ATTRIBUTES and entry.i in OTHER_FLOATS:
                entry.i = TensorProto.FLOAT


def _widen_graph(graph: onnx.GraphProto) -> None:
    for tensor in graph.initializer:
        if tensor.data_type in OTHER_FLOATS:
            tensor.CopyFrom(_as_float(tensor))
    for info in (*graph.input, *graph.output, *graph.value_info):
        if info.type.tensor_type.elem_type in OTHER_FLOATS:
            info.type.tensor_type.elem_type = TensorProto.FLOAT
    for node in graph.node:
        for body in subgraphs(node):
            _widen_graph(body)


def _as_float(tensor: onnx.TensorProto) -> onnx.TensorProto:
    limits = np.finfo(np.float32)
    value = numpy_helper.to_array(tensor).astype(np.float64).clip(limits.min, limits.max)
    return numpy_helper.from_array(value.astype(np.float32), tensor.name)
