"""The way of results to one sink: a bounded queue and a thread, so that no sink holds the device up unseen."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, Literal, TypeAlias

from hailstack.errors import InferencePipelineError
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks.sink import LossSink, RevocableSink, Sink
from hailstack.profiling import OFF, Profiler
from hailstack.types import Failed, Result

Pressure: TypeAlias = Literal["block", "drop_oldest", "latest"]
"""What gives way when results come faster than a sink takes them: the run waits; the oldest waiting result is left
out; every waiting result is."""

ROOM = 8
"""Results that may wait in front of a sink; each may hold a picture."""

PATIENCE_S = 10.0
"""How long the end of a run waits for a sink that it can do without; what still waits then is left out."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """A sink, and how results get to it."""

    open: Callable[[], Sink]
    """Called on the sink's own thread: windows belong to the thread that makes them."""
    name: str
    pressure: Pressure = "block"
    room: int = ROOM
    required: bool = True
    """Whether the run ends when the sink fails; else it goes on without it and what the sink misses is counted."""
    model: str = ""
    """Whose results alone go there, in a run with several models; empty: all of them."""


@dataclass(slots=True)
class SinkCount:
    """What has become of the results on their way to one sink."""

    name: str
    written: int = 0
    dropped: int = 0
    """Left out because the sink was too slow, or had failed."""
    waited_s: float = 0.0
    """How long the run stood still because of it."""
    error: BaseException | None = None
    """Why it failed, if it did."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """The source's last result has been given."""


_Event: TypeAlias = ClipFacts | Result | Failed | _Ended


class Outlet:
    """One sink at work: :meth:`start`, then events are put, by one thread for each model, then :meth:`close`."""

    def __init__(self, route: Route, profiler: Profiler = OFF, patience_s: float = PATIENCE_S) -> None:
        self.count = SinkCount(route.name)
        self.model = route.model
        self._route = route
        self._patience_s = patience_s
        self._room = 1 if route.pressure == "latest" else route.room
        self._profiler = profiler
        self._events: deque[_Event] = deque()
        self._results = 0
        """How many of the events are results."""
        self._changed = threading.Condition()
        self._is_open = False
        self._closing = False
        self._revoked = False
        self._thread = threading.Thread(target=self._run, name=f"hailstack-sink-{route.name}", daemon=True)

    def start(self) -> None:
        """Open the sink.

        Raises:
            HailstackError: why it cannot be opened.
        """
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._is_open or self.count.error is not None)
        if not self._is_open and self.count.error is not None:
            self._thread.join()
            raise self.count.error

    def put(self, event: _Event) -> None:
        """Pass on what happens. Only results give way or are waited for.

        Raises:
            BaseException: what the sink failed with, if the run cannot do without it.
        """
        with self._changed:
            if isinstance(event, Result):
                self._make_room()
                if self.count.error is None:
                    self._results += 1
                else:
                    self.count.dropped += 1
            if self.count.error is None:
                self._events.append(event)
                self._changed.notify_all()
        self.check()
        if self._profiler.enabled:
            self._profiler.sample(f"sink_queue:{self._route.name}", self._results)

    def check(self) -> None:
        """Raises what the sink failed with, if the run cannot do without it."""
        if self.count.error is not None and self._route.required:
            raise self.count.error

    def close(self) -> None:
        """Let the sink write what waits, close it, and end the thread. May be called again."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(None if self._route.required else self._patience_s)
        if self._thread.is_alive():
            self._fail(InferencePipelineError(f"{self._route.name} is too slow: the run has ended without it"))

    def revoke(self) -> None:
        """Close it for a run that does not begin: what lay in its place stays where the sink can do that."""
        self._revoked = True
        self.close()

    def _make_room(self) -> None:
        if self._results < self._room:
            return
        if self._route.pressure != "block":
            self._drop_oldest()
            return
        begin = perf_counter_ns()
        self._changed.wait_for(lambda: self._results < self._room or self.count.error is not None)
        end = perf_counter_ns()
        self.count.waited_s += (end - begin) / 1e9
        if self._profiler.enabled:
            self._profiler.record(f"wait_for_sink:{self._route.name}", begin, end)

    def _drop_oldest(self) -> None:
        oldest = next(index for index, event in enumerate(self._events) if isinstance(event, Result))
        del self._events[oldest]
        self._results -= 1
        self.count.dropped += 1

    def _run(self) -> None:
        try:
            sink = self._route.open()
        except BaseException as error:  # noqa: BLE001 - raised again where the thread was started
            self._fail(error)
            return
        with self._changed:
            self._is_open = True
            self._changed.notify_all()
        try:
            while (event := self._next()) is not None:
                self._give(sink, event)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever puts or closes
            self._fail(error)
        try:
            if self._revoked and isinstance(sink, RevocableSink):
                sink.revoke()
            else:
                sink.close()
        except BaseException as error:  # noqa: BLE001
            self._fail(error)

    def _next(self) -> _Event | None:
        """The next event; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._closing)
            if not self._events:
                return None
            event = self._events.popleft()
            if isinstance(event, Result):
                self._results -= 1
                if self._route.pressure == "block":
                    self._changed.notify_all()
            return event

    def _give(self, sink: Sink, event: _Event) -> None:
        if isinstance(event, Result):
            begin = perf_counter_ns()
            try:
                sink.write(event)
            except BaseException:
                self.count.dropped += 1
                raise
            self.count.written += 1
            if self._profiler.enabled:
                self._profiler.record(f"sink:{self._route.name}", begin, perf_counter_ns(), event.id.serial)
        elif isinstance(event, Failed):
            if isinstance(sink, LossSink):
                sink.lost(event)
        elif isinstance(event, ClipFacts):
            sink.begin(event)
        else:
            sink.end()

    def _fail(self, error: BaseException) -> None:
        """Nobody writes any more: what waits is lost, and counted."""
        with self._changed:
            self.count.error = self.count.error or error
            self.count.dropped += self._results
            self._results = 0
            self._events.clear()
            self._changed.notify_all()
        if self._is_open and not self._route.required:
            log.warning("%s: nothing more is written: %s", self._route.name, error)


