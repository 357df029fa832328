"""How fast the chip is, and when its frames are done."""

from __future__ import annotations

from dataclasses import dataclass

from hailstack.emulator.settings import Timing
from hailstack.hef.model import NetworkGroup


@dataclass(frozen=True, slots=True)
class Pace:
    """The chip's figures for one network group."""

    service_s: float | None
    """Seconds between two frames at full rate; None: nothing says how fast the chip is."""
    latency_s: float
    """Seconds from the start of a frame to its result."""
    held: bool
    """Whether frames are held back until the chip would have them ready."""


def pace_of(group: NetworkGroup, timing: Timing) -> Pace:
    """The figures that ``timing`` gives, or those of the HEF.

    The service time is the inverse of the bottleneck rate, or the latency where no rate is known; the latency is one
    service time where none is known.
    """
    fixed = timing.pace == "fixed"
    fps = timing.fps if fixed else group.bottleneck_fps
    latency_ms = timing.latency_ms if fixed else group.latency_ms
    latency_s = latency_ms / 1000 if latency_ms else None
    service_s = 1 / fps if fps else latency_s
    return Pace(service_s, latency_s or service_s or 0.0, timing.pace != "off" and service_s is not None)


class Timeline:
    """When one chip starts its next frame.

    Deadlines are absolute, so a clock thread that wakes up late completes all frames that are due at once and the
    rate stays exact: ``start = max(ready, last start + last service)``, ``done = start + latency``.
    """

    __slots__ = ("_free_at",)

    def __init__(self) -> None:
        self._free_at = 0.0

    def book(self, ready: float, service_s: float, latency_s: float) -> float:
        """The time at which a frame that is ready at ``ready`` is done (seconds of the same clock)."""
        start = max(ready, self._free_at)
        self._free_at = start + service_s
        return start + latency_s
