"""Detectors with key points and anchors of one size, as MediaPipe's for palms and faces are.

Source: MediaPipe (Apache-2.0), calculators ``SsdAnchors``, ``TensorsToDetections`` and ``NonMaxSuppression``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, prod

import numpy as np
from numpy.typing import NDArray

from hailstack.heads.boxes import iou_matrix
from hailstack.heads.outputs import Geometry, OutputFacts, Outputs
from hailstack.heads.regions import RegionRule
from hailstack.heads.settings import HeadSettings
from hailstack.heads.values import Values, check_finite
from hailstack.types import Detections

Layers = tuple[tuple[int, int], ...]
"""Stride in pixels and boxes in each cell, of layer after layer."""


@dataclass(frozen=True, slots=True)
class BlazeKind:
    """What one family of these networks finds."""

    name: str
    keypoints: int
    region: RegionRule
    layouts: tuple[Layers, ...]
    """Layers of the published networks; a network is known by the number of its anchors."""
    skeleton: tuple[tuple[int, int], ...] = ()
    offset: tuple[float, float] = (0.5, 0.5)
    """Where in its cell an anchor lies, in cells."""
    unit: tuple[float, float, float, float] | None = None
    """What the network's x, y, width and height are fractions of the input of; None: they are pixels."""
    confidence: float = 0.5
    iou: float = 0.3

    @property
    def numbers(self) -> int:
        """Of each anchor: centre, size, key points."""
        return 4 + 2 * self.keypoints


@dataclass(frozen=True, slots=True, eq=False)
class BlazeLevel:
    """One output with scores, one with boxes and key points, and the anchors of both."""

    scores: Values
    numbers: Values
    anchors: NDArray[np.float32]
    """``(n, 2)`` centres in pixels of the input."""


@dataclass(frozen=True, slots=True, eq=False)
class BlazeHead:
    """Objects with key points and the turned square that the next network looks at.

    A key point's score is its object's. Of overlapping boxes the *mean weighted by score* is given, with the score of
    the best, as MediaPipe does.

    Raises:
        InferencePipelineError: a score or a strong box is not a number.
    """

    kind: BlazeKind
    levels: tuple[BlazeLevel, ...]
    unit: NDArray[np.float32]
    """Pixels of the input for a unit of x, y, width, height."""
    confidence: float
    iou: float
    names: tuple[str, ...]

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Detections:
        found = [self._strong(level, outputs) for level in self.levels]
        rows, score = (np.concatenate(column) for column in zip(*found, strict=True))
        rows, score = suppress_weighted(rows, score, self.iou)
        points = geometry.points_to_source(rows[:, 4:].reshape(len(rows), self.kind.keypoints, 2))
        whole = geometry.points_to_source(rows[:, :4].reshape(-1, 2, 2)).reshape(-1, 4)
        return Detections(
            geometry.to_source(rows[:, :4]),
            score,
            np.zeros(len(score), np.int32),
            self.names,
            keypoints=np.concatenate([points, np.broadcast_to(score[:, None, None], (*points.shape[:2], 1))], axis=2),
            regions=self.kind.region.squares(whole, points),
            skeleton=self.kind.skeleton,
        )

    def _strong(self, level: BlazeLevel, outputs: Outputs) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes and key points in pixels of the input, ``(n, 4 + 2k)``, xyxy first, and their scores."""
        delivered = np.asarray(outputs[level.scores.output]).reshape(-1)
        check_finite(level.scores.output, delivered)
        rows = np.flatnonzero(delivered >= level.scores.least(self.confidence))
        numbers = np.asarray(outputs[level.numbers.output]).reshape(-1, self.kind.numbers)
        real = level.numbers.real(numbers[rows])
        anchors, pixels = level.anchors[rows], self.unit[:2]
        centre, half = anchors + real[:, :2] * pixels, real[:, 2:4] * (self.unit[2:] / 2)
        points = anchors[:, None] + real[:, 4:].reshape(len(rows), self.kind.keypoints, 2) * pixels
        boxes = np.concatenate(
            [centre - half, centre + half, points.reshape(len(rows), 2 * self.kind.keypoints)], axis=1
        )
        return boxes, level.scores.real(delivered[rows])


def bind_blaze(kind: BlazeKind, outputs: Sequence[OutputFacts], settings: HeadSettings) -> BlazeHead | None:
    """The head for a network of that kind, or None if the outputs are not such a network's.

    A network gives a score map and a map of numbers for each resolution, or all of them in two tensors; in any order
    and shape: an output with ``n`` scores belongs to the one with ``n * kind.numbers`` values.
    """
    size = settings.input_height, settings.input_width
    sigmoid = settings.facts.get("scores") != "probabilities"
    for layers in kind.layouts:
        levels = _levels(kind, outputs, _grids(kind, layers, *size), sigmoid=sigmoid)
        if levels:
            settings.check_names(1)
            return BlazeHead(
                kind,
                levels,
                _unit(kind, *size),
                kind.confidence if settings.confidence is None else settings.confidence,
                kind.iou if settings.iou is None else settings.iou,
                settings.names or (kind.name,),
            )
    return None


def suppress_weighted(
    rows: NDArray[np.float32], score: NDArray[np.float32], iou: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Objects, best first, from boxes ``(n, 4 + m)`` (xyxy in front) and scores ``(n,)``.

    The best box takes with it all that overlap it by more than ``iou``; their numbers are averaged, weighted by score.
    """
    left = np.argsort(-score, kind="stable")
    found: list[NDArray[np.float32]] = []
    best: list[np.float32] = []
    while left.size:
        same = iou_matrix(rows[left[:1], :4], rows[left, :4])[0] > iou
        same[0] = True
        weight = score[left[same], None]
        found.append((rows[left[same]] * weight).sum(axis=0) / max(weight.sum(), np.finfo(np.float32).tiny))
        best.append(score[left[0]])
        left = left[~same]
    return np.array(found, np.float32).reshape(-1, rows.shape[1]), np.array(best, np.float32)


