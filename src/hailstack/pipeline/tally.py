"""What became of each source's frames in one model, and how long they took."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

STEPS = 64
"""Steps of the scale of latencies for each factor of e: a step is 1.6 %, so no latency is off by more than 0.8 %."""
PERCENTILES = (50, 95, 99)
PICTURES = "pictures"
"""Stands for all single pictures of a run."""


@dataclass(slots=True)
class Latency:
    """How often each latency came, on a scale of equal ratios: as exact after a month as after a second."""

    counts: Counter[int] = field(default_factory=Counter)
    """Step of the scale → how often."""

    def add(self, nanoseconds: int) -> None:
        self.counts[int(math.log(max(nanoseconds, 1)) * STEPS)] += 1

    def percentile_ms(self, percent: float) -> float | None:
        """The latency that so many per cent do not exceed, in ms; None where there is none."""
        wanted = math.ceil(self.counts.total() * percent / 100)
        for step in sorted(self.counts):
            wanted -= self.counts[step]
            if wanted <= 0:
                return math.exp((step + 0.5) / STEPS) / 1e6
        return None

    def to_dict(self) -> dict[str, float]:
        """``p50``, ``p95`` and ``p99`` in ms; empty where there was no frame."""
        found = {f"p{percent}": self.percentile_ms(percent) for percent in PERCENTILES}
        return {name: round(value, 3) for name, value in found.items() if value is not None}


@dataclass(slots=True)
class Tally:
    """One source in one model. Every frame that the model took ends as a result or as a named failure."""

    source: str
    model: str = ""
    """Its name where there are several; else empty."""
    read: int = 0
    """Frames that the model took."""
    results: int = 0
    failed: int = 0
    dropped: int = 0
    """Decoded for the model, and gone because newer ones came before it took them."""
    latency: Latency = field(default_factory=Latency)
    """From when the model takes a frame to its result."""

    def to_dict(self, seconds: float) -> dict[str, Any]:
        """For the summary of a run that took so long."""
        return {
            "source": self.source,
            "read": self.read,
            "results": self.results,
            "failed": self.failed,
            "dropped": self.dropped,
            "fps": round(self.results / seconds, 3) if seconds else 0.0,
            "latency_ms": self.latency.to_dict(),
        }


def sum_latencies(latencies: Iterable[Latency]) -> Latency:
    """All of them together."""
    return Latency(sum((one.counts for one in latencies), Counter()))
