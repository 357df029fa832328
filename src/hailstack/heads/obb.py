"""Boxes that are turned: ships, parcels, vehicles from above."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InferencePipelineError
from hailstack.heads.cells import CellDetector
from hailstack.heads.codings import SideBoxes
from hailstack.heads.nms import strongest
from hailstack.heads.outputs import NOT_A_NUMBER, Geometry, Outputs
from hailstack.heads.rotated import suppress_rotated
from hailstack.heads.values import sigmoid
from hailstack.types import Detections

BEFORE = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]], np.float32)
"""A box's corners before it is turned, clockwise as pictures are seen (y points down)."""


@dataclass(frozen=True, slots=True, eq=False)
class OrientedHead:
    """Detections with corners.

    With the distances ``l, t, r, b`` of the cell's point to the sides of the turned box and its angle ``a``::

        centre = point + turn(a) · ((r - l) / 2, (b - t) / 2)      size = (l + r, t + b)

    and ``a = (sigmoid(t) - 0.25) * pi`` for YOLOv8 and YOLO11 (their published ``OBB`` layer and ``dist2rbox``), the
    number itself for YOLO26 (``OBB26``). Of boxes of one class the weaker goes where their exact overlap is too large.

    Raises:
        InferencePipelineError: a score, a strong box or its angle is not a number.
    """

    detector: CellDetector
    """Whose boxes are :class:`SideBoxes`."""
    plain_angle: bool = False
    names: tuple[str, ...] = ()

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Detections:
        strong = self.detector.strong(outputs)
        strong = strong.take(strongest(strong.score))
        corners = self._corners(outputs, strong.row)
        if not np.isfinite(corners).all():
            message = f"a box of the outputs is not a number: {NOT_A_NUMBER}"
            raise InferencePipelineError(message)
        limits = self.detector.limits
        kept = np.arange(len(corners))[: limits.max_objects]
        if limits.iou < 1:
            kept = suppress_rotated(corners, strong.class_id, limits.iou, limits.max_objects)
        placed, strong = corners[kept], strong.take(kept)
        around = np.concatenate([placed.min(axis=1), placed.max(axis=1)], axis=1)
        boxes = Detections(geometry.to_source(around), strong.score, strong.class_id, self.names)
        return replace(boxes, corners=geometry.points_to_source(placed))

    def _corners(self, outputs: Outputs, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        pyramid, coding = self.detector.pyramid, cast(SideBoxes, self.detector.coding)
        stride = coding.reach[rows, 2:]
        sides = coding.sides(pyramid.real("reg", outputs, rows))
        near, far = sides[:, :2] * stride, sides[:, 2:] * stride
        number = pyramid.real("angle", outputs, rows)[:, 0]
        angle = number if self.plain_angle else (sigmoid(number) - np.float32(0.25)) * np.float32(np.pi)
        turn = _turns(angle)
        shift = ((far - near) / 2)[:, None] @ turn
        return np.asarray(coding.middle[rows, None, :2] + shift + (BEFORE * (near + far)[:, None]) @ turn, np.float32)


def _turns(angle: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(n, 2, 2)``: a row vector times it is turned clockwise, as pictures are seen."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(np.stack([np.stack([cos, sin], 1), np.stack([-sin, cos], 1)], 1), np.float32)