class Ways:
    """Some of a run's outlets, for one thread."""

    def __init__(self, outlets: list[Outlet]) -> None:
        self._outlets = outlets

    def begin(self, clip: ClipFacts) -> None:
        self._put(clip)

    def write(self, result: Result) -> None:
        self._put(result)

    def lost(self, failed: Failed) -> None:
        self._put(failed)

    def end(self) -> None:
        self._put(_Ended())

    def check(self) -> None:
        """Raises what a sink failed with that the run cannot do without."""
        for outlet in self._outlets:
            outlet.check()

    def _put(self, event: _Event) -> None:
        for outlet in self._outlets:
            outlet.put(event)


class Outlets(Ways):
    """All sinks of a run. A context manager: leaving it lets them write what waits, then closes them."""

    def __init__(self, routes: list[Route], profiler: Profiler = OFF, patience_s: float = PATIENCE_S) -> None:
        super().__init__([Outlet(route, profiler, patience_s) for route in routes])
        self._started: list[Outlet] = []

    @property
    def counts(self) -> tuple[SinkCount, ...]:
        return tuple(outlet.count for outlet in self._outlets)

    def __enter__(self) -> Outlets:
        try:
            for outlet in self._outlets:
                outlet.start()
                self._started.append(outlet)
        except BaseException:
            for outlet in self._started:
                outlet.revoke()
            raise
        return self

    def of(self, model: str) -> Ways:
        """Where the results of one of several models go."""
        return Ways([outlet for outlet in self._outlets if outlet.model in ("", model)])

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self._close()
        if error is None:
            self.check()
            return
        for count in self.counts:
            if count.error is not None and count.error is not error:
                error.add_note(f"{count.name} failed too: {count.error}")

    def _close(self) -> None:
        for outlet in self._started:
            outlet.close()
