"""Frames of one model on their way: from its intake through the device and the head to the sinks, in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from time import perf_counter_ns
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InferencePipelineError
from hailstack.heads import Head
from hailstack.imaging import Placement, Preprocess
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.intake import Ended, Event, Opened
from hailstack.pipeline.outcome import Failure, Outcome
from hailstack.pipeline.sources import Source
from hailstack.pipeline.tally import PICTURES, Tally, sum_latencies
from hailstack.profiling import OFF, Profiler
from hailstack.profiling.stages import stage_of
from hailstack.runtime import Answer, FaultPolicy, Recovery
from hailstack.types import Failed, Frame, FrameId, Image, Prediction, Result

Prepared = TypeVar("Prepared")


class Network(Protocol):
    """What a run needs of a :class:`hailstack.runtime.Session`."""

    def stream(
        self,
        frames: Iterable[Frame | None],
        fill: Callable[[Image, NDArray[np.uint8]], Prepared],
        *,
        recovery: Recovery | None = None,
    ) -> Generator[Answer[Prepared], None, None]: ...


Reading: TypeAlias = Callable[[Answer[Any]], Prediction]


def reading(head: Head) -> Reading:
    """A head as a reader of answers whose frames were placed by a :class:`Preprocess`."""
    return lambda answer: head(answer.outputs, answer.prepared)


class Takers(Protocol):
    """Where results go: the outlets of a run, or a second network."""

    def begin(self, clip: ClipFacts) -> None: ...
    def write(self, result: Result) -> None: ...
    def lost(self, failed: Failed) -> None: ...
    def end(self) -> None: ...
    def check(self) -> None:
        """Raises what went wrong there that the run cannot do without."""
        ...


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who looks on while a run works."""

    stop: threading.Event = field(default_factory=threading.Event)
    """Once set, no further frame is read; those on the device are finished and the outputs closed."""
    progress: Callable[[Outcome], Any] = lambda outcome: None
    """Called after each frame and after each failure."""
    finished: Callable[[Outcome], Any] = lambda outcome: None
    """Called once at the end, also of a run that failed."""
    profiler: Profiler = OFF


