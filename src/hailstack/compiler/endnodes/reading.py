"""From what a tail does to single channels to how a head codes boxes, points and scores."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.endnodes.probe import Cells, Place, Values

Coding: TypeAlias = Literal["bins", "sides", "anchors", "exp_anchors", "centre"]
"""How a box is written:

``bins``: four distributions over distances to the sides; ``sides``: the four distances; ``anchors``: a shift within
two cells and a squared factor of an anchor's size (YOLOv5, v7); ``exp_anchors``: a shift within a cell and the
logarithm of that factor (YOLOv3, v4); ``centre``: a linear shift and the logarithm of a factor (SSD; with the cell as
anchor: YOLOX)."""

Kind: TypeAlias = Literal["box", "point", "score", "shared", "linear", "other", "silent"]
"""What a channel does: ``score`` is a probability of its own, ``shared`` one of several that add up to 1 (softmax)."""

CLOSE = 2e-3
SIGMOID_1 = 1 / (1 + np.exp(-1.0))


@dataclass(frozen=True, slots=True)
class Box:
    """How one box of a cell is coded."""

    coding: Coding
    channels: tuple[int, ...]
    """Those that move it, in the order x, y, width, height or left, top, right, bottom; bins one after another."""
    bins: int = 0
    anchor: tuple[float, float] = (0.0, 0.0)
    """Width and height in pixels when its channels are zero."""
    reach: float = 1.0
    """How far a centre moves within its cell, in cells: 1 for YOLOv3, 1.05 to 1.2 for v4, 2 for v5."""
    shift: float = 0.0
    """``centre``: pixels that one unit moves it."""
    growth: float = 1.0
    """``centre``: logarithm of the factor that one unit grows it by."""
    offset: float = 0.5
    """Where in its cell a box lies when its channels are zero."""


@dataclass(frozen=True, slots=True)
class AxisFacts:
    """Where the coordinates along one axis stand in the outputs; the same in all levels."""

    places: frozenset[Place]
    pixels: float
    """Of one unit."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What each channel of a level does."""

    kinds: tuple[Kind, ...]
    boxes: tuple[Box, ...] = ()
    per_cell: tuple[int, ...] = ()
    """For each map how many rows of its output one cell fills; 0 where the output has no rows."""
    axes: tuple[AxisFacts, AxisFacts] | None = None
    """Across and down; None where no coordinates were found."""


Group: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""Channels, and the slots that they move."""


@dataclass(slots=True)
class _Responses:
    """What adding one value to one channel changes: ``(channels, slots)`` for each value."""

    cells: Cells
    by_value: dict[float, Values] = field(default_factory=dict)

    def at(self, value: float) -> Values:
        if value not in self.by_value:
            count = sum(self.cells.level.channels)
            self.by_value[value] = self.cells.respond(np.eye(count, dtype=np.float32) * np.float32(value))
        return self.by_value[value]

    def moved(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which channels change which of ``slots``."""
        changed: NDArray[np.bool_] = np.any(
            [~np.isclose(self.at(value)[:, slots], 0, atol=1e-6) for value in (1.0, 2.0, -1.0)], axis=0
        )
        return changed


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """The slots that hold coordinates along one axis, and the channels that move each group of them."""

    slots: NDArray[np.int64]
    pixels: float
    """Of one unit of a slot."""
    groups: tuple[Group, ...]


def read_level(cells: Cells, finer: tuple[AxisFacts, AxisFacts] | None = None) -> Reading:
    """How the level is coded, as far as the tail tells.

    Args:
        finer: where a finer level's coordinates stand: those of a single cell have no neighbours to be told by.
    """
    responses = _Responses(cells)
    x, y = (_axis(responses, 1 - i, None if finer is None else finer[i]) for i in (0, 1))
    boxes: list[Box] = []
    used: set[int] = set()
    for across, down in zip(x.groups, y.groups, strict=False):
        box = _read_box(responses, (x, y), (across, down), used)
        if box is not None:
            boxes.append(replace(box, offset=_offset(responses, x, across)))
            used.update(box.channels)
    moving = {channel for axis in (x, y) for channels, _ in axis.groups for channel in channels}
    fixed = np.setdiff1d(np.arange(cells.resting.shape[1]), np.concatenate([x.slots, y.slots]))
    kinds = _kinds(responses, used, moving, fixed)
    return Reading(tuple(kinds), tuple(boxes), tuple(_rows(responses)), _facts(cells, x, y) or finer)


