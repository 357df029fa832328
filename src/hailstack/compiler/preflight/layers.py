"""The network as the chip's layers: what they are called, what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import onnx

from hailstack.compiler.endnodes.plan import WEIGHTED
from hailstack.compiler.graph.model import Graph
from hailstack.compiler.quantise.silu import is_depthwise

LayerKind: TypeAlias = Literal["conv", "dw", "deconv", "fc", "glue"]

WEIGHTED_KINDS: Mapping[str, LayerKind] = {"Conv": "conv", "ConvTranspose": "deconv", "Gemm": "fc", "MatMul": "fc"}

GLUE = frozenset(
    {
        "Add",
        "AveragePool",
        "Concat",
        "DepthToSpace",
        "GlobalAveragePool",
        "MaxPool",
        "ReduceMean",
        "Resize",
        "Slice",
        "Softmax",
        "SpaceToDepth",
        "Split",
        "Sub",
    }
)
"""Operators that take a place on the chip without weights."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the chip."""

    kind: LayerKind
    macs: int = 0
    parameters: int = 0
    wide: bool = False
    """Whether its kernel is larger than 1x1."""


def list_layers(graph: Graph) -> tuple[Layer, ...]:
    """The layers of a float network, in order. Activations belong to the layer in front of them."""
    return tuple(_layers(graph))


def _layers(graph: Graph) -> Iterator[Layer]:
    for node in graph.nodes:
        kind = _weighted_kind(graph, node)
        if kind is not None:
            weights = graph.constants[node.input[1]]
            parameters = sum(graph.constants[name].size for name in node.input[1:] if name in graph.constants)
            wide = weights.ndim > 2 and math.prod(weights.shape[2:]) > 1
            yield Layer(kind, _macs(graph, node), parameters, wide)
        elif node.op_type in GLUE:
            yield Layer("glue")


def _weighted_kind(graph: Graph, node: onnx.NodeProto) -> LayerKind | None:
    if node.op_type not in WEIGHTED or len(node.input) < 2 or node.input[1] not in graph.constants:
        return None
    return "dw" if is_depthwise(graph, node) else WEIGHTED_KINDS.get(node.op_type)


def _macs(graph: Graph, node: onnx.NodeProto) -> int:
    """Multiplications: every weight is used once for each pixel of the map it is moved over."""
    weights = graph.constants[node.input[1]]
    if node.op_type == "Conv":
        return int(weights.size) * math.prod(graph.shape(node.output[0])[2:])
    if node.op_type == "ConvTranspose":
        return int(weights.size) * math.prod(graph.shape(node.input[0])[2:])
    return int(weights.size) * math.prod(graph.shape(node.input[0])[:-1])


@dataclass(frozen=True, slots=True)
class LayerName:
    """What a chip's layer is called, and the ONNX node it was made from."""

    name: str
    original: str


def name_layers(graph: Graph) -> Mapping[str, LayerName]:
    """Tensor → the layer that makes it: ``conv41``, ``dw3``, ``fc1``, as the vendor numbers them.

    Layers are counted by kind in the order of the network. An activation's tensor belongs to the layer before it.
    """
    counts: dict[str, int] = {}
    names: dict[str, LayerName] = {}
    for node in graph.nodes:
        before = names.get(node.input[0]) if len(node.input) else None
        kind = _weighted_kind(graph, node)
        if kind is None and before is not None and node.op_type not in GLUE:
            made = LayerName(before.name, node.name or node.output[0])
        else:
            base = kind or node.op_type.lower()
            counts[base] = counts.get(base, 0) + 1
            made = LayerName(f"{base}{counts[base]}", node.name or node.output[0])
        for i, tensor in enumerate(node.output):
            names[tensor] = made if i == 0 else LayerName(f"{made.name}_{i + 1}", made.original)
    return names
