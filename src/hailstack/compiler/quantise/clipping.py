"""Ranges that leave rare extremes outside, from histograms of every tensor."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from hailstack.compiler.graph.model import Graph, open_session
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.compiler.quantise.pixels import Frame, feed
from hailstack.compiler.quantise.ranges import Statistics, busy_options
from hailstack.compiler.quantise.scales import NARROW, Range, Scale

BINS = 2048
MOST_VALUES = 32768
"""Of one tensor on one picture; of larger ones so many are drawn."""
MOST_PICTURES = 32

SHARES = tuple(1.0 - 0.02 * step for step in range(48))
"""How far either end of a range is drawn in, in the search for the smallest square error."""


def clipped_spans(
    graph: Graph,
    tensors: Sequence[str],
    statistics: Statistics,
    frames: Iterable[Frame],
    options: QuantiseOptions,
) -> Mapping[str, Range]:
    """Tensor → the range its integers should cover, as ``options.clipping`` says.

    Args:
        statistics: of the same network; gives the widest ranges.
        frames: some of the pictures, uint8 ``(h, w, 3)``.
    """
    widest = {tensor: statistics.widest(tensor) for tensor in tensors}
    counts = count_values(graph, widest, itertools.islice(frames, MOST_PICTURES))
    if options.clipping == "mse":
        return {tensor: least_square_span(counts[tensor], span) for tensor, span in widest.items()}
    return {tensor: percentile_span(counts[tensor], span, options.percentile) for tensor, span in widest.items()}


def count_values(graph: Graph, spans: Mapping[str, Range], frames: Iterable[Frame]) -> Mapping[str, NDArray[np.int64]]:
    """Tensor → how many of its values fall into each of ``BINS`` equal parts of its span."""
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    del model.graph.output[:]
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in spans]
    model.graph.output.extend(infos)
    session = open_session(model, graph.source, busy_options())
    random = np.random.default_rng(0)
    counts = {name: np.zeros(BINS, np.int64) for name in spans}
    for frame in frames:
        for (name, span), value in zip(spans.items(), session.run(list(spans), feed(graph, frame)), strict=True):
            flat = value.reshape(-1)
            some = flat if flat.size <= MOST_VALUES else flat[random.integers(0, flat.size, MOST_VALUES)]
            bins = (some - span.low) * (BINS / max(span.high - span.low, 1e-30))
            counts[name] += np.bincount(np.clip(bins, 0, BINS - 1).astype(np.int32), minlength=BINS)
    return counts


def percentile_span(counts: NDArray[np.int64], span: Range, percentile: float) -> Range:
    """The range that leaves ``100 - percentile`` percent outside, half of it at either end."""
    outside = (100.0 - percentile) / 200.0
    share = np.cumsum(counts) / max(int(counts.sum()), 1)
    first, last = np.searchsorted(share, [outside, 1.0 - outside])
    step = (span.high - span.low) / BINS
    return Range(span.low + int(first) * step, span.low + (min(int(last), BINS - 1) + 1) * step)


def least_square_span(counts: NDArray[np.int64], span: Range) -> Range:
    """The range with the smallest mean square of rounding and cutting, each end drawn in by itself."""
    values = span.low + (np.arange(BINS) + 0.5) * (span.high - span.low) / BINS
    seen = counts > 0
    values, weights = values[seen], counts[seen].astype(np.float64)
    high = min((span.high * share for share in SHARES), key=lambda h: _loss(values, weights, Range(span.low, h)))
    low = min((span.low * share for share in SHARES), key=lambda low: _loss(values, weights, Range(low, high)))
    return Range(low, high)


def _loss(values: NDArray[np.float64], weights: NDArray[np.float64], span: Range) -> float:
    scale = Scale.fit(span, NARROW)
    integers = np.clip(np.rint(values / scale.scale) + scale.zero_point, 0, NARROW)
    inside = (integers > 0) & (integers < NARROW)
    error = np.where(inside, scale.scale**2 / 12, ((integers - scale.zero_point) * scale.scale - values) ** 2)
    return float(weights @ error)
