"""From a float network and calibration pictures to the integer graph that the emulated chip runs.

Static shapes; activations are uint8, or uint16 in wide layers, with one scale and zero point a tensor; weights are
int8 (int16 in wide layers) without zero point; biases have 32 bits.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import onnx
from onnx import helper

from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.graph.model import Graph, infer, reads
from hailstack.compiler.quantise.crosslayer import even_out
from hailstack.compiler.quantise.equalise import equalise
from hailstack.compiler.quantise.options import Effort, OutputType, QuantiseOptions
from hailstack.compiler.quantise.pictures import Pictures
from hailstack.compiler.quantise.pixels import Frame, Normalisations, take_pixels
from hailstack.compiler.quantise.points import Points, choose_points
from hailstack.compiler.quantise.products import plain_products
from hailstack.compiler.quantise.qdq import GraphWriter, dequantised, write_qdq
from hailstack.compiler.quantise.ranges import Statistics, Wish, observe
from hailstack.compiler.quantise.results import Output, feature_axis, make_output, write_output
from hailstack.compiler.quantise.scales import Range, Scale
from hailstack.compiler.quantise.sensitivity import Parts
from hailstack.compiler.quantise.spans import choose_scales, choose_spans, exact_scales, is_probability
from hailstack.compiler.quantise.walk import KEPT_PICTURES, refine
from hailstack.compiler.quantise.weights import plan_weights, weighted_nodes
from hailstack.compiler.quantise.wide import Wide, choose_wide

CHANNEL_ROLES = frozenset({"depth", "feature", "image", "offset", "raw", "size"})
"""Outputs whose channels may have scales of their own."""

EQUALISATION_FRAMES = 16
"""How many pictures decide which channels are large."""


@dataclass(frozen=True, slots=True)
class QuantisedNetwork:
    """The graph between the host's integers, and what they mean."""

    graph: Graph
    """Each input is uint8 ``(1, h, w, c)``; the outputs are as in :attr:`outputs`."""
    outputs: tuple[Output, ...]
    float_graph: Graph
    """The same function in float, behind the same pixels and with the same tensors: what the integers stand for."""
    pairs: Mapping[str, str] = field(default_factory=dict)
    """Tensor of :attr:`float_graph` → the tensor of :attr:`graph` that stands for it in real values. The network's
    ends leave as integers and are not here: see :meth:`Output.dequantise`."""
    effort: Effort = field(default_factory=lambda: Effort(0, 0))
    """The optimisation level, as asked for and as done."""
    parts: Parts | None = None
    """What :attr:`graph` was written from; None where that is not known any more."""


def quantise(
    graph: Graph,
    head: HeadPlan,
    normalisation: Normalisations,
    frames: Iterable[Frame],
    options: QuantiseOptions | None = None,
) -> QuantisedNetwork:
    """Quantise a network that was cut for ``head``.

    Args:
        graph: float, outputs in the order of ``head.ends``.
        normalisation: what the network wants of its pixels, the same for all inputs or one for each; moves inside.
        frames: calibration pictures, uint8 ``(h, w, c)`` RGB of the input's size, or one for each of several inputs
            by its name. Read once.
        options: precision and effort.

    Raises:
        ModelError: there are no frames, or the network computes something that is not a number.
        ConfigError: a wide layer does not exist.
    """
    chosen = options or QuantiseOptions()
    plain = plain_products(take_pixels(graph, normalisation))
    pictures = Pictures(iter(frames), KEPT_PICTURES)
    first = list(itertools.islice(pictures, EQUALISATION_FRAMES))
    even = _evened_out(plain, first, chosen)
    del plain  # a copy of all weights
    points = choose_points(even)
    wide = choose_wide(even, points, chosen.wide_layers, graph)
    stream = itertools.chain(first, pictures)
    statistics = observe(even, _wish(even, points, head, chosen), stream)
    spans = choose_spans(even, points, statistics, head, normalisation, chosen, wide)
    exact = exact_scales(even, normalisation)
    scales = choose_scales(points, spans, exact, wide)
    weights = plan_weights(even, {**scales, **exact}, statistics.means, wide.nodes, chosen)
    weights, effort = refine(even, scales, weights, pictures, statistics.means, chosen)
    outputs = _outputs(even, head, scales, statistics, wide, chosen)
    made = _finish(even, write_qdq(even, scales, exact, weights), outputs)
    pairs = {name: dequantised(name) for name in scales if dequantised(name) in made.producers}
    parts = Parts(even, scales, exact, weights)
    return QuantisedNetwork(made, outputs, _used(even), {**pairs, **{name: name for name in exact}}, effort, parts)


