"""Looking at an ONNX graph and cutting a piece out of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import shape_inference, version_converter
from onnx.onnx_cpp2py_export.version_converter import ConvertError

from hailstack.errors import ModelError

_ROUND_SINCE = 11


@dataclass(frozen=True, slots=True)
class Graph:
    """An ONNX model with an index of who makes what.

    A tensor is known by its own name; a node by its name, which stands for its first output.
    """

    path: Path
    model: onnx.ModelProto
    makers: dict[str, int] = field(default_factory=dict)
    """Tensor → position of the node that makes it."""
    nodes: dict[str, int] = field(default_factory=dict)
    """Node name → position."""
    constants: frozenset[str] = frozenset()
    """Initialisers."""
    types: dict[str, onnx.ValueInfoProto] = field(default_factory=dict)
    """Tensor → declared or inferred type."""

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(value.name for value in self.model.graph.input if value.name not in self.constants)

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(value.name for value in self.model.graph.output)

    def tensor(self, name: str) -> str | None:
        """The tensor that ``name``, a tensor's or a node's, stands for."""
        for candidate in (name, f"{name}:0"):
            if candidate in self.makers or candidate in self.inputs:
                return candidate
            if candidate in self.nodes:
                return str(self.model.graph.node[self.nodes[candidate]].output[0])
        return None

    def maker(self, tensor: str) -> onnx.NodeProto | None:
        position = self.makers.get(tensor)
        return None if position is None else self.model.graph.node[position]

    def dimensions(self, tensor: str) -> tuple[int | None, ...] | None:
        """The tensor's shape as far as it is known; None for an open dimension, or for no shape at all."""
        if tensor not in self.types or not self.types[tensor].type.tensor_type.HasField("shape"):
            return None
        dims = self.types[tensor].type.tensor_type.shape.dim
        return tuple(dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in dims)

    def data_input(self, position: int) -> str | None:
        """The first input of a node that is computed rather than constant."""
        names = self.model.graph.node[position].input
        return next((n for n in names if n and n not in self.constants and not self._is_constant_node(n)), None)

    def _is_constant_node(self, tensor: str) -> bool:
        node = self.maker(tensor)
        return node is not None and node.op_type == "Constant"


def open_graph(path: Path) -> Graph:
    """The model at ``path``, with inferred shapes and an operator set in which rounding exists.

    Raises:
        ModelError: not an ONNX model, or one too old to be brought to operator set 11.
    """
    try:
        model = onnx.load(path)
        graph = index_graph(path, _modern(shape_inference.infer_shapes(model)))
    except (
        DecodeError,
        shape_inference.InferenceError,
        ValueError,
        ConvertError,
        onnx.checker.ValidationError,
    ) as error:
        message = f"{path} cannot be used as an ONNX model: {error}"
        raise ModelError(message) from error
    if not graph.outputs:
        message = f"{path} is not an ONNX model, or one without outputs"
        raise ModelError(message)
    return graph


def index_graph(path: Path, model: onnx.ModelProto) -> Graph:
    """``model`` with its index."""
    graph = model.graph
    typed = (*graph.value_info, *graph.input, *graph.output)
    return Graph(
        path,
        model,
        makers={name: i for i, node in enumerate(graph.node) for name in node.output if name},
        nodes={node.name: i for i, node in enumerate(graph.node) if node.name},
        constants=frozenset(tensor.name for tensor in graph.initializer),
        types={value.name: value for value in typed},
    )


def nodes_between(graph: Graph, inputs: Iterable[str], outputs: Iterable[str]) -> list[onnx.NodeProto]:
    """The nodes that compute ``outputs`` when ``inputs`` are given, in order.

    Raises:
        ModelError: an output also needs an input of the graph that is not among ``inputs``; both are named.
    """
    given, wanted, needed = set(inputs), list(outputs), set[int]()
    while wanted:
        name = wanted.pop()
        position = graph.makers.get(name)
        if not name or name in given or name in graph.constants or position in needed:
            continue
        if position is None:
            message = f"{graph.path}: the tensor {name!r} is needed, but no stream of the HEF feeds it"
            raise ModelError(message)
        needed.add(position)
        wanted += _reads(graph.model.graph.node[position])
    return [graph.model.graph.node[position] for position in sorted(needed)]


def constants_of(graph: Graph, nodes: Sequence[onnx.NodeProto]) -> list[onnx.TensorProto]:
    """The initialisers that ``nodes`` read."""
    read = {name for node in nodes for name in _reads(node)}
    return [tensor for tensor in graph.model.graph.initializer if tensor.name in read]


def _reads(node: onnx.NodeProto) -> list[str]:
    """Inputs of a node, and what the bodies of its branches and loops take from outside."""
    names = list(node.input)
    for attribute in node.attribute:
        for body in (attribute.g, *attribute.graphs):
            made = {name for inner in body.node for name in inner.output} | {v.name for v in body.input}
            made |= {tensor.name for tensor in body.initializer}
            names += [name for inner in body.node for name in _reads(inner) if name not in made]
    return names


def _modern(model: onnx.ModelProto) -> onnx.ModelProto:
    version = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    return model if version >= _ROUND_SINCE else version_converter.convert_version(model, _ROUND_SINCE)
