"""Ranges that leave rare extremes outside, from histograms of every tensor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.quantise.histogram import Histogram
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.compiler.quantise.ranges import Statistics
from hailstack.compiler.quantise.scales import NARROW, Range, Scale

SHARES = tuple(1.0 - 0.02 * step for step in range(48))
"""How far either end of a range is drawn in, in the search for the smallest square error."""


def clipped_spans(statistics: Statistics, options: QuantiseOptions) -> Mapping[str, Range]:
    """Tensor → the range its integers should cover, as ``options.clipping`` says.

    Args:
        statistics: with histograms.
    """
    widest = {tensor: statistics.widest(tensor) for tensor in statistics.histograms}
    if options.clipping == "mse":
        return {tensor: least_square_span(seen, widest[tensor]) for tensor, seen in statistics.histograms.items()}
    return {
        tensor: seen.inside(options.percentile).intersection(widest[tensor])
        for tensor, seen in statistics.histograms.items()
    }


def least_square_span(histogram: Histogram, span: Range) -> Range:
    """The range with the smallest mean square of rounding and cutting, each end drawn in by itself."""
    values, weights = histogram.values()
    high = min((span.high * share for share in SHARES), key=lambda h: _loss(values, weights, Range(span.low, h)))
    low = min((span.low * share for share in SHARES), key=lambda low: _loss(values, weights, Range(low, high)))
    return Range(low, high)


def _loss(values: NDArray[np.float64], weights: NDArray[np.float64], span: Range) -> float:
    scale = Scale.fit(span, NARROW)
    integers = np.clip(np.rint(values / scale.scale) + scale.zero_point, 0, NARROW)
    inside = (integers > 0) & (integers < NARROW)
    error = np.where(inside, scale.scale**2 / 12, ((integers - scale.zero_point) * scale.scale - values) ** 2)
    return float(weights @ error)
