"""A feature map beside the results: for matching what is seen to what was seen before.

The rule for ``auto``: take the finest level of the head and walk back to the last map of that size that all its
outputs are made from. Behind a neck that is the neck's richest map at that resolution; in a decoupled head it is the
output of the stem that its branches share. Other networks give the last map before their end, whatever its size; in a
classifier it is what the pooling reads.
"""

from __future__ import annotations

from collections.abc import Callable

from hailstack.compiler.endnodes.frontier import absorb, is_weighted
from hailstack.compiler.endnodes.levels import find_stride
from hailstack.compiler.endnodes.plan import End, HeadPlan
from hailstack.compiler.graph.model import Graph
from hailstack.errors import ConfigError, ModelError

Finder = Callable[[Graph, str, str], str]


def add_features(graph: Graph, plan: HeadPlan, name: str, find: Finder) -> HeadPlan:
    """The plan with a feature map as a further output.

    Raises:
        ConfigError: there is no such tensor, or it is no map of real numbers, or already an output.
        ModelError: ``auto`` finds no map.
    """
    tensor = _richest(graph, plan) if name == "auto" else find(graph, name, "--features")
    shape = graph.shape(tensor)
    if tensor not in graph.reals or len(shape) not in (2, 4):
        message = f"{graph.source}: --features {name!r}: {'x'.join(map(str, shape))} is no feature map"
        raise ConfigError(message)
    if any(end.tensor == tensor for end in plan.ends):
        message = f"{graph.source}: --features {name!r}: this tensor is an output already"
        raise ConfigError(message)
    return plan.plus(
        End(tensor, "features", stride=find_stride(graph, (shape[2], shape[3])) if len(shape) == 4 else 0)
    )


def _richest(graph: Graph, plan: HeadPlan) -> str:
    ends = [end for end in plan.ends if end.role != "proto"] or list(plan.ends)
    finest = min(end.stride for end in ends)
    wanted = [end.tensor for end in ends if end.stride == finest]
    shared = _shared(graph, wanted)
    outputs = {end.tensor for end in plan.ends}
    fitting = [tensor for tensor in reversed(shared) if tensor not in outputs and _is_features(graph, tensor)]
    for tensor in fitting:
        if find_stride(graph, graph.shape(tensor)[2:]) == finest:
            return tensor
    if fitting:
        return fitting[0]
    message = f"{graph.source}: --features auto: no feature map leads to {', '.join(wanted)}; name a tensor"
    raise ModelError(message)


def _shared(graph: Graph, tensors: list[str]) -> list[str]:
    """The tensors that all of ``tensors`` depend on, in the order of the network."""
    common: set[str] | None = None
    for tensor in tensors:
        own = {name for node in graph.ancestors((tensor,)) for name in node.output} - {tensor}
        common = own if common is None else common & own
    return [name for node in graph.nodes for name in node.output if name in (common or ())]


def _is_features(graph: Graph, tensor: str) -> bool:
    """Whether it is a finished map: real, with room for patterns, and nothing of its activation still to come."""
    shape = graph.shapes.get(tensor, ())
    if tensor not in graph.reals or len(shape) != 4 or shape[1] < 2 or max(shape[2:]) < 2:
        return False
    node = graph.producers[tensor]
    unfinished = is_weighted(graph, node) and absorb(graph, tensor) != tensor
    return not unfinished and node.op_type not in ("Sigmoid", "HardSigmoid", "Transpose", "Reshape")
