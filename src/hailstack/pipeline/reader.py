"""Threads that decode ahead of the network."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType

from hailstack.errors import InputError
from hailstack.pipeline.ahead import Ahead
from hailstack.pipeline.clips import Clip, Counts, open_clip
from hailstack.pipeline.intake import Demand, Event, Intake, Stopped
from hailstack.pipeline.intake import Ended as Ended
from hailstack.pipeline.intake import Opened as Opened
from hailstack.pipeline.sources import Source
from hailstack.profiling import OFF, Profiler
from hailstack.types import Frame

PATIENCE_S = 0.5
"""How long closing waits for threads. One that FFmpeg holds in a silent connection ends by itself with the source's
time-out; until then it only waits."""


class Reader:
    """Events of all sources, for one model or several. A context manager.

    Recordings and pictures are read one after the other. Each source with turns of its own (cameras, recordings with a
    weight or in real time) has a thread of its own. All threads take turns, by their weights; a source that is slow or
    silent holds up no other.

    Args:
        sources: what to read.
        stop: once set, iteration ends within ``LONGEST_WAIT_S``, also while no frame comes.
        profiler: gets the spans ``open``, ``wait_for_source`` and ``decode``, and the counter ``reader_queue``.
        demands: what each model wants, by the models' names; iterate :attr:`intakes` then. None: one that wants all;
            iterate the reader itself.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        stop: threading.Event | None = None,
        profiler: Profiler = OFF,
        demands: Mapping[str, Demand] | None = None,
    ) -> None:
        self.counts = tuple(Counts(source) for source in sources)
        """What was read, dropped and lost of each source until now; in the order of the sources."""
        self._profiler = profiler
        self._closing = threading.Event()
        self._serials = itertools.count()
        jobs = _jobs(self.counts)
        weights = [job[0].source.options.weight or 1.0 for job in jobs]
        stop = stop or threading.Event()
        self.intakes: Mapping[str, Intake] = {
            name: Intake(weights, demand, stop, profiler, name) for name, demand in (demands or {"": Demand()}).items()
        }
        """By the models' names."""
        self._threads = [
            threading.Thread(target=self._run, name="hailstack-reader", args=(lane, job), daemon=True)
            for lane, job in enumerate(jobs)
        ]

    def __enter__(self) -> Reader:
        for thread in self._threads:
            thread.start()
        return self

    def __iter__(self) -> Iterator[Event | None]:
        """Events for the first model as they come; None whenever there is none at the moment."""
        return iter(next(iter(self.intakes.values())))

    def close(self) -> None:
        """Stop the threads and wait for them. May be called again."""
        self._closing.set()
        for intake in self.intakes.values():
            intake.close()
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
        self._put(lane, Stopped(error))

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
        for intake in self.intakes.values():
            counts.dropped += intake.put_frame(lane, frame, counts.source)

    def _put(self, lane: int, event: Opened | Ended | Stopped) -> None:
        for intake in self.intakes.values():
            intake.put(lane, event)


def _jobs(counts: Sequence[Counts]) -> list[list[Counts]]:
    """What each thread reads."""
    in_turn = [one for one in counts if not one.source.has_own_turns]
    return [in_turn] * bool(in_turn) + [[one] for one in counts if one.source.has_own_turns]


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
