"""The thread that ends frames when they are due."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hailstack.emulator.core.crew import Crew
from hailstack.emulator.core.frame import NEVER

MOST_LEAD_S = 2e-4
"""No operating system that has nothing else to do oversleeps more; on a busy one nothing helps."""


class Clock:
    """Calls ``ring`` with the time when something is due. Belongs to the board's lock, held while it rings.

    The thread only exists when something has to be held back: a paced chip or a slow frame. It goes to sleep for as
    much less as it has overslept before (some 0.08 ms on Linux), so that it rings on time and not always late; and for
    as much less as those whom it wakes took to hear it, since published latencies end where the host has the result.
    """

    def __init__(self, ticks: threading.Condition, crew: Crew, ring: Callable[[float], None]) -> None:
        self._ticks = ticks
        self._crew = crew
        self._ring = ring
        self._next_due = NEVER
        self._lead_s = 0.0
        self._hearing_s = 0.0
        self._running = False
        self._stopping = False

    def call_at(self, due: float) -> None:
        """Have it ring at ``due``; what rings then asks again for what is still to come."""
        if due >= self._next_due:
            return
        self._next_due = due
        if self._running:
            self._ticks.notify()
        elif not self._stopping:
            self._running = True
            self._crew.start(self._run, "hailo-clock")

    def heard(self, late_s: float) -> None:
        """Somebody who waited for it is awake, so long after it was due."""
        self._hearing_s = min(max(self._hearing_s + late_s / 8, 0.0), MOST_LEAD_S)

    def stop(self) -> None:
        """End the thread."""
        self._stopping = True
        self._ticks.notify()

    def _run(self) -> None:
        with self._ticks:
            while not self._stopping:
                self._next_due = NEVER
                self._ring(time.monotonic() + self._lead_s + self._hearing_s)
                if self._next_due == NEVER:
                    self._ticks.wait()
                else:
                    self._sleep_until(self._next_due - self._lead_s - self._hearing_s)

    def _sleep_until(self, moment: float) -> None:
        if not self._ticks.wait(max(moment - time.monotonic(), 0.0)):
            overslept = min(max(time.monotonic() - moment, 0.0), MOST_LEAD_S)
            self._lead_s += (overslept - self._lead_s) / 8
