"""Boxes by class, as HailoRT's NMS gives them → detections in source pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InferencePipelineError
from hailstack.heads.instances import RecordHead
from hailstack.heads.outputs import NOT_A_NUMBER, ClassLists, Geometry, Head, OutputFacts, Outputs
from hailstack.heads.settings import HeadSettings
from hailstack.types import Detections

YXYX_TO_XYXY = [1, 0, 3, 2]


@dataclass(frozen=True, slots=True)
class DetectionHead:
    """Objects by falling score; equal scores by class id, then in the order of the NMS.

    Raises:
        InferencePipelineError: a box or score is not a number. Widths that overflow come from a broken model, and a
            box that is dropped or moved for that would be a made-up answer.
    """

    output: str
    input_height: int
    input_width: int
    names: tuple[str, ...] = ()
    confidence: float = 0.0
    """Weaker objects are left out. Greedy NMS lets no weak box suppress a stronger one, so the rest is unchanged."""

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Detections:
        boxes, class_ids = flatten(outputs[self.output])
        if not np.isfinite(boxes).all():
            message = f"output {self.output} holds a box that is not a number: {NOT_A_NUMBER}"
            raise InferencePipelineError(message)
        keep = boxes[:, 4] >= self.confidence
        boxes, class_ids = boxes[keep], class_ids[keep]
        order = np.argsort(-boxes[:, 4], kind="stable")
        boxes, class_ids = boxes[order], class_ids[order]
        size = np.array([self.input_width, self.input_height] * 2, dtype=np.float64)
        xyxy = geometry.to_source(boxes[:, YXYX_TO_XYXY] * size)
        return Detections(xyxy, boxes[:, 4], class_ids, self.names)


def flatten(by_class: ClassLists | NDArray[np.generic]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """All boxes ``(n, 5)`` float32 and their class ids ``(n,)``, class after class.

    HailoRT gives classes without a hit as float64 arrays; the result is float32 throughout.
    """
    boxes = [np.asarray(one, dtype=np.float32).reshape(-1, 5) for one in by_class]
    counts = [len(one) for one in boxes]
    class_ids = np.repeat(np.arange(len(boxes), dtype=np.int32), counts)
    return (np.concatenate(boxes) if boxes else np.zeros((0, 5), np.float32)), class_ids


def bind_nms(outputs: Sequence[OutputFacts], settings: HeadSettings) -> Head | None:
    """The head for the only output with NMS on the host; None if there is none, or several."""
    found = [one for one in outputs if one.kind != "tensor"]
    if len(found) != 1:
        return None
    (boxes,) = found
    settings.check_names(boxes.classes)
    height, width, least = settings.input_height, settings.input_width, settings.confidence or 0.0
    if boxes.kind == "nms_by_class":
        return DetectionHead(boxes.name, height, width, settings.names, least)
    return RecordHead(boxes.name, (width, height), settings.names, least, boxes.kind == "nms_with_byte_mask")
