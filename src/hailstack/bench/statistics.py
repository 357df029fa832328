"""Figures with the intervals in which they would fall again, and whether a run was steady enough to have any.

Frames one after the other are not independent: a slow moment slows several. So a run is cut into blocks, and it is the
differences between blocks that say how sure a figure is (batch means: Law, "Simulation Modeling and Analysis", 9.5.3;
moving to blocks for percentiles: Künsch, "The jackknife and the bootstrap for general stationary observations", 1989).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCKS = 20
FEWEST_BLOCKS = 4
RESAMPLES = 200
NORMAL_95 = 1.959964
PERCENTILES = (50.0, 90.0, 95.0, 99.0)
STEADY_SPREAD = 0.05
"""Standard deviation of the blocks' times for a frame over their mean, up to which a run is steady."""
STEADY_DRIFT = 0.03
"""Difference between the first and last thirds, over the mean, up to which a run is steady."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the interval in which it lies with 95 % confidence."""

    value: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """The standard error that such an interval comes from."""
        return (self.high - self.low) / (2 * NORMAL_95)


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Whether a run was the same from its beginning to its end."""

    spread: float
    """Of the time for a frame between blocks: standard deviation over mean."""
    drift: float
    """Of the same from the first third to the last, over the mean; negative: it became slower."""
    trouble: str = ""
    """What is wrong, for people; empty for a steady run."""


def rate(done_ns: Integers) -> Estimate:
    """Completions a second, from at least two completion times in ascending order."""
    seconds = float(done_ns[-1] - done_ns[0]) / 1e9
    value = (len(done_ns) - 1) / seconds if seconds else 0.0
    periods = _block_means(np.diff(done_ns).astype(np.float64))
    if len(periods) < FEWEST_BLOCKS or not seconds:
        return Estimate(value, 0.0, float("inf"))
    reach = student_95(len(periods) - 1) * float(periods.std(ddof=1)) / len(periods) ** 0.5
    mean = float(periods.mean())
    return Estimate(value, 1e9 / (mean + reach), 1e9 / (mean - reach) if mean > reach else float("inf"))


def percentiles(values: Floats, wanted: tuple[float, ...] = PERCENTILES) -> list[Estimate]:
    """Percentiles of values in the order of time, by resampling blocks; the same values give the same intervals."""
    found = np.percentile(values, wanted)
    count = min(BLOCKS, len(values))
    blocks = values[: len(values) // count * count].reshape(count, -1)
    random = np.random.default_rng(0)
    drawn = [np.percentile(blocks[random.integers(0, count, count)], wanted) for _ in range(RESAMPLES)]
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    rows = zip(found, np.minimum(low, found), np.maximum(high, found), strict=True)
    return [Estimate(float(value), float(least), float(most)) for value, least, most in rows]


def steadiness(done_ns: Integers) -> Steadiness:
    """How even the completions came."""
    periods = _block_means(np.diff(done_ns).astype(np.float64))
    if len(periods) < FEWEST_BLOCKS:
        return Steadiness(0.0, 0.0, f"only {len(done_ns)} frames: too few to tell")
    mean = max(float(periods.mean()), 1.0)
    third = len(periods) // 3
    drift = float(periods[:third].mean() - periods[-third:].mean()) / mean
    spread = float(periods.std(ddof=1)) / mean
    return Steadiness(spread, drift, _trouble(spread, drift))


def _trouble(spread: float, drift: float) -> str:
    if abs(drift) > STEADY_DRIFT:
        return f"it became {100 * abs(drift):.0f} % {'faster' if drift > 0 else 'slower'} along the run"
    if spread > STEADY_SPREAD:
        return f"its speed went up and down by {100 * spread:.0f} %"
    return ""


def _block_means(values: Floats) -> Floats:
    count = min(BLOCKS, len(values))
    if not count:
        return values
    means: Floats = values[: len(values) // count * count].reshape(count, -1).mean(axis=1)
    return means


def student_95(freedom: int) -> float:
    """The two-sided 95 % point of Student's t (Abramowitz and Stegun, 26.7.5); within 1 % from 4 degrees on."""
    z = NORMAL_95
    first = (z**3 + z) / (4 * freedom)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    return z + first + second + third
