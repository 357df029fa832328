"""Constant folding: what does not depend on the image is computed once, here, by onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper

from hailstack.compiler.graph.draft import Draft
from hailstack.compiler.graph.session import REFUSALS, open_session, plain_options
from hailstack.compiler.graph.structure import attribute, label, reads, whole
from hailstack.errors import ModelError

RANDOM = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
"""Operators that give something else each time."""


def fold(draft: Draft) -> None:
    """Replace all that is known before an image comes: constant expressions, shapes, branches never taken.

    Names of what remains do not change.

    Raises:
        ModelError: shapes do not fit together, or a constant expression cannot be computed.
    """
    while True:
        draft.infer()
        shapes = _write_shapes(draft)
        taken = _take_branches(draft)
        found = list(_constant_nodes(draft))
        if found:
            _compute(draft, found)
        if not (shapes or taken or found):
            break
    draft.prune()


def _write_shapes(draft: Draft) -> bool:
    """``Shape`` and ``Size`` of tensors whose shape is known."""
    found = [node for node in draft.nodes if node.op_type in ("Shape", "Size") and node.input[0] in draft.shapes]
    for node in found:
        shape = np.array(draft.shapes[node.input[0]], np.int64)
        if node.op_type == "Size":
            draft.store(node.output[0], np.array(shape.prod(), np.int64))
        else:
            draft.store(node.output[0], shape[whole(node, "start", 0) : whole(node, "end", len(shape))])
        draft.nodes.remove(node)
    return bool(found)


def _take_branches(draft: Draft) -> bool:
    """Write the branch that an ``If`` with a known condition takes in its place."""
    found = [node for node in draft.nodes if node.op_type == "If" and node.input[0] in draft.tensors]
    for node in found:
        condition = draft.value(node.input[0])
        assert condition is not None
        body = attribute(node, "then_branch" if condition.item() else "else_branch")
        assert isinstance(body, onnx.GraphProto)
        place = draft.nodes.index(node)
        draft.nodes[place : place + 1] = _branch(draft, node, body)
    if found:
        draft.sort()
    return bool(found)


def _branch(draft: Draft, node: onnx.NodeProto, body: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes of a branch, its tensors named apart from those outside."""
    taken = {*draft.tensors, *draft.inputs, *(name for other in draft.nodes for name in other.output)}
    made = [tensor.name for tensor in body.initializer] + [name for inner in body.node for name in inner.output]
    names = {name: f"{node.output[0]}/{name}" for name in made if name in taken}
    part = Draft(draft.source, onnx.ModelProto(), list(body.node), {})
    for old, new in names.items():
        part.rename(old, new)
    for inner in part.nodes:
        inner.output[:] = [names.get(name, name) for name in inner.output]
    for tensor in body.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
        draft.tensors[tensor.name] = tensor
    results = zip((names.get(info.name, info.name) for info in body.output), node.output, strict=True)
    return part.nodes + [helper.make_node("Identity", [inner], [outer]) for inner, outer in results]


def _constant_nodes(draft: Draft) -> Iterator[onnx.NodeProto]:
    known = set(draft.tensors)
    for node in draft.nodes:
        if node.op_type not in RANDOM and known.issuperset(reads(node)):
            known.update(node.output)
            yield node


def _compute(draft: Draft, nodes: list[onnx.NodeProto]) -> None:
    """Run nodes that read only constants, and keep what others need of their results."""
    inside = {id(node) for node in nodes}
    draft.nodes = [node for node in draft.nodes if id(node) not in inside]
    wanted = {*draft.outputs, *(name for node in draft.nodes for name in reads(node))}
    results = [name for node in nodes for name in node.output if name and name in wanted]
    if not results:
        return
    needed = {name for node in nodes for name in reads(node)}
    body = helper.make_graph(
        nodes,
        "constants",
        [],
        [helper.make_tensor_value_info(name, draft.types[name], None) for name in results],
        [tensor for name, tensor in draft.tensors.items() if name in needed],
    )
    opsets, version = draft.header.opset_import, draft.header.ir_version
    model = helper.make_model(body, opset_imports=opsets, ir_version=version)
    try:
        values = open_session(model, draft.source, plain_options()).run(results, {})
    except REFUSALS as error:
        message = f"{draft.source}: the constants behind {label(nodes[-1])} cannot be computed: {error}"
        raise ModelError(message) from error
    for name, value in zip(results, values, strict=True):
        draft.store(name, value)
