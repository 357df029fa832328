"""Recognising heads that answer in every cell of one or more maps: boxes, scores, key points, masks.

What the tail does decides; where it is missing (networks that were exported without their decoding) the numbers of
channels do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import onnx

from hailstack.compiler.endnodes.frontier import behind_selections
from hailstack.compiler.endnodes.levels import Level, find_levels
from hailstack.compiler.endnodes.maps import Map, read_maps
from hailstack.compiler.endnodes.plan import End, HeadPlan, Role, Task
from hailstack.compiler.endnodes.probe import Tail
from hailstack.compiler.endnodes.reading import Box
from hailstack.compiler.graph.model import Graph
from hailstack.compiler.graph.structure import subgraphs

COMMON_BINS = 16
"""For each side of a box, in nearly every network with bins."""

COMMON_ANCHORS = (2, 3, 4, 5, 6, 9)
"""In each cell, in networks that do not say."""

LANDMARKS = 10
"""Numbers of the five points that detectors of faces give: eyes, nose, corners of the mouth."""

BESIDE_BLAZE: Mapping[int, Task] = {8: "pose", 12: "face_detection", 14: "palm_detection"}
"""Numbers beside a box in MediaPipe's detectors, two for each key point → what they find."""

SMALLEST_MASK, LARGEST_MASK = 8, 128
"""How many prototypes networks have."""


@dataclass(frozen=True, slots=True)
class Heads:
    """The maps of a detector by level, and the prototypes of its masks."""

    levels: tuple[tuple[Map, ...], ...]
    prototypes: Map | None = None

    @property
    def finest(self) -> tuple[Map, ...]:
        """The level that tells most: the finest whose tail could be read."""
        return next((level for level in self.levels if any(one.boxes for one in level)), self.levels[0])


def recognise_detector(graph: Graph, tensors: Sequence[str], classes: int | None = None) -> HeadPlan | None:
    """The plan for a detector that ends in ``tensors``; None if it is none.

    ``classes``, where known, settles which of two look-alike maps holds the scores.
    """
    levels = find_levels(graph, tensors)
    if not levels:
        return None
    heads = _separate(graph, levels, Tail.of(graph, tensors))
    if heads is None:
        return None
    count = len(heads.levels[0])
    plan = _together(heads, classes) if count == 1 else _apart(heads, classes)
    if plan is None:
        return None
    return replace(plan, nms=not _picks_best(graph))


def _separate(graph: Graph, levels: tuple[Level, ...], tail: Tail | None) -> Heads | None:
    """Levels with equally many maps each, and a finer map alone, which holds prototypes of masks."""
    every = read_maps(graph, tail, levels)
    if len(every) > 1 and len(every[0]) == 1 and SMALLEST_MASK <= every[0][0].channels <= LARGEST_MASK:
        prototypes, rest = every[0][0], every[1:]
        if all(len(level) == len(rest[0]) for level in rest) and _has_coefficients(rest, prototypes):
            return Heads(tuple(rest), prototypes)
    same_grid = _prototypes_beside(every)
    if same_grid is not None:
        return same_grid
    return Heads(tuple(every)) if len({len(level) for level in every}) == 1 else None


def _prototypes_beside(every: list[tuple[Map, ...]]) -> Heads | None:
    """Prototypes at the resolution of the finest level (networks with a level at stride 4)."""
    if len(every) < 2 or len(every[0]) != len(every[1]) + 1 or len({len(level) for level in every[1:]}) != 1:
        return None
    wanted = {one.channels for one in every[1]}
    twice = [one for one in every[0] if sum(other.channels == one.channels for other in every[0]) > 1]
    spare = [one for one in twice if one.channels in wanted and not one.scored and not one.boxes]
    if not spare:
        return None
    prototypes = spare[-1]
    return Heads((tuple(one for one in every[0] if one != prototypes), *every[1:]), prototypes)


def _has_coefficients(levels: Sequence[tuple[Map, ...]], prototypes: Map) -> bool:
    count = prototypes.channels
    for level in levels:
        if len(level) == 1:
            fits = level[0].channels > 3 * (count + 5) and level[0].channels % 3 == 0
            return fits and level[0].channels != count
        if not any(one.channels == count or _rows(one) * count == one.channels for one in level):
            return False
    return True


def _picks_best(graph: Graph) -> bool:
    """Whether the network ranks its boxes without comparing them: no suppression is needed behind it."""
    operators = set(_operators(graph.nodes))
    return "TopK" in operators and "NonMaxSuppression" not in operators and bool(behind_selections(graph))


def _operators(nodes: Iterable[onnx.NodeProto]) -> Iterator[str]:
    for node in nodes:
        yield node.op_type
        for body in subgraphs(node):
            yield from _operators(body.node)


# One map a level: boxes, objectness and classes together.


def _together(heads: Heads, classes: int | None) -> HeadPlan | None:
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
        return "yolox" if _is_cell(box, one.stride) else "ssd"
    return "yolov3" if box.reach < 1.01 else "yolov4"


def _is_cell(box: Box, stride: int) -> bool:
    """Whether a box's anchor is its cell."""
    return all(abs(length / stride - 1) < 0.01 for length in (*box.anchor, box.shift)) and abs(box.growth - 1) < 0.01


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


