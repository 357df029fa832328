"""Of boxes that show the same object only the best."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Boxes: TypeAlias = NDArray[np.float32]
Rows: TypeAlias = NDArray[np.intp]

MOST_CANDIDATES = 1024
"""Boxes that suppression compares, the strongest of a frame. It bounds the time of a frame whose every cell answers;
the objects are those of all candidates as long as no more than this many lie above the weakest object given."""

BLOCK = 64
"""Boxes that are compared with all weaker ones at once: small enough for their matrix to stay in the cache."""


def strongest(score: NDArray[np.float32], most: int = MOST_CANDIDATES) -> Rows:
    """Indices of the ``most`` highest scores, best first; equals in their own order."""
    if len(score) > 2 * most:
        pick = np.flatnonzero(score >= np.partition(score, len(score) - most)[len(score) - most])
        return np.asarray(pick[np.argsort(-score[pick], kind="stable")[:most]])
    return np.argsort(-score, kind="stable")[:most]


FEW_PAIRS = 4096
"""Pairs of boxes of one class up to which each is looked at; above that, blocks of boxes are compared with all."""


def suppress(xyxy: Boxes, class_id: NDArray[np.int32], iou: float, most: int) -> Rows:
    """Greedy suppression within each class: the indices of the boxes that stay, at most ``most``, ascending.

    A box goes when its intersection over union with a better one of its class that stays is above ``iou``, as in
    torchvision's ``batched_nms``.

    Args:
        xyxy: ``(n, 4)``, best first.
        class_id: ``(n,)``.
    """
    order = np.argsort(class_id, kind="stable")
    starts = np.flatnonzero(np.diff(class_id[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    share = np.float32(iou / (1 + iou))
    if (sizes * (sizes - 1)).sum() // 2 > FEW_PAIRS:
        return _by_blocks(xyxy, class_id, share, most)
    weaker = np.repeat(starts + sizes, sizes) - np.arange(len(order)) - 1
    return np.sort(order[_by_pairs(xyxy[order], weaker, share)])[:most]


def _by_pairs(box: Boxes, weaker: Rows, share: np.float32) -> NDArray[np.bool_]:
    """Which boxes stay, where each is compared with so many of those that follow it."""
    first = np.repeat(np.arange(len(box)), weaker)
    second = np.arange(len(first)) - np.repeat(np.cumsum(weaker) - weaker, weaker) + first + 1
    a, b = box.take(first, axis=0), box.take(second, axis=0)
    size = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    area = share * (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    close = np.maximum(size[:, 0], 0) * size[:, 1] > area.take(first) + area.take(second)
    stays = [True] * len(box)
    for better, worse in zip(first[close].tolist(), second[close].tolist(), strict=True):
        if stays[better]:
            stays[worse] = False
    return np.array(stays, np.bool_)


def _by_blocks(xyxy: Boxes, class_id: NDArray[np.int32], share: np.float32, most: int) -> Rows:
    """The indices of those that stay; each block is compared only with what earlier ones left."""
    left = np.arange(len(xyxy))
    kept: list[int] = []
    while left.size and len(kept) < most:
        box, kind = xyxy[left], class_id[left]
        chosen, gone = _greedy(_overlapping(box[:BLOCK], box, share) & (kind[:BLOCK, None] == kind))
        kept.extend(left[chosen].tolist())
        left = left[BLOCK:][~gone[BLOCK:]]
    return np.array(kept[:most], np.intp)


def _overlapping(first: Boxes, second: Boxes, share: np.float32) -> NDArray[np.bool_]:
    """Whether the IoU is above a threshold ``t``, for each with each: ``common > t / (1 + t) * (area + area)``."""
    left, top, right, bottom = np.ascontiguousarray(second.T)
    left_1, top_1, right_1, bottom_1 = np.ascontiguousarray(first.T)[:, :, None]
    width = np.minimum(right_1, right)
    width -= np.maximum(left_1, left)
    height = np.minimum(bottom_1, bottom)
    height -= np.maximum(top_1, top)
    common = np.maximum(width, 0, out=width)
    common *= height
    areas = share * (right - left) * (bottom - top) + share * (right_1 - left_1) * (bottom_1 - top_1)
    return np.asarray(common > areas)


def _greedy(over: NDArray[np.bool_]) -> tuple[list[int], NDArray[np.bool_]]:
    """Rows that stay, and which columns these suppress. Each row is one integer with a bit a column."""
    packed = np.packbits(over, axis=1, bitorder="little")
    rows, gone, chosen = [row.tobytes() for row in packed], 0, list[int]()
    for index, row in enumerate(rows):
        if not gone >> index & 1:
            chosen.append(index)
            gone |= int.from_bytes(row, "little")
    flags = np.frombuffer(gone.to_bytes(packed.shape[1], "little"), np.uint8)
    return chosen, np.unpackbits(flags, count=over.shape[1], bitorder="little").view(np.bool_)
