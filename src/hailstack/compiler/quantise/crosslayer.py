"""Evening out the weights of neighbouring layers, so that one scale for a whole layer serves all its channels.

What a channel's weights are divided by in one layer, the next layer's are multiplied with; between them only functions
that let a positive factor through (Nagel et al. 2019, "Data-free quantization through weight equalization and bias
correction", section 4.1; Meller et al. 2019). A clip at six is one, once each channel has its own limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from hailstack.compiler.graph.model import Graph, infer, whole
from hailstack.compiler.quantise.pixels import Frame
from hailstack.compiler.quantise.ranges import channel_peaks

SWEEPS = 8
"""Passes over all pairs; factors settle in fewer."""
LARGEST_FACTOR = 256.0
LARGEST_RATIO = 64.0
"""Channels that never say anything are not blown up further than this."""
TINY = 1e-6

LETS_FACTORS_THROUGH = frozenset({"LeakyRelu", "PRelu", "Relu"})


@dataclass(frozen=True, slots=True)
class Pair:
    """A convolution, what follows it, and the convolutions that alone read that."""

    first: onnx.NodeProto
    activation: onnx.NodeProto | None
    readers: tuple[onnx.NodeProto, ...]

    @property
    def tensor(self) -> str:
        """What the readers read."""
        return str((self.first if self.activation is None else self.activation).output[0])


def even_out(graph: Graph, frames: Sequence[Frame]) -> Graph:
    """The same function with evener weights from channel to channel.

    Args:
        frames: a few typical pictures. No channel may become larger than the largest one is on these: weights that
            are next to nothing beside a bias would else blow the range of their tensor up.
    """
    pairs = tuple(_pairs(graph))
    if not pairs:
        return graph
    weights = _own_constants(graph, pairs)
    seen = channel_peaks(graph, [pair.tensor for pair in pairs], frames)
    highest = {name: max(float(peak.max()), TINY) for name, peak in seen.items()}
    peaks = {name: np.maximum(peak, highest[name] / LARGEST_RATIO) for name, peak in seen.items()}
    limits: dict[str, NDArray[np.float64]] = {}
    for _ in range(SWEEPS):
        for pair in pairs:
            peak = peaks[pair.tensor]
            factor = np.maximum(_factor(weights, pair), peak / highest[pair.tensor])
            peaks[pair.tensor] = peak / factor
            _scale(weights, pair, factor)
            if pair.activation is not None and pair.activation.op_type == "Clip":
                name = pair.activation.output[0]
                limits[name] = limits.get(name, np.ones_like(factor)) / factor
    return _rewritten(graph, pairs, weights, limits)


def _pairs(graph: Graph) -> Iterator[Pair]:
    for node in graph.nodes:
        if not _has_weights(graph, node) or node.output[0] in graph.outputs:
            continue
        readers = graph.consumers.get(node.output[0], ())
        activation = readers[0] if len(readers) == 1 and _is_activation(graph, readers[0]) else None
        if activation is not None:
            if activation.output[0] in graph.outputs:
                continue
            readers = graph.consumers.get(activation.output[0], ())
        pair = Pair(node, activation, readers)
        if readers and all(_has_weights(graph, each) and each.input[0] == pair.tensor for each in readers):
            yield pair


def _has_weights(graph: Graph, node: onnx.NodeProto) -> bool:
    return node.op_type == "Conv" and len(node.input) == 3 and all(name in graph.constants for name in node.input[1:])


def _is_activation(graph: Graph, node: onnx.NodeProto) -> bool:
    if node.op_type == "Clip":
        bounds = [graph.constants.get(name) for name in node.input[1:]]
        return len(bounds) == 2 and all(b is not None for b in bounds) and float(bounds[0] or 0) == 0.0
    return node.op_type in LETS_FACTORS_THROUGH


def _own_constants(graph: Graph, pairs: tuple[Pair, ...]) -> dict[str, NDArray[np.float64]]:
    """Weights and biases by the name of the convolution's output: others may share them."""
    nodes = {node.output[0]: node for pair in pairs for node in (pair.first, *pair.readers)}
    own = {name: np.array(graph.constants[node.input[1]], np.float64) for name, node in nodes.items()}
    own.update({f"{name}/bias": np.array(graph.constants[node.input[2]], np.float64) for name, node in nodes.items()})
    return own


def _factor(weights: dict[str, NDArray[np.float64]], pair: Pair) -> NDArray[np.float64]:
    before = np.abs(weights[pair.first.output[0]]).max(axis=(1, 2, 3))
    behind = np.max([_by_input(weights[each.output[0]], each) for each in pair.readers], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.sqrt(before / behind)
    factor = np.where((before > 0) & (behind > 0), factor, 1.0)
    return np.asarray(np.clip(factor, 1 / LARGEST_FACTOR, LARGEST_FACTOR))


def _by_input(weights: NDArray[np.float64], node: onnx.NodeProto) -> NDArray[np.float64]:
    """The largest weight that each input channel meets."""
    groups = whole(node, "group", 1)
    apart = np.abs(weights).reshape(groups, -1, *weights.shape[1:])
    return np.asarray(apart.max(axis=(1, 3, 4)).reshape(-1))


def _scale(weights: dict[str, NDArray[np.float64]], pair: Pair, factor: NDArray[np.float64]) -> None:
    name = pair.first.output[0]
    weights[name] /= factor.reshape(-1, 1, 1, 1)
    weights[f"{name}/bias"] /= factor
    for node in pair.readers:
        groups = whole(node, "group", 1)
        behind = weights[node.output[0]]
        apart = behind.reshape(groups, -1, *behind.shape[1:]) * factor.reshape(groups, 1, -1, 1, 1)
        weights[node.output[0]] = apart.reshape(behind.shape)


def _rewritten(
    graph: Graph,
    pairs: tuple[Pair, ...],
    weights: dict[str, NDArray[np.float64]],
    limits: dict[str, NDArray[np.float64]],
) -> Graph:
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        name = node.output[0]
        if name in weights:
            for place, key in ((1, name), (2, f"{name}/bias")):
                node.input[place] = f"{key}_even"
                value = weights[key].astype(np.float32)
                model.graph.initializer.append(numpy_helper.from_array(value, node.input[place]))
        if name in limits:
            nodes += _clip_by_channel(model, graph, node, limits[name])
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return Graph(infer(model, graph.source), graph.source)


def _clip_by_channel(
    model: onnx.ModelProto, graph: Graph, node: onnx.NodeProto, share: NDArray[np.float64]
) -> list[onnx.NodeProto]:
    name, made = f"{node.output[0]}_limits", f"{node.output[0]}_positive"
    limit = np.float32(graph.constants[node.input[2]]) * share.astype(np.float32).reshape(1, -1, 1, 1)
    model.graph.initializer.append(numpy_helper.from_array(limit, name))
    return [
        helper.make_node("Relu", [node.input[0]], [made], name=f"{node.output[0]}/positive"),
        helper.make_node("Min", [made, name], [node.output[0]], name=node.name or f"{node.output[0]}/limited"),
    ]
