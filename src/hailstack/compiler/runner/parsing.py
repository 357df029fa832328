"""From a model file to the network that a runner works on: where it begins, where it ends, what it is called."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper
from onnx.utils import Extractor

from hailstack.compiler.endnodes.hosted import META_ARCHS
from hailstack.compiler.endnodes.plan import End, HeadPlan, tail
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import Graph, infer, load_graph
from hailstack.compiler.parsed import ParsedNetwork, before_sigmoid
from hailstack.compiler.runner.recommend import obstacles
from hailstack.compiler.runner.vendor_errors import (
    MisspellNodeError,
    ParsingWithRecommendationException,
    UnsupportedModelError,
)
from hailstack.errors import ModelError


def parse_model(
    path: Path,
    name: str,
    *,
    start_nodes: Sequence[str] = (),
    end_nodes: Sequence[str] = (),
    input_shapes: Mapping[str, Sequence[int]] | None = None,
) -> ParsedNetwork:
    """Load a model and cut it.

    Args:
        path: ``.onnx`` or ``.tflite``.
        name: of the network.
        start_nodes: inputs, or nodes that the network is to begin with; none: the model's inputs.
        end_nodes: nodes or tensors that the network is to end with; none: the model's outputs.
        input_shapes: for inputs of open size, by name.

    Raises:
        NotFoundError: there is no such file.
        MisspellNodeError: the model has no such node.
        ParsingWithRecommendationException: without ``end_nodes``, and the model's end does not run on the chip.
        UnsupportedModelError: the model cannot be compiled.
    """
    shapes = dict(input_shapes) if input_shapes else None
    if path.suffix == ".tflite":
        graph = load_graph(path, input_shapes=shapes)
        starts, ends = (
            _find(graph.model, names, kind) for names, kind in ((start_nodes, "start"), (end_nodes, "end"))
        )
    else:
        graph, starts, ends = _load_with(path, start_nodes, end_nodes, shapes)
    graph = _begin_at(graph, list(starts.values()))
    origin = {
        "name": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "framework": "tf" if path.suffix == ".tflite" else "onnx",
    }
    if not ends:
        return _whole(graph, name, origin)
    tensors = [tensor for found in ends.values() for tensor in found]
    head = _recognise(graph)
    return ParsedNetwork(
        name,
        graph,
        _with_roles(graph, head, tensors),
        _names(ends),
        _fitting(head, tensors),
        origin,
        _detected(graph, head),
    )


def _names(ends: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(name for name, tensors in ends.items() for _ in tensors)


def _load_with(
    path: Path, start_nodes: Sequence[str], end_nodes: Sequence[str], shapes: Mapping[str, Sequence[int]] | None
) -> tuple[Graph, dict[str, list[str]], dict[str, list[str]]]:
    """The whole model in which the tensors that are cut at survive folding; without its tail if that cannot load."""
    if not end_nodes and not start_nodes:
        return load_graph(path, input_shapes=shapes), {}, {}
    if not path.is_file():
        return load_graph(path), {}, {}  # which says so
    model = onnx.load(path)
    starts, ends = _find(model, start_nodes, "start"), _find(model, end_nodes, "end")
    kept = [tensor for found in (*starts.values(), *ends.values()) for tensor in found]
    outputs = [info.name for info in model.graph.output]
    try:
        graph = _load_declared(path, model, kept, shapes)
    except ModelError:
        if not ends:
            raise
        wanted = [tensor for found in ends.values() for tensor in found]
        graph = _load_declared(path, _ending_at(model, wanted), kept, shapes)
        outputs = wanted
    return _with_outputs(graph, outputs), starts, ends


def _load_declared(
    path: Path, model: onnx.ModelProto, tensors: Iterable[str], shapes: Mapping[str, Sequence[int]] | None
) -> Graph:
    """Load ``model`` with some inner tensors declared as outputs, so that nothing is folded over them."""
    made = {name for node in model.graph.node for name in node.output}
    declared = onnx.ModelProto()
    declared.CopyFrom(model)
    known = {info.name for info in model.graph.output}
    for tensor in dict.fromkeys(tensors):
        if tensor in made and tensor not in known:
            declared.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    with tempfile.TemporaryDirectory(prefix="hailstack-") as folder:
        copy = Path(folder) / path.name
        onnx.save(declared, copy)
        graph = load_graph(copy, input_shapes=shapes)
    return replace(graph, source=str(path))


def _ending_at(model: onnx.ModelProto, tensors: list[str]) -> onnx.ModelProto:
    return Extractor(model).extract_model([info.name for info in model.graph.input], tensors)


def _find(model: onnx.ModelProto, names: Sequence[str], kind: str) -> dict[str, list[str]]:
    """What each name stands for: tensors. A node stands for its outputs at an end, for itself at a start."""
    nodes = {node.name: node for node in model.graph.node if node.name}
    tensors = {name for node in model.graph.node for name in node.output} | {info.name for info in model.graph.input}
    found: dict[str, list[str]] = {}
    missing = [name for name in names if name not in nodes and name not in tensors]
    if missing:
        message = f"Unable to find {kind} node names: {missing}, please verify and try again."
        raise MisspellNodeError(message)
    constants = {tensor.name for tensor in model.graph.initializer}
    for name in names:
        if name in nodes and kind == "end":
            found[name] = [output for output in nodes[name].output if output][:1]
        elif name in nodes:
            found[name] = [tensor for tensor in nodes[name].input if tensor and tensor not in constants][:1]
        else:
            found[name] = [name]
    return found


def _with_outputs(graph: Graph, outputs: Sequence[str]) -> Graph:
    """The same network with these outputs; of tensors that folding removed, the graph keeps what it has."""
    known = [name for name in outputs if name in graph.producers]
    if tuple(known) == graph.outputs or not known:
        return graph
    return _rewritten(graph, list(graph.model.graph.input), known)


def _begin_at(graph: Graph, starts: Iterable[Sequence[str]]) -> Graph:
    """The network from some inner tensors on, which become its inputs."""
    tensors = list(dict.fromkeys(name for found in starts for name in found))
    inputs = [info.name for info in graph.model.graph.input]
    if not tensors or set(tensors) <= set(inputs):
        return graph
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, graph.shape(name)) for name in tensors]
    rest = [info for info in graph.model.graph.input if info.name not in tensors]
    begun = _rewritten(graph, infos, graph.outputs, frozenset(tensors))
    reached = {name for node in begun.nodes for name in node.input}
    used = [info for info in (*infos, *rest) if info.name in reached]
    return _rewritten(begun, used, begun.outputs)


def _rewritten(
    graph: Graph, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[str], given: frozenset[str] = frozenset()
) -> Graph:
    needed = set(outputs)
    nodes: list[onnx.NodeProto] = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.output) - given:
            nodes.insert(0, node)
            needed.update(node.input)
    constants = [tensor for tensor in graph.model.graph.initializer if tensor.name in needed]
    infos = [helper.make_tensor_value_info(name, _element(graph, name), graph.shapes.get(name)) for name in outputs]
    body = helper.make_graph(nodes, graph.model.graph.name or "network", list(inputs), infos, constants)
    model = helper.make_model(body, opset_imports=graph.model.opset_import, ir_version=graph.model.ir_version)
    return replace(graph, model=infer(model, graph.source))


def _element(graph: Graph, tensor: str) -> int:
    infos = (*graph.model.graph.value_info, *graph.model.graph.output)
    kinds = {info.name: info.type.tensor_type.elem_type for info in infos}
    return kinds.get(tensor) or TensorProto.FLOAT


def _recognise(graph: Graph) -> HeadPlan | None:
    try:
        return find_head(graph)
    except ModelError:
        return None


def _detected(graph: Graph, head: HeadPlan | None) -> tuple[str, ...]:
    if head is None or head.family not in META_ARCHS:
        return ()
    return tuple(graph.producers[end.tensor].name or end.tensor for end in head.ends)


def _whole(graph: Graph, name: str, origin: Mapping[str, Any]) -> ParsedNetwork:
    """The network with the model's own outputs, if all of it runs on the chip."""
    head = _recognise(graph)
    if head is not None and head.task != "raw":
        found = obstacles(tail(graph, [graph.producers[end.tensor] for end in head.ends]))
        if found:
            raise ParsingWithRecommendationException(found, [_node_name(graph, end) for end in head.ends])
    try:
        plan = find_head(graph, "raw")
    except ModelError as error:
        raise UnsupportedModelError(str(error)) from error
    ends = tuple(replace(end, role="raw") for end in plan.ends)
    names = tuple(graph.producers[end.tensor].name or end.tensor for end in ends)
    return ParsedNetwork(name, graph, ends, names, None, origin)


def _node_name(graph: Graph, end: End) -> str:
    """What to call an end in a recommendation: its node, or the sigmoid behind it where the chip computes that."""
    node = graph.producers[end.tensor]
    if end.sigmoid:
        node = next((reader for reader in graph.consumers.get(end.tensor, ()) if reader.op_type == "Sigmoid"), node)
    return node.name or node.output[0]


def _with_roles(graph: Graph, head: HeadPlan | None, tensors: Sequence[str]) -> tuple[End, ...]:
    roles = {} if head is None else {before_sigmoid(graph, end.tensor): end for end in head.ends}
    ends = []
    for tensor in tensors:
        known = roles.get(before_sigmoid(graph, tensor))
        ends.append(End(tensor, "raw") if known is None else replace(known, tensor=tensor, sigmoid=False))
    return tuple(ends)


def _fitting(head: HeadPlan | None, tensors: Sequence[str]) -> HeadPlan | None:
    """The head, if all of its ends are among the tensors."""
    return head if head is not None and head.task != "raw" and len(head.ends) == len(tensors) else None