# Several maps a level.


@dataclass(frozen=True, slots=True)
class Parts:
    """Which of a level's maps is what."""

    box: Map
    scores: Map
    per_cell: int
    objectness: Map | None = None
    points: Map | None = None
    mask: Map | None = None
    angle: Map | None = None

    def ends(self, sigmoid: bool) -> tuple[End, ...]:
        """In the usual order: box, objectness, scores, then the rest."""
        roles: tuple[tuple[Map | None, Role], ...] = (
            (self.box, "reg"),
            (self.objectness, "obj"),
            (self.scores, "cls"),
            (self.points, "points"),
            (self.mask, "mask"),
            (self.angle, "angle"),
        )
        return tuple(
            End(one.tensor, role, sigmoid and role in ("obj", "cls") and not one.probable, one.stride)
            for one, role in roles
            if one is not None
        )


def _apart(heads: Heads, classes: int | None) -> HeadPlan | None:
    bins = next((one.bins for one in heads.finest if one.bins), 0)
    parts = [_assign(level, heads, bins, classes) for level in heads.levels]
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


def _assign(level: tuple[Map, ...], heads: Heads, bins: int, classes: int | None) -> Parts | None:
    if len(level) < 2:
        return None
    box = _box_of(level, bins, classes)
    if box is None:
        return None
    rest = [one for one in level if one != box]
    known = 1 if any(one.channels == classes for one in rest) else 0
    per_cell = len(box.boxes) or box.per_cell or known or _per_cell(box, rest, bins)
    points = next((one for one in rest if _holds_points(one, box, per_cell)), None)
    rest = [one for one in rest if one != points]
    mask = _mask_of(rest, heads.prototypes, per_cell)
    rest = [one for one in rest if one != mask]
    if len(rest) == 2:
        return _with_single(box, rest, per_cell, points, mask)
    if len(rest) != 1 or rest[0].channels % per_cell:
        return None
    if points is None and mask is None and len(level) > 2:
        return None
    return Parts(box, rest[0], per_cell, points=points, mask=mask)


def _box_of(level: tuple[Map, ...], bins: int, classes: int | None) -> Map | None:
    """Which map holds the boxes; the surest sign that tells them apart decides."""
    able = [one for one in level if one.channels % 4 == 0 and not one.scored and not one.points]
    signs = (
        [one for one in level if one.boxes],
        [one for one in able if bins and one.channels == 4 * bins],
        [one for one in able if classes is not None and any(o.channels == classes for o in level if o != one)],
        [one for one in able if one.channels in (4, 4 * COMMON_BINS)][
            :1
        ],  # boxes come first in every exporter we know
        [one for one in able if any(_ratio(other, one) in (0.25, 0.5) for other in level if other != one)],
    )
    return next((sign[0] for sign in signs if len(sign) == 1), able[0] if able else None)


def _ratio(one: Map, other: Map) -> float:
    return one.channels / other.channels


def _per_cell(box: Map, rest: Sequence[Map], bins: int) -> int:
    """Boxes in each cell, from the numbers of channels alone."""
    if box.channels == 4 or bins or box.channels == 4 * COMMON_BINS or box.channels % 4:
        return 1
    count = box.channels // 4
    faces = any(one.channels == LANDMARKS * count for one in rest)
    alike = all(one.channels % count == 0 for one in rest)
    return count if faces or (alike and count in COMMON_ANCHORS) else 1


def _rows(one: Map) -> int:
    return len(one.boxes) or one.per_cell or 1


def _holds_points(one: Map, box: Map, per_cell: int) -> bool:
    if one.points:
        return True
    if one.scored or one.channels % per_cell:
        return False
    numbers = one.channels // per_cell
    if numbers == LANDMARKS and box.channels == 4 * per_cell:
        return True
    return bool(box.bins or box.boxes or box.channels in (4, 4 * COMMON_BINS)) and numbers == 51


def _mask_of(rest: Sequence[Map], prototypes: Map | None, per_cell: int) -> Map | None:
    if prototypes is None:
        return None
    fitting = [one for one in rest if one.channels == per_cell * prototypes.channels and not one.scored]
    return fitting[-1] if fitting else None


def _with_single(box: Map, rest: Sequence[Map], per_cell: int, points: Map | None, mask: Map | None) -> Parts | None:
    """Two maps are left: class scores, and one number for each box: objectness, or an angle."""
    single = [one for one in rest if one.channels == per_cell]
    if not single:
        return None
    turning = [one for one in single if one.kinds and not one.scored and box.boxes]
    raw_bins = box.bins or (box.channels == 4 * COMMON_BINS and not box.boxes)
    if not turning and raw_bins and not all(one.scored for one in rest):
        turning = [one for one in single if not one.scored][-1:]
    one = turning[0] if turning else single[-1]
    scores = next(other for other in rest if other != one)
    if turning:
        return Parts(box, scores, per_cell, points=points, mask=mask, angle=one)
    return Parts(box, scores, per_cell, objectness=one, points=points, mask=mask)


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
        return "yolox" if _is_cell(box, part.box.stride) and part.per_cell == 1 else "ssd"
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
