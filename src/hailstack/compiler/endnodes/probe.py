"""What the tail does to each channel, found out by running it.

Exporters write the same decoding in countless ways. What they all have in common is what it computes: so single
channels of single cells are set, and what moves at the outputs is watched. Which operators did it does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from hailstack.compiler.endnodes.frontier import tail_nodes
from hailstack.compiler.endnodes.levels import Level
from hailstack.compiler.endnodes.plan import part
from hailstack.compiler.endnodes.proof import read_by_selections
from hailstack.compiler.endnodes.selections import behind_selections
from hailstack.compiler.graph.model import Graph, open_session
from hailstack.errors import ModelError

Values = NDArray[np.float32]

Place: TypeAlias = tuple[int, int]
"""An output, and a number of the rows in it."""

LARGEST = 30_000_000
"""Outputs with more numbers are not watched."""

REFUSED = (ort_errors.Fail, ort_errors.InvalidArgument, ort_errors.RuntimeException)


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """A decode tail that can be run on made-up maps."""

    session: onnxruntime.InferenceSession
    resting: Mapping[str, Values]
    """What each end is taken to be where nothing else is said: zero, or one half if it is a probability."""
    outputs: tuple[str, ...]

    @staticmethod
    def of(graph: Graph, tensors: Sequence[str]) -> Tail | None:
        """The tail behind ``tensors``, up to the first selection; None if there is none, or it needs more to run."""
        behind = {name for node in tail_nodes(graph, tensors) for name in node.output}
        tainted = behind_selections(graph)
        watched = [name for name in dict.fromkeys((*graph.outputs, *read_by_selections(graph))) if name in behind]
        watched = [name for name in watched if name in graph.reals and name not in tainted]
        if not watched:
            return None
        return _open(graph, tuple(tensors), tuple(watched))

    def run(self, maps: Mapping[str, Values]) -> list[Values]:
        """All watched outputs, flat. Maps that are not given rest.

        Raises:
            ValueError: the tail cannot be run.
        """
        feeds = {entry.name: maps.get(entry.name, self.resting[entry.name]) for entry in self.session.get_inputs()}
        try:
            return [np.ravel(value) for value in self.session.run(list(self.outputs), feeds)]
        except REFUSED as error:
            raise ValueError(str(error)) from error


def _open(graph: Graph, tensors: tuple[str, ...], watched: tuple[str, ...]) -> Tail | None:
    ends, wanted, nodes = set(tensors), set(watched), []
    for node in reversed(graph.nodes):
        if wanted.intersection(node.output) and not ends.issuperset(node.output):
            nodes.append(node)
            wanted.update(set(node.input) - ends)
    if wanted & set(graph.inputs):
        return None
    inputs = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, graph.shape(name)) for name in tensors]
    outputs = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in watched]
    try:
        session = open_session(part(graph, nodes[::-1], inputs, outputs).model, graph.source)
    except ModelError:
        return None
    return Tail(session, {name: _rest(graph, name) for name in tensors}, watched)


def _rest(graph: Graph, tensor: str) -> Values:
    probable = tensor in graph.producers and graph.producers[tensor].op_type == "Sigmoid"
    return np.full(graph.shape(tensor), 0.5 if probable else 0, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The outputs as a function of one cell's channels.

    The numbers that one cell decides are its slots. They are the same for every cell but for a shift.
    """

    tail: Tail
    level: Level
    slots: tuple[tuple[NDArray[np.int64], int], ...]
    """For each output: where the first cell's slots are, and how far the next cell's are from them."""
    resting: Values
    """``(cells, slots)``: what the outputs are when all maps rest."""
    shapes: tuple[tuple[int, ...], ...]
    """Of the outputs."""

    @staticmethod
    def of(tail: Tail, level: Level) -> Cells | None:
        """None where the outputs are no function of single cells."""
        rest = tail.run({})
        if any(value.size > LARGEST for value in rest):
            return None
        count = level.grid[0] * level.grid[1]
        first, second, last = (_touched(tail, level, rest, cell) for cell in (0, min(1, count - 1), count - 1))
        slots = []
        for a, b, c in zip(first, second, last, strict=True):
            step = _shift(a, b, c, count)
            slots.append((a, step) if step is not None else (a[:0], 0))
        if not any(index.size for index, _ in slots):
            return None
        shapes = tuple(tuple(entry.shape) for entry in tail.session.get_outputs())
        return Cells(tail, level, tuple(slots), _gather(rest, slots, count), shapes)

    def places(self) -> list[Place]:
        """For each slot its output, and which of a box's numbers it is there."""
        found: list[Place] = []
        for output, ((index, _), shape) in enumerate(zip(self.slots, self.shapes, strict=True)):
            rows, columns = shape[-2:] if len(shape) > 1 else (1, *shape)
            numbers = index % columns if rows >= columns else index // columns
            found += [(output, int(number)) for number in numbers]
        return found

    def respond(self, values: Values) -> Values:
        """What adding ``(n, channels)`` values to a cell changes, as ``(n, slots)``; all maps, one after another.

        Cells in the middle are asked first: at the edges boxes may be clipped.
        """
        rows, columns = self.level.grid
        y, x = np.divmod(np.arange(rows * columns), columns)
        order = np.argsort((y - rows / 2) ** 2 + (x - columns / 2) ** 2, kind="stable")
        size = max(order.size // 4, min(order.size, 64))
        parts = [
            self._respond(values[i : i + size], order[: len(values[i : i + size])])
            for i in range(0, len(values), size)
        ]
        return np.concatenate(parts)

    def _respond(self, values: Values, cells: NDArray[np.int64]) -> Values:
        every = np.zeros((self.level.grid[0] * self.level.grid[1], values.shape[1]), np.float32)
        every[cells] = values
        maps = _add(self.tail, self.level, every)
        with np.errstate(invalid="ignore"):
            return (_gather(self.tail.run(maps), self.slots, len(every)) - self.resting)[cells]


def _add(tail: Tail, level: Level, values: Values) -> dict[str, Values]:
    """Resting maps with ``(cells, channels)`` values added."""
    starts = np.cumsum((0, *level.channels))
    return {
        name: tail.resting[name] + values[:, start : start + size].T.reshape(1, size, *level.grid)
        for name, start, size in zip(level.tensors, starts, level.channels, strict=False)
    }


def _touched(tail: Tail, level: Level, rest: list[Values], cell: int) -> list[NDArray[np.int64]]:
    """Where the outputs change when a cell does."""
    random = np.random.default_rng(cell)
    marks = [np.zeros(value.size, np.bool_) for value in rest]
    for scale in (1.0, 4.0):
        values = np.zeros((level.grid[0] * level.grid[1], sum(level.channels)), np.float32)
        values[cell] = scale * (0.25 + random.random(values.shape[1]))
        for mark, value, now in zip(marks, rest, tail.run(_add(tail, level, values)), strict=True):
            mark |= value != now
    return [np.flatnonzero(mark) for mark in marks]


def _shift(first: NDArray[np.int64], second: NDArray[np.int64], last: NDArray[np.int64], count: int) -> int | None:
    """How far apart the slots of neighbouring cells are; None if not always the same."""
    if not first.size or not first.size == second.size == last.size:
        return None
    if count == 1:
        return 1
    step = int(second[0] - first[0])
    regular = np.array_equal(first + step, second) and np.array_equal(first + step * (count - 1), last)
    return step if regular and step > 0 else None


def _gather(outputs: list[Values], slots: Sequence[tuple[NDArray[np.int64], int]], count: int) -> Values:
    cells = np.arange(count)[:, None]
    return np.concatenate(
        [value[index + step * cells] for value, (index, step) in zip(outputs, slots, strict=True)], axis=1
    )
