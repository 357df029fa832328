"""Binding the heads of detectors whose outputs leave the chip as they are."""

from __future__ import annotations

from collections.abc import Sequence

from hailstack.heads.binding import HeadFacts, find_levels, find_prototypes
from hailstack.heads.cells import CellDetector, CellHead, Limits
from hailstack.heads.codings import SideBoxes
from hailstack.heads.families import coding_of, completed, scores_of
from hailstack.heads.guess import facts_of
from hailstack.heads.instances import InstanceHead
from hailstack.heads.levels import Places, Pyramid
from hailstack.heads.obb import OrientedHead
from hailstack.heads.outputs import Head, OutputFacts
from hailstack.heads.points import BODY, BODY_POINTS, Points
from hailstack.heads.pose import PoseHead
from hailstack.heads.settings import HeadSettings
from hailstack.heads.values import Values

CONFIDENCE = 0.25
"""From which boxes are results where the user says nothing: Ultralytics' ``predict`` and YOLOX's ``demo`` have it."""

OVERLAP = 0.7
"""Above which the weaker box goes where the user says nothing: Ultralytics' and the vendor's for YOLOv8."""

OVERLAPS = {"yolox": 0.65}
"""The same for families that have another."""

FACE_OVERLAP = 0.4
"""The same for faces: SCRFD's and RetinaFace's."""


def bind_detector(task: str, outputs: Sequence[OutputFacts], settings: HeadSettings) -> Head | None:
    """The head of that task; None if the outputs are not those of a detector that we know how to decode."""
    facts = facts_of(outputs, settings)
    if facts is None or facts.task != task:
        return None
    facts = completed(facts)
    detector = make_detector(facts, outputs, settings)
    if detector is None:
        return None
    settings.check_names(facts.classes - facts.background)
    return _dressed(facts, detector, outputs, settings)


def _dressed(
    facts: HeadFacts, detector: CellDetector, outputs: Sequence[OutputFacts], settings: HeadSettings
) -> Head | None:
    """The detector with what else its boxes have; None if that is not known."""
    names, parts, coding = settings.names, detector.pyramid.levels[0].parts, detector.coding
    if facts.task == "instance_segmentation":
        prototypes = find_prototypes(facts, outputs)
        if prototypes is None or "mask" not in parts:
            return None
        return InstanceHead(detector, Values.of(prototypes), (settings.input_width, settings.input_height), names)
    if facts.task == "oriented_detection":
        ready = isinstance(coding, SideBoxes) and "angle" in parts
        return OrientedHead(detector, facts.family == "yolo26", names) if ready else None
    if not facts.keypoints:
        return CellHead(detector, names)
    points = Points.of(facts, coding, Places.of(detector.pyramid.levels))
    skeleton = BODY if facts.keypoints == BODY_POINTS else ()
    return PoseHead(detector, points, names, skeleton) if points is not None and "points" in parts else None


def make_detector(facts: HeadFacts, outputs: Sequence[OutputFacts], settings: HeadSettings) -> CellDetector | None:
    """What finds boxes; None if how they are coded is not known."""
    levels = find_levels(facts, outputs)
    if levels is None:
        return None
    coding = coding_of(facts, levels, (settings.input_width, settings.input_height))
    if coding is None:
        return None
    limits = limits_of(facts, settings)
    return CellDetector(Pyramid.of(levels), scores_of(facts, levels), coding, limits)


def limits_of(facts: HeadFacts, settings: HeadSettings) -> Limits:
    """As the user says, else as usual for the family."""
    usual = FACE_OVERLAP if facts.task == "face_detection" else OVERLAPS.get(facts.family, OVERLAP)
    iou = usual if settings.iou is None else settings.iou
    confidence = CONFIDENCE if settings.confidence is None else settings.confidence
    return Limits(confidence, iou if facts.nms else 1.0, settings.max_objects)
