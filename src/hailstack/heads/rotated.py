"""How much turned boxes overlap, exactly, and suppression by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.floating]


PARALLEL = 1e-4
"""Sine of the angle below which two edges are taken for parallel: what float32 coordinates leave of an angle."""

TOUCHING = 1e-3
"""Pixels between parallel edges below which they are taken for one."""

TINY = 1e-12
"""So that a box without width divides by something."""


def suppress_rotated(
    corners: NDArray[np.float32], class_id: NDArray[np.int32], iou: float, most: int
) -> NDArray[np.intp]:
    """Greedy suppression within each class, as :func:`hailstack.heads.nms.suppress` does for upright boxes.

    Args:
        corners: ``(n, 4, 2)``, clockwise, best first.
    """
    left, kept = np.arange(len(corners)), list[int]()
    low, high = corners.min(axis=1), corners.max(axis=1)
    while left.size and len(kept) < most:
        best, left = int(left[0]), left[1:]
        kept.append(best)
        meets = (low[left] < high[best]).all(axis=1) & (high[left] > low[best]).all(axis=1)
        near = np.flatnonzero(meets & (class_id[left] == class_id[best]))
        gone = near[rotated_iou(corners[best], corners[left[near]]) > iou]
        left = np.delete(left, gone)
    return np.array(kept, np.intp)


def rotated_iou(one: Corners, others: Corners) -> NDArray[np.float64]:
    """Intersection over union of a rectangle ``(4, 2)`` with others ``(n, 4, 2)``, corners clockwise: ``(n,)``.

    The outline of the common part consists of what of each one's edges lies within the other (clipped after Cyrus and
    Beck, 1978); its area is the sum of the triangles between the origin and each of these (the shoelace formula).
    """
    second = np.asarray(others, np.float64)
    first = np.broadcast_to(np.asarray(one, np.float64), second.shape)
    # Close to the origin no digits are lost.
    centre = first.mean(axis=1, keepdims=True)
    first, second = first - centre, second - centre
    common = np.maximum(_clipped(first, second, True) + _clipped(second, first, False), 0)
    area = _area(first) + _area(second) - common
    return np.asarray(np.divide(common, area, out=np.zeros_like(common), where=area > 0))


def _area(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    following = np.roll(corners, -1, axis=1)
    return np.asarray(_cross(corners, following).sum(axis=1) / 2)


def _clipped(inner: NDArray[np.float64], outer: NDArray[np.float64], with_shared: bool) -> NDArray[np.float64]:
    """What the edges of ``inner`` within ``outer`` add to the area.

    Edges that both share are counted ``with_shared``, so that one of two calls counts them, and only if both lie
    on the same side of it: boxes that touch have nothing in common.
    """
    way, side = np.roll(inner, -1, axis=1) - inner, np.roll(outer, -1, axis=1) - outer
    side = side / np.maximum(np.linalg.norm(side, axis=2, keepdims=True), TINY)
    # For each edge (axis 1) and each side (axis 2): how far inside it begins, and how far inwards it goes.
    begin = _cross(side[:, None], inner[:, :, None] - outer[:, None])
    speed = _cross(side[:, None], way[:, :, None])
    flat = np.abs(speed) <= PARALLEL * np.linalg.norm(way, axis=2)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        at = np.where(flat, 0, -begin / speed)
    enter = np.maximum(np.where(flat | (speed < 0), 0, at).max(axis=2), 0)
    leave = np.minimum(np.where(flat | (speed > 0), 1, at).min(axis=2), 1)
    middle = begin + speed / 2
    shared = flat & (np.abs(middle) <= TOUCHING)
    along = (side[:, None] * way[:, :, None]).sum(axis=3) > 0
    outside = np.where(shared, ~along | (not with_shared), flat & (middle < 0)).any(axis=2)
    length = np.where(outside, 0, np.maximum(leave - enter, 0))
    start = inner + enter[..., None] * way
    return np.asarray((_cross(start, way) * length).sum(axis=1) / 2)


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
