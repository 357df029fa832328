"""A network as it was parsed: what it computes, where it ends, what its layers are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from hailstack.compiler.endnodes.plan import End, HeadPlan, cut
from hailstack.compiler.graph.model import Graph
from hailstack.compiler.har.layers import collect_parameters, describe_network


@dataclass(frozen=True)
class ParsedNetwork:
    """A float network with the ends that it is to have."""

    name: str
    graph: Graph
    """Whole, with what lies behind the ends."""
    ends: tuple[End, ...]
    """In the order of the outputs; roles where the head is known, no sigmoids added yet."""
    end_names: tuple[str, ...]
    """What the model calls each end."""
    head: HeadPlan | None = None
    """The head that these ends belong to, where one was recognised."""
    origin: Mapping[str, Any] = field(default_factory=dict)
    """``name`` and ``sha256`` of the model file, ``framework``."""
    detected: tuple[str, ...] = ()
    """Nodes that end the detector which the model holds, whatever ends were asked for; empty if it holds none."""

    @property
    def raw_plan(self) -> HeadPlan:
        """The ends as they are, with nothing decoded behind them."""
        return HeadPlan("raw", tuple(replace(end, role="raw") for end in self.ends))

    @cached_property
    def trunk(self) -> Graph:
        """The part that is compiled."""
        return cut(self.graph, self.raw_plan)

    @cached_property
    def hn(self) -> Mapping[str, Any]:
        """The graph as an archive has it."""
        return describe_network(self.trunk, self.name, [end.tensor for end in self.ends], self.end_names)

    @cached_property
    def params(self) -> Mapping[str, NDArray[Any]]:
        """Float parameters by layer."""
        return collect_parameters(self.trunk, self.name)

    @property
    def input_layers(self) -> tuple[str, ...]:
        """Names of the input layers, in the order of the network's inputs."""
        return tuple(name for name, layer in self.hn["layers"].items() if layer["type"] == "input_layer")

    @property
    def output_layers(self) -> tuple[str, ...]:
        """Names of the layers that the outputs come from, in order."""
        return tuple(self.hn["net_params"]["output_layers_order"])


def before_sigmoid(graph: Graph, tensor: str) -> str:
    """The tensor in front of a sigmoid that ends the network; else the tensor itself."""
    node = graph.producers.get(tensor)
    return node.input[0] if node is not None and node.op_type == "Sigmoid" else tensor
