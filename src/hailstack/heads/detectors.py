"""Binding the heads of detectors whose outputs leave the chip as they are."""

from __future__ import annotations

from collections.abc import Sequence

from hailstack.heads.binding import HeadFacts, find_levels
from hailstack.heads.cells import CellDetector, CellHead, Limits
from hailstack.heads.families import coding_of, scores_of
from hailstack.heads.levels import Pyramid
from hailstack.heads.outputs import Head, OutputFacts
from hailstack.heads.settings import HeadSettings

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
    facts = HeadFacts.of(settings.facts)
    if facts.task != task:
        return None
    detector = make_detector(facts, outputs, settings)
    if detector is None:
        return None
    settings.check_names(facts.classes - facts.background)
    return CellHead(detector, settings.names)


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
