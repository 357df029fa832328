"""Candidate boxes and greedy non-maximum suppression: the survivors and their order as libhailort 4.23 has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.hostops.sorting import descending_order

_MATRIX = 48
"""Boxes up to which all pairs are compared at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Boxes that passed the score threshold, in the order in which the vendor's library finds them."""

    box: NDArray[np.float32]
    """``(n, 4)``: y_min, x_min, y_max, x_max as fractions of the image."""
    score: NDArray[np.float32]
    class_id: NDArray[np.intp]

    @staticmethod
    def join(parts: list[Candidates]) -> Candidates:
        """Several scales one after the other."""
        if len(parts) == 1:
            return parts[0]
        return Candidates(
            np.concatenate([part.box for part in parts]),
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.class_id for part in parts]),
        )

    def take(self, index: NDArray[np.intp]) -> Candidates:
        return Candidates(self.box[index], self.score[index], self.class_id[index])

    def __len__(self) -> int:
        return int(self.score.size)


@dataclass(frozen=True, slots=True, eq=False)
class Survivors:
    """What suppression left."""

    index: NDArray[np.intp]
    """Rows of the candidates, class by class, best first within a class."""
    rank: NDArray[np.intp]
    """Place of each survivor among all sorted candidates."""
    counts: NDArray[np.intp]
    """Boxes left in each class. More than the survivors where a score is exactly zero: such boxes are counted but
    never written by the vendor's library."""


def suppress(candidates: Candidates, classes: int, iou_threshold: float, limit: int) -> Survivors:
    """Greedy suppression within each class.

    A box goes when its overlap with a better one of its class, computed in float32, is at least ``iou_threshold``.

    Args:
        classes: number of classes to count.
        limit: boxes that matter in a class; the search for more stops there.
    """
    score = candidates.score
    order = _score_order(candidates)
    by_class = order[np.argsort(candidates.class_id[order], kind="stable")]
    rank = np.empty(order.size, np.intp)
    rank[order] = np.arange(order.size)
    scored = by_class[score[by_class] != 0]
    kept = _greedy_by_class(candidates, scored, np.float64(np.float32(iou_threshold)), limit)
    counts = np.bincount(candidates.class_id[kept], minlength=classes)
    if scored.size != by_class.size:
        counts += np.bincount(candidates.class_id[score == 0], minlength=classes)
    return Survivors(kept, rank[kept], counts)


def _score_order(candidates: Candidates) -> NDArray[np.intp]:
    return descending_order(candidates.score)


def _greedy_by_class(
    candidates: Candidates, index: NDArray[np.intp], threshold: np.float64, limit: int
) -> NDArray[np.intp]:
    class_id = candidates.class_id[index]
    edges = np.flatnonzero(class_id[1:] != class_id[:-1]) + 1
    starts, ends = [0, *edges.tolist()], [*edges.tolist(), index.size]
    box = candidates.box[index]
    kept: list[NDArray[np.intp]] = []
    for start, end in zip(starts, ends, strict=True):
        kept.append(index[start:end][_greedy(box[start:end], threshold, limit)])
    return np.concatenate(kept) if kept else index


def _greedy(box: NDArray[np.float32], threshold: np.float64, limit: int) -> Any:
    count = box.shape[0]
    if count <= 1:
        return slice(0, min(count, limit))
    if count <= _MATRIX:
        return _greedy_matrix(box, threshold)[:limit]
    return _greedy_rows(box, threshold, limit)


def _greedy_matrix(box: NDArray[np.float32], threshold: np.float64) -> NDArray[np.intp]:
    close = overlap(box[:, None], box[None]) >= threshold
    alive = np.ones(box.shape[0], np.bool_)
    for row in range(box.shape[0]):
        if alive[row]:
            alive[row + 1 :] &= ~close[row, row + 1 :]
    return np.flatnonzero(alive)


def _greedy_rows(box: NDArray[np.float32], threshold: np.float64, limit: int) -> NDArray[np.intp]:
    kept: list[int] = []
    left = np.arange(box.shape[0])
    while left.size and len(kept) < limit:
        kept.append(int(left[0]))
        left = left[1:]
        left = left[~(overlap(box[kept[-1]], box[left]) >= threshold)]
    return np.array(kept, np.intp)


def overlap(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of boxes ``(..., 4)`` (y_min, x_min, y_max, x_max), rounded to float32 at every step."""
    zero = np.float32(0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        width = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
        height = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
        shared = width * height
        area_a = (a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1])
        area_b = (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
        iou = shared / (area_a + area_b - shared)
        return np.where((width <= zero) | (height <= zero), zero, iou)
