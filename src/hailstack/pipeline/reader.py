"""One thread that decodes ahead of the network."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias

from hailstack.errors import ClosedError, InputError
from hailstack.pipeline.clips import ClipFacts, open_clip
from hailstack.pipeline.sources import Source
from hailstack.types import Frame

FRAMES_AHEAD = 4
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Opened:
    """From here on, frames are this source's."""

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
    """The thread has ended; ``error`` is what it did not expect."""

    error: BaseException | None = None


class Reader:
    """Events of all sources, in order. A context manager; iterate it once.

    Policy of its queue: block. The thread waits while ``FRAMES_AHEAD`` frames lie there, so nothing is dropped.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._queue: queue.Queue[Event | _Stopped] = queue.Queue(FRAMES_AHEAD)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hailstack-reader", daemon=True)

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __iter__(self) -> Iterator[Event]:
        if self._closing.is_set():
            raise ClosedError("the reader is closed")
        while not isinstance(event := self._queue.get(), _Stopped):
            yield event
        if event.error is not None:
            raise event.error

    def close(self) -> None:
        """Stop the thread and wait for it. May be called again."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for source in self._sources:
                self._put(Ended(source, self._read(source)))
        except BaseException as unexpected:  # noqa: BLE001 - raised again where the events are read
            error = unexpected
        self._put(_Stopped(error))

    def _read(self, source: Source) -> InputError | None:
        """Pass on one source; what is wrong with it, if anything."""
        if self._closing.is_set():
            return None
        try:
            clip = open_clip(source)
        except InputError as error:
            return error
        try:
            self._put(Opened(clip.facts))
            for frame in clip.frames():
                if not self._put(frame):
                    break
        except InputError as error:
            return error
        finally:
            clip.close()
        return None

    def _put(self, event: Event | _Stopped) -> bool:
        """Whether somebody will still read it."""
        while not self._closing.is_set():
            try:
                self._queue.put(event, timeout=POLL_S)
            except queue.Full:
                continue
            return True
        return False
