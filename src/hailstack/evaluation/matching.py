"""Found boxes matched with labelled ones, as COCO does it, kept so that figures of any selection of pictures follow.

The evaluator of :mod:`hailstack.datasets.accuracy` gives one figure for all pictures. How sure that figure is shows
when pictures are drawn anew many times over, and for that the matches of each picture are needed. Rules: the COCO
evaluation (Lin et al. 2014, and its reference ``pycocotools``): greedy by score, ten overlaps from 0.5 to 0.95, 101
recalls, at most 100 boxes of a class in a picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.accuracy import Labelled, is_spared
from hailstack.heads.boxes import iou_matrix
from hailstack.types import Detections

OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MOST_BOXES = 100
"""Of one class in one picture, the strongest."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassMatches:
    """All boxes found of one class, best score first, equals in the order of the pictures."""

    score: NDArray[np.float32]
    """``(d,)``."""
    picture: NDArray[np.int64]
    """``(d,)``: in which picture."""
    hit: NDArray[np.bool_]
    """``(10, d)``: whether it found a labelled box, for each of :data:`OVERLAPS`."""
    spared: NDArray[np.bool_]
    """The same: whether it lies on an object that need not be found, and does not count."""
    wanted: NDArray[np.int64]
    """``(pictures,)``: labelled boxes in each that should be found."""

    def curve(self, overlap: int, weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Precision and recall after each box up to the last hit, each picture counting ``weight`` times."""
        # Behind the last hit recall grows no more, and precision only falls.
        end = len(self.score) - int(self.hit[overlap][::-1].argmax()) if self.hit[overlap].any() else 0
        share = weight[self.picture[:end]] * ~self.spared[overlap, :end]
        hits = np.cumsum(self.hit[overlap, :end] * share)
        return hits / np.maximum(np.cumsum(share), np.spacing(1)), hits / max(float(weight @ self.wanted), 1e-12)

    def average_precision(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """For each of :data:`OVERLAPS`; NaN where the pictures that count hold nothing of the class."""
        if weight @ self.wanted <= 0:
            return np.full(len(OVERLAPS), np.nan)
        return np.array([_area(*self.curve(overlap, weight)) for overlap in range(len(OVERLAPS))])


def _area(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> float:
    """Mean over :data:`RECALLS` of the best precision at that recall or more."""
    best = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(best[np.searchsorted(recall, RECALLS, side="left")].mean())


def match_all(found: Sequence[Detections], truth: Sequence[Labelled]) -> Mapping[int, ClassMatches]:
    """Class id → matches, for every class that is labelled or found; one entry of each sequence a picture."""
    boxes = [one.objects.to_pixels(one.width, one.height) for one in truth]
    classes = {int(i) for one in truth for i in one.objects.class_id} | {int(i) for one in found for i in one.class_id}
    return {one: _match_class(one, found, truth, boxes) for one in sorted(classes)}


def _match_class(
    class_id: int, found: Sequence[Detections], truth: Sequence[Labelled], boxes: Sequence[NDArray[np.float32]]
) -> ClassMatches:
    scores, pictures, hits, spared, wanted = [], [], [], [], []
    for picture, (one, labelled, xyxy) in enumerate(zip(found, truth, boxes, strict=True)):
        rows = np.flatnonzero(one.class_id == class_id)
        rows = rows[np.argsort(-one.score[rows], kind="stable")][:MOST_BOXES]
        here, free = labelled.objects.class_id == class_id, ~is_spared(labelled.objects)
        hit = match_greedily(one.xyxy[rows], xyxy[here & free])
        scores.append(one.score[rows])
        pictures.append(np.full(len(rows), picture))
        hits.append(hit)
        spared.append(~hit & (cover(one.xyxy[rows], xyxy[here & ~free])[None] >= OVERLAPS[:, None]))
        wanted.append(int((here & free).sum()))
    score = np.concatenate(scores)
    order = np.argsort(-score, kind="stable")
    hit, left_out = (np.concatenate(one, axis=1)[:, order] for one in (hits, spared))
    return ClassMatches(score[order], np.concatenate(pictures)[order], hit, left_out, np.array(wanted))


def cover(found: NDArray[np.float32], spared: NDArray[np.float32]) -> NDArray[np.float64]:
    """The largest share of each box ``(n, 4)`` that lies on one of ``spared`` ``(m, 4)``."""
    a, b = np.asarray(found, np.float64)[:, None], np.asarray(spared, np.float64)[None]
    size = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    area = np.maximum(np.prod(a[..., 2:] - a[..., :2], axis=-1), 1e-12)
    shares: NDArray[np.float64] = (size.prod(axis=-1) / area).max(axis=1, initial=0.0)
    return shares


def match_greedily(found: NDArray[np.float32], there: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of the boxes ``(n, 4)``, best first, hit one of ``(m, 4)`` that no better one has: ``(10, n)``."""
    hit = np.zeros((len(OVERLAPS), len(found)), np.bool_)
    if not len(found) or not len(there):
        return hit
    overlaps, free = iou_matrix(found, there), np.ones((len(OVERLAPS), len(there)), np.bool_)
    levels = np.arange(len(OVERLAPS))
    for row in np.flatnonzero(overlaps.max(axis=1) >= OVERLAPS[0]):
        left = np.where(free, overlaps[row], -1.0)
        best = left.shape[1] - 1 - left[:, ::-1].argmax(axis=1)  # the last of equals, as the reference has it
        hit[:, row] = left[levels, best] >= OVERLAPS
        free[levels[hit[:, row]], best[hit[:, row]]] = False
    return hit
