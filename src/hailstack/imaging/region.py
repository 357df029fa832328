"""A turned part of a picture, upright, as a network's input."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hailstack.imaging.raster import warp_affine
from hailstack.types import Image


@dataclass(frozen=True, slots=True)
class RegionPlacement:
    """The way back from pixels of a cropped region to pixels of the source picture; continuous coordinates.

    ``source = matrix @ (x, y, 1)``.
    """

    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    source_width: int
    source_height: int

    def points_to_source(self, points: ArrayLike) -> NDArray[np.float32]:
        """Points ``(..., 2)`` in pixels of the source picture from pixels of the crop, not clipped; float32."""
        matrix = np.array(self.matrix)
        return np.asarray(np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2], np.float32)

    def to_source(self, xyxy: ArrayLike) -> NDArray[np.float32]:
        """Boxes ``(n, 4)`` around what boxes of the crop cover, in pixels of the source picture, clipped to it."""
        boxes = np.asarray(xyxy, np.float64).reshape(-1, 4)
        corners = self.points_to_source(boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]])
        limit = np.array([self.source_width, self.source_height] * 2, np.float32)
        around = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        return np.asarray(np.clip(around, 0, limit), np.float32)


def crop_region(image: Image, corners: ArrayLike, height: int, width: int) -> tuple[Image, RegionPlacement]:
    """What lies within a turned square, upright; black beyond the picture's edge.

    Args:
        image: RGB uint8 ``(h, w, 3)``.
        corners: ``(4, 2)`` in pixels of the picture: where the crop's upper left, upper right, lower right and lower
            left corner lie, as in :attr:`hailstack.types.Detections.regions`.

    Returns:
        uint8 ``(height, width, 3)`` and the way back.
    """
    square = np.asarray(corners, np.float32)
    inside = np.array([[0, 0], [width, 0], [width, height]], np.float32)
    back = np.asarray(cv2.getAffineTransform(inside, square[:3]), np.float64)
    # Pixel i has its centre at i + 0.5 in continuous coordinates, at i in OpenCV's.
    centres = back.copy()
    centres[:, 2] += back[:, :2] @ (0.5, 0.5) - 0.5
    crop = warp_affine(image, cv2.invertAffineTransform(centres), height, width)
    rows = (tuple(map(float, back[0])), tuple(map(float, back[1])))
    return crop, RegionPlacement(rows, image.shape[1], image.shape[0])  # type: ignore[arg-type]
