"""Turned squares around objects, for networks that look closer: from a palm to a hand, from a face to its mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CORNERS = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
"""Of a square around the origin, clockwise from the upper left, in sides."""


@dataclass(frozen=True, slots=True)
class RegionRule:
    """How the square of an object follows from its box and two of its key points.

    As MediaPipe's ``DetectionsToRects`` and ``RectTransformation`` calculators do it, in pixels of the picture.
    """

    start: int
    """Key point where the object's axis begins."""
    end: int
    angle_rad: float
    """Where the axis points to in the square, counter-clockwise from the right: π/2 is up."""
    scale: float
    """Side of the square, as a multiple of the box's longer side."""
    shift: float = 0.0
    """How far the square is moved down along its own side, as a multiple of the box's height."""

    def squares(self, xyxy: NDArray[np.floating], points: NDArray[np.floating]) -> NDArray[np.float32]:
        """The corners ``(n, 4, 2)`` of squares from boxes ``(n, 4)`` and key points ``(n, k, 2)``.

        Upper left, upper right, lower right, lower left, as the object sees it: the square is turned with it.
        """
        size = xyxy[:, 2:] - xyxy[:, :2]
        axis = points[:, self.end] - points[:, self.start]
        turn = self.angle_rad - np.arctan2(-axis[:, 1], axis[:, 0])
        # Rows of a rotation by ``turn`` in pixels, where y points down: clockwise for positive angles.
        right = np.stack([np.cos(turn), np.sin(turn)], 1)
        down = np.stack([-np.sin(turn), np.cos(turn)], 1)
        centre = (xyxy[:, :2] + xyxy[:, 2:]) / 2 + self.shift * size[:, 1:] * down
        side = self.scale * size.max(axis=1, initial=0.0)[:, None, None]
        offsets = CORNERS[None, :, :1] * right[:, None] + CORNERS[None, :, 1:] * down[:, None]
        return np.asarray(centre[:, None] + side * offsets, np.float32)
