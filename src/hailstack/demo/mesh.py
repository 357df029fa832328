"""Flat pieces in space, ready to be painted from back to front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CORNERS = 8
"""Corners of every polygon; those with fewer repeat their last one."""


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """One row of each array per polygon."""

    corners: NDArray[np.float32]
    """``(n, CORNERS, 3)`` metres, in still air."""
    middle: NDArray[np.float32]
    """``(n, 3)``: the point whose distance decides what is painted over what."""
    colour: NDArray[np.float32]
    """``(n, 3)`` 0..255 as lit."""
    plant: NDArray[np.int32]
    flower: NDArray[np.int32]
    """The flower it is a part of, -1 for leaves and stems."""

    def __len__(self) -> int:
        return len(self.plant)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Mesh:
        """Some of the polygons."""
        return Mesh(self.corners[rows], self.middle[rows], self.colour[rows], self.plant[rows], self.flower[rows])

    def take_plants(self, chosen: NDArray[np.bool_]) -> Mesh:
        """The polygons of some plants; ``chosen`` has one entry per plant of the field."""
        return self.take(chosen[self.plant])


def join(meshes: Sequence[Mesh]) -> Mesh:
    """All polygons of several meshes, in their order."""
    return Mesh(
        np.concatenate([mesh.corners for mesh in meshes]),
        np.concatenate([mesh.middle for mesh in meshes]),
        np.concatenate([mesh.colour for mesh in meshes]),
        np.concatenate([mesh.plant for mesh in meshes]),
        np.concatenate([mesh.flower for mesh in meshes]),
    )


def outline(points: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """``(CORNERS, dimensions)``: a polygon of at most that many corners, padded with its last one."""
    padded = [*points, *([points[-1]] * (CORNERS - len(points)))]
    return np.asarray(padded, np.float32)


def frames(axis: NDArray[np.float64], spin: NDArray[np.float64]) -> NDArray[np.float32]:
    """``(n, 3, 3)`` right-handed axes whose third is ``axis`` (unit vectors), turned around it by ``spin`` radians.

    Row ``k`` of a frame is the world direction of local axis ``k``: ``world = local @ frame``.
    """
    aside = np.where(np.abs(axis[:, 2:]) < 0.9, np.array([[0.0, 0.0, 1.0]]), np.array([[1.0, 0.0, 0.0]]))
    first = np.cross(aside, axis)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(axis, first)
    cosine, sine = np.cos(spin)[:, None], np.sin(spin)[:, None]
    turned = [first * cosine + second * sine, second * cosine - first * sine, axis]
    return np.stack(turned, axis=1).astype(np.float32)


def extent(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest coordinates ``(n, ...)`` of polygons ``(n, corners, ...)``.

    Numpy's own reduction of a short middle axis takes five times as long.
    """
    low, high = points[:, 0].copy(), points[:, 0].copy()
    for corner in range(1, points.shape[1]):
        np.minimum(low, points[:, corner], out=low)
        np.maximum(high, points[:, corner], out=high)
    return low, high


def normals(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(n, 3)`` unit normals of polygons ``(n, corners, 3)``, by the area vector, so padding does no harm."""
    following = np.roll(corners, -1, axis=1)
    area = np.cross(corners, following).sum(axis=1)
    return np.asarray(area / np.maximum(np.linalg.norm(area, axis=1, keepdims=True), 1e-12), np.float32)
