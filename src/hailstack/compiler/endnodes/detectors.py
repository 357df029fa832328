"""Recognising heads that answer in every cell of one or more maps: boxes, scores, key points, masks.

What the tail does decides; where it is missing (networks that were exported without their decoding) the numbers of
channels do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import onnx

from hailstack.compiler.endnodes.heads import Heads, rows_of
from hailstack.compiler.endnodes.joined import read_joined
from hailstack.compiler.endnodes.levels import Level, find_levels
from hailstack.compiler.endnodes.maps import Map, read_maps
from hailstack.compiler.endnodes.parted import read_parted
from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.endnodes.probe import Tail
from hailstack.compiler.endnodes.selections import behind_selections
from hailstack.compiler.graph.model import Graph
from hailstack.compiler.graph.structure import subgraphs

SMALLEST_MASK, LARGEST_MASK = 8, 128
"""How many prototypes networks have."""


def recognise_detector(graph: Graph, tensors: Sequence[str], classes: int | None = None) -> HeadPlan | None:
    """The plan for a detector that ends in ``tensors``; None if it is none.

    ``classes``, where known, settles which of two look-alike maps holds the scores.
    """
    levels = find_levels(graph, tensors)
    if not levels:
        return None
    heads = _separate(graph, levels, Tail.of(graph, tensors))
    if heads is None:
        return None
    count = len(heads.levels[0])
    plan = read_joined(heads, classes) if count == 1 else read_parted(heads, classes)
    if plan is None:
        return None
    return replace(plan, nms=not _picks_best(graph))


def _separate(graph: Graph, levels: tuple[Level, ...], tail: Tail | None) -> Heads | None:
    """Levels with equally many maps each, and a finer map alone, which holds prototypes of masks."""
    every = read_maps(graph, tail, levels)
    if len(every) > 1 and len(every[0]) == 1 and SMALLEST_MASK <= every[0][0].channels <= LARGEST_MASK:
        prototypes, rest = every[0][0], every[1:]
        if all(len(level) == len(rest[0]) for level in rest) and _has_coefficients(rest, prototypes):
            return Heads(tuple(rest), prototypes)
    same_grid = _prototypes_beside(every)
    if same_grid is not None:
        return same_grid
    return Heads(tuple(every)) if len({len(level) for level in every}) == 1 else None


def _prototypes_beside(every: list[tuple[Map, ...]]) -> Heads | None:
    """Prototypes at the resolution of the finest level (networks with a level at stride 4)."""
    if len(every) < 2 or len(every[0]) != len(every[1]) + 1 or len({len(level) for level in every[1:]}) != 1:
        return None
    wanted = {one.channels for one in every[1]}
    twice = [one for one in every[0] if sum(other.channels == one.channels for other in every[0]) > 1]
    spare = [one for one in twice if one.channels in wanted and not one.scored and not one.boxes]
    if not spare:
        return None
    prototypes = spare[-1]
    return Heads((tuple(one for one in every[0] if one != prototypes), *every[1:]), prototypes)


def _has_coefficients(levels: Sequence[tuple[Map, ...]], prototypes: Map) -> bool:
    count = prototypes.channels
    for level in levels:
        if len(level) == 1:
            fits = level[0].channels > 3 * (count + 5) and level[0].channels % 3 == 0
            return fits and level[0].channels != count
        if not any(one.channels == count or rows_of(one) * count == one.channels for one in level):
            return False
    return True


def _picks_best(graph: Graph) -> bool:
    """Whether the network ranks its boxes without comparing them: no suppression is needed behind it."""
    operators = set(_operators(graph.nodes))
    return "TopK" in operators and "NonMaxSuppression" not in operators and bool(behind_selections(graph))


def _operators(nodes: Iterable[onnx.NodeProto]) -> Iterator[str]:
    for node in nodes:
        yield node.op_type
        for body in subgraphs(node):
            yield from _operators(body.node)
