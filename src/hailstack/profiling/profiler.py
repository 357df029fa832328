"""Takes down what happens, from any thread, at the price of a clock and an append."""

from __future__ import annotations

import threading
import time

from hailstack.profiling.trace import Sample, Span, Trace, Track, assemble

SPANS_PER_THREAD = 500_000
"""Some 100 MB of memory. At 30 FPS they last for half an hour and more, at 1,000 FPS for a minute or two."""


class _Lane:
    """What one thread has recorded. Only this thread writes to it, so nothing is locked."""

    __slots__ = ("dropped", "samples", "spans", "track")

    def __init__(self) -> None:
        self.track = Track(threading.current_thread().name, threading.get_native_id())
        self.spans: list[Span] = []
        self.samples: list[Sample] = []
        self.dropped = 0


class Profiler:
    """Spans and counters of one run. Every method may be called from every thread at any time.

    Args:
        limit: spans kept of each thread; later ones are only counted (:attr:`Trace.dropped`).
    """

    enabled: bool = True

    def __init__(self, limit: int = SPANS_PER_THREAD) -> None:
        self._limit = limit
        self._own = threading.local()
        self._lanes: list[_Lane] = []

    def record(self, stage: str, begin_ns: int, end_ns: int, frame: int = -1, track: str | None = None) -> None:
        """Take down a span.

        Args:
            stage: what was done, see :mod:`hailstack.profiling.stages`.
            begin_ns: :func:`time.perf_counter_ns` before it.
            end_ns: and after it.
            frame: running number of the frame over the whole run, -1 if it belongs to none; for a batch, its first.
            track: whose time it was: None for the calling thread, ``device`` or another name for a virtual track.
        """
        try:
            lane = self._own.lane
        except AttributeError:
            lane = self._enter()
        if len(lane.spans) < self._limit:
            lane.spans.append((stage, begin_ns, end_ns, frame, track))
        else:
            lane.dropped += 1

    def sample(self, counter: str, value: float) -> None:
        """Take down what a counter shows now: the length of a queue, a temperature."""
        try:
            lane = self._own.lane
        except AttributeError:
            lane = self._enter()
        if len(lane.samples) < self._limit:
            lane.samples.append((counter, time.perf_counter_ns(), value))

    def snapshot(self) -> Trace:
        """All that has been recorded up to now."""
        lanes = list(self._lanes)
        return assemble(
            [(lane.track, list(lane.spans), list(lane.samples)) for lane in lanes],
            dropped=sum(lane.dropped for lane in lanes),
        )

    def _enter(self) -> _Lane:
        lane = self._own.lane = _Lane()
        self._lanes.append(lane)
        return lane


class _Off(Profiler):
    """Records nothing: what everybody gets who did not ask for a profile."""

    enabled = False

    def record(self, stage: str, begin_ns: int, end_ns: int, frame: int = -1, track: str | None = None) -> None:
        """Nothing."""

    def sample(self, counter: str, value: float) -> None:
        """Nothing."""


OFF: Profiler = _Off()
