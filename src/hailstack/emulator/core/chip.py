"""One physical chip as the scheduler sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hailstack.emulator.core.pace import Timeline

if TYPE_CHECKING:
    from hailstack.emulator.core.lane import Lane


class Chip:
    """Which group a chip runs, and how far it is. Belongs to the board's lock."""

    __slots__ = ("burst_left", "id", "lane", "ongoing", "timeline")

    def __init__(self, device_id: str) -> None:
        self.id = device_id
        self.lane: Lane | None = None
        self.ongoing = 0
        """Frames dispatched and not yet done."""
        self.burst_left = 0
        """Frames that the current group may still send before another ready one takes over."""
        self.timeline = Timeline()
