"""Running a network node by node over many pictures, float and quantised side by side.

Each layer sees what it will see on the chip: the output of layers that are integers already. Only what later nodes
still read is kept, so the memory is that of the widest place in the network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from hailstack.compiler.graph.model import Graph, open_session
from hailstack.compiler.quantise.options import Effort, QuantiseOptions
from hailstack.compiler.quantise.pictures import Pictures
from hailstack.compiler.quantise.pixels import feed
from hailstack.compiler.quantise.rebuilding import rebuild
from hailstack.compiler.quantise.runs import MOST_WORKERS, in_turn, single_thread, widest_place
from hailstack.compiler.quantise.scales import Scale
from hailstack.compiler.quantise.weights import IntegerWeights

Value = NDArray[Any]
Given = TypeVar("Given")
Made = TypeVar("Made")

WALKED = {1: 16, 2: 64, 3: 64, 4: 64}
"""How many pictures are walked through the network at each level."""
KEPT_PICTURES = max(WALKED.values())
FEWEST_WALKED = 4
MEMORY = 512 * 2**20
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
    means: Mapping[str, NDArray[np.float32]]
    """Tensor → ``(pictures, channels)`` in the float network."""
    integer: dict[str, list[Value]]
    """Tensor → its value on each picture in the quantised network."""
    real: dict[str, list[Value]]
    """The same in the float network; empty below the level that refits weights to it."""

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
        if self.real:
            NodeRunner.open(self.graph, node).fill(self.real)
        if plan is None:
            NodeRunner.open(self.graph, node).fill(self.integer)
        else:
            self._step_weighted(node, plan)
        for name in node.output:
            if name in self.scales:
                scale = self.scales[name]
                _each(partial(round_to, scale=scale), self.integer[name])

    def _step_weighted(self, node: onnx.NodeProto, plan: IntegerWeights) -> None:
        if self.level >= 2 and not plan.wide:
            reals = self.real.get(node.input[0])
            plan = rebuild(self.graph, node, plan, self.integer[node.input[0]], reals, SAMPLES[self.level])
        replaced = dict(zip(node.input[1:3], (plan.real, plan.bias), strict=False))
        given = {name: np.asarray(value, np.float32) for name, value in replaced.items() if value is not None}
        NodeRunner.open(self.graph, node, given).fill(self.integer)
        made, wanted = self.integer[node.output[0]], self.means.get(node.output[0])
        if plan.bias is not None and wanted is not None:
            error = mean_error(wanted - np.array(_each(channel_means, made)))
            plan = replace(plan, bias=plan.bias + error)
            column = error.astype(np.float32).reshape(-1, *[1] * (made[0].ndim - 2))
            _each(partial(_shift, column=column), made)
        self.weights[node.output[0]] = plan


@dataclass(frozen=True, slots=True)
class NodeRunner:
    """One node as a network of its own."""

    session: onnxruntime.InferenceSession
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

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
        return cls(
            open_session(model, graph.source, single_thread(frugal=True)), outside, tuple(filter(None, node.output))
        )

    def fill(self, values: dict[str, list[Value]]) -> None:
        """Add the outputs for each picture."""
        rows = _each(self._run, list(zip(*(values[name] for name in self.inputs), strict=True)))
        values.update({name: list(column) for name, column in zip(self.outputs, zip(*rows, strict=True), strict=True)})

    def _run(self, row: Sequence[Value]) -> list[Value]:
        made: list[Value] = self.session.run(self.outputs, dict(zip(self.inputs, row, strict=True)))
        return made


def _each(work: Callable[[Given], Made], values: Sequence[Given]) -> list[Made]:
    return list(in_turn(work, values, min(os.cpu_count() or 1, MOST_WORKERS)))


def _shift(value: Value, column: Value) -> None:
    np.add(value, column, out=value)


def channel_means(value: Value) -> NDArray[np.float32]:
    """``(channels,)`` of a tensor ``(1, channels, ...)``."""
    return np.asarray(value.reshape(value.shape[1], -1).mean(axis=1), np.float32)


def round_to(value: Value, scale: Scale) -> None:
    """In place: the nearest values that the scale's integers stand for."""
    np.divide(value, np.float32(scale.scale), out=value)
    np.rint(value, out=value)
    np.clip(value, -scale.zero_point, scale.top - scale.zero_point, out=value)
    np.multiply(value, np.float32(scale.scale), out=value)


def mean_error(lacking: NDArray[np.floating]) -> NDArray[np.float64]:
    """What each channel lacks on average; less where pictures disagree about it.

    Args:
        lacking: ``(pictures, channels)``.
    """
    each = np.asarray(lacking, np.float64)
    mean = np.asarray(each.mean(axis=0))
    if len(each) < 2:
        return mean
    doubt = each.var(axis=0, ddof=1) / len(each)
    return np.asarray(mean * np.maximum(0.0, 1.0 - DOUBT * doubt / np.maximum(mean**2, 1e-30)))


def refine(
    graph: Graph,
    scales: Mapping[str, Scale],
    weights: Mapping[str, IntegerWeights],
    pictures: Pictures,
    means: Mapping[str, NDArray[np.float32]],
    options: QuantiseOptions,
) -> tuple[dict[str, IntegerWeights], Effort]:
    """The weights after the walk, and the level that they were walked at.

    Args:
        pictures: those that were kept are walked.
        means: of every layer's output channels in the float network, one row for each picture of the stream.
    """
    effort = Effort.possible(options.level, len(pictures.kept))
    if not effort.effective:
        return dict(weights), effort
    count = min(WALKED[effort.effective], max(FEWEST_WALKED, MEMORY // (2 * widest_place(graph))))
    start = [feed(graph, frame) for frame in pictures.kept[:count]]
    values = {name: [each[name] for each in start] for name in start[0]}
    rows = pictures.places[:count]
    walk = Walk(
        graph,
        scales,
        dict(weights),
        effort.effective,
        {name: seen[rows] for name, seen in means.items()},
        dict(values),
        dict(values) if effort.effective >= REFITTING_LEVEL else {},
    )
    walk.run()
    return walk.weights, effort
