"""Operators that choose where to look next, and what depends on their choice."""

from __future__ import annotations

from hailstack.compiler.graph.model import Graph

SELECTING = frozenset(
    {
        "Compress",
        "GridSample",
        "If",
        "Loop",
        "MaxRoiAlign",
        "NonMaxSuppression",
        "NonZero",
        "RoiAlign",
        "Scan",
        "TopK",
        "Unique",
    }
)
"""Operators whose result says where to look next. Nothing behind them runs on a chip."""

PICKING = frozenset({"Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND"})
"""Operators that select too, where their indices are computed."""


def behind_selections(graph: Graph) -> frozenset[str]:
    """The tensors that depend on what a selection chose."""
    reached: set[str] = set()
    for node in graph.nodes:
        picks = node.op_type in PICKING and node.input[1] not in graph.constants and node.input[1] in graph.producers
        if node.op_type in SELECTING or picks or reached.intersection(node.input):
            reached.update(node.output)
    return frozenset(reached)
