"""Boxes with key points: bodies, faces, whatever else has joints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hailstack.heads.cells import CellDetector, CellHead
from hailstack.heads.outputs import Geometry, Outputs
from hailstack.heads.points import Points
from hailstack.types import Detections


@dataclass(frozen=True, slots=True, eq=False)
class PoseHead:
    """Detections with key points, which may lie outside the picture.

    Raises:
        InferencePipelineError: a score, a strong box or one of its points is not a number.
    """

    detector: CellDetector
    points: Points
    names: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = field(default=())

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Detections:
        found = self.detector.find(outputs)
        numbers = self.detector.pyramid.real("points", outputs, found.row)
        points = self.points.decode(numbers, found.row, found.score)
        points[..., :2] = geometry.points_to_source(points[..., :2])
        boxes = CellHead.detections(found, geometry, self.names)
        return replace(boxes, keypoints=np.asarray(points, np.float32), skeleton=self.skeleton)
