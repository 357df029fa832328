"""The layers of a network as a model script names them, found without the vendor's parser."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import Graph, load_graph
from hailstack.compiler.har.layers import describe_network
from hailstack.compiler.script.findings import ChipLayer, chip_layers


@dataclass(frozen=True, slots=True)
class ParsedHead:
    """A network cut at its head, before any script has touched it."""

    graph: Graph
    """The whole network."""
    plan: HeadPlan
    layers: tuple[ChipLayer, ...]
    makers: tuple[str, ...]
    """Names of the layers that make the plan's ends, in their order."""


def parse_head(graph: Graph, plan: HeadPlan, name: str) -> ParsedHead:
    """The layers of ``graph`` up to the ends of ``plan``, named as the vendor's parser numbers them."""
    bare = replace(plan, ends=tuple(replace(end, sigmoid=False) for end in plan.ends))
    tensors = [end.tensor for end in bare.ends]
    hn = describe_network(cut(graph, bare), name, tensors, tensors)
    return ParsedHead(graph, plan, chip_layers(hn["layers"]), tuple(hn["net_params"]["output_layers_order"]))


def parsed_layers(model: Path, classes: int | None = None) -> tuple[ChipLayer, ...]:
    """The layers of an ONNX or TFLite file, cut at its head.

    Raises:
        NotFoundError: there is no such file.
        ModelError: the network cannot be read.
    """
    graph = load_graph(model)
    return parse_head(graph, find_head(graph, "auto", classes), model.stem).layers
