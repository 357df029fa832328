"""The tail: everything behind the cut, as a network of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from hailstack.compiler.endnodes.frontier import is_weighted
from hailstack.compiler.endnodes.plan import End, HeadPlan, part
from hailstack.compiler.graph.model import Graph, reads

LEAST_PROBABILITY, MOST_PROBABILITY = np.float32(1e-30), np.float32(1 - 2**-24)
"""Between these a logit is finite."""


def cut_tail(graph: Graph, plan: HeadPlan) -> Graph | None:
    """Everything behind the ends; None if nothing is.

    Its inputs are the head's outputs, and the network's own inputs where an output needs those. Its outputs are the
    original's that the ends determine, in their order, without those that the head gives already. Where the chip
    applies a sigmoid that the network has not, or has later, the tail begins with the inverse.
    """
    ends = {end.output: end for end in plan.ends}
    tensors = {end.tensor for end in ends.values()}
    nodes = _behind(graph, tensors)
    made = tensors | {name for node in nodes for name in node.output}
    outputs = [info for info in graph.model.graph.output if info.name in made and info.name not in ends]
    if not outputs:
        return None
    entries = [node for end in ends.values() if end.sigmoid for node in _entry(end)]
    renamed = {end.tensor: f"{end.tensor}_logit" for end in ends.values() if end.sigmoid}
    body = _rename(nodes, outputs, renamed)
    read = {name for node in (*entries, *body) for name in reads(node)}
    own = [info for info in graph.model.graph.input if info.name in read]
    taken = [_declare(graph, end) for end in ends.values() if end.output in read]
    return part(graph, [*_constants(entries), *entries, *body], [*taken, *own], outputs)


def determined(graph: Graph, plan: HeadPlan) -> tuple[str, ...]:
    """The network's outputs that follow from the plan's ends."""
    tensors = {end.tensor for end in plan.ends}
    made = tensors | {name for node in _behind(graph, tensors) for name in node.output}
    return tuple(name for name in graph.outputs if name in made)


def _behind(graph: Graph, ends: set[str]) -> list[onnx.NodeProto]:
    """The nodes that make outputs from ``ends`` and, without learned weights, from the network's inputs."""
    known, follows = set(graph.constants) | set(graph.inputs) | ends, set(ends)
    makers = []
    for node in graph.nodes:
        names = reads(node)
        behind = not follows.isdisjoint(names)
        if ends.issuperset(node.output) or not known.issuperset(names) or (is_weighted(graph, node) and not behind):
            continue
        makers.append(node)
        known.update(node.output)
        follows.update(node.output if behind else ())
    wanted, kept = set(graph.outputs) - ends, []
    for node in reversed(makers):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(set(reads(node)) - ends)
    return kept[::-1]


def _declare(graph: Graph, end: End) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(end.output, onnx.TensorProto.FLOAT, graph.shape(end.tensor))


def _entry(end: End) -> list[onnx.NodeProto]:
    """The inverse of the sigmoid that the chip added: log(p / (1 - p))."""
    name = f"{end.tensor}_logit"
    inner = [f"{name}/inside", f"{name}/rest", f"{name}/odds"]
    return [
        helper.make_node("Clip", [end.output, f"{name}/least", f"{name}/most"], [inner[0]], name=f"{name}/clip"),
        helper.make_node("Sub", [f"{name}/one", inner[0]], [inner[1]], name=f"{name}/sub"),
        helper.make_node("Div", [inner[0], inner[1]], [inner[2]], name=f"{name}/div"),
        helper.make_node("Log", [inner[2]], [name], name=f"{name}/log"),
    ]


def _constants(entries: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    values = {"least": LEAST_PROBABILITY, "most": MOST_PROBABILITY, "one": np.float32(1)}
    names = dict.fromkeys(name for node in entries for name in node.input if name.rpartition("/")[2] in values)
    made = []
    for name in names:
        value = numpy_helper.from_array(np.asarray(values[name.rpartition("/")[2]]))
        made.append(helper.make_node("Constant", [], [name], value=value))
    return made


def _rename(
    nodes: Sequence[onnx.NodeProto], outputs: Sequence[onnx.ValueInfoProto], renamed: Mapping[str, str]
) -> list[onnx.NodeProto]:
    """The nodes behind the entries; an output that is an end itself is passed on."""
    made = []
    for node in nodes:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        for i, name in enumerate(copy.input):
            copy.input[i] = renamed.get(name, name)
        made.append(copy)
    given = {name for node in nodes for name in node.output}
    passed = [info.name for info in outputs if info.name not in given]
    return made + [helper.make_node("Identity", [renamed[name]], [name], name=f"{name}/pass") for name in passed]
