"""Which tensors and weights get 16 bits when layers are named."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import onnx

from hailstack.compiler.graph.model import Graph
from hailstack.compiler.preflight.layers import name_layers
from hailstack.compiler.quantise.points import Points
from hailstack.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Wide:
    """What is 16 bits wide."""

    tensors: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    """First outputs of the nodes that belong to the layers."""
    outputs: frozenset[int] = frozenset()
    """Places of network outputs that leave in 16 bits, whatever is inside."""


def choose_wide(graph: Graph, points: Points, names: Sequence[str], layers: Graph | None = None) -> Wide:
    """What the layers ``names`` read, hold and write.

    Tensors that share one scale (through MaxPool, Concat of equals, Reshape, …) must agree, so they widen together.

    Args:
        graph: the network with its pixel front.
        names: layers of the chip, ONNX nodes, or tensors; ``output_layer1`` stands for the first output alone.
        layers: the network that layers are named by; None: ``graph``.

    Raises:
        ConfigError: no such layer.
    """
    inside = [name for name in names if _output_place(name) is None]
    outputs = frozenset(place for place in map(_output_place, names) if place is not None)
    groups = layer_nodes(layers or graph) if inside else {}
    nodes: dict[str, onnx.NodeProto] = {}
    for name in inside:
        nodes.update({node.output[0]: node for node in _find(graph, groups, name)})
    touched = {tensor for node in nodes.values() for tensor in (*node.input, *node.output)}
    roots = {points.shared.get(tensor, tensor) for tensor in touched}
    measured = roots.intersection(points.measured)
    shared = {tensor for tensor, root in points.shared.items() if root in measured}
    return Wide(frozenset(measured | shared), frozenset(nodes), outputs)


def _output_place(name: str) -> int | None:
    """``output_layer1`` is the vendor's name for the way out of the first output."""
    number = name.rpartition("/")[2].removeprefix("output_layer")
    return int(number) - 1 if number.isdecimal() and "output_layer" in name else None


def layer_nodes(graph: Graph) -> Mapping[str, tuple[onnx.NodeProto, ...]]:
    """The chip's layer → the ONNX nodes that it computes."""
    names = name_layers(graph)
    found: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.nodes:
        if node.output[0] in names:
            found.setdefault(names[node.output[0]].name, []).append(node)
    return {name: tuple(nodes) for name, nodes in found.items()}


def _find(graph: Graph, groups: Mapping[str, tuple[onnx.NodeProto, ...]], name: str) -> Iterable[onnx.NodeProto]:
    base = name.rpartition("/")[2]
    for key in (name, base):
        if key in groups:
            present = {node.output[0]: node for node in graph.nodes}
            return [present[node.output[0]] for node in groups[key] if node.output[0] in present]
    matches = [node for node in graph.nodes if node.name == name or name in node.output]
    if matches:
        return matches
    known = [*groups, *(node.name for node in graph.nodes if node.name)]
    near = difflib.get_close_matches(name, known, 3, 0.4) or list(groups)[:3]
    message = f"{graph.source}: no layer, node or tensor {name!r} to compute in 16 bits; near are {', '.join(near)}"
    raise ConfigError(message)
