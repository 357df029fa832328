"""Running a network node by node over many pictures, float and quantised side by side.

Each layer sees what it will see on the chip: the output of layers that are integers already. Only what later nodes
still read is kept, so the memory is that of the widest place in the network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from hailstack.compiler.graph.model import Graph, open_session
from hailstack.compiler.quantise.options import Effort, QuantiseOptions
from hailstack.compiler.quantise.patches import as_rows, from_rows, sample
from hailstack.compiler.quantise.pixels import Frame, feed
from hailstack.compiler.quantise.rounding import WIDEST, refit, round_in_turn
from hailstack.compiler.quantise.scales import Scale
from hailstack.compiler.quantise.weights import IntegerWeights

Value = NDArray[Any]

WALKED = {1: 16, 2: 64, 3: 64, 4: 64}
"""How many pictures are walked through the network at each level."""
KEPT_PICTURES = max(WALKED.values())
FEWEST_WALKED = 8
MEMORY = 768 * 2**20
"""Bytes that kept activations may take; fewer pictures are walked through networks with wide places."""
DOUBT = 4.0
"""A mean error within two of its standard errors is taken for chance and left alone; larger ones are shrunk."""
SAMPLES = {2: 64, 3: 64, 4: 256}
"""Places in a layer's output that one picture contributes at each level."""
REFITTING_LEVEL = 3


