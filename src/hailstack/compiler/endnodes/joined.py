"""Heads with one map a level: boxes, objectness and classes together."""

from __future__ import annotations

from hailstack.compiler.endnodes.heads import LANDMARKS, Heads, is_cell
from hailstack.compiler.endnodes.maps import Map
from hailstack.compiler.endnodes.plan import End, HeadPlan, Task
from hailstack.compiler.endnodes.reading import Box


def read_joined(heads: Heads, classes: int | None) -> HeadPlan | None:
    """The plan; None if the maps are no such head."""
    first = heads.finest[0]
    masks = heads.prototypes.channels if heads.prototypes else 0
    if first.boxes and first.boxes[0].coding in ("anchors", "exp_anchors", "centre"):
        return _anchored(heads, len(first.boxes), masks)
    if first.boxes and first.boxes[0].coding in ("bins", "sides"):
        return _combined(heads, first.boxes[0].bins or 1, len(first.boxes))
    kinds = first.counts()
    if kinds["score"] and kinds["linear"] % 4 == 0 and kinds["score"] + kinds["linear"] == first.channels:
        return _combined(heads, kinds["linear"] // 4, 1)
    if len(heads.levels) < 2 or len({level[0].channels for level in heads.levels}) > 1:
        return None
    if classes is not None and _fits_bins(first.channels, classes):
        return _combined(heads, (first.channels - classes) // 4, 1, classes)
    per_cell = first.per_cell or 3
    return _anchored(heads, per_cell, masks) if _fits_anchors(first, per_cell, masks) else None


def _fits_bins(channels: int, classes: int) -> bool:
    return channels > classes and (channels - classes) % 4 == 0 and channels % (5 + classes) > 0


def _fits_anchors(one: Map, per_cell: int, masks: int) -> bool:
    return one.channels % per_cell == 0 and one.channels // per_cell > 5 + masks and not one.scored


def _anchored(heads: Heads, per_cell: int, masks: int) -> HeadPlan | None:
    """YOLOv3's to v7's head."""
    first = heads.finest[0]
    size = first.channels // per_cell
    points = sum(kind == "point" for kind in first.kinds[:size])
    classes = size - 5 - masks - points
    if classes < 0:
        return None
    box = first.boxes[0] if first.boxes else None
    family = _anchor_family(box, first)
    known = bool(box) and all(level[0].boxes for level in heads.levels)
    whole = family == "yolov5" and known and not masks and not points
    ends = [
        End(level[0].tensor, "anchors", whole and not level[0].probable, level[0].stride) for level in heads.levels
    ]
    task: Task = "detection"
    if heads.prototypes is not None:
        ends.append(End(heads.prototypes.tensor, "proto", stride=heads.prototypes.stride))
        task = "instance_segmentation"
    elif points:
        task = "face_detection" if points == LANDMARKS else "pose"
    return HeadPlan(
        task,
        tuple(ends),
        family,
        max(classes, 1),
        anchors=tuple(tuple(one.anchor for one in level[0].boxes) for level in heads.levels) if known else (),
        per_cell=per_cell,
        keypoints=points // 2,
        keypoint_values=2 if points else 0,
        mask_coefficients=masks,
        offset=box.offset if box else None,
        reach=round(box.reach, 3) if box and family in ("yolov3", "yolov4") else 0.0,
        scores="probabilities" if whole or first.probable else "logits",
        score_function="sigmoid",
        reason=""
        if known
        else "the network does not decode its boxes, so its anchors are not known: YOLOv3 to v7 end like this",
    )


def _anchor_family(box: Box | None, one: Map) -> str:
    if box is None or box.coding == "anchors":
        return "yolov5"
    if box.coding == "centre":
        return "yolox" if is_cell(box, one.stride) else "ssd"
    return "yolov3" if box.reach < 1.01 else "yolov4"


def _combined(heads: Heads, bins: int, per_cell: int, classes: int = 0) -> HeadPlan:
    """NanoDet's head: class scores, then bins for each side."""
    first = heads.finest[0]
    count = classes or first.counts()["score"] or first.channels - 4 * bins
    return HeadPlan(
        "detection",
        tuple(End(level[0].tensor, "combined", stride=level[0].stride) for level in heads.levels),
        "nanodet",
        count // per_cell,
        reg_max=bins,
        per_cell=per_cell,
        scores="logits",
        score_function="sigmoid",
    )
