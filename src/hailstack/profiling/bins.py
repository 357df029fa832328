"""Long runs made short enough for a picture: many frames become one bin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.profiling.table import NS_PER_MS
from hailstack.profiling.trace import Trace

MOST = 600
"""Bins across a picture: about one a pixel column of the plotting area."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Consecutive frames in groups of one size."""

    first: NDArray[np.int64]
    """``(n,)``: the first frame of each."""
    size: int
    """Frames in one bin."""


def bins_of(trace: Trace, most: int = MOST) -> Bins:
    """As many bins as a picture can show, one a frame where they suffice."""
    frames = trace.lives().frame
    if not len(frames):
        return Bins(np.zeros(0, np.int64), 1)
    count = int(frames[-1]) + 1
    size = -(-count // most)
    return Bins(np.arange(0, count, size), size)


def mean_per_frame(trace: Trace, stage: str, bins: Bins) -> Floats:
    """``(n,)``: what the stage took of a frame, in ms, on average over each bin; 0 where it did not come."""
    spans = trace.of_stage(stage)
    spans = spans.where(spans.frame >= 0)
    total = np.bincount(spans.frame // bins.size, spans.duration_ns / NS_PER_MS, minlength=len(bins.first))
    return total / _frames_in(trace, bins)


def mean_latency(trace: Trace, bins: Bins) -> Floats:
    """``(n,)``: from a frame's first beginning to its last end, in ms, on average over each bin."""
    lives = trace.lives()
    total = np.bincount(lives.frame // bins.size, lives.duration_ns / NS_PER_MS, minlength=len(bins.first))
    return total / _frames_in(trace, bins)


def extremes(trace: Trace, stage: str, bins: Bins) -> tuple[Floats, Floats]:
    """Two ``(n,)``: the shortest and the longest span of the stage in each bin, in ms; NaN where there is none."""
    spans = trace.of_stage(stage)
    spans = spans.where(spans.frame >= 0)
    at, ms = spans.frame // bins.size, spans.duration_ns / NS_PER_MS
    low, high = np.full(len(bins.first), np.inf), np.full(len(bins.first), -np.inf)
    np.minimum.at(low, at, ms)
    np.maximum.at(high, at, ms)
    empty = np.isinf(low)
    low[empty] = high[empty] = np.nan
    return low, high


def _frames_in(trace: Trace, bins: Bins) -> Floats:
    counted = np.bincount(trace.lives().frame // bins.size, minlength=len(bins.first))
    return np.maximum(counted, 1).astype(np.float64)
