"""Heads with several maps a level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hailstack.compiler.endnodes.heads import LANDMARKS, Heads, is_cell
from hailstack.compiler.endnodes.parts import Parts, assign
from hailstack.compiler.endnodes.plan import End, HeadPlan, Task
from hailstack.compiler.endnodes.reading import Box

BESIDE_BLAZE: Mapping[int, Task] = {8: "pose", 12: "face_detection", 14: "palm_detection"}
"""Numbers beside a box in MediaPipe's detectors, two for each key point → what they find."""


def read_parted(heads: Heads, classes: int | None) -> HeadPlan | None:
    """The plan; None if the maps are no such head."""
    bins = next((one.bins for one in heads.finest if one.bins), 0)
    parts = [assign(level, heads, bins, classes) for level in heads.levels]
    sure = [part for part in parts if part is not None]
    counts = {part.scores.channels / part.per_cell for part in sure}
    if len(sure) != len(parts) or len(counts) != 1 or not counts.copy().pop().is_integer():
        return None
    if len(sure) == 1 and not sure[0].box.boxes and not sure[0].box.bins and sure[0].box.channels != 4:
        return None
    first = sure[heads.levels.index(heads.finest)]
    count = int(counts.pop())
    family = _family(first, heads)
    told = first.scores.shared or first.scores.scored or first.scores.counts()["score"] > 0
    sigmoid = not first.scores.shared and (
        family in ("yolov8", "yolox") or (family == "ssd" and told and bool(first.box.boxes))
    )
    ends = tuple(end for part in sure for end in part.ends(sigmoid))
    if heads.prototypes is not None:
        ends += (End(heads.prototypes.tensor, "proto", stride=heads.prototypes.stride),)
    points = first.points.points if first.points is not None and first.points.points else 0
    numbers = first.points.channels // first.per_cell if first.points is not None else 0
    plan = HeadPlan(
        _task(first, numbers),
        ends,
        family,
        count,
        reg_max=_bins_of(first) if family == "yolov8" else 0,
        anchors=_anchors(sure) if family == "ssd" else (),
        per_cell=first.per_cell,
        mask_coefficients=first.mask.channels // first.per_cell if first.mask else 0,
        offset=first.box.boxes[0].offset if first.box.boxes else None,
        background=first.scores.shared or _silent_first(first),
        scores="probabilities" if sigmoid or first.scores.probable else "logits",
        score_function="softmax" if first.scores.shared else "sigmoid" if told or sigmoid else "",
        reason="" if family else "how its boxes are coded is not known",
    )
    plan = _with_points(plan, first, points, numbers)
    return _with_factors(plan, first) if family == "ssd" and first.box.boxes else plan


def _bins_of(part: Parts) -> int:
    if part.box.boxes and part.box.boxes[0].bins:
        return part.box.boxes[0].bins
    return part.box.channels // 4 // part.per_cell


def _family(part: Parts, heads: Heads) -> str | None:
    box = part.box
    if box.boxes:
        return _coded_family(part, box.boxes[0])
    if box.channels // part.per_cell == 4:
        return _plain_family(part, heads)
    if part.per_cell > 1:
        return "blaze" if box.channels // part.per_cell - 4 in BESIDE_BLAZE else None
    return "yolov8"


def _coded_family(part: Parts, box: Box) -> str | None:
    if box.coding == "bins":
        return "yolov8"
    if box.coding == "sides":
        if part.per_cell > 1 or (part.points is not None and part.angle is None and part.points.points <= 5):
            return "scrfd"
        return "fcos" if part.objectness is not None else _sided_family(part)
    if box.coding == "centre":
        return "yolox" if is_cell(box, part.box.stride) and part.per_cell == 1 else "ssd"
    return None


def _sided_family(part: Parts) -> str:
    """YOLOv6 puts its sigmoid right behind the scores of each level, YOLO26 behind all levels together."""
    return "yolov6" if part.scores.probable or part.scores.squashed else "yolo26"


def _plain_family(part: Parts, heads: Heads) -> str | None:
    """Four numbers for a box that nothing decodes."""
    if part.box.positive and part.per_cell == 1 and len(heads.levels) > 1:
        return "fcos" if part.objectness is not None else _sided_family(part)
    if part.per_cell > 1:
        return "scrfd" if part.points is not None and part.scores.channels == part.per_cell else "ssd"
    if part.objectness is not None:
        return None if part.scores.shared or len(heads.levels) < 2 else "yolox"
    return _sided_family(part) if len(heads.levels) > 1 else None


def _task(part: Parts, numbers: int) -> Task:
    if part.angle is not None:
        return "oriented_detection"
    if part.mask is not None:
        return "instance_segmentation"
    if numbers:
        return "face_detection" if numbers == LANDMARKS else "pose"
    beside = part.box.channels // part.per_cell - 4
    if part.per_cell > 1 and not part.box.boxes and beside in BESIDE_BLAZE:
        return BESIDE_BLAZE[beside]
    return "detection"


def _with_points(plan: HeadPlan, part: Parts, points: int, numbers: int) -> HeadPlan:
    if numbers:
        count = points or (numbers // 2 if numbers == LANDMARKS else numbers // 3)
        return replace(plan, keypoints=count, keypoint_values=numbers // count)
    beside = part.box.channels // part.per_cell - 4
    if plan.family == "blaze":
        return replace(plan, keypoints=beside // 2, keypoint_values=2)
    return plan


def _anchors(parts: Sequence[Parts]) -> tuple[tuple[tuple[float, float], ...], ...]:
    if not all(len(part.box.boxes) == part.per_cell for part in parts):
        return ()
    return tuple(tuple(box.anchor for box in part.box.boxes) for part in parts)


def _silent_first(part: Parts) -> bool:
    """Whether the first class's scores lead nowhere, in a network that tells what becomes of the others."""
    kinds = part.scores.kinds
    return bool(kinds) and kinds[0] == "silent" and len(kinds) > 1 and "score" in kinds


def _with_factors(plan: HeadPlan, part: Parts) -> HeadPlan:
    box = part.box.boxes[0]
    x, y, width, height = (channel - min(box.channels) for channel in box.channels)
    return replace(
        plan,
        scale_factors=(round(box.anchor[0] / box.shift, 3), round(1 / box.growth, 3)),
        coordinates=(y, x, height, width),
    )
