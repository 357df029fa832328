"""How much of the noise at a network's outputs each layer makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.graph.model import Graph, open_session
from hailstack.compiler.quantise.pixels import Frame, feed
from hailstack.compiler.quantise.qdq import dequantised, write_qdq
from hailstack.compiler.quantise.scales import Scale
from hailstack.compiler.quantise.weights import IntegerWeights
from hailstack.compiler.quantise.wide import layer_nodes


@dataclass(frozen=True, slots=True)
class Parts:
    """What an integer graph is written from."""

    graph: Graph
    """In float, behind its pixels."""
    scales: Mapping[str, Scale]
    exact: Mapping[str, Scale]
    weights: Mapping[str, IntegerWeights]


def layer_noise(parts: Parts, frames: Sequence[Frame]) -> Mapping[str, float]:
    """Layer → noise over signal at the worst output when this layer alone is integer; largest first.

    Args:
        frames: a few pictures; each is run through the network once a layer.
    """
    expected = _run(parts.graph.model, parts.graph, frames)
    noise = {}
    for name, nodes in layer_nodes(parts.graph).items():
        tensors = {tensor for node in nodes for tensor in node.output}
        scales = {tensor: scale for tensor, scale in parts.scales.items() if tensor in tensors}
        weights = {tensor: plan for tensor, plan in parts.weights.items() if tensor in tensors}
        if scales or weights:
            noise[name] = _noise(expected, _run(_alone(parts, scales, weights), parts.graph, frames))
    return dict(sorted(noise.items(), key=lambda item: -item[1]))


def _alone(parts: Parts, scales: Mapping[str, Scale], weights: Mapping[str, IntegerWeights]) -> onnx.ModelProto:
    """The float network with these integers only."""
    writer = write_qdq(parts.graph, scales, {}, weights)
    model = onnx.ModelProto()
    model.CopyFrom(parts.graph.model)
    del model.graph.node[:], model.graph.initializer[:], model.graph.value_info[:]
    for output in model.graph.output:
        output.name = dequantised(output.name) if output.name in scales else output.name
    model.graph.node.extend(writer.nodes)
    model.graph.initializer.extend(writer.constants.values())
    return model


def _run(model: onnx.ModelProto, graph: Graph, frames: Sequence[Frame]) -> list[list[NDArray[np.float32]]]:
    session = open_session(model, graph.source)
    return [session.run([output.name for output in model.graph.output], feed(graph, frame)) for frame in frames]


def _noise(expected: Sequence[Sequence[NDArray[np.float32]]], found: Sequence[Sequence[NDArray[np.float32]]]) -> float:
    shares = []
    for real, other in zip(zip(*expected, strict=True), zip(*found, strict=True), strict=True):
        signal = sum(float((value.astype(np.float64) ** 2).sum()) for value in real)
        noise = sum(float(((a.astype(np.float64) - b) ** 2).sum()) for a, b in zip(real, other, strict=True))
        shares.append(noise / max(signal, 1e-30))
    return max(shares)
