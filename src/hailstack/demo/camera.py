"""Where a point of the field lands in the picture.

World: metres, x to the right of the rows, y along the rows, z up. Camera: x right, y down, z forward. Pixels: the
top left corner of the picture is (0, 0), so the middle of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lens:
    """A pinhole with square pixels and the optical axis in the middle of the picture."""

    width_px: int = 960
    height_px: int = 540
    focal_px: float = 800.0

    @property
    def matrix(self) -> Matrix:
        """``(3, 3)``: camera coordinates to homogeneous pixels."""
        middle_x, middle_y = self.width_px / 2, self.height_px / 2
        return np.array([[self.focal_px, 0, middle_x], [0, self.focal_px, middle_y], [0, 0, 1]], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Where a camera is and which way it looks."""

    position: Matrix
    """``(3,)`` metres."""
    rotation: Matrix
    """``(3, 3)``, world to camera: its rows are the camera's right, down and forward directions."""

    @staticmethod
    def looking(position: ArrayLike, heading_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Pose:
        """A pose by angles: heading clockwise from y seen from above, pitch downwards, roll clockwise."""
        heading, pitch, roll = (math.radians(angle) for angle in (heading_deg, pitch_deg, roll_deg))
        turn = _rotation_z(heading)
        level = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float64)
        rotation = _rotation_z(-roll) @ _rotation_x(pitch) @ level @ turn
        return Pose(np.asarray(position, np.float64), rotation)


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A lens at a place."""

    lens: Lens
    pose: Pose

    def project(self, points: ArrayLike) -> tuple[Matrix, Matrix]:
        """Pixels ``(..., 2)`` and depths ``(...)`` in metres of world points ``(..., 3)``.

        Depth is measured along the optical axis. Points at or behind the camera have depth <= 0; their pixels mean
        nothing.
        """
        seen = (np.asarray(points, np.float64) - self.pose.position) @ self.pose.rotation.T
        depth = seen[..., 2]
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)[..., None]
        middle = np.array([self.lens.width_px / 2, self.lens.height_px / 2])
        return seen[..., :2] / safe * self.lens.focal_px + middle, depth

    def plane(self, height_m: float = 0.0) -> Matrix:
        """``(3, 3)``: homogeneous pixels to homogeneous x, y on the level plane ``z = height_m``."""
        to_plane = np.eye(3)
        to_plane[:, 2] = -self.pose.position
        to_plane[2, 2] += height_m
        return np.asarray(np.linalg.inv(self.lens.matrix @ self.pose.rotation @ to_plane), np.float64)

    def horizon_px(self) -> float:
        """The row of the picture where level ground ends, straight ahead."""
        _, down, forward = self.pose.rotation
        ahead = forward * (1.0, 1.0, 0.0)
        return float(self.lens.height_px / 2 + self.lens.focal_px * (down @ ahead) / (forward @ ahead))


def _rotation_x(angle: float) -> Matrix:
    sine, cosine = math.sin(angle), math.cos(angle)
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]], np.float64)


def _rotation_z(angle: float) -> Matrix:
    sine, cosine = math.sin(angle), math.cos(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], np.float64)
