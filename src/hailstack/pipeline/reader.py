"""Threads that decode ahead of the network."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import TypeAlias

from hailstack.errors import ClosedError, InputError
from hailstack.pipeline.ahead import Ahead
from hailstack.pipeline.clips import Clip, ClipFacts, Counts, open_clip
from hailstack.pipeline.lanes import Lanes
from hailstack.pipeline.sources import Source
from hailstack.profiling import OFF, Profiler
from hailstack.types import Frame

FRAMES_AHEAD = 4
"""Decoded frames that may wait for the network."""
SHORTEST_WAIT_S = 0.004
LONGEST_WAIT_S = 0.1
PATIENCE_S = 0.5
"""How long closing waits for threads. One that FFmpeg holds in a silent connection ends by itself with the source's
time-out; until then it only waits."""


@dataclass(frozen=True, slots=True)
class Opened:
    """From here on, frames are this source's, or also this source's where several are live."""

    facts: ClipFacts


@dataclass(frozen=True, slots=True)
class Ended:
    """The source has no more frames."""

    source: Source
    error: InputError | None = None
    """Why it ended before its time, if it did."""


Event: TypeAlias = Opened | Frame | Ended


@dataclass(frozen=True, slots=True)
class _Stopped:
    """A thread has ended; ``error`` is what it did not expect."""

    error: BaseException | None = None


class Reader:
    """Events of all sources. A context manager; iterate it once.

    Recordings and pictures are read one after the other. Each live source has a thread of its own, and all take turns.
    When frames come faster than they are taken, each source's policy says what happens: ``block`` waits while
    ``FRAMES_AHEAD`` frames lie there; ``drop_oldest`` then drops the oldest; ``latest`` keeps one.

    Args:
        sources: what to read.
        stop: once set, iteration ends within ``LONGEST_WAIT_S``, also while no frame comes.
        profiler: gets the spans ``open``, ``wait_for_source`` and ``decode``, and the counter ``reader_queue``.
    """

    def __init__(
        self, sources: Sequence[Source], *, stop: threading.Event | None = None, profiler: Profiler = OFF
    ) -> None:
        self.counts = tuple(Counts(source) for source in sources)
        """What was read, dropped and lost of each source until now; in the order of the sources."""
        self._stop = stop or threading.Event()
        self._profiler = profiler
        self._closing = threading.Event()
        self._serials = itertools.count()
        recordings = [counts for counts in self.counts if not counts.source.is_live]
        jobs = [recordings] * bool(recordings) + [[counts] for counts in self.counts if counts.source.is_live]
        self._lanes: Lanes[Event | _Stopped] = Lanes(len(jobs))
        self._threads = [
            threading.Thread(target=self._run, name="hailstack-reader", args=(lane, job), daemon=True)
            for lane, job in enumerate(jobs)
        ]

    def __enter__(self) -> Reader:
        for thread in self._threads:
            thread.start()
        return self

    def __iter__(self) -> Iterator[Event | None]:
        """Events as they come; None whenever there is none at the moment."""
        if self._closing.is_set():
            raise ClosedError("the reader is closed")
        running = len(self._threads)
        wait_s = SHORTEST_WAIT_S
        while running and not self._stop.is_set():
            event = self._lanes.take(wait_s)
            wait_s = SHORTEST_WAIT_S if event is not None else min(2 * wait_s, LONGEST_WAIT_S)
            if not isinstance(event, _Stopped):
                yield event
            elif event.error is not None:
                raise event.error
            else:
                running -= 1

    def close(self) -> None:
        """Stop the threads and wait for them. May be called again."""
        self._closing.set()
        self._lanes.close()
        deadline = time.monotonic() + PATIENCE_S
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, lane: int, job: Sequence[Counts]) -> None:
        error: BaseException | None = None
        try:
            with Ahead(job, self._open) as ahead:
                for index, counts in enumerate(job):
                    self._put(lane, Ended(counts.source, self._read(lane, counts, partial(ahead.open, index))))
        except BaseException as unexpected:  # noqa: BLE001 - raised again where the events are read
            error = unexpected
        self._put(lane, _Stopped(error))

    def _open(self, counts: Counts) -> Clip:
        begin = time.perf_counter_ns()
        clip = open_clip(counts.source, self._closing, counts)
        self._profiler.record("open", begin, time.perf_counter_ns())
        return clip

    def _read(self, lane: int, counts: Counts, opened: Callable[[], Clip]) -> InputError | None:
        """Pass on one source; what is wrong with it, if anything."""
        if self._closing.is_set():
            return None
        try:
            clip = opened()
        except InputError as error:
            return error
        try:
            self._put(lane, Opened(clip.facts))
            self._pass_on(lane, clip, counts)
        except InputError as error:
            return error
        finally:
            clip.close()
        return None

    def _pass_on(self, lane: int, clip: Clip, counts: Counts) -> None:
        pace = _Pace(self._closing) if counts.source.options.realtime else None
        frames = clip.frames()
        while not self._closing.is_set():
            begin = time.perf_counter_ns()
            frame = next(frames, None)
            if frame is None:
                return
            serial = next(self._serials)
            decoding, end = max(begin, clip.began_ns), time.perf_counter_ns()
            if decoding > begin:
                self._profiler.record("wait_for_source", begin, decoding)
            self._profiler.record("decode", decoding, end, serial)
            counts.read += 1
            if pace is not None:
                pace.wait_for(frame.id.time_s)
                self._profiler.record("wait_for_source", end, time.perf_counter_ns(), serial)
            self._put_frame(lane, Frame(replace(frame.id, serial=serial), frame.image), counts)

    def _put_frame(self, lane: int, frame: Frame, counts: Counts) -> None:
        policy = counts.source.policy
        capacity = 1 if policy == "latest" else FRAMES_AHEAD
        counts.dropped += self._lanes.put(
            lane, frame, capacity, lambda event: policy != "block" and _is_of(event, frame.id.source)
        )
        self._profiler.sample("reader_queue", len(self._lanes))

    def _put(self, lane: int, event: Event | _Stopped) -> None:
        self._lanes.put(lane, event, FRAMES_AHEAD)


def _is_of(event: Event | _Stopped, source: str) -> bool:
    return isinstance(event, Frame) and event.id.source == source


class _Pace:
    """Holds the frames of a recording back until they are due."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._start_s: float | None = None

    def wait_for(self, time_s: float) -> None:
        now_s = time.monotonic()
        if self._start_s is None:
            self._start_s = now_s - time_s
        self._stop.wait(max(0.0, self._start_s + time_s - now_s))
