"""How wide an estimate's interval is: what was left over when each network was estimated from the others.

Split conformal prediction: a remainder is divided by the standard deviation that the model claimed for it, and the
10th and 90th percentile of these are kept for each kind of estimate (``data/bands.csv``).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["single", "several", "unsure"]

SURE = 0.8
"""A verdict with a smaller probability is unsure."""


@dataclass(frozen=True, slots=True)
class Band:
    """The interval of one kind of estimate."""

    basis: str
    verdict: Verdict
    batch: int
    """1, or 8 for all larger ones."""
    low: float
    """In standard deviations of the logarithm; for published rates in the logarithm itself."""
    high: float


def judge(single_chance: float) -> Verdict:
    """How sure the verdict about contexts is."""
    if single_chance >= SURE:
        return "single"
    return "several" if single_chance <= 1 - SURE else "unsure"


def choose_band(bands: Sequence[Band], basis: str, single_chance: float, batch: int) -> Band:
    """The band that an estimate gets."""
    kind = (basis, judge(single_chance), 1 if batch == 1 else 8)
    return next(band for band in bands if (band.basis, band.verdict, band.batch) == kind)


@cache
def load_bands() -> tuple[Band, ...]:
    """The bands that ship; ``benchmarks/preflight.py --bands`` prints them."""
    text = files("hailstack.compiler.preflight").joinpath("data", "bands.csv").read_text(encoding="utf-8")
    verdicts: dict[str, Verdict] = {"single": "single", "several": "several", "unsure": "unsure"}
    return tuple(
        Band(row["basis"], verdicts[row["verdict"]], int(row["batch"]), float(row["low"]), float(row["high"]))
        for row in csv.DictReader(text.splitlines())
    )
