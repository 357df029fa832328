"""Frames through the network to the sinks: in order, none lost, and whole outputs whatever happens."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from time import perf_counter_ns
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InferencePipelineError
from hailstack.heads import Head
from hailstack.imaging import Placement, Preprocess
from hailstack.pipeline.clips import Counts
from hailstack.pipeline.outcome import Failure, Outcome
from hailstack.pipeline.outlet import Outlets, Route
from hailstack.pipeline.reader import Ended, Event, Opened, Reader
from hailstack.pipeline.sinks.sink import Sink
from hailstack.pipeline.sources import Source
from hailstack.profiling import OFF, Profiler
from hailstack.runtime import Answer, FaultPolicy, Recovery
from hailstack.types import Failed, Frame, Image, Result

Prepared = TypeVar("Prepared")


class Network(Protocol):
    """What the engine needs of a :class:`hailstack.runtime.Session`."""

    def stream(
        self,
        frames: Iterable[Frame | None],
        fill: Callable[[Image, NDArray[np.uint8]], Prepared],
        *,
        recovery: Recovery | None = None,
    ) -> Generator[Answer[Prepared], None, None]: ...


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who looks on while a run works."""

    stop: threading.Event = field(default_factory=threading.Event)
    """Once set, no further frame is read; those on the device are finished and the outputs closed."""
    progress: Callable[[Outcome], Any] = lambda outcome: None
    """Called after each frame and after each failure."""
    profiler: Profiler = OFF


def run(
    sources: Sequence[Source],
    network: Network,
    preprocess: Preprocess,
    head: Head,
    sinks: Sequence[Sink | Route],
    *,
    stop: threading.Event | None = None,
    progress: Callable[[Outcome], Any] = lambda outcome: None,
    faults: FaultPolicy | None = None,
    profiler: Profiler = OFF,
) -> Outcome:
    """Run every frame of the sources.

    Decoding, each sink and the calling thread (letterbox, submission, head) work at the same time.

    Args:
        sinks: a bare sink is required, and is waited for when it is slow.
        stop: once set, no further frame is read; those on the device are finished and the outputs closed.
        progress: called after each frame and after each failure, in the calling thread.
        faults: what to do about frames that fail; None: the first one ends the run.
        profiler: takes down when what was done.

    Returns:
        What was done, with the sources that could not be read.

    Raises:
        HailstackError: the device or a sink failed. The sinks have been closed: their files hold every frame before.
    """
    hooks = Hooks(stop or threading.Event(), progress, profiler)
    return run_events(
        Reader(sources, stop=hooks.stop, profiler=profiler),
        network,
        preprocess,
        head,
        sinks,
        hooks=hooks,
        faults=faults,
    )


class Events(Protocol):
    """Frames with the beginnings and ends of their sources: a :class:`hailstack.pipeline.reader.Reader`."""

    @property
    def counts(self) -> Sequence[Counts]:
        """What has become of the frames of each source; goes on counting."""
        ...

    def __enter__(self) -> Iterable[Event | None]: ...
    def __exit__(self, kind: Any, error: Any, trace: Any) -> None: ...


def run_events(
    reader: Events,
    network: Network,
    preprocess: Preprocess,
    head: Head,
    sinks: Sequence[Sink | Route],
    *,
    hooks: Hooks,
    faults: FaultPolicy | None = None,
) -> Outcome:
    """As :func:`run`, with the frames of any reader."""
    began_s = time.perf_counter()
    outlets = Outlets([_route(sink) for sink in sinks], hooks.profiler)
    outcome = Outcome(sinks=outlets.counts, sources=reader.counts)
    started = _Run(outcome, outlets, head, hooks, faults or FaultPolicy())
    try:
        with outlets, ExitStack() as stack:
            started.carry_out(stack.enter_context(reader), network, preprocess, stack)
    finally:
        outcome.reopened = started.reopened
        outcome.dropped = outcome.read - outcome.frames - len(outcome.failed)  # on their way when it broke off
        outcome.seconds = time.perf_counter() - began_s
    return outcome


