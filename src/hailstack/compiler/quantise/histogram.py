"""How often a tensor takes which value, counted before its range is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.quantise.scales import Range

BINS = 2**16
"""One for each upper half of a float32, which is a bfloat16: 128 in every octave of either sign."""
SIGN = BINS // 2
"""The lowest bin of negative numbers."""
INFINITE = 0x7F80
"""The first bin that holds no numbers."""

AT_ONCE = 2 * BINS
"""Values are counted when so many have come: to go through all bins for a few takes longer than to count these."""


def _edges() -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Bins from the lowest to the highest value, with the values nearest to and furthest from zero of each."""
    order = np.r_[np.arange(INFINITE - 1, -1, -1) + SIGN, np.arange(INFINITE)]
    near = order.astype(np.uint32) << 16
    far = near | 0xFFFF
    return order, near.view(np.float32).astype(np.float64), far.view(np.float32).astype(np.float64)


ORDER, NEAR, FAR = _edges()


@dataclass(slots=True)
class Histogram:
    """Counts that know no range: values that agree in their first 16 bits fall together, 1 part in 128 apart."""

    _counts: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(BINS, np.uint32))
    _waiting: list[NDArray[np.uint16]] = field(default_factory=list)

    def add(self, values: NDArray[np.generic]) -> None:
        """Count float32 values."""
        self._waiting.append(np.ascontiguousarray(values, np.dtype("<f4")).reshape(-1).view("<u2")[1::2].copy())
        if sum(map(len, self._waiting)) >= AT_ONCE:
            self._count()

    @property
    def counts(self) -> NDArray[np.uint32]:
        """How many values fell into each bin."""
        self._count()
        return self._counts

    def _count(self) -> None:
        if self._waiting:
            self._counts += np.bincount(np.concatenate(self._waiting), minlength=BINS).astype(np.uint32)
            self._waiting.clear()

    def inside(self, percentile: float) -> Range:
        """The range that leaves ``100 - percentile`` percent outside, half of it at either end."""
        outside = (100.0 - percentile) / 200.0
        share = np.cumsum(self.counts[ORDER], dtype=np.float64) / self.counts.sum(dtype=np.float64)
        first, last = np.searchsorted(share, outside, "right"), np.searchsorted(share, 1.0 - outside)
        return Range(float(min(NEAR[first], FAR[first])), float(max(NEAR[last], FAR[last])))

    def values(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The values seen, ascending, each with how often."""
        counts = self.counts[ORDER]
        seen = counts > 0
        return (NEAR[seen] + FAR[seen]) / 2, counts[seen].astype(np.float64)
