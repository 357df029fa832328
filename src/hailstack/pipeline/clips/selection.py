"""Which frames of a source are wanted."""

from __future__ import annotations

import math

from hailstack.pipeline.sources import Options

EARLY = 1e-6
"""Share of a frame by which a capture time may lie before its place and still be taken for it."""


class Selection:
    """Counts the frames of a source and says of each whether it is wanted: every n-th, so many a second at most.

    A frame is wanted if it is the first in its slot of ``1 / fps`` seconds, slots being counted from the first frame.
    """

    def __init__(self, options: Options) -> None:
        self._stride = options.stride
        self._fps = options.fps
        self._origin_s: float | None = None
        self._slot = -1
        self.number = -1
        """Position of the newest frame among all that were asked for, from 0."""
        self.last_s = 0.0
        """Time of the newest frame that was asked for."""

    def __call__(self, time_s: float) -> bool:
        self.number += 1
        self.last_s = time_s
        return self.number % self._stride == 0 and self._opens_slot(time_s)

    def _opens_slot(self, time_s: float) -> bool:
        if self._fps is None:
            return True
        if self._origin_s is None:
            self._origin_s = time_s
        slot = math.floor((time_s - self._origin_s) * self._fps + EARLY)
        is_first = slot > self._slot
        self._slot = max(slot, self._slot)
        return is_first