def _route(sink: Sink | Route) -> Route:
    return sink if isinstance(sink, Route) else Route(lambda: sink, type(sink).__name__)


class _Run:
    """One run under way."""

    def __init__(self, outcome: Outcome, outlets: Outlets, head: Head, hooks: Hooks, faults: FaultPolicy) -> None:
        self._outcome = outcome
        self._outlets = outlets
        self._head = head
        self._hooks = hooks
        self._recovery = Recovery(faults, self._lose, outcome.retried)
        self._marks: deque[tuple[int, Opened | Ended, int]] = deque()
        """After how many frames of the run, what, and how many frames of that source."""
        self._of_source: Counter[str] = Counter()
        self._open: set[Source] = set()

    @property
    def reopened(self) -> int:
        """How often the device was opened anew."""
        return self._recovery.reopened

    def carry_out(
        self, events: Iterable[Event | None], network: Network, preprocess: Preprocess, stack: ExitStack
    ) -> None:
        """Everything between the reader and the sinks."""
        outcome = self._outcome
        answers = network.stream(
            self._frames(events), lambda image, out: preprocess.apply(image, out)[1], recovery=self._recovery
        )
        for answer in stack.enter_context(closing(answers)):
            self._catch_up()
            result = self._read(answer)
            if result is not None:
                self._outlets.write(result)
                outcome.frames += 1
                self._hooks.progress(outcome)
        self._catch_up()

    def _frames(self, events: Iterable[Event | None]) -> Iterator[Frame | None]:
        """The reader's frames for the network; openings and ends are kept until the answers have come as far."""
        profiler = self._hooks.profiler
        begin = perf_counter_ns()
        for event in events:
            if self._hooks.stop.is_set():
                self._outcome.stopped = True
                return
            if isinstance(event, Frame):
                serial = self._outcome.read
                self._outcome.read += 1
                self._of_source[event.id.source] += 1
                if event.id.serial < 0:
                    event = replace(event, id=replace(event.id, serial=serial))
                if profiler.enabled:
                    profiler.record("wait_for_frame", begin, perf_counter_ns(), event.id.serial)
                yield event
                begin = perf_counter_ns()
            elif event is None:
                self._outlets.check()
                yield None
            else:
                given = self._of_source.pop(event.source.name, 0) if isinstance(event, Ended) else 0
                self._marks.append((self._outcome.read, event, given))
        self._outcome.stopped = self._hooks.stop.is_set()

    def _read(self, answer: Answer[Placement]) -> Result | None:
        """What the head makes of an answer; None if it makes nothing of it and the policy leaves such frames out."""
        frame = answer.frame
        begin = perf_counter_ns()
        try:
            result = Result(frame.id, self._head(answer.outputs, answer.prepared), frame.image)
        except InferencePipelineError as error:
            message = f"{frame.id.place}: {error}"
            named = InferencePipelineError(message, error.status, frame.id.number)
            if self._recovery.decide(named, 1) == "stop":
                raise named from error
            self._recovery.give_up(Failed(frame.id, named))
            return None
        if self._hooks.profiler.enabled:
            self._hooks.profiler.record("postprocess", begin, perf_counter_ns(), frame.id.serial)
        return result

    def _lose(self, failed: Failed) -> None:
        """A frame that has no result, in its place among the others."""
        self._catch_up()
        self._outcome.failed.append(failed)
        self._outlets.lost(failed)
        self._hooks.progress(self._outcome)

    def _catch_up(self) -> None:
        """Tell the sinks of the sources that begin or end before the next frame."""
        done = self._outcome.frames + len(self._outcome.failed)
        while self._marks and self._marks[0][0] <= done:
            _, mark, given = self._marks.popleft()
            if isinstance(mark, Opened):
                self._open.add(mark.facts.source)
                self._outlets.begin(mark.facts)
                continue
            if mark.error is not None:
                self._outcome.failures.append(Failure(mark.source, mark.error, given))
                self._hooks.progress(self._outcome)
            self._open.discard(mark.source)
            if not self._open:
                self._outlets.end()
