"""The maps of a detector that answers in every cell: which numbers of which output are what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.heads.outputs import Outputs
from hailstack.heads.values import Values


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some of the numbers that an output has for each box of a cell."""

    values: Values
    width: int
    """Numbers that the output has for each box."""
    start: int
    stop: int

    def of(self, outputs: Outputs) -> NDArray[Any]:
        """``(boxes, stop - start)`` as delivered."""
        return np.asarray(outputs[self.values.output]).reshape(-1, self.width)[:, self.start : self.stop]

    def real(self, outputs: Outputs, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """``(n, stop - start)`` of some boxes.

        Raises:
            InferencePipelineError: one is not a finite number.
        """
        whole = np.asarray(outputs[self.values.output]).reshape(-1, self.width)
        return self.values.real(whole.take(rows, axis=0)[:, self.start : self.stop])


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The maps of one resolution."""

    stride: int
    """Pixels of the input between two cells."""
    rows: int
    columns: int
    per_cell: int
    """Boxes in each cell."""
    parts: Mapping[str, Part]
    """Role (as the compiler names them: ``reg``, ``cls``, ``obj``, ``points`` …) → where it lies."""
    anchors: tuple[tuple[float, float], ...] = ()
    """Width and height of each box of a cell, in pixels."""

    @property
    def count(self) -> int:
        """Boxes."""
        return self.rows * self.columns * self.per_cell


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the boxes of all levels lie, level after level, each row by row, in pixels of the input."""

    cell: NDArray[np.float32]
    """``(n, 2)`` upper left corner of each box's cell."""
    stride: NDArray[np.float32]
    """``(n, 2)``."""
    anchor: NDArray[np.float32]
    """``(n, 2)`` width and height; zero where there are none."""

    @classmethod
    def of(cls, levels: Sequence[Level]) -> Places:
        parts = [_places(level) for level in levels]
        cell, stride, anchor = (np.concatenate(column).astype(np.float32) for column in zip(*parts, strict=True))
        return cls(cell, stride, anchor)


def _places(level: Level) -> tuple[NDArray[np.float64], ...]:
    row, column = np.divmod(np.arange(level.rows * level.columns), level.columns)
    cell = np.repeat(np.stack([column, row], 1), level.per_cell, axis=0) * level.stride
    anchors = np.array(level.anchors or [(0.0, 0.0)] * level.per_cell)
    return cell, np.full((level.count, 2), level.stride), np.tile(anchors, (level.rows * level.columns, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """All levels of a detector. A box's row is its number over all of them."""

    levels: tuple[Level, ...]
    firsts: tuple[int, ...]
    """Row of each level's first box."""

    @classmethod
    def of(cls, levels: Sequence[Level]) -> Pyramid:
        ends = np.cumsum([0, *(level.count for level in levels)]).tolist()
        return cls(tuple(levels), tuple(ends[:-1]))

    def real(self, role: str, outputs: Outputs, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """What the parts of one role say about some boxes, in their order.

        Raises:
            InferencePipelineError: a number is not finite.
        """
        if (np.diff(rows) < 0).any():
            order = np.argsort(rows, kind="stable")
            turned = np.empty_like(order)
            turned[order] = np.arange(len(order))
            return self._ascending(role, outputs, rows[order])[turned]
        return self._ascending(role, outputs, rows)

    def _ascending(self, role: str, outputs: Outputs, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        bounds = [*np.searchsorted(rows, self.firsts).tolist(), len(rows)]
        found = [
            level.parts[role].real(outputs, rows[bounds[i] : bounds[i + 1]] - first)
            for i, (level, first) in enumerate(zip(self.levels, self.firsts, strict=True))
        ]
        return found[0] if len(found) == 1 else np.concatenate(found)