def _used(graph: Graph) -> Graph:
    """Without the constants that nobody reads any more, since later ones took their place."""
    read = {name for node in graph.nodes for name in reads(node)}.union(graph.outputs)
    if read.issuperset(graph.constants):
        return graph
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    kept = [tensor for tensor in model.graph.initializer if tensor.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    return Graph(model, graph.source)


def _evened_out(graph: Graph, frames: Sequence[Frame], options: QuantiseOptions) -> Graph:
    if not options.equalise or not frames:
        return graph
    return even_out(graph, frames) if options.weight_scales == "layer" else equalise(graph, frames)


def _wish(graph: Graph, points: Points, head: HeadPlan, options: QuantiseOptions) -> Wish:
    """Means of what layers read tell how much rounded weights err, of what they make how much the layers err."""
    layers = [node for node in weighted_nodes(graph) if node.op_type != "MatMul"]
    tensors = dict.fromkeys(name for node in layers for name in (node.input[0], node.output[0]))
    means = [name for name in tensors if graph.shape(name)[0] == 1 and len(graph.shape(name)) > 1]
    axes = _feature_axes(graph, head, options)
    return Wish(points.measured, means, axes, histograms=options.clipping != "minmax")


def _feature_axes(graph: Graph, head: HeadPlan, options: QuantiseOptions) -> Mapping[str, int]:
    """The ends that get a scale for each feature, with the axis of these.

    Probabilities all go from 0 to 1. Scores of classes must share a scale, because few pictures do not show every
    class; and so must all that the host's NMS reads, because HailoRT dequantises that with one scale an output.
    """
    if options.output_scales == "tensor":
        return {}
    ends = [end.output for end in head.ends if end.role in CHANNEL_ROLES and not is_probability(graph, end.output)]
    return {name: feature_axis(graph.shape(name)) for name in ends}


def _outputs(
    graph: Graph,
    head: HeadPlan,
    scales: Mapping[str, Scale],
    statistics: Statistics,
    wide: Wide,
    options: QuantiseOptions,
) -> tuple[Output, ...]:
    kinds = _output_types(head, wide, options)
    made = []
    for end, kind in zip(head.ends, kinds, strict=True):
        name, scale = end.output, scales[end.output]
        spans = statistics.features.get(name, (_span(scale),))
        made.append(make_output(end, graph.shape(name), spans, kind))
    return tuple(made)


def _output_types(head: HeadPlan, wide: Wide, options: QuantiseOptions) -> tuple[OutputType, ...]:
    """Those of wide layers are uint16. HailoRT's operations demand one type of all that they read."""
    widened = [end.output in wide.tensors or i in wide.outputs for i, end in enumerate(head.ends)]
    if head.family is not None and any(widened):
        widened = [True] * len(widened)
    return tuple("uint16" if each else options.output_type for each in widened)


def _span(scale: Scale) -> Range:
    return Range((0 - scale.zero_point) * scale.scale, (scale.top - scale.zero_point) * scale.scale)


def _finish(graph: Graph, writer: GraphWriter, outputs: tuple[Output, ...]) -> Graph:
    """The graph with integer outputs and without what no longer leads to one."""
    declared = [write_output(writer, output, graph.shape(output.end.output)) for output in outputs]
    opsets, version = graph.model.opset_import, graph.model.ir_version
    body = helper.make_graph(writer.nodes, "network", list(graph.model.graph.input), declared)
    whole = Graph(helper.make_model(body, opset_imports=opsets, ir_version=version), graph.source)
    nodes = list(whole.ancestors(whole.outputs))
    needed = {name for node in nodes for name in node.input}
    constants = [tensor for name, tensor in writer.constants.items() if name in needed]
    body = helper.make_graph(nodes, "network", list(graph.model.graph.input), declared, constants)
    return Graph(infer(helper.make_model(body, opset_imports=opsets, ir_version=version), graph.source), graph.source)
