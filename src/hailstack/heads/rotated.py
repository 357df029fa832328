"""How much turned boxes overlap, exactly, and suppression by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.floating]


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


def _clipped(inner: NDArray[np.float64], outer: NDArray[np.float64], on_edge: bool) -> NDArray[np.float64]:
    """What the edges of ``inner`` within ``outer`` add to the area; those along an edge of it if ``on_edge``."""
    way = np.roll(inner, -1, axis=1) - inner
    side = np.roll(outer, -1, axis=1) - outer
    # For each edge (axis 1) and each side (axis 2): how far inside it begins, and how fast it goes inwards.
    begin = _cross(side[:, None], inner[:, :, None] - outer[:, None])
    speed = _cross(side[:, None], way[:, :, None])
    flat = np.abs(speed) <= 1e-12 * np.maximum(np.abs(begin), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = np.where(flat, 0, -begin / speed)
    enter = np.where(flat | (speed < 0), 0, at).max(axis=2)
    leave = np.where(flat | (speed > 0), 1, at).min(axis=2)
    outside = (flat & (begin < 0 if on_edge else begin <= 0)).any(axis=2)
    length = np.where(outside, 0, np.maximum(np.minimum(leave, 1) - np.maximum(enter, 0), 0))
    start = inner + np.maximum(enter, 0)[..., None] * way
    return np.asarray((_cross(start, way) * length).sum(axis=1) / 2)


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
