"""What a detector does wrong on a picture, kind by kind.

The kinds and limits are those of TIDE (Bolya et al. 2020, "TIDE: A General Toolbox for Identifying Object Detection
Errors"): an object counts as found from an overlap of one half, and a box has to do with an object from one tenth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.heads.boxes import iou_matrix
from hailstack.types import Detections

Kind: TypeAlias = Literal["missed", "false", "class", "place", "double"]

KINDS: dict[Kind, str] = {
    "missed": "missed",
    "false": "false",
    "class": "wrong class",
    "place": "poorly placed",
    "double": "found twice",
}
"""Kind → for people."""

HIT, NEAR = 0.5, 0.1


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong."""

    kind: Kind
    found: int | None
    """Row of the box that was found; None: none was."""
    there: int | None
    """Row of the labelled object that it is about; None: there is none."""
    overlap: float = 0.0
    """Of the two."""


def find_mistakes(
    found: Detections, there: NDArray[np.float32], class_id: NDArray[np.int32]
) -> tuple[tuple[tuple[int, int], ...], tuple[Mistake, ...]]:
    """Pairs of found and labelled rows that agree, and the mistakes: boxes best first, then missed objects.

    Args:
        found: best first, those above the threshold.
        there: labelled boxes ``(m, 4)`` in the same pixels.
        class_id: ``(m,)``, of them.
    """
    overlaps = iou_matrix(found.xyxy, there)
    same = found.class_id[:, None] == class_id[None, :]
    pairs = tuple(_pair(np.where(same, overlaps, 0.0)))
    paired = dict(pairs)
    wrong = [_judge(row, overlaps[row], same[row]) for row in range(len(found)) if row not in paired]
    explained = set(paired.values()) | {one.there for one in wrong if one.kind in ("class", "place")}
    missed = [Mistake("missed", None, row) for row in range(len(there)) if row not in explained]
    return pairs, (*wrong, *missed)


def _pair(overlaps: NDArray[np.float64]) -> Iterator[tuple[int, int]]:
    """Each box takes the object that it overlaps most among those that no better one has."""
    free = np.ones(overlaps.shape[1], np.bool_)
    for row, shares in enumerate(overlaps):
        left = np.where(free, shares, 0.0)
        if left.size and left.max() >= HIT:
            best = int(left.argmax())
            free[best] = False
            yield row, best


def _judge(row: int, overlaps: NDArray[np.float64], same: NDArray[np.bool_]) -> Mistake:
    other, own = np.where(same, 0.0, overlaps), np.where(same, overlaps, 0.0)
    if own.max(initial=0.0) >= HIT:
        return Mistake("double", row, int(own.argmax()), float(own.max()))
    if other.max(initial=0.0) >= HIT:
        return Mistake("class", row, int(other.argmax()), float(other.max()))
    if own.max(initial=0.0) >= NEAR:
        return Mistake("place", row, int(own.argmax()), float(own.max()))
    return Mistake("false", row, None)
