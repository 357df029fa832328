"""Which network group runs next, and on which chip.

Facts from ``CoreOpsScheduler`` and ``CoreOpsSchedulerOracle`` of HailoRT 4.23. A chip keeps its group while that has
frames and burst left, or while no other group of the same or higher priority is ready. When it changes, groups are
asked by priority and then in turn. A group is ready when it has a frame and either its threshold is reached or its
timeout has passed since it last ran; a chip with nothing else to do takes any frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hailstack.emulator.core.chip import Chip
from hailstack.emulator.core.lane import Lane

_TRACE_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class Decision:
    """The scheduler gave a chip to a group."""

    group: str
    device_id: str
    waiting: int
    """Frames of the group that waited at that moment."""
    over_threshold: bool
    over_timeout: bool
    idle: bool
    """Chosen although neither holds, because nothing else had work."""


class Scheduler(Protocol):
    """Who is next. Called under the board's lock."""

    trace: deque[Decision]

    def add(self, lane: Lane) -> None:
        """A group was configured."""

    def pick(self, now: float) -> tuple[Lane, Chip] | None:
        """The group whose oldest frame should run now, and where; None when nobody's can."""


class Manual:
    """No scheduler: the active group has all chips."""

    def __init__(self, chips: Sequence[Chip]) -> None:
        self.trace: deque[Decision] = deque(maxlen=_TRACE_LENGTH)
        self.active: Lane | None = None
        self._chips = chips

    def add(self, lane: Lane) -> None:
        """Nothing to do: a group counts from its activation."""

    def pick(self, now: float) -> tuple[Lane, Chip] | None:
        lane = self.active
        if lane is None or not lane.queued or not lane.free_workers:
            return None
        chip = min(self._chips, key=lambda c: c.ongoing)
        return (lane, chip) if chip.ongoing < lane.per_chip else None


class RoundRobin:
    """Groups take turns by priority, threshold and timeout."""

    def __init__(self, chips: Sequence[Chip]) -> None:
        self.trace: deque[Decision] = deque(maxlen=_TRACE_LENGTH)
        self._chips = chips
        self._rings: dict[int, deque[Lane]] = {}
        """Priority → groups, the next in turn first."""
        self._lanes = 0

    def add(self, lane: Lane) -> None:
        self._lanes += 1
        self._enter(lane)

    def _enter(self, lane: Lane) -> None:
        self._rings.setdefault(lane.priority, deque()).append(lane)

    def set_priority(self, lane: Lane, priority: int) -> None:
        """Move ``lane`` to the end of another priority's turn."""
        self._rings[lane.priority].remove(lane)
        lane.priority = priority
        self._enter(lane)

    def pick(self, now: float) -> tuple[Lane, Chip] | None:
        for chip in sorted(self._chips, key=lambda c: c.ongoing) if len(self._chips) > 1 else self._chips:
            lane = self._stay(chip, now) or self._switch(chip, now)
            if lane is not None and lane.free_workers:
                chip.burst_left = max(chip.burst_left - 1, 0)
                return lane, chip
        return None

    def _stay(self, chip: Chip, now: float) -> Lane | None:
        lane = chip.lane
        stays = lane is not None and _has_work(lane, chip) and not self._should_yield(chip, lane, now)
        return lane if stays else None

    def _should_yield(self, chip: Chip, lane: Lane, now: float) -> bool:
        if chip.burst_left > 0 or self._lanes == 1:
            return False
        rivals = (other for priority, ring in self._rings.items() if priority >= lane.priority for other in ring)
        return any(not self._on_a_chip(r) and _has_work(r, chip) and any(_urge(r, now)) for r in rivals)

    def _on_a_chip(self, lane: Lane) -> bool:
        return any(chip.lane is lane for chip in self._chips)

    def _switch(self, chip: Chip, now: float) -> Lane | None:
        # Without a clock nothing is on the chip but what workers compute, so there is nothing to drain.
        if chip.ongoing and chip.lane is not None and chip.lane.pace.held:
            return None
        lane = self._next_in_turn(chip, now, urgent_only=True) or self._next_in_turn(chip, now, urgent_only=False)
        if lane is not None and lane.free_workers:
            self._seat(lane, chip, now)
        return lane

    def _next_in_turn(self, chip: Chip, now: float, *, urgent_only: bool) -> Lane | None:
        for priority in sorted(self._rings, reverse=True):
            for lane in self._rings[priority]:
                if _has_work(lane, chip) and (not urgent_only or any(_urge(lane, now))):
                    return lane
        return None

    def _seat(self, lane: Lane, chip: Chip, now: float) -> None:
        ring = self._rings[lane.priority]
        ring.rotate(-ring.index(lane) - 1)
        over_threshold, over_timeout = _urge(lane, now)
        idle = not (over_threshold or over_timeout)
        self.trace.append(Decision(lane.name, chip.id, len(lane.queued), over_threshold, over_timeout, idle))
        chip.lane, chip.burst_left, lane.last_run = lane, lane.burst, now


def _has_work(lane: Lane, chip: Chip) -> bool:
    ongoing = chip.ongoing if chip.lane is lane else 0
    return bool(lane.queued) and ongoing < lane.per_chip


def _urge(lane: Lane, now: float) -> tuple[bool, bool]:
    """Over threshold, over timeout."""
    return len(lane.queued) >= lane.threshold, lane.timeout_s <= now - lane.last_run
