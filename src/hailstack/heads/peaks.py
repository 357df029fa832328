"""Objects at the peaks of a map: CenterNet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.heads.codings import Numbers, around
from hailstack.heads.levels import Level, Places, Pyramid
from hailstack.heads.outputs import Outputs
from hailstack.heads.scores import ClassScores, Strong

AROUND = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1) if (row, column) != (0, 0)]
"""The eight neighbours of a cell, in the order in which a map is read."""


@dataclass(frozen=True, slots=True)
class PeakScores:
    """Cells whose score is the highest among their neighbours' (CenterNet, arXiv 1904.07850, section 3).

    Of neighbours with equal scores, which integers often have, only the first is a peak.
    """

    def find(self, pyramid: Pyramid, outputs: Outputs, least: float) -> Strong:
        strong = ClassScores().find(pyramid, outputs, least)
        (level,) = pyramid.levels
        return strong.take(np.flatnonzero(_is_peak(level, outputs, strong)))


def _is_peak(level: Level, outputs: Outputs, strong: Strong) -> NDArray[np.bool_]:
    heat: NDArray[Any] = level.parts["cls"].of(outputs).reshape(level.rows, level.columns, -1)
    row, column = np.divmod(strong.row, level.columns)
    own = heat[row, column, strong.class_id]
    peak = np.ones(len(own), np.bool_)
    for place, (down, across) in enumerate(AROUND):
        y, x = row + down, column + across
        inside = (y >= 0) & (y < level.rows) & (x >= 0) & (x < level.columns)
        other = heat[y % level.rows, x % level.columns, strong.class_id]
        peak &= ~inside | (own > other if place < len(AROUND) // 2 else own >= other)
    return peak


@dataclass(frozen=True, slots=True, eq=False)
class PeakBoxes:
    """``centre = (x + offset) * s, size = t * s`` (CenterNet, arXiv 1904.07850, section 4)."""

    places: Places
    roles: tuple[str, ...] = ("size", "offset")

    def decode(self, numbers: Numbers, rows: NDArray[np.intp]) -> Numbers:
        stride = self.places.stride.take(rows, axis=0)
        return around(self.places.cell.take(rows, axis=0) + numbers[:, 2:] * stride, numbers[:, :2] * stride)
