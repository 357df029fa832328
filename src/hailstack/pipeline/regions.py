"""Which parts of a picture a second network looks at, from what a first one has found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.imaging import Preprocess
from hailstack.types import Detections


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the objects are looked at."""

    classes: frozenset[str] = frozenset()
    """By name; empty: all."""
    at_most: int | None = None
    """In each frame, the strongest first; None: all."""

    def rows(self, found: Detections) -> list[int]:
        """Their indices."""
        rows = [row for row in range(len(found)) if not self.classes or found.name(row) in self.classes]
        return rows[: self.at_most]


def corners_of(found: Detections, preprocess: Preprocess) -> NDArray[np.float32]:
    """``(n, 4, 2)``: upper left, upper right, lower right and lower left corner of what the second network is shown.

    The turned squares of a head that gives some; else the boxes, grown around their centres to the shape of the
    network's input, so that nothing is distorted. A network whose pictures are stretched gets the boxes as they are.
    """
    if found.regions is not None:
        return found.regions
    centre = (found.xyxy[:, :2] + found.xyxy[:, 2:]) / 2
    size = found.xyxy[:, 2:] - found.xyxy[:, :2]
    if preprocess.mode != "stretch":
        shape = np.array([preprocess.width, preprocess.height], np.float32)
        size = (size / shape).max(axis=1, keepdims=True, initial=0.0) * shape
    offsets = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]], np.float32)
    return np.asarray(centre[:, None] + offsets * np.maximum(size, 1.0)[:, None], np.float32)
