"""What a network's tensors look like on real pictures: their ranges, their values, and the means of their channels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from hailstack.compiler.graph.model import Graph, open_session
from hailstack.compiler.quantise.histogram import Histogram
from hailstack.compiler.quantise.pixels import Frame, feed
from hailstack.compiler.quantise.runs import in_turn, is_wide, single_thread, workers
from hailstack.compiler.quantise.scales import Range
from hailstack.errors import ModelError

AXES_AS_INPUT = 18
"""From this operator set on, ReduceMin and ReduceMax take their axes as an input."""
MOST_VALUES = 32768
"""Of one tensor on one picture go into its histogram; of larger ones so many are drawn."""

ENDS = ("ReduceMin", "ReduceMax")

Value = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """One row a frame, one column a tensor."""

    tensors: tuple[str, ...]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    means: Mapping[str, NDArray[np.float32]]
    """Tensor → ``(frames, channels)``: mean of each channel on each frame."""
    features: Mapping[str, tuple[Range, ...]] = field(default_factory=dict)
    """Tensor → what each of its features covers."""
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    """Tensor → how often it takes which value."""

    def widest(self, tensor: str) -> Range:
        """Covers everything seen."""
        column = self.tensors.index(tensor)
        return Range(float(self.low[:, column].min()), float(self.high[:, column].max()))

    def typical(self, tensor: str) -> Range:
        """The mean of every frame's extremes.

        One frame's outlier would else cost all others their resolution: on YOLOX-nano this is worth 3 points of
        AP50 against :meth:`widest`.
        """
        column = self.tensors.index(tensor)
        return Range(float(self.low[:, column].mean()), float(self.high[:, column].mean()))


@dataclass(frozen=True, slots=True)
class Probe:
    """A tensor reduced to a few numbers by the network itself."""

    operator: str
    """``Gather`` draws at most :data:`MOST_VALUES` of its values."""
    tensor: str
    kept_axis: int | None = None
    """For ReduceMin and ReduceMax: the axis that is left; None: one number."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be seen of a network."""

    extremes: Sequence[str]
    means: Sequence[str] = ()
    """Tensors ``(1, c, ...)`` whose channel means are wanted."""
    features: Mapping[str, int] = field(default_factory=dict)
    """Tensors whose features' ranges are wanted, with the axis of the features."""
    histograms: bool = False
    """Whether the values of ``extremes`` are counted."""


def observe(graph: Graph, wish: Wish, frames: Iterable[Frame]) -> Statistics:
    """Run the float network on ``frames`` and look at its tensors.

    The network itself reduces them, so that only those of a few frames are ever in memory.

    Raises:
        ModelError: there are no frames, or a tensor is not finite on one of them.
    """
    seen = _Seen(graph, wish)
    for values in probe(graph, seen.probes, frames):
        seen.add(values)
    if not seen.extremes:
        message = f"{graph.source}: there are no pictures to calibrate with"
        raise ModelError(message)
    return seen.statistics()


class _Seen:
    """What one frame after the other shows of what is wished for."""

    def __init__(self, graph: Graph, wish: Wish) -> None:
        self.graph, self.wish = graph, wish
        self._extremes = [Probe(end, tensor) for end in ENDS for tensor in wish.extremes]
        self._edges = [Probe(end, tensor, axis) for end in ENDS for tensor, axis in wish.features.items()]
        self._means = [Probe(_averaging(graph, tensor), tensor) for tensor in wish.means]
        self._drawn = [Probe("Gather", tensor) for tensor in wish.extremes if wish.histograms]
        self.extremes: list[NDArray[np.float64]] = []
        self.edges: list[list[Value]] = []
        self.means: list[list[Value]] = []
        self.histograms = {each.tensor: Histogram() for each in self._drawn}

    @property
    def probes(self) -> Sequence[Probe]:
        return [*self._extremes, *self._edges, *self._means, *self._drawn]

    def add(self, values: Mapping[Probe, Value]) -> None:
        both = np.array([values[each] for each in self._extremes], np.float64).reshape(2, -1)
        _demand_finite(self.graph, self.wish.extremes, both)
        self.extremes.append(both)
        self.means.append([values[each].reshape(-1) for each in self._means])
        self.edges.append([values[each] for each in self._edges])
        for each in self._drawn:
            self.histograms[each.tensor].add(values[each])

    def statistics(self) -> Statistics:
        low, high = np.stack(self.extremes, axis=1)
        means = dict(zip(self.wish.means, map(np.array, zip(*self.means, strict=True)), strict=True))
        columns = list(zip(*self.edges, strict=True))
        half = len(columns) // 2
        features = {
            tensor: tuple(map(Range, np.min(lowest, axis=0).tolist(), np.max(highest, axis=0).tolist()))
            for tensor, lowest, highest in zip(self.wish.features, columns[:half], columns[half:], strict=True)
        }
        return Statistics(tuple(self.wish.extremes), low, high, means, features, self.histograms)


