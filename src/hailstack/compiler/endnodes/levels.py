"""The ends of a detector sorted by resolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hailstack.compiler.graph.model import Graph
from hailstack.errors import ModelError


@dataclass(frozen=True, slots=True)
class Level:
    """The maps that leave a network at one resolution."""

    stride: int
    """Input pixels a cell."""
    grid: tuple[int, int]
    """Rows and columns."""
    tensors: tuple[str, ...]
    channels: tuple[int, ...]

    def without(self, tensor: str) -> Level:
        """The same without one of its maps."""
        kept = [i for i, name in enumerate(self.tensors) if name != tensor]
        return Level(
            self.stride,
            self.grid,
            tuple(self.tensors[i] for i in kept),
            tuple(self.channels[i] for i in kept),
        )


def find_levels(graph: Graph, tensors: Sequence[str]) -> tuple[Level, ...]:
    """The maps by resolution, finest first; empty if one is no map, or all are single cells."""
    grouped: dict[tuple[int, int], list[str]] = {}
    for tensor in tensors:
        shape = graph.shape(tensor)
        if len(shape) != 4:
            return ()
        grouped.setdefault((shape[2], shape[3]), []).append(tensor)
    levels = [_level(graph, grid, names) for grid, names in grouped.items()]
    return tuple(sorted(levels, key=lambda level: level.stride)) if max(map(max, grouped), default=1) > 1 else ()


def _level(graph: Graph, grid: tuple[int, int], tensors: list[str]) -> Level:
    return Level(find_stride(graph, grid), grid, tuple(tensors), tuple(graph.shape(name)[1] for name in tensors))


def find_stride(graph: Graph, grid: Sequence[int]) -> int:
    """Input pixels a cell, to the nearest power of two; 0 for a network that takes no single image.

    Maps of odd sizes (10 rows over 75, say) have no whole stride; the power of two is what the layers divide by.
    """
    try:
        sides = graph.input_hw
    except ModelError:
        return 0
    ratio = max(side / cells for side, cells in zip(sides, grid, strict=True))
    exact = int(sides[0]) // grid[0]
    if exact * grid[0] == sides[0] and exact * grid[1] == sides[1]:
        return exact
    powers = [1 << power for power in range(12)]
    return min(powers, key=lambda stride: abs(stride - ratio))
