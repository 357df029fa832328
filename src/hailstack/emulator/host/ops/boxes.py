"""Candidate boxes and greedy non-maximum suppression: the survivors and their order as libhailort 4.23 has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.ops.sorting import descending_order

_PAIRED = 48
"""Boxes of one class up to which all pairs are compared at once."""


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
    order = descending_order(score)
    by_class = order[np.argsort(candidates.class_id[order], kind="stable")]
    rank = np.empty(order.size, np.intp)
    rank[order] = np.arange(order.size)
    scored = by_class[score[by_class] != 0]
    kept = _greedy_by_class(candidates, scored, np.float64(np.float32(iou_threshold)), limit)
    counts = np.bincount(candidates.class_id[kept], minlength=classes)
    if scored.size != by_class.size:
        counts += np.bincount(candidates.class_id[score == 0], minlength=classes)
    return Survivors(kept, rank[kept], counts)


def _greedy_by_class(
    candidates: Candidates, index: NDArray[np.intp], threshold: np.float64, limit: int
) -> NDArray[np.intp]:
    class_id, box = candidates.class_id[index], candidates.box[index]
    starts = np.flatnonzero(np.diff(class_id, prepend=-1))
    sizes = np.diff(starts, append=index.size)
    alive = np.ones(index.size, np.bool_)
    for start, size in zip(starts[sizes > _PAIRED].tolist(), sizes[sizes > _PAIRED].tolist(), strict=True):
        alive[start : start + size] = _greedy(box[start : start + size], threshold, limit)
    small = np.repeat(np.where(sizes > _PAIRED, 0, starts + sizes), sizes)
    _suppress_pairs(box, small, threshold, alive)
    kept = np.flatnonzero(alive)
    place = np.arange(kept.size) - np.searchsorted(class_id[kept], class_id[kept])
    return index[kept[place < limit]]


def _suppress_pairs(
    box: NDArray[np.float32], end: NDArray[np.intp], threshold: np.float64, alive: NDArray[np.bool_]
) -> None:
    """Compare all pairs within short runs at once: box ``i`` with those up to ``end[i]``."""
    count = np.maximum(end - np.arange(end.size) - 1, 0)
    first = np.repeat(np.arange(end.size), count)
    second = np.arange(first.size) - np.repeat(np.cumsum(count) - count, count) + first + 1
    close = np.flatnonzero(overlap(box[first], box[second]) >= threshold)
    state = alive.tolist()
    for better, worse in zip(first[close].tolist(), second[close].tolist(), strict=True):
        if state[better]:
            state[worse] = False
    alive[:] = state


def _greedy(box: NDArray[np.float32], threshold: np.float64, limit: int) -> NDArray[np.bool_]:
    alive = np.zeros(box.shape[0], np.bool_)
    left = np.arange(box.shape[0])
    for _ in range(limit):
        if not left.size:
            break
        best, left = left[0], left[1:]
        alive[best] = True
        left = left[~(overlap(box[best], box[left]) >= threshold)]
    return alive


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