def channel_peaks(graph: Graph, tensors: Sequence[str], frames: Iterable[Frame]) -> Mapping[str, NDArray[np.float64]]:
    """Tensor ``(1, c, h, w)`` → the largest size of each channel's values over all frames."""
    seen = observe(graph, Wish((), features=dict.fromkeys(tensors, 1)), frames).features
    return {
        tensor: np.array([max(-channel.low, channel.high) for channel in channels])
        for tensor, channels in seen.items()
    }


def probe(graph: Graph, probes: Sequence[Probe], frames: Iterable[Frame]) -> Iterator[Mapping[Probe, Value]]:
    """What the probes show, frame by frame."""
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    del model.graph.output[:]
    opset = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    for i, each in enumerate(probes):
        _attach(model, graph, each, f"probe_{i}", opset)
    session = open_session(model, graph.source, single_thread(frugal=is_wide(graph)))
    names = [output.name for output in model.graph.output]

    def look(frame: Frame) -> Mapping[Probe, Value]:
        return dict(zip(probes, session.run(names, feed(graph, frame)), strict=True))

    yield from in_turn(look, frames, workers(graph))


def _averaging(graph: Graph, tensor: str) -> str:
    return "GlobalAveragePool" if len(graph.shape(tensor)) > 2 else "Identity"


def _attach(model: onnx.ModelProto, graph: Graph, each: Probe, name: str, opset: int) -> None:
    node = helper.make_node(each.operator, [each.tensor], [name])
    if each.operator == "Gather":
        _draw(model, graph, node)
    if each.operator.startswith("Reduce"):
        node.attribute.append(helper.make_attribute("keepdims", 0))
    if each.kept_axis is not None:
        axes = [axis for axis in range(len(graph.shape(each.tensor))) if axis != each.kept_axis]
        if opset < AXES_AS_INPUT:
            node.attribute.append(helper.make_attribute("axes", axes))
        else:
            node.input.append(_constant(model, f"{name}_axes", np.array(axes, np.int64)))
    model.graph.node.append(node)
    model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))


def _draw(model: onnx.ModelProto, graph: Graph, node: onnx.NodeProto) -> None:
    """Let ``node`` take some of a tensor's values, the same places in every picture, in the order of memory.

    Of maps it takes whole rows, which are copied ten times as fast as as many single values.
    """
    shape = graph.shape(node.input[0])
    size, row = math.prod(shape), shape[-1] if len(shape) > 2 else 1
    if size <= MOST_VALUES:
        node.op_type = "Identity"
        return
    places = np.sort(np.random.default_rng(size).integers(0, size // row, MOST_VALUES // row))
    flat = _constant(model, f"probe_row_{row}", np.array([-1, row]))
    rows = helper.make_node("Reshape", [node.input[0], flat], [f"{node.output[0]}_rows"])
    model.graph.node.append(rows)
    node.input[:] = [rows.output[0], _constant(model, f"probe_places_{size}_{row}", places)]


def _constant(model: onnx.ModelProto, name: str, value: Value) -> str:
    if all(tensor.name != name for tensor in model.graph.initializer):
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return name


def _demand_finite(graph: Graph, tensors: Sequence[str], extremes: NDArray[np.float64]) -> None:
    bad = np.flatnonzero(~np.isfinite(extremes).all(axis=0))
    if len(bad):
        message = f"{graph.source}: tensor {tensors[bad[0]]!r} is not finite on a calibration picture"
        raise ModelError(message)
