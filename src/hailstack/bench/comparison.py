"""Two reports, figure by figure: better, worse, or nobody can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hailstack.bench.plan import Point
from hailstack.bench.report import PointReport, Report
from hailstack.bench.statistics import Estimate
from hailstack.errors import InputError

Outcome = Literal["better", "worse", "can't tell"]

MARGIN = 0.03
"""Differences up to this part of the first figure are of no interest: two runs of one thing differ by so much."""
ERRORS = 3.0
"""Standard errors that must lie between a difference and the margin: many figures are compared at once."""
FIGURES = ("p50", "p95", "p99")
TAILS = ("p95", "p99")
"""Figures that a few disturbed frames decide."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of one point in both reports."""

    point: Point
    figure: str
    """``fps``, or ``p50`` and so on for a latency in ms."""
    before: float
    after: float
    change: float
    """Of the first figure: 0.1 is a tenth more."""
    reach: float
    """The change may as well be so much more or less."""
    outcome: Outcome
    why: str = ""
    """Why nobody can tell, where it is not the interval."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All figures that both reports have."""

    differences: tuple[Difference, ...]
    surroundings: tuple[str, ...]
    """What was not the same around the two."""

    @property
    def outcome(self) -> Outcome:
        """Worse if anything is worse; better if something is better and nothing worse."""
        found = {difference.outcome for difference in self.differences}
        return "worse" if "worse" in found else "better" if "better" in found else "can't tell"


def compare(before: Report, after: Report, margin: float = MARGIN) -> Comparison:
    """What changed from one report to the other.

    Raises:
        InputError: they have no point in common, or the margin is below 0 or no number.
    """
    if not margin >= 0:
        message = f"the margin is {100 * margin:g} %, it must be at least 0"
        raise InputError(message)
    first = {one.key: one for one in before.points}
    pairs = [(first[one.key], one) for one in after.points if one.key in first]
    if not pairs:
        raise InputError("the two reports have no point in common: measure both with the same options")
    differences = [difference for pair in pairs for difference in _differences(*pair, margin)]
    return Comparison(tuple(differences), tuple(before.environment.differences(after.environment)))


def _differences(before: PointReport, after: PointReport, margin: float) -> list[Difference]:
    pair, first, second = (before, after), before.latency_ms, after.latency_ms
    latencies = [_difference(pair, name, first[name], second[name], margin) for name in FIGURES]
    return [_difference(pair, "fps", before.fps, after.fps, margin), *latencies]


def _difference(
    pair: tuple[PointReport, PointReport], figure: str, before: Estimate, after: Estimate, margin: float
) -> Difference:
    """Where a run was not steady, its wandering counts against every figure, and its slow frames for nothing."""
    change = after.value / before.value - 1 if before.value else 0.0
    errors = (before.error**2 + after.error**2) ** 0.5 / before.value if before.value else float("inf")
    reach = ERRORS * errors + max(_wandering(one) for one in pair)
    trouble = next((one.steadiness.trouble for one in pair if one.steadiness.trouble), "")
    why = trouble if figure in TAILS else ""
    gain = change if figure == "fps" else -change
    outcome: Outcome = "can't tell"
    if not why and abs(gain) - reach > margin:
        outcome = "better" if gain > 0 else "worse"
    return Difference(pair[0].point, figure, before.value, after.value, change, reach, outcome, why)


def _wandering(one: PointReport) -> float:
    found = one.steadiness
    return abs(found.drift) + found.spread if found.trouble else 0.0
