"""Running a network node by node over many pictures, float and quantised side by side.

Each layer sees what it will see on the chip: the output of layers that are integers already. Only what later nodes
still read is kept, so the memory is that of the widest place in the network.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

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
from hailstack.compiler.quantise.runs import MOST_WORKERS, single_thread, widest_place
from hailstack.compiler.quantise.scales import Scale
from hailstack.compiler.quantise.weights import IntegerWeights

Value = NDArray[Any]

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
REBUILDING_LEVEL = 2
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
    pool: ThreadPoolExecutor
    """Runs several pictures at a time, and opens the next node beside them."""

    def run(self) -> None:
        last = {name: i for i, node in enumerate(self.graph.nodes) for name in node.input}
        ahead = map(self._open, self.graph.nodes)
        following = next(ahead, None)
        for i, node in enumerate(self.graph.nodes):
            opened, following = following, next(ahead, None)
            self._step(node, opened)
            for name in (*node.input, *node.output):
                if last.get(name, -1) <= i:
                    self.real.pop(name, None)
                    self.integer.pop(name, None)

    def _open(self, node: onnx.NodeProto) -> Future[NodeRunner] | None:
        """A node of the quantised network; None if its weights depend on what the nodes before it give."""
        plan = self.weights.get(node.output[0])
        if plan is not None and self._is_rebuilt(plan):
            return None
        return self.pool.submit(NodeRunner.open, self.graph, node, {} if plan is None else _constants(node, plan))

    def _is_rebuilt(self, plan: IntegerWeights) -> bool:
        return self.level >= REBUILDING_LEVEL and not plan.wide

    def _step(self, node: onnx.NodeProto, opened: Future[NodeRunner] | None) -> None:
        plan = self.weights.get(node.output[0])
        if self.real:
            self._fill(NodeRunner.open(self.graph, node), self.real, {})
        if plan is not None:
            self._step_weighted(node, plan, opened)
        elif opened is not None:
            self._fill(opened.result(), self.integer, self.scales)

    def _step_weighted(self, node: onnx.NodeProto, plan: IntegerWeights, opened: Future[NodeRunner] | None) -> None:
        if opened is None:
            reals = self.real.get(node.input[0])
            plan = rebuild(self.graph, node, plan, self.integer[node.input[0]], reals, SAMPLES[self.level])
        runner = NodeRunner.open(self.graph, node, _constants(node, plan)) if opened is None else opened.result()
        wanted = None if plan.bias is None else self.means.get(node.output[0])
        self.weights[node.output[0]] = plan
        if plan.bias is None or wanted is None:
            self._fill(runner, self.integer, self.scales)
            return
        self._fill(runner, self.integer, {})
        made = self.integer[node.output[0]]
        error = mean_error(wanted - np.array(list(self.pool.map(channel_means, made))))
        self.weights[node.output[0]] = replace(plan, bias=plan.bias + error)
        column = error.astype(np.float32).reshape(-1, *[1] * (made[0].ndim - 2))
        list(self.pool.map(partial(_settle, column=column, scale=self.scales.get(node.output[0])), made))

    def _fill(self, runner: NodeRunner, values: dict[str, list[Value]], scales: Mapping[str, Scale]) -> None:
        """Add a node's outputs for each picture, those with scales rounded to them."""
        rows = zip(*(values[name] for name in runner.inputs), strict=True)
        made = zip(*self.pool.map(partial(runner.run, scales=scales), rows), strict=True)
        values.update({name: list(column) for name, column in zip(runner.outputs, made, strict=True)})


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
        inside = [numpy_helper.from_array(constants[name], name) for name in names if name in constants]
        taken, made = [graph.infos[name] for name in outside], [graph.infos[name] for name in node.output if name]
        body = helper.make_graph([node], "node", taken, made, inside)
        model = helper.make_model(body, opset_imports=graph.model.opset_import, ir_version=graph.model.ir_version)
        return cls(
            open_session(model, graph.source, single_thread(frugal=True)), outside, tuple(filter(None, node.output))
        )

    def run(self, row: Sequence[Value], scales: Mapping[str, Scale]) -> list[Value]:
        """The outputs for one picture, those with scales rounded to them."""
        made: list[Value] = self.session.run(self.outputs, dict(zip(self.inputs, row, strict=True)))
        for name, value in zip(self.outputs, made, strict=True):
            if name in scales:
                round_to(value, scales[name])
        return made


def _constants(node: onnx.NodeProto, plan: IntegerWeights) -> dict[str, NDArray[np.float32]]:
    """What stands for a layer's weights and bias now."""
    values = zip(node.input[1:3], (plan.real, plan.bias), strict=False)
    return {name: np.asarray(value, np.float32) for name, value in values if value is not None}


def _settle(value: Value, column: Value, scale: Scale | None) -> None:
    np.add(value, column, out=value)
    if scale is not None:
        round_to(value, scale)


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
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_WORKERS)) as pool:
        walk = Walk(
            graph,
            scales,
            dict(weights),
            effort.effective,
            {name: seen[rows] for name, seen in means.items()},
            dict(values),
            dict(values) if effort.effective >= REFITTING_LEVEL else {},
            pool,
        )
        walk.run()
    return walk.weights, effort
