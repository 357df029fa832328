"""Giving the channels of a tensor one common range, so that one scale serves them all.

A few channels of a convolution can be a hundred times larger than the rest; eight bits for all of them then leave the
small ones nothing. Channels are divided by their size where that is free: in the weights before, and, multiplied
back, in the weights of the depthwise convolutions behind (Nagel et al. 2019, "Data-free quantization through weight
equalization", here also through SiLU, whose sigmoid gets its argument back unscaled).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from hailstack.compiler.graph.model import Graph, infer
from hailstack.compiler.quantise.pixels import Frame
from hailstack.compiler.quantise.ranges import channel_peaks
from hailstack.compiler.quantise.silu import find_silus, is_depthwise

WORTHWHILE_BITS = 2.0
"""Only tensors whose typical channel lies this far below the largest are touched."""

LARGEST_RATIO = 64.0
"""Channels that never say anything are not blown up further than this."""


@dataclass(frozen=True, slots=True)
class Site:
    """A tensor whose channels can be scaled: convolution → activation → only depthwise convolutions."""

    convolution: onnx.NodeProto
    output: str
    sigmoid: onnx.NodeProto | None
    """None: the activation scales along (ReLU)."""


def equalise(graph: Graph, frames: Sequence[Frame]) -> Graph:
    """The same function with evener channels.

    Args:
        frames: a few typical pictures, uint8 ``(h, w, 3)``.
    """
    sites = tuple(_sites(graph))
    if not sites:
        return graph
    peaks = channel_peaks(graph, [site.output for site in sites], frames)
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    for site in sites:
        ratio = channel_ratio(peaks[site.output])
        if ratio is not None:
            _scale(model, graph, site, ratio)
    return Graph(infer(model, graph.source), graph.source)


def channel_ratio(peaks: NDArray[np.float64]) -> NDArray[np.float32] | None:
    """Each channel's size relative to the largest, or None where evening out is not worth a multiplication."""
    floor = max(float(peaks.max()), 1e-6) / LARGEST_RATIO
    ratio = np.maximum(peaks, floor) / max(float(peaks.max()), floor)
    return None if -np.log2(ratio).mean() < WORTHWHILE_BITS else ratio.astype(np.float32)


def _sites(graph: Graph) -> Iterator[Site]:
    for silu in find_silus(graph):
        yield from _site(graph, silu.convolution, silu.output, silu.sigmoid)
    for node in graph.nodes:
        if node.op_type in ("Relu", "LeakyRelu"):
            convolution = graph.producers.get(node.input[0])
            if convolution is not None and len(graph.consumers[node.input[0]]) == 1:
                yield from _site(graph, convolution, node.output[0], None)


def _site(graph: Graph, convolution: onnx.NodeProto, output: str, sigmoid: onnx.NodeProto | None) -> Iterator[Site]:
    readers = graph.consumers.get(output, ())
    weighted = convolution.op_type == "Conv" and all(name in graph.constants for name in convolution.input[1:])
    if weighted and readers and output not in graph.outputs and all(is_depthwise(graph, node) for node in readers):
        yield Site(convolution, output, sigmoid)


def _scale(model: onnx.ModelProto, graph: Graph, site: Site, ratio: NDArray[np.float32]) -> None:
    column = ratio.reshape(-1, 1, 1, 1)
    _rewrite_weights(model, graph, site.convolution, np.reciprocal(column), np.reciprocal(ratio))
    for reader in graph.consumers[site.output]:
        _rewrite_weights(model, graph, reader, column, None)
    if site.sigmoid is not None:
        _restore_argument(model, site, ratio.reshape(1, -1, 1, 1))


def _rewrite_weights(
    model: onnx.ModelProto,
    graph: Graph,
    convolution: onnx.NodeProto,
    factor: NDArray[np.float32],
    bias_factor: NDArray[np.float32] | None,
) -> None:
    """Multiply the weights, under a new name: other nodes may share them, or they were multiplied before."""
    node = next(node for node in model.graph.node if node.output[0] == convolution.output[0])
    present = {tensor.name: tensor for tensor in model.graph.initializer}
    for i, factors in ((1, factor), (2, bias_factor)):
        if factors is not None and i < len(node.input):
            value = numpy_helper.to_array(present[node.input[i]]) * factors
            node.input[i] = f"{node.input[i]}_{node.output[0]}"
            model.graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), node.input[i]))


def _restore_argument(model: onnx.ModelProto, site: Site, ratio: NDArray[np.float32]) -> None:
    place = next(i for i, n in enumerate(model.graph.node) if n.output[0] == site.sigmoid.output[0])  # type: ignore[union-attr]
    sigmoid = model.graph.node[place]
    name, made = f"{site.output}_ratio", f"{site.output}_argument"
    model.graph.initializer.append(numpy_helper.from_array(ratio, name))
    scaling = helper.make_node("Mul", [sigmoid.input[0], name], [made], name=f"{site.output}/argument")
    sigmoid.input[0] = made
    model.graph.node.insert(place, scaling)
