"""Figures of a network on all pictures, and on any selection of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hailstack.evaluation.cases import Case
from hailstack.types import Image, Prediction

Weights = NDArray[np.float64]
"""``(pictures,)``: how often each counts."""


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one class or of one size of object."""

    name: str
    figures: Mapping[str, float]


class Score(Protocol):
    """How right a network was."""

    @property
    def pictures(self) -> int: ...

    @property
    def totals(self) -> Mapping[str, float]:
        """Name of a figure → its value over all pictures; the first is the one that decides."""
        ...

    def resampled(self, weights: Weights) -> Mapping[str, float]:
        """Those of :attr:`totals` that can be said of pictures counted ``weights`` times."""
        ...

    @property
    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        """What it is about (``class``, ``size``) → its rows."""
        ...

    @property
    def cases(self) -> Sequence[Case]:
        """What it made of each picture, in their order."""
        ...

    @property
    def notes(self) -> Mapping[str, Any]:
        """What else there is to say, in plain values."""
        ...


class Scorer(Protocol):
    """Takes in predictions, one picture after another."""

    def add(self, row: int, image: Image, prediction: Prediction) -> None:
        """Take in what a network says of the picture ``row`` of the truth."""
        ...

    def score(self) -> Score: ...


COUNTS = frozenset({"objects", "pictures"})
"""Figures that are numbers of things."""

LOWER_IS_BETTER = frozenset({"AbsRel", "RMSE"})
"""Figures that are errors."""


def shown(name: str, value: float) -> str:
    """A figure for people."""
    if not math.isfinite(value):
        return "-"
    return f"{value:.0f}" if name in COUNTS else f"{value:.4f}"