class ModelRun:
    """One model's part of a run, in one thread.

    Args:
        takers: where results and failures go.
        read: what makes a prediction of an answer.
        model: its name where there are several; else empty.
    """

    def __init__(self, takers: Takers, read: Reading, hooks: Hooks, faults: FaultPolicy, model: str = "") -> None:
        self.outcome = Outcome(model=model)
        self._takers = takers
        self._read_answer = read
        self._hooks = hooks
        self._model = model
        self._recovery = Recovery(faults, self._lose, self.outcome.retried)
        self._marks: deque[tuple[int, Opened | Ended, int]] = deque()
        """After how many frames of the run, what, and how many frames of that source."""
        self._tallies: dict[str, Tally] = {}
        self._under_way: deque[tuple[Tally, int]] = deque()
        """Whose frames they are, and when they were taken."""
        self._given: dict[str, int] = {}
        """Source → its frames that were taken when it last ended."""
        self._open: set[Source] = set()
        self._postprocess = stage_of("postprocess", model)
        self._wait_for_frame = stage_of("wait_for_frame", model)

    def carry_out(
        self, events: Iterable[Event | None], network: Network, preprocess: Preprocess, stack: ExitStack
    ) -> None:
        """Everything between the reader and the sinks."""
        answers = network.stream(
            self._frames(events), lambda image, out: preprocess.apply(image, out)[1], recovery=self._recovery
        )
        for answer in stack.enter_context(closing(answers)):
            self._catch_up()
            result = self._read(answer)
            if result is not None:
                self._takers.write(result)
                tally, taken_ns = self._under_way.popleft()
                tally.results += 1
                tally.latency.add(perf_counter_ns() - taken_ns)
                self.outcome.frames += 1
                self._hooks.progress(self.outcome)
        self._catch_up()

    def finish(self, dropped: Mapping[str, int]) -> Outcome:
        """What was done.

        Args:
            dropped: source → frames that were decoded for this model and gone before it took them.
        """
        outcome = self.outcome
        for source, count in dropped.items():
            self._tally(source).dropped = count
        outcome.tallies = tuple(self._tallies.values())
        outcome.latency = sum_latencies(tally.latency for tally in outcome.tallies)
        outcome.reopened = self._recovery.reopened
        outcome.dropped = outcome.read - outcome.frames - len(outcome.failed)  # on their way when it broke off
        return outcome

    def _frames(self, events: Iterable[Event | None]) -> Iterator[Frame | None]:
        """The reader's frames for the network; openings and ends are kept until the answers have come as far."""
        profiler = self._hooks.profiler
        begin = perf_counter_ns()
        for event in events:
            if self._hooks.stop.is_set():
                self.outcome.stopped = True
                return
            if isinstance(event, Frame):
                if event.id.serial < 0:
                    event = replace(event, id=replace(event.id, serial=self.outcome.read))
                taken_ns = self._take(event.id)
                if profiler.enabled:
                    profiler.record(self._wait_for_frame, begin, taken_ns, event.id.serial)
                yield event
                begin = perf_counter_ns()
            elif event is None:
                self._takers.check()
                yield None
            else:
                self._marks.append((self.outcome.read, event, self._frames_of(event)))
        self.outcome.stopped = self._hooks.stop.is_set()

    def _take(self, frame: FrameId) -> int:
        """Count a frame in; the time."""
        tally = self._tally(PICTURES if frame.is_still else frame.source)
        tally.read += 1
        self.outcome.read += 1
        taken_ns = perf_counter_ns()
        self._under_way.append((tally, taken_ns))
        return taken_ns

    def _tally(self, source: str) -> Tally:
        tally = self._tallies.get(source)
        if tally is None:
            tally = self._tallies[source] = Tally(source, self._model)
        return tally

    def _frames_of(self, event: Opened | Ended) -> int:
        """How many frames a source has given that ends; a source may be read several times, one after the other."""
        if isinstance(event, Opened) or event.source.kind == "image":
            return 0
        name = event.source.name
        read, before = self._tally(name).read, self._given.get(name, 0)
        self._given[name] = read
        return read - before

    def _read(self, answer: Answer[Placement]) -> Result | None:
        """What the head makes of an answer; None if it makes nothing of it and the policy leaves such frames out."""
        frame = answer.frame
        begin = perf_counter_ns()
        try:
            result = Result(frame.id, self._read_answer(answer), frame.image, self._model, self._under_way[0][1])
        except InferencePipelineError as error:
            message = f"{frame.id.place}: {error}"
            named = InferencePipelineError(message, error.status, frame.id.number)
            if self._recovery.decide(named, 1) == "stop":
                raise named from error
            self._recovery.give_up(Failed(frame.id, named))
            return None
        if self._hooks.profiler.enabled:
            self._hooks.profiler.record(self._postprocess, begin, perf_counter_ns(), frame.id.serial)
        return result

    def _lose(self, failed: Failed) -> None:
        """A frame that has no result, in its place among the others."""
        self._catch_up()
        if self._model:
            failed = replace(failed, model=self._model)
        tally, _ = self._under_way.popleft()
        tally.failed += 1
        self.outcome.failed.append(failed)
        self._takers.lost(failed)
        self._hooks.progress(self.outcome)

    def _catch_up(self) -> None:
        """Tell the sinks of the sources that begin or end before the next frame."""
        done = self.outcome.frames + len(self.outcome.failed)
        while self._marks and self._marks[0][0] <= done:
            _, mark, given = self._marks.popleft()
            if isinstance(mark, Opened):
                self._open.add(mark.facts.source)
                self._takers.begin(mark.facts)
                continue
            if mark.error is not None:
                self.outcome.failures.append(Failure(mark.source, mark.error, given))
                self._hooks.progress(self.outcome)
            self._open.discard(mark.source)
            if not self._open:
                self._takers.end()
