"""Which classes a network takes for which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.accuracy import Labelled
from hailstack.heads.boxes import iou_matrix
from hailstack.types import Detections

CONFIDENCE = 0.25
OVERLAP = 0.5
"""A detection shows an object that it overlaps by more, whatever its class."""


def confusion(found: Sequence[Detections], truth: Sequence[Labelled], classes: int) -> NDArray[np.int64]:
    """``(classes + 1, classes + 1)`` counts: row what was found, column what is there; the last stands for nothing.

    Detections from a score of 0.25 on; each takes, best first, the free object that it overlaps most.
    """
    counts = np.zeros((classes + 1, classes + 1), np.int64)
    for boxes, there in zip(found, truth, strict=True):
        strong = boxes.take(boxes.score >= CONFIDENCE)
        pairs = _pairs(strong, there)
        wanted = there.objects.class_id
        for class_id, place in zip(strong.class_id.tolist(), pairs, strict=True):
            counts[class_id, classes if place < 0 else wanted[place]] += 1
        missed = np.setdiff1d(np.arange(len(wanted)), pairs)
        counts[classes] += np.bincount(wanted[missed], minlength=classes + 1)
    return counts


def _pairs(boxes: Detections, there: Labelled) -> list[int]:
    """For each detection, best first, the object that it shows, or -1."""
    overlap = iou_matrix(boxes.xyxy, there.objects.to_pixels(there.width, there.height))
    pairs = []
    for row in overlap:
        best = int(row.argmax()) if row.size else -1
        shown = best >= 0 and row[best] > OVERLAP
        pairs.append(best if shown else -1)
        if shown:
            overlap[:, best] = 0.0
    return pairs
