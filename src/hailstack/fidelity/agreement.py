"""Whether two networks say the same about a picture: no labels needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hailstack.heads.boxes import iou_matrix
from hailstack.types import Classes, Detections, Prediction

SAME_OBJECT_IOU = 0.5


@dataclass(slots=True)
class Agreement:
    """The integer network against the float one, summed over pictures."""

    pictures: int = 0
    same_first: int = 0
    """Classification: pictures with the same best class."""
    wanted: int = 0
    """Detection: objects that the float network finds."""
    kept: int = 0
    """Those of them that the integer network finds, too: same class, IoU of at least a half."""
    found: int = 0
    """All that the integer network finds."""
    overlap: float = 0.0
    """Sum of the IoU of kept objects."""
    by_class: dict[int, list[int]] = field(default_factory=dict)
    """Class id → wanted, kept, found."""

    def add(self, real: Prediction, integer: Prediction) -> float:
        """Take in one picture; gives how much the two differ on it, 0 for not at all."""
        self.pictures += 1
        if isinstance(real, Classes) and isinstance(integer, Classes):
            same = len(real) > 0 and int(real.class_id[0]) == int(integer.class_id[0])
            self.same_first += same
            return float(not same) + abs(float(real.score[0]) - _score_of(integer, int(real.class_id[0])))
        if isinstance(real, Detections) and isinstance(integer, Detections):
            return self._add_objects(real, integer)
        return 0.0

    def _add_objects(self, real: Detections, integer: Detections) -> float:
        pairs = match(real, integer)
        self.wanted += len(real)
        self.found += len(integer)
        self.kept += len(pairs)
        self.overlap += sum(iou for _, _, iou in pairs)
        for column, ids in ((0, real.class_id), (1, real.class_id[[i for i, _, _ in pairs]]), (2, integer.class_id)):
            for class_id in ids.tolist():
                self.by_class.setdefault(class_id, [0, 0, 0])[column] += 1
        lost = np.delete(real.score, [i for i, _, _ in pairs])
        made_up = np.delete(integer.score, [j for _, j, _ in pairs])
        return float(lost.sum() + made_up.sum())


def _score_of(classes: Classes, class_id: int) -> float:
    places = np.flatnonzero(classes.class_id == class_id)
    return float(classes.score[places[0]]) if len(places) else 0.0


def match(first: Detections, second: Detections) -> Sequence[tuple[int, int, float]]:
    """Pairs of objects (row of each, IoU) of the same class that overlap by half or more, best overlap first."""
    overlaps = iou_matrix(first.xyxy, second.xyxy)
    overlaps[first.class_id[:, None] != second.class_id[None, :]] = 0
    pairs: list[tuple[int, int, float]] = []
    for place in np.argsort(-overlaps, axis=None, kind="stable"):
        i, j = divmod(int(place), max(1, len(second)))
        if overlaps[i, j] < SAME_OBJECT_IOU:
            break
        if all(i != a and j != b for a, b, _ in pairs):
            pairs.append((i, j, float(overlaps[i, j])))
    return pairs
