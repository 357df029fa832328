"""The maps of a detector, sorted by level."""

from __future__ import annotations

from dataclasses import dataclass

from hailstack.compiler.endnodes.maps import Map
from hailstack.compiler.endnodes.reading import Box

LANDMARKS = 10
"""Numbers of the five points that detectors of faces give: eyes, nose, corners of the mouth."""


@dataclass(frozen=True, slots=True)
class Heads:
    """The maps of a detector by level, and the prototypes of its masks."""

    levels: tuple[tuple[Map, ...], ...]
    prototypes: Map | None = None

    @property
    def finest(self) -> tuple[Map, ...]:
        """The level that tells most: the finest whose tail could be read."""
        return next((level for level in self.levels if any(one.boxes for one in level)), self.levels[0])


def is_cell(box: Box, stride: int) -> bool:
    """Whether a box's anchor is its cell."""
    return all(abs(length / stride - 1) < 0.01 for length in (*box.anchor, box.shift)) and abs(box.growth - 1) < 0.01


def rows_of(one: Map) -> int:
    return len(one.boxes) or one.per_cell or 1
