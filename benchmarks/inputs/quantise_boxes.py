"""Boxes from the raw outputs of four kinds of detectors, and their mean average precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.endnodes.plan import HeadPlan

Outputs = Mapping[str, NDArray[np.float64]]
Real = NDArray[np.float64]
Boxes = tuple[Real, Real, NDArray[np.int64]]
"""xyxy ``(n, 4)``, score ``(n,)``, class ``(n,)``."""

LOWEST_SCORE = 0.01
"""Weaker boxes change no mean average precision that matters, and cost time."""
MOST_BOXES = 300


def decode_yolox(outputs: Outputs, plan: HeadPlan, size: tuple[int, int]) -> Boxes:
    """Ge et al. 2021: ``(t + grid) * stride`` and ``exp(t) * stride``; score is objectness times class."""
    parts = []
    for stride in plan.strides:
        level = {end.role: outputs[end.output][0] for end in plan.ends if end.stride == stride}
        score = level["obj"] * level["cls"]
        ids, row, column = np.nonzero(score >= LOWEST_SCORE)
        box = level["reg"][:, row, column]
        centre = (box[:2] + np.stack([column, row])) * stride
        half = np.exp(box[2:]) * stride / 2
        parts.append((np.concatenate([centre - half, centre + half]).T, score[ids, row, column], ids))
    return suppress(parts, 0.65)


def decode_yolov8(outputs: Outputs, plan: HeadPlan, size: tuple[int, int]) -> Boxes:
    """Distribution focal loss: a softmax over bins for each side."""
    parts = []
    for stride in plan.strides:
        level = {end.role: outputs[end.output][0] for end in plan.ends if end.stride == stride}
        parts.append(_distances(level["cls"], level["reg"], plan.reg_max, stride, 0.5))
    return suppress(parts, 0.6)


def decode_nanodet(outputs: Outputs, plan: HeadPlan, size: tuple[int, int]) -> Boxes:
    """80 class logits and four sides of 8 bins in one map a level."""
    parts = []
    for end, stride in zip(plan.ends, (8, 16, 32), strict=True):
        both = outputs[end.output][0]
        parts.append(_distances(sigmoid(both[:80]), both[80:], 8, stride, 0.5))
    return suppress(parts, 0.6)


def decode_fastestdet(outputs: Outputs, plan: HeadPlan, size: tuple[int, int]) -> Boxes:
    """One level: objectness, box as in the project's example (tanh, sigmoid), class by softmax."""
    objectness, box, logits = (outputs[end.output][0] for end in plan.ends)
    chances = np.exp(logits - logits.max(axis=0))
    score = objectness**0.6 * (chances / chances.sum(axis=0)) ** 0.4
    ids, row, column = np.nonzero(score >= LOWEST_SCORE)
    box, (rows, columns) = box[:, row, column], objectness.shape[1:]
    centre = (np.tanh(box[:2]) + np.stack([column, row])) / [[columns], [rows]]
    half = sigmoid(box[2:]) / 2
    scale = np.array([[size[1]], [size[0]]])
    return suppress(
        [(np.concatenate([(centre - half) * scale, (centre + half) * scale]).T, score[ids, row, column], ids)], 0.45
    )


def sigmoid(value: Real) -> Real:
    return np.asarray(1 / (1 + np.exp(-value)))


def _distances(score: Real, bins: Real, count: int, stride: int, offset: float) -> Boxes:
    ids, row, column = np.nonzero(score >= LOWEST_SCORE)
    sides = np.exp(bins.reshape(4, count, *bins.shape[1:])[:, :, row, column])
    distance = (sides * np.arange(count)[:, None]).sum(axis=1) / sides.sum(axis=1) * stride
    x, y = (column + offset) * stride, (row + offset) * stride
    boxes = np.stack([x - distance[0], y - distance[1], x + distance[2], y + distance[3]], axis=1)
    return boxes, score[ids, row, column], ids


def suppress(parts: Sequence[Boxes], threshold: float) -> Boxes:
    """Greedy non-maximum suppression within each class, best first."""
    boxes, scores, ids = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(-scores, kind="stable")[:1000]
    boxes, scores, ids = boxes[order], scores[order], ids[order]
    clash = (overlap(boxes, boxes) > threshold) & (ids[:, None] == ids[None, :])
    alive = np.ones(len(boxes), bool)
    for row in range(len(boxes)):
        if alive[row]:
            alive[row + 1 :] &= ~clash[row, row + 1 :]
    kept = np.flatnonzero(alive)[:MOST_BOXES]
    return boxes[kept], scores[kept], ids[kept]


def overlap(first: Real, second: Real) -> Real:
    """``(n, m)`` intersection over union."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9))


def mean_ap(found: Sequence[Boxes], truth: Sequence[tuple[Real, NDArray[np.int64]]]) -> float:
    """Mean over classes and the IoU thresholds 0.5, 0.55, … 0.95 of the average precision (COCO's 101 points)."""
    classes = np.unique(np.concatenate([ids for _, ids in truth]))
    thresholds = np.arange(0.5, 1.0, 0.05)
    return float(np.mean([_class_ap(found, truth, each, thresholds) for each in classes]))


def _class_ap(
    found: Sequence[Boxes], truth: Sequence[tuple[Real, NDArray[np.int64]]], each: int, thresholds: Real
) -> float:
    hits, scores, wanted = [], [], 0
    for (boxes, score, ids), (true_boxes, true_ids) in zip(found, truth, strict=True):
        targets = true_boxes[true_ids == each]
        wanted += len(targets)
        overlaps = overlap(boxes[ids == each], targets)
        hits.append(np.stack([_match(overlaps, threshold) for threshold in thresholds]))
        scores.append(score[ids == each])
    order = np.argsort(-np.concatenate(scores), kind="stable")
    flags = np.concatenate(hits, axis=1)[:, order]
    return float(np.mean([_area(row, wanted) for row in flags]))


def _match(overlaps: Real, threshold: float) -> NDArray[np.bool_]:
    """Which boxes, best first, take a free target."""
    free = np.ones(overlaps.shape[1], bool)
    hit = np.zeros(len(overlaps), bool)
    for row in range(len(overlaps)):
        candidates = np.where(free, overlaps[row], 0.0)
        best = int(candidates.argmax()) if len(candidates) else -1
        if best >= 0 and candidates[best] >= threshold:
            hit[row], free[best] = True, False
    return hit


def _area(hits: NDArray[np.bool_], wanted: int) -> float:
    if not len(hits):
        return 0.0
    true = np.cumsum(hits)
    precision = np.maximum.accumulate((true / np.arange(1, len(hits) + 1))[::-1])[::-1]
    places = np.searchsorted(true / wanted, np.linspace(0, 1, 101))
    return float(np.mean([precision[i] if i < len(precision) else 0.0 for i in places]))
