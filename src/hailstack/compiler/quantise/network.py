"""From a float network and calibration pictures to the integer graph that the emulated chip runs.

uint8 activations with one scale a tensor, int8 weights with one scale an output channel, static shapes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from hailstack.compiler.endnodes.plan import WEIGHTED, HeadPlan
from hailstack.compiler.graph.model import Graph, infer
from hailstack.compiler.quantise.equalise import equalise
from hailstack.compiler.quantise.pixels import Normalisation, take_pixels
from hailstack.compiler.quantise.points import Points, choose_points
from hailstack.compiler.quantise.qdq import GraphWriter, write_qdq
from hailstack.compiler.quantise.ranges import Statistics, observe
from hailstack.compiler.quantise.results import Output, OutputType, make_output, write_output
from hailstack.compiler.quantise.scales import Range, Scale
from hailstack.compiler.quantise.silu import SATURATION, find_silus

EQUALISATION_FRAMES = 16
"""How many pictures decide which channels are large."""


@dataclass(frozen=True, slots=True)
class QuantisedNetwork:
    """The graph between the host's integers, and what they mean."""

    graph: Graph
    """One input, uint8 ``(1, h, w, 3)`` RGB; the outputs as in :attr:`outputs`."""
    outputs: tuple[Output, ...]
    float_graph: Graph
    """The same network in float, behind the same pixels: what the integers stand for."""


def quantise(
    graph: Graph,
    head: HeadPlan,
    normalisation: Normalisation,
    frames: Iterable[NDArray[np.uint8]],
    output_type: OutputType = "uint8",
) -> QuantisedNetwork:
    """Quantise a network that was cut for ``head``.

    Args:
        graph: float, outputs in the order of ``head.ends``.
        normalisation: what the network wants of its pixels; moves inside.
        frames: calibration pictures, uint8 ``(h, w, 3)`` RGB of the input's size. Read once.
        output_type: integers of the outputs.

    Raises:
        ModelError: there are no frames, or the network computes something that is not a number.
    """
    plain = take_pixels(graph, normalisation)
    stream = iter(frames)
    first = list(itertools.islice(stream, EQUALISATION_FRAMES))
    even = equalise(plain, first) if first else plain
    points = choose_points(even)
    statistics = observe(even, points.measured, itertools.chain(first, stream), _weighted_inputs(even))
    spans = choose_spans(even, points, statistics, head, normalisation)
    exact = _exact_scales(even, normalisation)
    scales = {tensor: Scale.fit(span) for tensor, span in spans.items()}
    for tensor, source in points.shared.items():
        scales[tensor] = scales[source] if source in scales else exact[source]
    outputs = tuple(
        make_output(end, even.shape(end.output), _span(scales[end.output]), output_type) for end in head.ends
    )
    writer = write_qdq(even, scales, exact, statistics.means)
    return QuantisedNetwork(_finish(even, writer, outputs), outputs, plain)


def choose_spans(
    graph: Graph, points: Points, statistics: Statistics, head: HeadPlan, normalisation: Normalisation
) -> Mapping[str, Range]:
    """The real range that each measured tensor's integers cover."""
    sources = {end.output: points.shared.get(end.output, end.output) for end in head.ends}
    fixed = {tensor: Range(0.0, 1.0) for tensor in sources.values() if _is_probability(graph, tensor)}
    first = next(iter(_first_reals(graph)))
    if first in points.measured:
        fixed[first] = Range(*normalisation.limits)
    spans = {tensor: statistics.typical(tensor) for tensor in points.measured}
    spans.update({tensor: statistics.widest(tensor) for tensor in sources.values() if tensor in spans})
    spans.update({tensor: span for tensor, span in fixed.items() if tensor in spans})
    for silu in find_silus(graph):
        for tensor, limits in _silu_limits(silu.inner):
            if tensor in spans:
                spans[tensor] = Range(max(spans[tensor].low, limits.low), min(spans[tensor].high, limits.high))
    return spans


def _is_probability(graph: Graph, tensor: str) -> bool:
    """Whether a tensor may take any value from 0 to 1, whatever few pictures show."""
    return tensor in graph.producers and graph.producers[tensor].op_type in ("Sigmoid", "Softmax")


def _silu_limits(inner: tuple[str, ...]) -> Iterable[tuple[str, Range]]:
    """Where SiLU no longer tells values apart: below on the direct way, on both sides in front of the sigmoid."""
    if len(inner) == 2:
        return [(inner[0], Range(-SATURATION, np.inf))]
    return [(inner[1], Range(-SATURATION, SATURATION))]


def _first_reals(graph: Graph) -> Iterable[str]:
    """The tensor that holds the normalised pixels."""
    return (node.output[0] for node in reversed(graph.nodes) if node.name.startswith(f"{graph.input}/"))


def _exact_scales(graph: Graph, normalisation: Normalisation) -> Mapping[str, Scale]:
    """The normalised pixels, where they are integers as they come."""
    if normalisation.zero_point is None:
        return {}
    scale = Scale(float(np.float32(1.0 / normalisation.std[0])), normalisation.zero_point)
    return {next(iter(_first_reals(graph))): scale}


def _weighted_inputs(graph: Graph) -> tuple[str, ...]:
    """Tensors whose channel means tell how much rounded weights err."""
    inputs = [node.input[0] for node in graph.nodes if node.op_type in WEIGHTED and node.input[1] in graph.constants]
    return tuple(dict.fromkeys(name for name in inputs if _has_channels(graph.shape(name))))


def _has_channels(shape: tuple[int, ...]) -> bool:
    return shape[0] == 1 and len(shape) in (2, 4)


def _span(scale: Scale) -> Range:
    return Range((0 - scale.zero_point) * scale.scale, (scale.top - scale.zero_point) * scale.scale)


def _finish(graph: Graph, writer: GraphWriter, outputs: tuple[Output, ...]) -> Graph:
    """The graph with integer outputs and without what no longer leads to one."""
    declared = [write_output(writer, output, len(graph.shape(output.end.output))) for output in outputs]
    opsets, version = graph.model.opset_import, graph.model.ir_version
    body = helper.make_graph(writer.nodes, "network", list(graph.model.graph.input), declared)
    whole = Graph(helper.make_model(body, opset_imports=opsets, ir_version=version), graph.source)
    nodes = list(whole.ancestors(whole.outputs))
    needed = {name for node in nodes for name in node.input}
    constants = [tensor for name, tensor in writer.constants.items() if name in needed]
    body = helper.make_graph(nodes, "network", list(graph.model.graph.input), declared, constants)
    return Graph(infer(helper.make_model(body, opset_imports=opsets, ir_version=version), graph.source), graph.source)
