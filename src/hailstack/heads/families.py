"""From what is known about a detector's outputs to its scores and boxes: one line a family."""

from __future__ import annotations

from dataclasses import replace

from hailstack.heads.binding import HeadFacts
from hailstack.heads.codings import AnchorBoxes, CentreBoxes, Coding, FastestBoxes, SideBoxes
from hailstack.heads.levels import Level, Places
from hailstack.heads.peaks import PeakBoxes, PeakScores
from hailstack.heads.scores import ClassScores, ObjectScores, Scores, SharedScores

SIDED = frozenset({"fcos", "nanodet", "scrfd", "yolo26", "yolov6", "yolov8"})
ANCHORED = frozenset({"yolov3", "yolov4", "yolov5"})

VARIANCES = (10.0, 5.0)
"""What SSD and most of its heirs divide by: 1 / 0.1 and 1 / 0.2 (its published ``PriorBox`` layers)."""


def coding_of(facts: HeadFacts, levels: tuple[Level, ...], input_size: tuple[int, int]) -> Coding | None:
    """How boxes are written; None if that is not known.

    Args:
        input_size: width and height.
    """
    places, family = Places.of(levels), facts.family
    anchored = all(len(level.anchors) == level.per_cell for level in levels)
    if family == "centernet":
        return PeakBoxes(places) if {"size", "offset"} <= levels[0].parts.keys() and len(levels) == 1 else None
    if family in SIDED:
        return SideBoxes.of(places, max(facts.reg_max, 1), _offset(facts, 0.0 if family == "scrfd" else 0.5))
    if family == "yolox":
        return CentreBoxes.of_cells(places, _offset(facts, 0.0))
    if family == "ssd" and anchored:
        y, x, height, width = facts.coordinates if facts.scale_factors else (1, 0, 3, 2)
        factors = facts.scale_factors or VARIANCES
        return CentreBoxes.of_anchors(places, factors, (x, y, width, height), _offset(facts, 0.5))
    if family in ANCHORED and anchored:
        reach = 0.0 if family == "yolov5" else facts.reach
        return AnchorBoxes(places, reach, facts.scores == "probabilities")
    return FastestBoxes(places, input_size) if is_fastest(facts) else None


def scores_of(facts: HeadFacts, levels: tuple[Level, ...]) -> Scores:
    """Which boxes are strong."""
    if facts.family == "centernet":
        return PeakScores()
    if is_fastest(facts):
        return ObjectScores("fastest")
    if facts.score_function == "softmax":
        return SharedScores(facts.background)
    if "obj" not in levels[0].parts:
        return ClassScores(facts.background)
    geometric = facts.family == "fcos" or (facts.family == "yolox" and facts.keypoints == FACE_POINTS)
    return ObjectScores("geometric" if geometric else "product")


FACE_POINTS = 5
"""Eyes, nose, corners of the mouth."""

RETINA_SIDES = ((16.0, 32.0), (64.0, 128.0), (256.0, 512.0))
"""Sides of the square anchors of RetinaFace's levels, at strides 8, 16 and 32 (``min_sizes`` of both its networks)."""


def completed(facts: HeadFacts) -> HeadFacts:
    """With what the network does not tell about itself, but is the same in all of its family."""
    if is_fastest(facts):
        return replace(facts, background=False)  # its classes compete, but objectness says whether there is one
    is_retina = facts.family == "ssd" and facts.keypoints == FACE_POINTS and facts.per_cell == 2
    if is_retina and not facts.anchors and {stride for _, stride in facts.ends} == {8, 16, 32}:
        return replace(facts, anchors=tuple(tuple((side, side) for side in level) for level in RETINA_SIDES))
    return facts


def is_fastest(facts: HeadFacts) -> bool:
    """FastestDet: one level with boxes, objectness, and classes that compete."""
    roles = sorted(role for role, _ in facts.ends)
    return roles == ["cls", "obj", "reg"] and not facts.family and facts.score_function == "softmax"


def _offset(facts: HeadFacts, usual: float) -> float:
    return usual if facts.offset is None else facts.offset
