"""Enlarging a mask to the size of the image with a triangle filter, in float32 as ``stb_image_resize`` does it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Taps:
    """What one axis of the enlarged image is made of: three source lines each, some of which weigh nothing."""

    source: NDArray[np.intp]
    """``(size, 3)``."""
    weight: NDArray[np.float32]

    @staticmethod
    def of(source_size: int, size: int) -> Taps:
        """Taps for an axis that grows from ``source_size`` to ``size``; lines beyond the edge repeat it."""
        half, one = np.float32(0.5), np.float32(1)
        scale = np.float32(size) / np.float32(source_size)
        middle = np.arange(size, dtype=np.float32) + half
        center = middle / scale
        first = np.floor(((middle - scale) / scale).astype(np.float64) + 0.5)
        last = np.floor(((middle + scale) / scale).astype(np.float64) - 0.5)
        line = first[:, None] + np.arange(3)
        distance = np.abs(center[:, None] - (line.astype(np.float32) + half))
        weight = np.where((distance <= one) & (line <= last[:, None]), one - distance, np.float32(0))
        # Weights are added from left to right, and scaled by the reciprocal of their sum.
        total = np.add.accumulate(weight, axis=1)[:, -1:]
        source = np.clip(line, 0, source_size - 1).astype(np.intp)
        return Taps(source, (weight * (one / total)).astype(np.float32))

    def at(self, lines: NDArray[np.intp]) -> Taps:
        """The taps of some lines only."""
        return Taps(self.source[lines], self.weight[lines])


def enlarge(image: NDArray[np.float32], vertical: Taps, horizontal: Taps) -> NDArray[np.float32]:
    """``(source height, source width)`` to ``(height, width)``: first along rows, then along columns."""
    wide = _blend(image.T, horizontal).T
    return _blend(np.ascontiguousarray(wide), vertical)


def _blend(lines: NDArray[np.float32], taps: Taps) -> NDArray[np.float32]:
    total = lines[taps.source[:, 0]] * taps.weight[:, 0, None]
    for tap in range(1, taps.source.shape[1]):
        total += lines[taps.source[:, tap]] * taps.weight[:, tap, None]
    return total