def _facts(cells: Cells, *axes: _Axis) -> tuple[AxisFacts, AxisFacts] | None:
    places = cells.places()
    if not all(axis.slots.size for axis in axes):
        return None
    x, y = (AxisFacts(frozenset(places[slot] for slot in axis.slots), axis.pixels) for axis in axes)
    return x, y


def _offset(responses: _Responses, axis: _Axis, group: Group) -> float:
    rows, columns = responses.cells.level.grid
    resting = responses.cells.resting[:, list(group[1])].mean(axis=1).reshape(rows, columns) * axis.pixels
    cells = resting / responses.cells.level.stride - np.arange(columns)
    return round(float(np.median(cells)), 3)


def _rows(responses: _Responses) -> Iterator[int]:
    """From the shape of the output in which a map's numbers appear: (…, boxes, numbers) or (…, numbers, boxes)."""
    starts = np.cumsum((0, *responses.cells.level.channels))
    moved = responses.moved(np.arange(responses.cells.resting.shape[1]))
    for first, last in itertools.pairwise(starts):
        yield _rows_of(responses.cells, np.asarray(moved[first:last].any(axis=0)))


def _rows_of(cells: Cells, moved: NDArray[np.bool_]) -> int:
    start, count = 0, cells.level.grid[0] * cells.level.grid[1]
    for (index, step), shape in zip(cells.slots, cells.shapes, strict=True):
        own = moved[start : start + index.size]
        start += index.size
        dims = [length for length in shape if length > 1] if len(shape) != 3 else list(shape[1:])
        if not own.any() or len(dims) != 2 or max(dims) < count:
            continue
        inner = dims[1]
        numbers = index[own] % inner if step % inner == 0 else index[own] // inner % dims[0]
        return int(own.sum() // np.unique(numbers).size)
    return 0


def _axis(responses: _Responses, along: int, finer: AxisFacts | None) -> _Axis:
    rows, columns = responses.cells.level.grid
    resting = responses.cells.resting.reshape(rows, columns, -1).astype(np.float64)
    if not np.isfinite(resting).all() or (min(rows, columns) < 2 and finer is None):
        return _Axis(np.zeros(0, np.int64), 1.0, ())
    if min(rows, columns) < 2 and finer is not None:
        known = [slot for slot, place in enumerate(responses.cells.places()) if place in finer.places]
        return _grouped(responses, np.array(known, np.int64), finer.pixels)
    steps = np.median(np.diff(resting, axis=along).reshape(-1, resting.shape[2]), axis=0)
    others = np.abs(np.median(np.diff(resting, axis=1 - along).reshape(-1, resting.shape[2]), axis=0))
    slots = np.flatnonzero((np.abs(steps) > 1e-5) & (others < 1e-3 * np.abs(steps)))
    if not slots.size:
        return _Axis(slots, 1.0, ())
    return _grouped(responses, slots, responses.cells.level.stride / float(np.median(steps[slots])))


def _grouped(responses: _Responses, slots: NDArray[np.int64], pixels: float) -> _Axis:
    every = responses.moved(np.arange(responses.cells.resting.shape[1]))
    groups = _groups(every[:, slots], slots, set(np.flatnonzero(~every.any(axis=1)).tolist()))
    return _Axis(slots, pixels, _join_sides(responses, groups, np.sign(pixels)))


def _join_sides(responses: _Responses, groups: Sequence[Group], towards: float) -> tuple[Group, ...]:
    """Groups where the near and the far side of one box, which share no channel, are one.

    Only a near side moves backwards when its distance grows, be it a number or the weight of its farthest bin.
    """
    joined: list[Group] = []
    near: Group | None = None
    for group in groups:
        moved = responses.at(2.0)[group[0][-1], list(group[1])]
        backwards = float(moved.sum()) * towards < -CLOSE * float(np.abs(moved).max())
        if backwards and near is None:
            near = group
        elif near is not None and len(group[0]) == len(near[0]) and not backwards:
            joined.append(((*near[0], *group[0]), (*near[1], *group[1])))
            near = None
        else:
            joined.append(group)
    return tuple(joined) if near is None else tuple(groups)


def _groups(moved: NDArray[np.bool_], slots: NDArray[np.int64], still: set[int]) -> tuple[Group, ...]:
    """Slots that share a channel, with all their channels; in the order of the channels."""
    groups: list[tuple[set[int], set[int]]] = []
    for column, slot in enumerate(slots.tolist()):
        channels, members = set(np.flatnonzero(moved[:, column]).tolist()), {slot}
        for group in [group for group in groups if group[0] & channels]:
            channels |= group[0]
            members |= group[1]
            groups.remove(group)
        if channels:
            groups.append((channels, members))
    groups.sort(key=lambda group: min(group[0]))
    return tuple((_without_gaps(channels, still), tuple(sorted(members))) for channels, members in groups)


def _without_gaps(channels: set[int], still: set[int]) -> tuple[int, ...]:
    """With the middle one of an odd number of bins, which is where all of them together rest."""
    middle = {channel for channel in still if {channel - 1, channel + 1} <= channels}
    return tuple(sorted(channels | middle))


def _read_box(
    responses: _Responses, axes: tuple[_Axis, _Axis], groups: tuple[Group, Group], used: set[int]
) -> Box | None:
    across, down = groups
    if across[0] == down[0]:
        return _sides(across[0]) if len(across[0]) % 4 == 0 else None
    runs = _runs(across[0]), _runs(down[0])
    if all(len(one) == 2 for one in runs) and _moves_centre(responses, across, runs[0][1][0]):
        return _sides(tuple(np.concatenate([runs[0][0], runs[1][0], runs[0][1], runs[1][1]]).tolist()))
    return _centred(responses, axes, groups, used)


def _sides(channels: tuple[int, ...]) -> Box:
    bins = len(channels) // 4
    return Box("sides", channels) if bins == 1 else Box("bins", channels, bins)


def _runs(channels: Sequence[int]) -> list[list[int]]:
    """Channels in two equal halves where they are side by side within each; else one run each."""
    half = len(channels) // 2
    halves = [list(channels[:half]), list(channels[half:])]
    if len(channels) % 2 == 0 and half and all(one[-1] - one[0] == half - 1 for one in halves):
        return halves
    return [[channel] for channel in channels]


def _moves_centre(responses: _Responses, group: Group, channel: int) -> bool:
    moved = responses.at(2.0)[channel, list(group[1])]
    return abs(float(moved.mean())) > CLOSE * float(np.abs(moved).max())


def _centred(
    responses: _Responses, axes: tuple[_Axis, _Axis], groups: tuple[Group, Group], used: set[int]
) -> Box | None:
    coordinates = {*axes[0].slots.tolist(), *axes[1].slots.tolist()}
    centres: list[int] = []
    sizes: list[tuple[int, float, float]] = []
    for axis, group in zip(axes, groups, strict=True):
        centre = [channel for channel in group[0] if _moves_centre(responses, group, channel)]
        if len(centre) != 1:
            return None
        centres.append(centre[0])
        taken = used | set(centres) | {one[0] for one in sizes}
        sizes.append(_size(responses, axis, group, centre[0], (taken, coordinates)))
        if sizes[-1][0] < 0:
            return None
    moves = [
        _shift(responses, axis, group, channel) for axis, group, channel in zip(axes, groups, centres, strict=True)
    ]
    (wide, width, growth), (high, height, _) = sizes
    channels = (centres[0], centres[1], wide, high)
    shift, ratio = moves[0]
    if abs(ratio - 2) < CLOSE * 2:
        return Box("centre", channels, anchor=(width, height), shift=shift, growth=growth)
    reach = shift / (SIGMOID_1 - 0.5) / responses.cells.level.stride
    return Box("anchors" if growth == 0 else "exp_anchors", channels, anchor=(width, height), reach=float(reach))


def _shift(responses: _Responses, axis: _Axis, group: Group, channel: int) -> tuple[float, float]:
    """Pixels that one unit moves a centre, and how much farther two units do."""
    slots = list(group[1])
    one, two = (float(responses.at(value)[channel, slots].mean()) for value in (1.0, 2.0))
    return one * axis.pixels, two / one if one else 0.0


def _size(
    responses: _Responses, axis: _Axis, group: Group, centre: int, taken: tuple[set[int], set[int]]
) -> tuple[int, float, float]:
    """The channel that sets a size, the size in pixels at rest, and its growth; 0 growth: a squared sigmoid.

    ``taken``: channels that are something else already, and the slots that hold coordinates.
    """
    slots, resting = list(group[1]), responses.cells.resting
    if len(group[0]) == 2 and len(slots) == 2:
        channel = next(one for one in group[0] if one != centre)
        base = float(np.median(resting[:, slots[1]] - resting[:, slots[0]]))
        more, less = (float(np.diff(responses.at(v)[channel, slots])[0]) for v in (1.0, -1.0))
        growth = _growth(abs(base), more * np.sign(base), less * np.sign(base))
        return (channel, abs(base) * axis.pixels, growth) if growth is not None else (-1, 0.0, 0.0)
    for channel in range(centre + 1, min(centre + 4, sum(responses.cells.level.channels))):
        moved = np.flatnonzero(~np.isclose(responses.at(1.0)[channel], 0, atol=1e-7))
        if channel in taken[0] or moved.size != 1 or moved[0] in taken[1]:
            continue
        base, (more, less) = (
            float(np.median(resting[:, moved[0]])),
            (float(responses.at(v)[channel, moved[0]]) for v in (1.0, -1.0)),
        )
        growth = _growth(base, more, less)
        if growth is not None:
            return channel, base * axis.pixels, growth
    return -1, 0.0, 0.0


def _growth(base: float, more: float, less: float) -> float | None:
    """The logarithm of the factor that one unit grows a size by; 0 for YOLOv5's squared sigmoid; None for neither."""
    if base <= 0 or base + more <= 0 or base + less <= 0:
        return None
    up, down = (base + more) / base, (base + less) / base
    if abs(up - (2 * SIGMOID_1) ** 2) < CLOSE and abs(down - (2 - 2 * SIGMOID_1) ** 2) < CLOSE:
        return 0.0
    return float(np.log(up)) if abs(up * down - 1) < CLOSE and up > 1 + CLOSE else None


def _kinds(responses: _Responses, used: set[int], moving: set[int], fixed: NDArray[np.int64]) -> Iterator[Kind]:
    """What each channel does to the slots that hold no coordinates."""
    resting = responses.cells.resting[:, fixed].mean(axis=0)
    changes = [np.nan_to_num(responses.at(value)[:, fixed]) for value in (1.0, 2.0, 30.0)]
    for channel in range(sum(responses.cells.level.channels)):
        if channel in used:
            yield "box"
        elif channel in moving:
            yield "point"
        else:
            yield _kind(resting, *(change[channel] for change in changes))


def _kind(resting: Values, one: Values, two: Values, most: Values) -> Kind:
    """What a channel does that no coordinate hangs on.

    Args:
        resting: of each slot.
        one, two, most: what adding 1, 2 and 30 to the channel changes there.
    """
    touched = np.flatnonzero(~np.isclose(most, 0, atol=1e-6))
    if not touched.size:
        return "silent"
    before, one, two, most = resting[touched], one[touched], two[touched], most[touched]
    ends = before + most
    if before.min() >= -CLOSE and max(before.max(), ends.max()) <= 1 + CLOSE and ends.min() > -CLOSE:
        return "shared" if one.min() < -1e-6 else "score"
    straight = np.allclose(two, 2 * one, rtol=CLOSE, atol=1e-5)
    return "linear" if straight and np.allclose(most, 30 * one, rtol=CLOSE, atol=1e-4) else "other"
