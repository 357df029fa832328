"""What the outputs of a HEF that says nothing about itself are, by their shapes.

The vendor's compiler cuts networks where ours does (docs of its model zoo name the layers), so the maps are the same:

=========================================  ==========================================
channels of each level's maps              head
=========================================  ==========================================
64 and C (and 3 K, M or 1 beside them)     YOLOv8 and its kin: pose, masks, turned boxes
4, 1 and C                                 YOLOX
4 and C (and more, as above)               YOLO26 without bins, YOLOv6
2, 8, 20                                   SCRFD (two boxes in a cell, five points)
=========================================  ==========================================

Heads with anchors do not show them: their outputs stay as they are, unless the user tells the family and its anchors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log2

from hailstack.heads.binding import HeadFacts
from hailstack.heads.outputs import OutputFacts
from hailstack.heads.settings import HeadSettings

BINS = 16
"""For each side of a box in YOLOv8 and its kin."""

FEWEST_MASKS, MOST_MASKS = 8, 128
"""How many prototypes networks have."""


ROLES: Mapping[str, tuple[str, ...]] = {
    "fcos": ("reg", "obj", "cls"),
    "nanodet": ("combined",),
    "scrfd": ("reg", "cls", "points"),
    "ssd": ("reg", "cls"),
    "yolo26": ("reg", "cls"),
    "yolov3": ("anchors",),
    "yolov4": ("anchors",),
    "yolov5": ("anchors",),
    "yolov6": ("reg", "cls"),
    "yolov8": ("reg", "cls"),
    "yolox": ("reg", "obj", "cls"),
}
"""Family → what each of its levels has."""

BESIDE: Mapping[str, str] = {"pose": "points", "instance_segmentation": "mask", "oriented_detection": "angle"}
"""Task → what its levels have besides, where boxes and scores are maps of their own."""


def facts_of(outputs: Sequence[OutputFacts], settings: HeadSettings) -> HeadFacts | None:
    """What the HEF notes, with what the user adds; where it names no outputs, what their shapes tell."""
    told = HeadFacts.of(settings.facts)
    if told.ends:
        return told
    return _spread(told, outputs, settings) if told.family in ROLES else guess(outputs, settings)


def _spread(told: HeadFacts, outputs: Sequence[OutputFacts], settings: HeadSettings) -> HeadFacts:
    """The facts of a family that the user names, for each resolution of the outputs."""
    sizes = sorted((grid for grid in _grids(outputs) if len(grid) > 1), key=lambda grid: grid[0], reverse=True)
    if told.mask_coefficients:
        sizes = sizes[1:]  # the finest are the prototypes
    roles = ROLES[told.family]
    if told.task in BESIDE and roles != ("anchors",):
        roles = (*roles, BESIDE[told.task])
    ends = tuple((role, _stride(settings.input_height, size[0])) for size in sizes for role in roles)
    probable = all(one.is_probability for one in outputs if one.shape[-1:] != (told.numbers("reg"),))
    scores = told.scores or ("probabilities" if probable else "logits")
    return replace(told, task=told.task or "detection", ends=ends, scores=scores)


def guess(outputs: Sequence[OutputFacts], settings: HeadSettings) -> HeadFacts | None:
    """The facts of a detector with these outputs; None if their shapes do not tell one."""
    grids = _grids(outputs)
    if len(grids) < 2 or any(one.kind != "tensor" or len(one.shape) != 3 for one in outputs):
        return None
    sizes = sorted(grids, key=lambda grid: grid[0] * grid[1], reverse=True)
    prototypes = 0
    if len(grids[sizes[0]]) == 1 and len(grids[sizes[1]]) > 1:
        prototypes = grids[sizes[0]][0].shape[2]
        sizes = sizes[1:]
    levels = [grids[size] for size in sizes]
    channels = {tuple(sorted(one.shape[2] for one in level)) for level in levels}
    if len(channels) != 1 or len(levels) < 2:
        return None
    facts = _of_channels([one.shape[2] for one in levels[0]], len(settings.names), prototypes)
    if facts is None:
        return None
    strides = [_stride(settings.input_height, size[0]) for size in sizes]
    roles = [role for role, _ in facts.ends]
    ends = tuple((role, stride) for stride in strides for role in roles)
    scores = [one for level in levels for one in level if one.shape[2] == facts.classes * facts.per_cell]
    return replace(facts, ends=ends, scores="probabilities" if all(one.is_probability for one in scores) else "logits")


def _grids(outputs: Sequence[OutputFacts]) -> dict[tuple[int, ...], list[OutputFacts]]:
    grids: dict[tuple[int, ...], list[OutputFacts]] = {}
    for one in outputs:
        grids.setdefault(one.shape[:2], []).append(one)
    return grids


def _stride(side: int, cells: int) -> int:
    """The power of two nearest to pixels a cell."""
    return 1 << round(log2(side / cells))


def _of_channels(channels: list[int], named: int, prototypes: int) -> HeadFacts | None:
    """The facts of a level whose maps have these channels, in the order of the outputs; strides are left out."""
    if sorted(channels) == [2, 8, 20]:
        ends = tuple((role, 0) for role in ("reg", "cls", "points"))
        return HeadFacts("face_detection", "scrfd", 1, per_cell=2, keypoints=5, keypoint_values=2, ends=ends)
    bins = BINS if 4 * BINS in channels else 1
    if bins == 1 and 4 not in channels:
        return None
    rest = list(channels)
    rest.remove(4 * bins)
    family = "yolov8" if bins > 1 else "yolo26"
    facts = HeadFacts("detection", family, reg_max=bins if bins > 1 else 0, ends=(("reg", 0), ("cls", 0)))
    if len(rest) == 1 and not prototypes:
        return replace(facts, classes=rest[0])
    if len(rest) != 2:
        return None
    return _with_third(facts, rest, named, prototypes)


def _with_third(facts: HeadFacts, rest: list[int], named: int, prototypes: int) -> HeadFacts | None:
    """Classes and one more thing."""
    if FEWEST_MASKS <= prototypes <= MOST_MASKS and prototypes in rest:
        classes = rest[1 - rest.index(prototypes)]
        task, third = "instance_segmentation", "mask"
        facts = replace(facts, mask_coefficients=prototypes)
    elif prototypes:
        return None
    elif facts.reg_max == 0 and 1 in rest:
        ends = (("reg", 0), ("obj", 0), ("cls", 0))
        return replace(facts, family="yolox", classes=max(rest), ends=ends)
    elif 1 in rest and max(rest) % 3 == 0 and max(rest) >= 51 and named <= 1:
        classes, task, third = 1, "pose", "points"
        facts = replace(facts, keypoints=max(rest) // 3, keypoint_values=3)
    elif 1 in rest:
        classes, task, third = max(rest), "oriented_detection", "angle"
    else:
        return None
    return replace(facts, task=task, classes=classes, ends=(*facts.ends, (third, 0)))
