"""Which boxes of a detector are strong enough to be looked at.

Integers are compared as they are: a frame's scores are read once, and only what passes becomes a real number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.heads.levels import Level, Pyramid
from hailstack.heads.outputs import Outputs
from hailstack.heads.values import check_finite

Joining: TypeAlias = Literal["product", "geometric", "fastest"]


class Strong(NamedTuple):
    """Boxes that passed, by ascending row; a box once for each class that passed."""

    row: NDArray[np.intp]
    class_id: NDArray[np.int32]
    score: NDArray[np.float32]

    def take(self, index: NDArray[np.intp]) -> Strong:
        return Strong(self.row[index], self.class_id[index], self.score[index])


class Scores(Protocol):
    """Finds strong boxes."""

    def find(self, pyramid: Pyramid, outputs: Outputs, least: float) -> Strong:
        """All boxes and classes whose score is at least ``least``.

        Raises:
            InferencePipelineError: a score is not a number.
        """
        ...


@dataclass(frozen=True, slots=True)
class ClassScores:
    """The score of each class stands alone (sigmoid): YOLOv6, v8 to v12, YOLO26, NanoDet, SCRFD, SSD of TensorFlow."""

    background: bool = False
    """Whether class 0 stands for nothing; the others then count from 0."""

    def find(self, pyramid: Pyramid, outputs: Outputs, least: float) -> Strong:
        found = [_strong(level, outputs, least) for level in pyramid.levels]
        row = np.concatenate([one.row + first for one, first in zip(found, pyramid.firsts, strict=True)])
        strong = Strong(row, *(np.concatenate(column) for column in list(zip(*found, strict=True))[1:]))
        return _without_background(strong) if self.background else strong


def _strong(level: Level, outputs: Outputs, least: float) -> Strong:
    part = level.parts["cls"]
    delivered, limit = part.of(outputs), part.values.least(least)
    classes = delivered.shape[1]
    lines = delivered.reshape(level.rows, -1, classes)
    peaks = np.maximum.reduce(lines.reshape(level.rows, -1) if _is_whole(delivered) else lines, axis=0).reshape(-1)
    check_finite(part.values.output, peaks)
    columns = np.flatnonzero(peaks >= limit)
    values = _columns(lines, columns)
    line, place = np.nonzero(values >= limit)
    row, class_id = np.divmod(columns[place] + line * len(peaks), classes)
    return Strong(row, class_id.astype(np.int32), part.values.real(values[line, place]))


def _is_whole(delivered: NDArray[Any]) -> bool:
    """Whether the rows lie in memory one after the other."""
    return delivered.flags.c_contiguous


def _columns(lines: NDArray[Any], columns: NDArray[np.intp]) -> NDArray[Any]:
    if lines.flags.c_contiguous:
        return lines.reshape(len(lines), -1).take(columns, axis=1)
    box, class_id = np.divmod(columns, lines.shape[2])
    return lines[:, box, class_id]


@dataclass(frozen=True, slots=True)
class ObjectScores:
    """A score of the box beside the scores of its classes: ``product`` of both (YOLOv3 to v7, YOLOX), ``geometric``
    mean (YuNet, FCOS), or objectness to 0.6 by the share of the best class to 0.4 (``fastest``, FastestDet)."""

    joining: Joining = "product"

    def find(self, pyramid: Pyramid, outputs: Outputs, least: float) -> Strong:
        rows = [_occupied(level, outputs, self._least(least)) for level in pyramid.levels]
        row = np.concatenate([one + first for one, first in zip(rows, pyramid.firsts, strict=True)])
        score = self._joined(pyramid.real("obj", outputs, row), pyramid.real("cls", outputs, row))
        place, class_id = np.nonzero(score >= least)
        return Strong(row[place], class_id.astype(np.int32), score[place, class_id])

    def _least(self, score: float) -> float:
        """What objectness must reach, however sure the class is."""
        powers: Mapping[str, float] = {"product": 1.0, "geometric": 2.0, "fastest": 1 / 0.6}
        return float(score ** powers[self.joining])

    def _joined(self, objectness: NDArray[np.float32], classes: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.joining == "product":
            return np.asarray(objectness * classes)
        if self.joining == "geometric":
            return np.asarray(np.sqrt(objectness * classes))
        shares = softmax(classes)
        best = np.where(shares == shares.max(axis=1, keepdims=True), shares, np.float32(0))
        return np.asarray(objectness ** np.float32(0.6) * best ** np.float32(0.4), np.float32)


def _occupied(level: Level, outputs: Outputs, least: float) -> NDArray[np.intp]:
    part = level.parts["obj"]
    delivered = part.of(outputs)[:, 0]
    check_finite(part.values.output, delivered)
    return np.flatnonzero(delivered >= part.values.least(least))


@dataclass(frozen=True, slots=True)
class SharedScores:
    """Scores of the classes of a box add up to 1 (softmax): SSD of other origins, RetinaFace, UltraFace."""

    background: bool = True

    def find(self, pyramid: Pyramid, outputs: Outputs, least: float) -> Strong:
        every = np.arange(sum(level.count for level in pyramid.levels))
        logits = pyramid.real("cls", outputs, every)
        score = softmax(logits)
        row, class_id = np.nonzero(score >= least)
        strong = Strong(row, class_id.astype(np.int32), score[row, class_id])
        return _without_background(strong) if self.background else strong


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(n, classes)``: shares that add up to 1 in each row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _without_background(strong: Strong) -> Strong:
    kept = strong.take(np.flatnonzero(strong.class_id > 0))
    return kept._replace(class_id=kept.class_id - np.int32(1))
