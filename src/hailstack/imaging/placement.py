"""Where a source picture lies in a network's input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Placement:
    """The way back from pixels of the network's input to pixels of the source picture.

    ``input = source * scale + offset`` on each axis, in continuous coordinates: pixel ``i`` covers ``i .. i + 1``.
    """

    scale_x: float
    scale_y: float
    offset_x: float
    offset_y: float
    source_width: int
    source_height: int

    def to_source(self, xyxy: ArrayLike) -> NDArray[np.float32]:
        """Boxes in pixels of the source picture, clipped to it.

        Args:
            xyxy: ``(n, 4)`` in pixels of the network's input.

        Returns:
            ``(n, 4)`` float32.
        """
        boxes = np.asarray(xyxy, dtype=np.float64).reshape(-1, 4)
        offset = np.array([self.offset_x, self.offset_y] * 2)
        scale = np.array([self.scale_x, self.scale_y] * 2)
        limit = np.array([self.source_width, self.source_height] * 2, dtype=np.float64)
        source: NDArray[np.float32] = np.clip((boxes - offset) / scale, 0.0, limit).astype(np.float32)
        return source

    def points_to_source(self, points: ArrayLike) -> NDArray[np.float32]:
        """Points in pixels of the source picture, not clipped: a hand may reach beyond the picture's edge.

        Args:
            points: ``(..., 2)``, x and y in pixels of the network's input.

        Returns:
            The same shape, float32.
        """
        placed = np.asarray(points, dtype=np.float64)
        offset, scale = np.array([self.offset_x, self.offset_y]), np.array([self.scale_x, self.scale_y])
        source: NDArray[np.float32] = ((placed - offset) / scale).astype(np.float32)
        return source

    def to_input(self, xyxy: ArrayLike) -> NDArray[np.float32]:
        """Boxes of the source picture in pixels of the network's input, not clipped; the inverse of ``to_source``."""
        boxes = np.asarray(xyxy, dtype=np.float64).reshape(-1, 4)
        offset = np.array([self.offset_x, self.offset_y] * 2)
        scale = np.array([self.scale_x, self.scale_y] * 2)
        placed: NDArray[np.float32] = (boxes * scale + offset).astype(np.float32)
        return placed
