"""Key points beside a box: for each so many pixels from where they begin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.heads.binding import HeadFacts
from hailstack.heads.codings import CentreBoxes, Coding
from hailstack.heads.levels import Places
from hailstack.heads.values import sigmoid

BODY = tuple(
    (a - 1, b - 1)
    for a, b in (
        *((16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9), (8, 10)),
        *((9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)),
    )
)
"""Which of COCO's points of a body a line joins (``skeleton`` in its annotations, which count from 1)."""

BODY_POINTS = 17
"""COCO's: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles; left before right."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """``point = begin + t * unit``, and where there is a third number a point's score is its sigmoid.

    =====================  ==============================  ========================================================
    family                 point                           source
    =====================  ==============================  ========================================================
    YOLOv8, YOLO11         ``(2 * t + x) * s``             the published ``Pose`` layer
    YOLO26                 ``(t + x + 0.5) * s``           the published ``Pose26`` layer
    SCRFD, YuNet, Centers  ``(t + x) * s``                 insightface, OpenCV's ``FaceDetectorYN``, CenterNet
    RetinaFace             ``(x + 0.5) * s + t / 10 * aw``  its published ``decode_landm``
    =====================  ==============================  ========================================================
    """

    begin: NDArray[np.float32]
    """``(all, 2)`` in pixels of the input."""
    unit: NDArray[np.float32]
    """``(all, 2)``."""
    count: int
    values: int
    """Numbers for each point: 2, or 3 with its score."""

    @classmethod
    def of(cls, facts: HeadFacts, coding: Coding, places: Places) -> Points | None:
        """For a family; None if nothing is known about its points."""
        count, values, half = facts.keypoints, facts.keypoint_values, np.float32(0.5)
        if facts.family == "yolov8":
            return cls(places.cell, 2 * places.stride, count, values)
        if facts.family == "yolo26":
            return cls(places.cell + half * places.stride, places.stride, count, values)
        if facts.family in ("scrfd", "yolox", "centernet"):
            return cls(places.cell, places.stride, count, values)
        if facts.family == "ssd" and isinstance(coding, CentreBoxes):
            return cls(coding.middle, coding.unit, count, values)
        return None

    def decode(
        self, numbers: NDArray[np.float32], rows: NDArray[np.intp], scores: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """``(n, count, 3)``: x, y in pixels of the input, score; where points have none, their object's."""
        parted = numbers.reshape(len(rows), self.count, self.values)
        made = np.empty((len(rows), self.count, 3), np.float32)
        made[..., :2] = self.begin[rows, None] + parted[..., :2] * self.unit[rows, None]
        made[..., 2] = sigmoid(parted[..., 2]) if self.values == 3 else scores[:, None]
        return made
