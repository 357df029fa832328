"""How sure figures and their differences are: pictures drawn anew, with replacement (the bootstrap, Efron 1979)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.evaluation.score import LOWER_IS_BETTER, Score

DRAWS = 200
FEW_PICTURES = 30
"""Below this the intervals themselves are rough."""
SHARE = 95.0
"""Percent of draws that an interval holds."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and where 95 % of the draws lie."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Loss:
    """How much worse a network is than the first, in the figure's unit; below 0: better."""

    value: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether chance in the choice of pictures hardly explains it; also where no choice makes a difference."""
        return self.low > 0 or self.high < 0 or self.low == self.high


def draw_weights(pictures: int, draws: int = DRAWS) -> NDArray[np.float64]:
    """``(draws, pictures)``: how often each picture comes in each draw. The same at every call."""
    rng = np.random.default_rng(0)
    return rng.multinomial(pictures, np.full(pictures, 1 / pictures), size=draws).astype(np.float64)


def spread(scores: Sequence[Score]) -> Sequence[Mapping[str, NDArray[np.float64]]]:
    """For each network figure → its value in every draw; NaN for a single picture. All networks see the same draws."""
    pictures = scores[0].pictures
    if pictures < 2:  # drawn anew, one picture is always the same
        return [{name: np.full(1, np.nan) for name in score.totals} for score in scores]
    weights = draw_weights(pictures)
    drawn = [[score.resampled(one) for one in weights] for score in scores]
    return [
        {name: np.array([one[name] for one in values]) for name in score.totals}
        for score, values in zip(scores, drawn, strict=True)
    ]


def interval(value: float, drawn: NDArray[np.float64]) -> Interval:
    """The figure with its interval; draws in which it has no value do not count."""
    return Interval(value, *_bounds(drawn))


def loss(name: str, values: tuple[float, float], drawn: tuple[NDArray[np.float64], NDArray[np.float64]]) -> Loss:
    """What the second network loses against the first, picture by picture the same draws."""
    sign = -1.0 if name in LOWER_IS_BETTER else 1.0
    return Loss(sign * (values[0] - values[1]), *_bounds(sign * (drawn[0] - drawn[1])))


def _bounds(drawn: NDArray[np.float64]) -> tuple[float, float]:
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [(100 - SHARE) / 2, (100 + SHARE) / 2])
    return float(low) + 0.0, float(high) + 0.0  # no minus zero
