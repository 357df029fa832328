"""What one model takes of what the readers decode."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hailstack.errors import ClosedError, InputError
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.lanes import Lanes
from hailstack.pipeline.sources import Source
from hailstack.profiling import OFF, Profiler
from hailstack.profiling.stages import stage_of
from hailstack.types import Frame

FRAMES_AHEAD = 4
"""Decoded frames that may wait for the network."""
SHORTEST_WAIT_S = 0.004
LONGEST_WAIT_S = 0.1
MADE_UP_S = 0.25
"""How long a device that works for others may keep a model from the frames that its quota allows."""


@dataclass(frozen=True, slots=True)
class Opened:
    """From here on, frames are this source's, or also this source's where several are read at the same time."""

    facts: ClipFacts


@dataclass(frozen=True, slots=True)
class Ended:
    """The source has no more frames."""

    source: Source
    error: InputError | None = None
    """Why it ended before its time, if it did."""


Event: TypeAlias = Opened | Frame | Ended


@dataclass(frozen=True, slots=True)
class Stopped:
    """A reading thread has ended; ``error`` is what it did not expect."""

    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """What one model wants of the sources."""

    sources: Collection[str] | None = None
    """Their names; None: all."""
    stride: int = 1
    """Every n-th frame, by its number in its source."""
    fps: float | None = None
    """Frames a second at most, of all its sources together."""

    def wants(self, source: Source) -> bool:
        return self.sources is None or source.name in self.sources


class Quota:
    """When the next frame may be taken, so that there are no more than ``fps`` a second on average.

    Frames that were late may be made up for within ``MADE_UP_S``; what was missed before is lost.
    """

    def __init__(self, fps: float) -> None:
        self._period_s = 1 / fps
        self._due_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """How long until then; 0: at once."""
        return max(0.0, self._due_s - now_s)

    def take(self, now_s: float) -> None:
        """A frame was taken."""
        self._due_s = max(self._due_s, now_s - max(self._period_s, MADE_UP_S)) + self._period_s


class Intake:
    """Events for one model, from all readers: iterate it once.

    When frames come faster than they are taken, each source's policy says what happens: ``block`` waits while
    ``FRAMES_AHEAD`` frames lie there; ``drop_oldest`` then drops the oldest; ``latest`` keeps one.

    Args:
        weights: of the readers' lanes.
        demand: what is passed on.
        stop: once set, iteration ends within ``LONGEST_WAIT_S``, also while no frame comes.
        profiler: gets the counter ``reader_queue`` and the span ``wait_for_quota``.
        name: the model's where there are several, for the profile.
    """

    def __init__(
        self,
        weights: Sequence[float],
        demand: Demand,
        stop: threading.Event,
        profiler: Profiler = OFF,
        name: str = "",
    ) -> None:
        self._lanes: Lanes[Event | Stopped] = Lanes(len(weights), weights)
        self._readers = len(weights)
        self._demand = demand
        self._stop = stop
        self._profiler = profiler
        self._queue = stage_of("reader_queue", name)
        self._wait_for_quota = stage_of("wait_for_quota", name)
        self._closed = False
        self._quota = Quota(demand.fps) if demand.fps is not None else None
        self.dropped: Counter[str] = Counter()
        """Source → frames that nobody took because newer ones came."""

    def put(self, lane: int, event: Opened | Ended | Stopped) -> None:
        """Pass on what happens to a source; nothing if it is none of this model's."""
        source = (
            event.facts.source if isinstance(event, Opened) else event.source if isinstance(event, Ended) else None
        )
        if source is None or self._demand.wants(source):
            self._lanes.put(lane, event, FRAMES_AHEAD)

    def put_frame(self, lane: int, frame: Frame, source: Source) -> int:
        """Pass on a frame if it is wanted, as the source's policy says.

        Returns:
            How many frames had to go.
        """
        if not self._demand.wants(source) or frame.id.number % self._demand.stride:
            return 0
        capacity = 1 if source.policy == "latest" else FRAMES_AHEAD
        gone = self._lanes.put(
            lane, frame, capacity, lambda event: source.policy != "block" and _is_of(event, source.name)
        )
        if gone:
            self.dropped[source.name] += gone
        self._profiler.sample(self._queue, len(self._lanes))
        return gone

    def __iter__(self) -> Iterator[Event | None]:
        """Events as they come; None whenever there is none at the moment."""
        if self._closed:
            raise ClosedError("the reader is closed")
        running = self._readers
        wait_s = SHORTEST_WAIT_S
        while running and not self._stop.is_set() and not self._closed:
            event = self._take(wait_s)
            wait_s = SHORTEST_WAIT_S if event is not None else min(2 * wait_s, LONGEST_WAIT_S)
            if not isinstance(event, Stopped):
                yield event
            elif event.error is not None:
                raise event.error
            else:
                running -= 1

    def _take(self, wait_s: float) -> Event | Stopped | None:
        """The next event, as soon as the quota allows one."""
        if self._quota is None:
            return self._lanes.take(wait_s)
        early_s = self._quota.wait_s(time.monotonic())
        if early_s:
            begin = time.perf_counter_ns()
            self._stop.wait(min(early_s, wait_s))
            self._profiler.record(self._wait_for_quota, begin, time.perf_counter_ns())
            if early_s > wait_s:
                return None
        event = self._lanes.take(wait_s)
        if isinstance(event, Frame):
            self._quota.take(time.monotonic())
        return event

    def close(self) -> None:
        """Let go of everybody who waits. May be called again."""
        self._closed = True
        self._lanes.close()


def _is_of(event: Event | Stopped, source: str) -> bool:
    return isinstance(event, Frame) and event.id.source == source