def _unit(kind: BlazeKind, height: int, width: int) -> NDArray[np.float32]:
    if kind.unit is None:
        return np.ones(4, np.float32)
    return np.asarray(np.array([width, height] * 2) / np.array(kind.unit), np.float32)


def _grids(kind: BlazeKind, layers: Layers, height: int, width: int) -> list[NDArray[np.float32]]:
    """Anchor centres in pixels, one array a resolution: layers of the same stride share one, cell by cell."""
    grids = []
    for stride, group in groupby(layers, key=lambda layer: layer[0]):
        down, right = ceil(height / stride), ceil(width / stride)
        row, column = np.divmod(np.arange(down * right), right)
        centre = np.stack([(column + kind.offset[0]) * width / right, (row + kind.offset[1]) * height / down], 1)
        grids.append(np.repeat(centre, sum(count for _, count in group), axis=0).astype(np.float32))
    return grids


def _levels(
    kind: BlazeKind, outputs: Sequence[OutputFacts], grids: Sequence[NDArray[np.float32]], *, sigmoid: bool
) -> tuple[BlazeLevel, ...]:
    """The outputs that belong to the anchors of each resolution, or of all together; empty if some are missing."""
    for wanted in (grids, [np.concatenate(grids)]):
        pairs = [_pair(outputs, len(anchors), kind.numbers) for anchors in wanted]
        if all(pairs):
            return tuple(
                BlazeLevel(Values.of(score, "sigmoid" if sigmoid else ""), Values.of(numbers), anchors)
                for anchors, (score, numbers) in zip(wanted, pairs, strict=True)
            )
    return ()


def _pair(outputs: Iterable[OutputFacts], anchors: int, numbers: int) -> tuple[OutputFacts, ...]:
    by_size = {prod(one.shape): one for one in outputs if one.kind == "tensor"}
    pair = by_size.get(anchors), by_size.get(anchors * numbers)
    return () if None in pair else pair  # type: ignore[return-value]
