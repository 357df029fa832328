"""What is really in a rendered picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.demo.camera import Camera
from hailstack.demo.field import Flowers
from hailstack.imaging import raster

MIN_SIDE_PX = 12.0
"""A flower whose longer side is shorter than this is too small to be asked for."""
MIN_VISIBILITY = 0.50
"""A flower that shows less than this share of itself is too hidden to be asked for."""

LISTED_SIDE_PX = 7.0
"""Flowers smaller than this are not listed at all."""
CELL_PX = 16
ROUGH_PX = 9.0
"""Pieces smaller than this are painted without their notches, which nobody sees."""


@dataclass(frozen=True, slots=True, eq=False)
class Painting:
    """Polygons as they appear, in the order in which they are painted."""

    pixels: NDArray[np.float64]
    """``(n, corners, 2)``."""
    low: NDArray[np.float64]
    """``(n, 2)``: left and top."""
    high: NDArray[np.float64]
    """``(n, 2)``: right and bottom."""
    colour: NDArray[np.float32]
    flower: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class FlowerTruth:
    """The flowers of one frame, nearest first; one row of each array per flower."""

    flower: NDArray[np.int32]
    """``(n,)`` identity: the row in the field's :class:`~hailstack.demo.field.Flowers`."""
    class_id: NDArray[np.int32]
    """``(n,)`` index into :data:`~hailstack.demo.field.STAGES`."""
    xyxy: NDArray[np.float32]
    """``(n, 4)`` pixels: the whole flower, hidden parts too, cut at the picture's border."""
    visibility: NDArray[np.float32]
    """``(n,)`` 0..1: the share of the flower's outline that is inside the picture and hidden by nothing."""
    position: NDArray[np.float64]
    """``(n, 3)`` metres in the world, in still air."""
    depth_m: NDArray[np.float32]
    """``(n,)`` along the optical axis."""

    def __len__(self) -> int:
        return len(self.flower)

    @property
    def wanted(self) -> NDArray[np.bool_]:
        """``(n,)``: large and visible enough that a detector should find it; others count neither way."""
        sides = self.xyxy[:, 2:] - self.xyxy[:, :2]
        return np.asarray((sides.max(axis=1, initial=0.0) >= MIN_SIDE_PX) & (self.visibility >= MIN_VISIBILITY))


def find_truth(painting: Painting, flowers: Flowers, camera: Camera) -> FlowerTruth:
    """The flowers in a picture, by painting it once more with identities in place of colours."""
    found, boxes = _boxes(painting)
    cut = np.clip(boxes, 0.0, (camera.lens.width_px, camera.lens.height_px) * 2)
    large = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0) >= LISTED_SIDE_PX
    keep = large & ((cut[:, 2:] - cut[:, :2]) > 0.5).all(axis=1)
    found, boxes, cut = found[keep], boxes[keep], cut[keep]
    visibility = _visibility(painting, found, boxes, camera)
    depth = camera.project(flowers.position[found])[1]
    order = np.argsort(depth, kind="stable")
    return FlowerTruth(
        flower=found[order],
        class_id=flowers.stage[found[order]],
        xyxy=cut[order].astype(np.float32),
        visibility=visibility[order],
        position=flowers.position[found[order]],
        depth_m=depth[order].astype(np.float32),
    )


def _boxes(painting: Painting) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The flowers among the polygons, ``(m,)``, and their bounding boxes, ``(m, 4)``, not cut."""
    rows = np.flatnonzero(painting.flower >= 0)
    rows = rows[np.argsort(painting.flower[rows], kind="stable")]
    found, first = np.unique(painting.flower[rows], return_index=True)
    if not len(found):
        return np.zeros(0, np.int32), np.zeros((0, 4))
    low = np.minimum.reduceat(painting.low[rows], first)
    high = np.maximum.reduceat(painting.high[rows], first)
    return found.astype(np.int32), np.concatenate([low, high], axis=1)


def _visibility(
    painting: Painting, found: NDArray[np.int32], boxes: NDArray[np.float64], camera: Camera
) -> NDArray[np.float32]:
    """Seen pixels of each flower over those it would have alone and in an endless picture."""
    label = np.zeros(int(painting.flower.max(initial=0)) + 2, np.uint16)
    label[found] = np.arange(1, len(found) + 1)
    labels = np.where(painting.flower >= 0, label[painting.flower], 0)
    identity = np.zeros((camera.lens.height_px, camera.lens.width_px), np.uint16)
    matters = _near_a_flower(painting, boxes, camera) & (labels.cumsum() > 0)
    raster.fill_polygons(identity, painting.pixels[matters] - 0.5, labels[matters], rough_below_px=ROUGH_PX)
    seen = np.bincount(identity.ravel(), minlength=len(found) + 1)[1:]
    order = np.argsort(labels, kind="stable")
    begin = np.searchsorted(labels[order], np.arange(1, len(found) + 2))
    alone = [_area(painting.pixels[order[begin[k] : begin[k + 1]]], boxes[k]) for k in range(len(found))]
    return np.clip(seen / np.maximum(alone, 1), 0.0, 1.0).astype(np.float32)


def _near_a_flower(painting: Painting, boxes: NDArray[np.float64], camera: Camera) -> NDArray[np.bool_]:
    """Which polygons may cover a pixel of a box, judged on a grid of cells."""
    rows, columns = -(-camera.lens.height_px // CELL_PX), -(-camera.lens.width_px // CELL_PX)
    taken = np.zeros((rows, columns), np.int32)
    limit = np.array([columns, rows, columns, rows]) - 1
    for left, top, right, bottom in np.clip(boxes // CELL_PX, 0, limit).astype(int):
        taken[top : bottom + 1, left : right + 1] = 1
    total = np.pad(taken.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    spans = np.concatenate([painting.low - 1.0, painting.high + 1.0], axis=1)
    left, top, right, bottom = np.clip(spans // CELL_PX, 0, limit).astype(int).T
    inside = total[bottom + 1, right + 1] - total[top, right + 1] - total[bottom + 1, left] + total[top, left]
    return np.asarray(inside > 0)


def _area(polygons: NDArray[np.float64], box: NDArray[np.float64]) -> int:
    """How many pixels the polygons cover, all else left away."""
    origin = np.floor(box[:2]) - 1.0
    width, height = (np.ceil(box[2:]) + 1.0 - origin).astype(int)
    patch = np.zeros((height, width), np.uint16)
    raster.fill_polygons(patch, polygons - origin - 0.5, np.ones(len(polygons)))
    return int(np.count_nonzero(patch))
