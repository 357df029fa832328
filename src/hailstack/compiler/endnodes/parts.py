"""Which of a level's maps is what: boxes, scores, objectness, key points, masks, angles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hailstack.compiler.endnodes.heads import LANDMARKS, Heads
from hailstack.compiler.endnodes.maps import Map
from hailstack.compiler.endnodes.plan import End, Role

COMMON_BINS = 16
"""For each side of a box, in nearly every network with bins."""

COMMON_ANCHORS = (2, 3, 4, 5, 6, 9)
"""In each cell, in networks that do not say."""


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


def assign(level: tuple[Map, ...], heads: Heads, bins: int, classes: int | None) -> Parts | None:
    """The parts of a level; None if its maps do not fit together.

    Args:
        bins: for each side of a box, where another level tells.
        classes: how many, where known.
    """
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