@dataclass(slots=True)
class Walk:
    """The state between two nodes."""

    graph: Graph
    scales: Mapping[str, Scale]
    weights: dict[str, IntegerWeights]
    level: int
    real: dict[str, list[Value]]
    """Tensor → its value on each picture in the float network."""
    integer: dict[str, list[Value]]
    """The same in the quantised network."""

    def run(self) -> None:
        last = {name: i for i, node in enumerate(self.graph.nodes) for name in node.input}
        for i, node in enumerate(self.graph.nodes):
            self._step(node)
            for name in (*node.input, *node.output):
                if last.get(name, -1) <= i:
                    self.real.pop(name, None)
                    self.integer.pop(name, None)

    def _step(self, node: onnx.NodeProto) -> None:
        plan = self.weights.get(node.output[0])
        runner = NodeRunner.open(self.graph, node)
        self._store(node, self.real, runner.each(self.real))
        if plan is None:
            self._store(node, self.integer, runner.each(self.integer))
        else:
            self._step_weighted(node, plan)
        for name in node.output:
            if name in self.scales:
                for value in self.integer[name]:
                    round_to(value, self.scales[name])

    def _step_weighted(self, node: onnx.NodeProto, plan: IntegerWeights) -> None:
        if self.level >= 2 and not plan.wide:
            plan = self._rebuild(node, plan)
        replaced = dict(zip(node.input[1:3], (plan.real, plan.bias), strict=False))
        given = {name: np.asarray(value, np.float32) for name, value in replaced.items() if value is not None}
        runner = NodeRunner.open(self.graph, node, given)
        self._store(node, self.integer, runner.each(self.integer))
        if plan.bias is not None:
            error = mean_error(self.real[node.output[0]], self.integer[node.output[0]])
            if error is not None:
                plan = replace(plan, bias=plan.bias + error)
                column = error.astype(np.float32).reshape(-1, *[1] * (self.integer[node.output[0]][0].ndim - 2))
                for value in self.integer[node.output[0]]:
                    value += column
        self.weights[node.output[0]] = plan

    def _rebuild(self, node: onnx.NodeProto, plan: IntegerWeights) -> IntegerWeights:
        rows = as_rows(node, self.graph.constants[node.input[1]])
        if rows is None:
            return plan
        gram, cross = self._moments(node, rows)
        scale = np.broadcast_to(np.asarray(plan.scale, np.float64).reshape(-1), rows.shape[0] * rows.shape[1])
        scale = scale.reshape(*rows.shape[:2], 1)
        parts = np.array_split(np.arange(rows.shape[2]), -(-rows.shape[2] // WIDEST))
        made = np.zeros(rows.shape, np.int16)
        for part in parts:
            inner = np.ix_(np.arange(len(rows)), part, part)
            wanted = rows[:, :, part]
            if self.level >= REFITTING_LEVEL:
                wanted = refit(wanted, gram[inner], cross[inner])
            made[:, :, part] = round_in_turn(wanted, gram[inner], scale, plan.top)
        return replace(plan, integers=from_rows(node, made, plan.integers.shape))

    def _moments(self, node: onnx.NodeProto, rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        random = np.random.default_rng(0)
        shape, weights = self.graph.shape(node.output[0]), self.graph.constants[node.input[1]]
        groups, _, width = rows.shape
        gram, cross = np.zeros((groups, width, width)), np.zeros((groups, width, width))
        total, other, count = np.zeros((groups, 1, width)), np.zeros((groups, 1, width)), 0
        for real, integer in zip(self.real[node.input[0]], self.integer[node.input[0]], strict=True):
            places = random.random((SAMPLES[self.level], 2))
            seen = sample(node, weights, integer, shape, places).astype(np.float64)
            lost = sample(node, weights, real, shape, places) - seen
            turned = np.swapaxes(seen, 1, 2)
            gram += turned @ seen
            cross += np.swapaxes(lost, 1, 2) @ seen
            total += seen.sum(axis=1, keepdims=True)
            other += lost.sum(axis=1, keepdims=True)
            count += seen.shape[1]
        mean = total / count
        gram = gram / count - np.swapaxes(mean, 1, 2) @ mean
        cross = cross / count - np.swapaxes(other / count, 1, 2) @ mean
        return gram, cross

    def _store(self, node: onnx.NodeProto, into: dict[str, list[Value]], rows: Iterator[list[Value]]) -> None:
        columns = list(zip(*rows, strict=True))
        for name, column in zip([name for name in node.output if name], columns, strict=True):
            into[name] = list(column)


@dataclass(frozen=True, slots=True)
class NodeRunner:
    """One node as a network of its own."""

    session: onnxruntime.InferenceSession
    inputs: tuple[str, ...]

    @classmethod
    def open(
        cls, graph: Graph, node: onnx.NodeProto, given: Mapping[str, NDArray[np.generic]] | None = None
    ) -> NodeRunner:
        """``given``: constants in place of the graph's. They are built in: engines pack constant weights."""
        constants = {**graph.constants, **(given or {})}
        names = tuple(dict.fromkeys(name for name in node.input if name))
        outside = tuple(name for name in names if name not in constants)
        infos = {
            i.name: i for i in (*graph.model.graph.value_info, *graph.model.graph.input, *graph.model.graph.output)
        }
        inside = [numpy_helper.from_array(constants[name], name) for name in names if name in constants]
        taken, made = [infos[name] for name in outside], [infos[name] for name in node.output if name]
        body = helper.make_graph([node], "node", taken, made, inside)
        model = helper.make_model(body, opset_imports=graph.model.opset_import, ir_version=graph.model.ir_version)
        return cls(open_session(model, graph.source), outside)

    def each(self, values: Mapping[str, list[Value]]) -> Iterator[list[Value]]:
        """The outputs for each picture."""
        for row in zip(*(values[name] for name in self.inputs), strict=True):
            yield self.session.run(None, dict(zip(self.inputs, row, strict=True)))


def round_to(value: Value, scale: Scale) -> None:
    """In place: the nearest values that the scale's integers stand for."""
    np.divide(value, np.float32(scale.scale), out=value)
    np.rint(value, out=value)
    np.clip(value, -scale.zero_point, scale.top - scale.zero_point, out=value)
    np.multiply(value, np.float32(scale.scale), out=value)


def mean_error(real: Sequence[Value], integer: Sequence[Value]) -> NDArray[np.float64] | None:
    """What each channel lacks on average; less where pictures disagree about it."""
    channels = real[0].shape[1]
    each = np.array(
        [(r - q).reshape(channels, -1).mean(axis=1) for r, q in zip(real, integer, strict=True)], np.float64
    )
    mean = np.asarray(each.mean(axis=0))
    if len(each) < 2:
        return mean
    doubt = each.var(axis=0, ddof=1) / len(each)
    return np.asarray(mean * np.maximum(0.0, 1.0 - DOUBT * doubt / np.maximum(mean**2, 1e-30)))


def refine(
    graph: Graph,
    scales: Mapping[str, Scale],
    weights: Mapping[str, IntegerWeights],
    frames: Sequence[Frame],
    options: QuantiseOptions,
) -> tuple[dict[str, IntegerWeights], Effort]:
    """The weights after the walk, and the level that they were walked at."""
    effort = Effort.possible(options.level, len(frames))
    if not effort.effective:
        return dict(weights), effort
    count = min(WALKED[effort.effective], max(FEWEST_WALKED, MEMORY // (2 * widest_place(graph))))
    start = [feed(graph, frame) for frame in frames[:count]]
    values = {name: [each[name] for each in start] for name in start[0]}
    walk = Walk(graph, scales, dict(weights), effort.effective, dict(values), dict(values))
    walk.run()
    return walk.weights, effort


def widest_place(graph: Graph) -> int:
    """The most bytes of activations that are needed at one moment, for one picture."""
    last = {name: i for i, node in enumerate(graph.nodes) for name in node.input}
    live: dict[str, int] = {}
    most = 1
    for i, node in enumerate(graph.nodes):
        live.update({name: 4 * math.prod(graph.shapes.get(name, ())) for name in node.output})
        most = max(most, sum(live.values()))
        live = {name: size for name, size in live.items() if last.get(name, -1) > i}
    return most
