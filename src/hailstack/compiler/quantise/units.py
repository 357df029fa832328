"""Functions that exporters write as many nodes and a chip computes as one: layer normalisation, GELU, Mish, …

What lies between their nodes is no activation of its own. Eight bits for a variance or for the argument of an error
function would ruin the result, and no chip stores them.
"""

from __future__ import annotations

import onnx

from hailstack.compiler.endnodes.plan import WEIGHTED
from hailstack.compiler.graph.model import Graph

SEEDS = frozenset({"Erf", "Exp", "Log", "Pow", "Reciprocal", "Softplus", "Sqrt"})
"""Operators that a chip has only as parts of such functions."""

ELEMENTWISE = SEEDS | {"Abs", "Add", "Div", "Mul", "Neg", "ReduceMean", "Sub", "Tanh"}


def inner_tensors(graph: Graph) -> frozenset[str]:
    """The tensors inside such functions."""
    inside = {name for node in graph.nodes if node.op_type in SEEDS for name in node.output}
    while True:
        region = [node for node in graph.nodes if node.op_type in SEEDS or inside.intersection(node.input)]
        sources = {name for node in region for name in node.input if name not in graph.constants}
        made = {id(node) for node in region}
        grown = inside | {
            str(node.output[0])
            for node in graph.nodes
            if _leads_in(graph, node, made) or _leads_on(graph, node, inside, sources)
        }
        grown -= set(graph.outputs)
        if grown == inside:
            return frozenset(inside)
        inside = grown


def _leads_in(graph: Graph, node: onnx.NodeProto, region: set[int]) -> bool:
    """Whether everything that reads a node's output belongs to such functions."""
    readers = graph.consumers.get(node.output[0], ())
    return node.op_type in ELEMENTWISE | WEIGHTED and bool(readers) and all(id(reader) in region for reader in readers)


def _leads_on(graph: Graph, node: onnx.NodeProto, inside: set[str], sources: set[str]) -> bool:
    """Whether a node reads the inside of such a function, and the next one still belongs to it."""
    readers = graph.consumers.get(node.output[0], ())
    if node.op_type not in ELEMENTWISE or not inside.intersection(node.input) or len(readers) != 1:
        return False
    others = [name for name in readers[0].input if name != node.output[0]]
    known = all(name in graph.constants or name in inside or name in sources for name in others)
    return readers[0].op_type in ELEMENTWISE and known
