"""The range of real values that each tensor's integers cover."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.graph.model import Graph
from hailstack.compiler.quantise.clipping import clipped_spans
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.compiler.quantise.pixels import Normalisations, first_reals, normalisation_of
from hailstack.compiler.quantise.points import Points
from hailstack.compiler.quantise.ranges import Statistics
from hailstack.compiler.quantise.scales import NARROW, WIDE, Range, Scale
from hailstack.compiler.quantise.silu import SATURATION, find_silus
from hailstack.compiler.quantise.wide import Wide

HEADROOM = 0.125
"""Outputs reach so much further than what was seen: a strong answer must not tie with others at the top."""
WIDE_HEADROOM = 1.0
"""In 16 bits there is room to spare."""


def choose_spans(
    graph: Graph,
    points: Points,
    statistics: Statistics,
    head: HeadPlan,
    normalisation: Normalisations,
    options: QuantiseOptions,
    wide: Wide,
) -> dict[str, Range]:
    """Tensor → its span, for every measured tensor."""
    spans = _seen_spans(points, statistics, options)
    sources = {points.shared.get(end.output, end.output) for end in head.ends}
    for tensor in sources | wide.tensors:
        if tensor in spans:
            spans[tensor] = statistics.widest(tensor).stretched(WIDE_HEADROOM if tensor in wide.tensors else HEADROOM)
    spans.update({tensor: Range(0.0, 1.0) for tensor in sources if tensor in spans and is_probability(graph, tensor)})
    for tensor in first_reals(graph):
        if tensor in spans:
            spans[tensor] = Range(*normalisation_of(normalisation, tensor).limits)
    for silu in find_silus(graph):
        for tensor, limits in _silu_limits(silu.inner):
            if tensor in spans and tensor not in wide.tensors:
                spans[tensor] = Range(max(spans[tensor].low, limits.low), min(spans[tensor].high, limits.high))
    return spans


def _seen_spans(points: Points, statistics: Statistics, options: QuantiseOptions) -> dict[str, Range]:
    if options.clipping == "minmax":
        return {tensor: statistics.widest(tensor) for tensor in points.measured}
    spans = dict(clipped_spans(statistics, options))
    if options.clipping != "typical":
        return spans
    return {tensor: span.union(statistics.typical(tensor)) for tensor, span in spans.items()}


def is_probability(graph: Graph, tensor: str) -> bool:
    """Whether a tensor may take any value from 0 to 1, whatever few pictures show."""
    return tensor in graph.producers and graph.producers[tensor].op_type in ("Sigmoid", "Softmax")


def _silu_limits(inner: tuple[str, ...]) -> Iterable[tuple[str, Range]]:
    """Where SiLU no longer tells values apart: below on the direct way, on both sides in front of the sigmoid."""
    if len(inner) == 2:
        return [(inner[0], Range(-SATURATION, np.inf))]
    return [(inner[1], Range(-SATURATION, SATURATION))]


def exact_scales(graph: Graph, normalisation: Normalisations) -> Mapping[str, Scale]:
    """The normalised pixels, where they are integers as they come."""
    found = {}
    for tensor in first_reals(graph):
        given = normalisation_of(normalisation, tensor)
        if given.zero_point is not None:
            found[tensor] = Scale(float(np.float32(1.0 / given.std[0])), given.zero_point)
    return found


def choose_scales(
    points: Points, spans: Mapping[str, Range], exact: Mapping[str, Scale], wide: Wide
) -> dict[str, Scale]:
    """Tensor → scale, for measured tensors and those that share their scales."""
    scales = {t: Scale.fit(span, WIDE if t in wide.tensors else NARROW) for t, span in spans.items()}
    for tensor, source in points.shared.items():
        scales[tensor] = scales[source] if source in scales else exact[source]
    return scales
