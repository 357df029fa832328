"""How well detections agree with the truth: matches, precision and recall at every threshold, average precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.demo.truth import FlowerTruth
from hailstack.heads.boxes import iou_matrix
from hailstack.types import Detections

IOU = 0.5
"""A detection agrees with a flower when their boxes overlap at least this much."""


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What became of each detection of one frame, and of each flower."""

    hit: NDArray[np.bool_]
    """``(n,)``: the detection found a wanted flower of its class."""
    counted: NDArray[np.bool_]
    """``(n,)``: it counts; false for one that found a flower too small or hidden to be asked for."""
    flower: NDArray[np.int32]
    """``(n,)``: row of the flower in the truth, -1 for none."""
    missed: NDArray[np.bool_]
    """``(m,)``: the flower was wanted and no detection found it."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Precision and recall of one class as the threshold falls, best score first."""

    score: NDArray[np.float32]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    wanted: int
    """Flowers that should be found."""

    @property
    def average_precision(self) -> float:
        """Area under the curve, precision made monotone, all points (PASCAL VOC 2010 and later); 0..1."""
        if not self.wanted or not len(self.score):
            return 0.0
        precision = np.maximum.accumulate(self.precision[::-1])[::-1]
        steps = np.diff(self.recall, prepend=0.0)
        return float((precision * steps).sum())

    def at(self, threshold: float) -> tuple[float, float]:
        """Precision and recall of the detections whose score is at least ``threshold``."""
        count = int((self.score >= threshold).sum())
        if not count:
            return 1.0, 0.0
        return float(self.precision[count - 1]), float(self.recall[count - 1])


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """The outcome over all frames."""

    classes: tuple[Curve, ...]
    """By class id."""
    overall: Curve
    """All classes together."""

    @property
    def ap50(self) -> float:
        """Mean over the classes of their average precision at IoU 0.5."""
        return float(np.mean([curve.average_precision for curve in self.classes]))


def match(found: Detections, truth: FlowerTruth) -> Matches:
    """Pair detections with flowers, best score first, each flower once.

    A detection takes the free wanted flower of its class that it overlaps most. One that finds none, but overlaps a
    flower that is not wanted (too small or too hidden), does not count.
    """
    wanted = truth.wanted
    overlaps = iou_matrix(found.xyxy, truth.xyxy) * (found.class_id[:, None] == truth.class_id[None, :])
    flower = np.full(len(found), -1, np.int32)
    free = wanted.copy()
    for row in np.argsort(-found.score, kind="stable"):
        candidates = np.where(free, overlaps[row], 0.0)
        best = int(candidates.argmax()) if len(candidates) else -1
        if best >= 0 and candidates[best] >= IOU:
            flower[row], free[best] = best, False
    hit = flower >= 0
    spared = _overlaps_unwanted(found, truth)
    return Matches(hit=hit, counted=hit | ~spared, flower=flower, missed=free)


def _overlaps_unwanted(found: Detections, truth: FlowerTruth) -> NDArray[np.bool_]:
    """Which detections lie on a flower that is not asked for; its class does not matter, it can hardly be seen."""
    overlaps = iou_matrix(found.xyxy, truth.xyxy[~truth.wanted])
    return np.asarray((overlaps >= IOU).any(axis=1))


def evaluate(frames: Sequence[tuple[Detections, FlowerTruth]], classes: int) -> Score:
    """Precision and recall over all frames, by class and together."""
    matches = [match(found, truth) for found, truth in frames]
    score = np.concatenate([found.score for found, _ in frames] or [np.zeros(0, np.float32)])
    class_id = np.concatenate([found.class_id for found, _ in frames] or [np.zeros(0, np.int32)])
    hit = np.concatenate([matched.hit for matched in matches] or [np.zeros(0, bool)])
    counted = np.concatenate([matched.counted for matched in matches] or [np.zeros(0, bool)])
    wanted = np.concatenate([truth.class_id[truth.wanted] for _, truth in frames] or [np.zeros(0, np.int32)])
    curves = []
    for each in range(classes):
        chosen = counted & (class_id == each)
        curves.append(_curve(score[chosen], hit[chosen], int((wanted == each).sum())))
    return Score(tuple(curves), _curve(score[counted], hit[counted], len(wanted)))


def _curve(score: NDArray[np.float32], hit: NDArray[np.bool_], wanted: int) -> Curve:
    order = np.argsort(-score, kind="stable")
    hits = hit[order].cumsum()
    ranks = np.arange(1, len(hits) + 1)
    return Curve(score[order], hits / ranks, hits / max(wanted, 1), wanted)
