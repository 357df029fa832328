"""Raising layers to 16 bits, the noisiest first, until the network answers as the float one does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.graph.model import Graph, open_session
from hailstack.compiler.preflight.estimate import Estimate, Target, estimate_speed
from hailstack.compiler.preflight.layers import layer_kind, list_layers, name_layers
from hailstack.compiler.quantise.network import QuantisedNetwork, quantise
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.compiler.quantise.pixels import Frame, Normalisations, feed
from hailstack.compiler.quantise.sensitivity import layer_noise

WIDE_PRODUCTS = 4
"""Products of 8 bits that make one of 16."""
RANKING_PICTURES = 4
FIRES = 0.25
"""Scores from which a detector's cell counts."""

Values = dict[str, NDArray[np.float64]]
Judge = Callable[[QuantisedNetwork, QuantiseOptions], float]
"""From a network and the options that it was made with to what was lost, in points."""


@dataclass(frozen=True, slots=True)
class Step:
    """One network on the way."""

    wide_layers: tuple[str, ...]
    drop: float
    """Points lost."""
    fps: float
    """Expected at batch 1."""


@dataclass(frozen=True, slots=True)
class Raised:
    """The first network whose drop is small enough, or the last one tried."""

    network: QuantisedNetwork
    options: QuantiseOptions
    steps: tuple[Step, ...]
    reached: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be reached, and where it is measured."""

    most_drop: float
    """Points that may be lost."""
    target: Target
    """The chip whose speed is told."""
    validation: Sequence[Frame] = ()
    """Pictures to measure on; best not those that calibrate."""
    judge: Judge | None = None
    """What measures instead; None: :func:`points_changed` on :attr:`validation`."""

    def measure(self, head: HeadPlan, network: QuantisedNetwork, options: QuantiseOptions) -> float:
        """Points lost."""
        if self.judge is not None:
            return self.judge(network, options)
        return points_changed(head, float_values(network, self.validation), integer_values(network, self.validation))


def raise_precision(
    graph: Graph,
    head: HeadPlan,
    normalisation: Normalisations,
    frames: Sequence[Frame],
    options: QuantiseOptions,
    wanted: Wanted,
) -> Raised:
    """Widen the noisiest layers until no more than ``wanted.most_drop`` points are lost.

    Args:
        graph, head, normalisation: as for :func:`quantise`.
        frames: calibration pictures; read once for each network that is tried.
        options: what to start from.
    """
    steps: list[Step] = []
    waiting: list[str] = []
    while True:
        network = quantise(graph, head, normalisation, frames, options)
        lost = wanted.measure(head, network, options)
        fps = expected_speed(graph, wanted.target, options.wide_layers).fps
        steps.append(Step(options.wide_layers, lost, fps))
        if len(steps) == 1 and lost > wanted.most_drop and network.parts is not None:
            noise = layer_noise(network.parts, frames[:RANKING_PICTURES])
            waiting = [name for name in noise if name not in options.wide_layers]
        if lost <= wanted.most_drop or not waiting:
            return Raised(network, options, tuple(steps), lost <= wanted.most_drop)
        count = max(1, len(options.wide_layers) // 2)  # one by one at first, then by halves: each costs a quantisation
        options = replace(options, wide_layers=(*options.wide_layers, *waiting[:count]))
        waiting = waiting[count:]


def expected_speed(graph: Graph, target: Target, wide: Sequence[str] = (), task: str = "") -> Estimate:
    """Expected speed of a float network on a chip with the layers ``wide`` in 16 bits.

    The rate in 8 bits, slowed down by the products that 16 bits take more. A network that is limited by anything
    else loses less.
    """
    names = name_layers(graph)
    kinds = [node for node in graph.nodes if layer_kind(graph, node) is not None]
    layers = list_layers(graph)
    products = [WIDE_PRODUCTS if names[node.output[0]].name in wide else 1 for node in kinds]
    narrow = sum(layer.macs for layer in layers)
    priced = sum(layer.macs * count for layer, count in zip(layers, products, strict=True))
    return _slower(estimate_speed(layers, target, task=task), priced / narrow if narrow else 1.0)


def _slower(estimate: Estimate, times: float) -> Estimate:
    return replace(
        estimate,
        fps=estimate.fps / times,
        low=estimate.low / times,
        high=estimate.high / times,
        latency_ms=estimate.latency_ms * times,
    )


def float_values(network: QuantisedNetwork, frames: Sequence[Frame]) -> list[Values]:
    """What the float network gives: end → its tensor as it leaves the chip, channels last."""
    graph = network.float_graph
    session = open_session(graph.model, graph.source)
    names = [output.end.output for output in network.outputs]
    rows = (session.run(names, feed(graph, frame)) for frame in frames)
    return [dict(zip(names, map(_channels_last, row), strict=True)) for row in rows]


def integer_values(network: QuantisedNetwork, frames: Sequence[Frame]) -> list[Values]:
    """The same of the integer network, dequantised."""
    session = open_session(network.graph.model, network.graph.source)
    tensors = [output.tensor for output in network.outputs]
    rows = (session.run(tensors, feed(network.graph, frame)) for frame in frames)
    return [
        {output.end.output: output.dequantise(value) for output, value in zip(network.outputs, row, strict=True)}
        for row in rows
    ]


def _channels_last(value: NDArray[np.floating]) -> NDArray[np.float64]:
    real = np.asarray(value, np.float64)
    return real.transpose(0, 2, 3, 1) if real.ndim == 4 else real


def points_changed(head: HeadPlan, real: Sequence[Values], integer: Sequence[Values]) -> float:
    """How far the integer network's answers are from the float one's, in points; needs no labels.

    Classifiers: pictures with another best class, in percent. Detectors with class probabilities: 100 minus the F1
    of the cells that fire for a class. Others: noise over signal of the worst output, in percent of the amplitude.
    """
    if head.task == "classification":
        name = head.ends[0].output
        return 100 * float(np.mean([a[name].argmax() != b[name].argmax() for a, b in zip(real, integer, strict=True)]))
    classes = [end for end in head.ends if end.role == "cls" and (end.sigmoid or head.scores == "probabilities")]
    if classes:
        present = {end.stride: end.output for end in head.ends if end.role == "obj"}
        return _fires_apart([(end.output, present.get(end.stride)) for end in classes], real, integer)
    return max(_amplitude_lost(end.output, real, integer) for end in head.ends)


def _fires_apart(maps: Sequence[tuple[str, str | None]], real: Sequence[Values], integer: Sequence[Values]) -> float:
    """``maps``: class scores, and the objectness that they are multiplied with."""
    both, either = 0, 0
    for a, b in zip(real, integer, strict=True):
        for name, present in maps:
            first, second = (row[name] * (1.0 if present is None else row[present]) >= FIRES for row in (a, b))
            both += 2 * int((first & second).sum())
            either += int(first.sum()) + int(second.sum())
    return 100 * (1 - both / either) if either else 0.0


def _amplitude_lost(name: str, real: Sequence[Values], integer: Sequence[Values]) -> float:
    signal = sum(float((a[name] ** 2).sum()) for a in real)
    noise = sum(float(((a[name] - b[name]) ** 2).sum()) for a, b in zip(real, integer, strict=True))
    return 100 * float(np.sqrt(noise / max(signal, 1e-30)))
