"""Recognising heads that mark objects by peaks of a map: CenterNet and its kin."""

from __future__ import annotations

from collections.abc import Sequence

from hailstack.compiler.endnodes.levels import find_levels
from hailstack.compiler.endnodes.maps import Map, read_maps
from hailstack.compiler.endnodes.plan import End, HeadPlan, Role
from hailstack.compiler.graph.model import Graph

MOST_POINTS, FEWEST_POINTS = 64, 4


def recognise_peaks(graph: Graph, tensors: Sequence[str]) -> HeadPlan | None:
    """A heat map with sizes and offsets beside it, all at one resolution; key points too, perhaps.

    Which of two maps with two channels holds sizes and which offsets is taken from their order: sizes first, as all
    exporters we know have it.
    """
    levels = find_levels(graph, tensors)
    if len(levels) != 1 or len(tensors) < 2 or levels[0].stride < 2:
        return None
    maps = read_maps(graph, None, (levels[0],))[0]
    person = _one_person(maps)
    if person is not None:
        return person
    heats = [one for one in maps if one.probable or one.squashed or _suppressed(graph, one.tensor)]
    if not heats:
        heats = _unlike(maps)
    pairs = [one for one in maps if one.channels == 2 and one not in heats]
    if not heats or not pairs or any(one.channels == 4 for one in maps):
        return None
    roles: dict[str, Role] = {one.tensor: "heat" for one in heats}
    roles.update(zip((one.tensor for one in pairs), _pair_roles(len(pairs)), strict=False))
    points = [one for one in maps if one not in heats and one.channels > 2 and one.channels % 2 == 0]
    roles.update({one.tensor: "points" for one in points})
    ends = tuple(End(one.tensor, roles.get(one.tensor, "raw"), stride=one.stride) for one in maps)
    count = points[0].channels // 2 if points else 0
    first = heats[0]
    return HeadPlan(
        "pose" if count else "detection",
        ends,
        "centernet",
        first.channels if not count else 1,
        keypoints=count,
        keypoint_values=2 if count else 0,
        nms=False,
        scores="probabilities" if first.probable else "logits",
        score_function="sigmoid",
    )


def _one_person(maps: Sequence[Map]) -> HeadPlan | None:
    """MoveNet: a heat map a key point, and for each point two numbers, as distances and as offsets."""
    counts = [one.channels for one in maps]
    joints = [count for count in counts if count >= FEWEST_POINTS and counts.count(2 * count) == 2]
    if len(joints) != 1 or len(maps) != 4:
        return None
    roles: dict[int, Role] = {joints[0]: "heat", 2 * joints[0]: "points", 1: "heat"}
    ends = tuple(End(one.tensor, roles.get(one.channels, "raw"), stride=one.stride) for one in maps)
    probable = all(one.probable for one in maps if roles.get(one.channels) == "heat")
    return HeadPlan(
        "pose",
        ends,
        "movenet",
        1,
        keypoints=joints[0],
        keypoint_values=2,
        nms=False,
        scores="probabilities" if probable else "logits",
        score_function="sigmoid",
    )


def _pair_roles(count: int) -> tuple[Role, ...]:
    return ("offset",) if count == 1 else ("size", "offset")


def _unlike(maps: Sequence[Map]) -> list[Map]:
    """The one map that is no pair, where nothing behind the maps tells."""
    others = [one for one in maps if one.channels != 2]
    return others if len(others) == 1 and len(maps) in (2, 3) and others[0].channels < MOST_POINTS * 2 else []


def _suppressed(graph: Graph, tensor: str) -> bool:
    """Whether neighbours are compared: a max-pooling follows."""
    return any(node.op_type == "MaxPool" for node in graph.consumers.get(tensor, ()))
