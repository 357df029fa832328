"""One map of a detector's level, with what is known about it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hailstack.compiler.endnodes.levels import Level
from hailstack.compiler.endnodes.onchip import RESHAPING
from hailstack.compiler.endnodes.probe import Cells, Tail
from hailstack.compiler.endnodes.reading import AxisFacts, Box, Kind, Reading, read_level
from hailstack.compiler.graph.model import Graph, whole

POSITIVE = frozenset({"Relu", "Softplus"})

SMALL = 72
"""Channels up to which a map may hold boxes."""

CHANNELS_A_CELL = 4
"""Every channel is asked in a cell of its own; where there are fewer cells, several times over."""


@dataclass(frozen=True, slots=True)
class Map:
    """A tensor of one level."""

    tensor: str
    stride: int
    channels: int
    kinds: tuple[Kind, ...] = ()
    """What each channel does; empty if the tail does not tell."""
    boxes: tuple[Box, ...] = ()
    per_cell: int = 0
    """Rows that one cell fills in an output; 0 if it does not tell."""
    probable: bool = False
    """Whether a sigmoid made it."""
    positive: bool = False
    """Whether its activation lets only positive numbers pass, as distances are."""
    squashed: bool = False
    """Whether a sigmoid follows, reshaped or not."""
    bins: int = 0
    """Of a softmax over a quarter of its channels that follows, reshaped or not."""

    def counts(self) -> Counter[str]:
        return Counter(self.kinds)

    @property
    def scored(self) -> bool:
        """Whether its channels are scores, each or together."""
        kinds = self.counts()
        told = kinds["score"] + kinds["shared"] == self.channels > 0
        return told or self.probable or (self.squashed and not self.boxes and not kinds["point"])

    @property
    def shared(self) -> bool:
        """Whether a softmax makes its scores."""
        return self.counts()["shared"] > 0

    @property
    def points(self) -> int:
        """Pairs of coordinates."""
        return self.counts()["point"] // 2


def read_maps(graph: Graph, tail: Tail | None, levels: Sequence[Level]) -> list[tuple[Map, ...]]:
    """The maps of each level, finest first."""
    found: list[tuple[Map, ...]] = []
    axes: tuple[AxisFacts, AxisFacts] | None = None
    for level in levels:
        asked = _worth_asking(level)
        reading = _read(tail, asked, axes)
        axes = axes if reading is None else reading.axes
        starts = dict(zip(asked.tensors, itertools.accumulate(asked.channels, initial=0), strict=False))
        found.append(
            tuple(
                _map(graph, level.stride, tensor, channels, _part(reading, asked, starts.get(tensor), channels))
                for tensor, channels in zip(level.tensors, level.channels, strict=True)
            )
        )
    return found


def _worth_asking(level: Level) -> Level:
    """Where there are few cells to ask in, only maps that may hold boxes: a finer level told the rest."""
    if sum(level.channels) <= CHANNELS_A_CELL * level.grid[0] * level.grid[1]:
        return level
    for tensor, channels in zip(level.tensors, level.channels, strict=True):
        if channels > SMALL and len(level.tensors) > 1:
            level = level.without(tensor)
    return level


def _part(
    reading: Reading | None, asked: Level, start: int | None, channels: int
) -> tuple[tuple[Kind, ...], tuple[Box, ...], int]:
    """What was found out about one map."""
    if reading is None or start is None:
        return (), (), 0
    boxes = tuple(_from(box, start) for box in reading.boxes if start <= box.channels[0] < start + channels)
    place = list(itertools.accumulate(asked.channels, initial=0)).index(start)
    return reading.kinds[start : start + channels], boxes, reading.per_cell[place]


def _map(
    graph: Graph, stride: int, tensor: str, channels: int, told: tuple[tuple[Kind, ...], tuple[Box, ...], int]
) -> Map:
    maker = graph.producers[tensor].op_type
    squashed, bins = _followed_by_sigmoid(graph, tensor), _bins(graph, tensor, channels)
    return Map(tensor, stride, channels, *told, maker == "Sigmoid", maker in POSITIVE, squashed, bins)


def _read(tail: Tail | None, level: Level, finer: tuple[AxisFacts, AxisFacts] | None) -> Reading | None:
    if tail is None:
        return None
    try:
        cells = Cells.of(tail, level)
        return None if cells is None else read_level(cells, finer)
    except ValueError:  # the tail does not take made-up values: its shape alone must do
        return None


def _from(box: Box, start: int) -> Box:
    return replace(box, channels=tuple(channel - start for channel in box.channels))


def _followed_by_sigmoid(graph: Graph, tensor: str) -> bool:
    return any(
        node.op_type == "Sigmoid" or (node.op_type in RESHAPING and _followed_by_sigmoid(graph, node.output[0]))
        for node in graph.consumers.get(tensor, ())
    )


def _bins(graph: Graph, tensor: str, channels: int) -> int:
    """Bins of a softmax that takes a map's channels in four equal parts."""
    waiting: Sequence[str] = [tensor]
    while waiting:
        readers = [node for name in waiting for node in graph.consumers.get(name, ())]
        for node in readers:
            if node.op_type == "Softmax":
                shape = graph.shape(node.input[0])
                bins = shape[whole(node, "axis", -1)]
                if bins > 1 and 4 * bins == channels:
                    return bins
        waiting = [node.output[0] for node in readers if node.op_type in RESHAPING]
    return 0
