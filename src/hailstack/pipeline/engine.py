"""Frames through the network to the sinks: in order, none lost, and whole outputs whatever happens."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InferencePipelineError, InputError
from hailstack.heads import Head
from hailstack.imaging import Placement, Preprocess
from hailstack.pipeline.reader import Ended, Opened, Reader
from hailstack.pipeline.sinks.sink import Sink
from hailstack.pipeline.sources import Source
from hailstack.runtime import Answer
from hailstack.types import Frame, Image, Result

Prepared = TypeVar("Prepared")


class Network(Protocol):
    """What the engine needs of a :class:`hailstack.runtime.Session`."""

    def stream(
        self, frames: Iterable[Frame], fill: Callable[[Image, NDArray[np.uint8]], Prepared]
    ) -> Generator[Answer[Prepared], None, None]: ...


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that could not be read to its end."""

    source: Source
    error: InputError
    frames: int
    """How many of its frames were read before."""


@dataclass(slots=True)
class Outcome:
    """What a run has done."""

    frames: int = 0
    seconds: float = 0.0
    """From the start of the first frame's decoding to the end of the last sink."""
    failures: list[Failure] = field(default_factory=list)
    stopped: bool = False
    """Whether somebody asked it to stop before the end."""

    @property
    def fps(self) -> float:
        return self.frames / self.seconds if self.seconds else 0.0

    @property
    def skipped(self) -> list[Failure]:
        """Pictures that were left out while others went on."""
        return [] if self.frames == 0 else [one for one in self.failures if one.source.kind == "image"]

    @property
    def fatal(self) -> list[Failure]:
        """Videos that broke, or all failures if nothing could be read at all."""
        return [one for one in self.failures if one not in self.skipped]


def run(
    sources: Sequence[Source],
    network: Network,
    preprocess: Preprocess,
    head: Head,
    sinks: Sequence[Sink],
    *,
    stop: threading.Event | None = None,
    progress: Callable[[Outcome], Any] = lambda outcome: None,
) -> Outcome:
    """Run every frame of the sources.

    Args:
        stop: once set, no further frame is read; those on the device are finished and the outputs closed.
        progress: called after each frame and after each failure.

    Returns:
        What was done, with the sources that could not be read.

    Raises:
        HailstackError: the device or a sink failed. The sinks have been closed: their files hold every frame before.
    """
    started = time.perf_counter()
    outcome = Outcome()
    with ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.close)
        reader = stack.enter_context(Reader(sources))
        feed = _Feed(reader, stop or threading.Event(), outcome, sinks, progress)
        answers = network.stream(feed, lambda image, out: preprocess.apply(image, out)[1])
        for answer in stack.enter_context(closing(answers)):
            feed.catch_up(outcome.frames)
            result = _read(head, answer)
            for sink in sinks:
                sink.write(result)
            outcome.frames += 1
            progress(outcome)
        feed.catch_up(outcome.frames)
    outcome.seconds = time.perf_counter() - started
    return outcome


def _read(head: Head, answer: Answer[Placement]) -> Result:
    frame = answer.frame
    try:
        return Result(frame.id, head(answer.outputs, answer.prepared), frame.image)
    except InferencePipelineError as error:
        message = f"{frame.id.place}: {error}"
        raise InferencePipelineError(message, error.status, frame.id.number) from error


class _Feed:
    """The reader's frames for the network; openings and ends are kept until the answers have come as far."""

    def __init__(
        self,
        reader: Reader,
        stop: threading.Event,
        outcome: Outcome,
        sinks: Sequence[Sink],
        progress: Callable[[Outcome], Any],
    ) -> None:
        self._reader = reader
        self._stop = stop
        self._outcome = outcome
        self._sinks = sinks
        self._progress = progress
        self._marks: deque[tuple[int, Opened | Ended]] = deque()
        self._first_of_source = 0

    def __iter__(self) -> Iterator[Frame]:
        fed = 0
        for event in self._reader:
            if self._stop.is_set():
                self._outcome.stopped = True
                return
            if isinstance(event, Frame):
                fed += 1
                yield event
            else:
                self._marks.append((fed, event))

    def catch_up(self, answered: int) -> None:
        """Tell the sinks of the sources that begin or end before answer number ``answered``."""
        while self._marks and self._marks[0][0] <= answered:
            _, mark = self._marks.popleft()
            if isinstance(mark, Opened):
                self._first_of_source = answered
                for sink in self._sinks:
                    sink.begin(mark.facts)
                continue
            if mark.error is not None:
                self._outcome.failures.append(Failure(mark.source, mark.error, answered - self._first_of_source))
                self._progress(self._outcome)
            for sink in self._sinks:
                sink.end()
