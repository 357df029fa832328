"""From real ranges to integers: scales and zero points of activations, 8-bit weights, 32-bit biases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.hef.formats import QuantInfo

INT32_LIMIT = 2.0**31 - 1

SMALLEST = 1e-20
"""Scales below this stand for dead channels; their product with another scale would vanish in float32."""

NARROW, WIDE = 255, 65535
"""The largest integer of an activation in 8 and in 16 bits."""

NARROW_TOP, WIDE_TOP = 127, 32767
"""The largest weight in 8 and in 16 bits."""

CLIPPING_SHARES = tuple(1.0 - 0.025 * step for step in range(25))
"""How far the range of weights is narrowed in the search for the smallest error."""


@dataclass(frozen=True, slots=True)
class Range:
    """The real values that a tensor takes."""

    low: float
    high: float

    def union(self, other: Range) -> Range:
        return Range(min(self.low, other.low), max(self.high, other.high))

    def intersection(self, other: Range) -> Range:
        """What both cover, where they overlap."""
        return Range(max(self.low, other.low), min(self.high, other.high))

    def stretched(self, share: float) -> Range:
        """Both ends further from 0 by ``share`` of themselves; an end on the other side of 0 stays."""
        return Range(min(self.low, self.low * (1 + share)), max(self.high, self.high * (1 + share)))


@dataclass(frozen=True, slots=True)
class Scale:
    """``real = (integer - zero_point) * scale``, integers from 0 to ``top``."""

    scale: float
    zero_point: int
    top: int = 255

    @classmethod
    def fit(cls, span: Range, top: int = 255) -> Scale:
        """The finest scale that covers ``span`` and holds 0 exactly (padding must be exact)."""
        low, high = min(span.low, 0.0), max(span.high, 0.0)
        scale = float(np.float32((high - low) / top))
        if not np.isfinite(scale) or scale <= SMALLEST:
            return cls(1.0, 0, top)  # a tensor that is always 0
        return cls(scale, int(np.clip(round(-low / scale), 0, top)), top)

    @property
    def quant_info(self) -> QuantInfo:
        """The same, as a HEF says it."""
        return QuantInfo(
            zp=float(self.zero_point),
            scale=self.scale,
            limvals_min=float(np.float32((0 - self.zero_point) * self.scale)),
            limvals_max=float(np.float32((self.top - self.zero_point) * self.scale)),
        )


def fit_weight_scale(
    weights: NDArray[np.generic],
    axis: int | None,
    floor: NDArray[np.float64] | None = None,
    top: int = NARROW_TOP,
    *,
    clip: bool = False,
) -> NDArray[np.float32]:
    """Scales for symmetric integer weights.

    Args:
        weights: any shape.
        axis: the axis of output channels, each of which gets its own scale; None: one scale for all.
        floor: smallest allowed scales.
        top: the largest integer.
        clip: whether the largest weights may be cut where that makes the mean square error smaller.

    Returns:
        float32, ``(channels,)`` or ``()``.
    """
    real = np.asarray(weights, np.float64)
    flat = real.reshape(1, -1) if axis is None else np.moveaxis(real, axis, 0).reshape(real.shape[axis], -1)
    scale = np.abs(flat).max(axis=1, initial=0.0) / top
    if clip:
        scale = _best_scale(flat, scale, top)
    scale = scale.reshape(()) if axis is None else scale
    if floor is not None:
        scale = np.maximum(scale, floor)
    return np.where(scale > SMALLEST, scale, 1.0).astype(np.float32)


def _best_scale(rows: NDArray[np.float64], widest: NDArray[np.float64], top: int) -> NDArray[np.float64]:
    """For each row the share of its widest scale that leaves the smallest square error."""
    best, least = widest, np.full(len(rows), np.inf)
    for share in CLIPPING_SHARES:
        scale = np.maximum(widest * share, SMALLEST)[:, None]
        error = ((np.clip(np.rint(rows / scale), -top, top) * scale - rows) ** 2).sum(axis=1)
        best, least = np.where(error < least, scale[:, 0], best), np.minimum(error, least)
    return best


def round_weights(
    weights: NDArray[np.generic], scale: NDArray[np.float32], axis: int | None, top: int = NARROW_TOP
) -> NDArray[np.int16]:
    """The integers nearest to ``weights``, in ``-top..top``."""
    real = np.asarray(weights, np.float64)
    shape = [1] * real.ndim
    if axis is not None:
        shape[axis] = -1
    return np.asarray(np.clip(np.rint(real / scale.reshape(shape)), -top, top), np.int16)


def weight_scale_floor(bias: NDArray[np.generic], input_scale: float) -> NDArray[np.float64]:
    """The smallest weight scales with which the bias still fits into 32 bits."""
    return np.abs(np.asarray(bias, np.float64)) / (input_scale * INT32_LIMIT)


def quantise_bias(
    bias: NDArray[np.generic], input_scale: float, weight_scale: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The bias in units of the accumulator, and those units."""
    scale = (np.float64(input_scale) * weight_scale.astype(np.float64)).astype(np.float32)
    integers = np.clip(np.rint(np.asarray(bias, np.float64) / scale), -INT32_LIMIT, INT32_LIMIT)
    return integers.astype(np.int32), scale
