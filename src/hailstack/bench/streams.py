"""Frames through sessions, with the times when each was due and when it was answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hailstack.bench.plan import Load
from hailstack.runtime import Session
from hailstack.types import Frame, FrameId, Image

FEWEST = 16
"""Frames that are measured at least, however long they take."""
NAP_S = 5e-5
"""How often an open load looks for answers while no frame is due; with the system's own delay about 0.1 ms."""


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Frames in the order in which they were answered, those of the warm-up left out."""

    due_ns: NDArray[np.int64]
    """When the frame came; under a closed load, when there was room for it."""
    done_ns: NDArray[np.int64]
    began_ns: int
    """When the last answer of the warm-up came, or the run began."""

    @property
    def completions_ns(self) -> NDArray[np.int64]:
        """The beginning and every completion: what rates are made of."""
        return np.concatenate(([self.began_ns], self.done_ns))

    @property
    def latency_ms(self) -> NDArray[np.float64]:
        return (self.done_ns - self.due_ns) / 1e6


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a measurement lasts."""

    seconds: float
    iterations: int | None
    warm_up: int


@dataclass(slots=True)
class Stream:
    """One worker's frames."""

    session: Session
    images: Sequence[Image]
    """Used in turns; of the network's input shape, or any if nothing is written into the buffers."""
    is_filled: bool
    """Whether pictures are copied into the input buffers."""
    load: Load
    limits: Limits
    due_ns: list[int] = field(default_factory=list)
    done_ns: list[int] = field(default_factory=list)
    began_ns: int = 0

    def run(self) -> None:
        """All frames; in the thread of the caller."""
        self.began_ns = time.perf_counter_ns()
        for _ in self.session.stream(self._frames(), _copy if self.is_filled else _leave):
            self.done_ns.append(time.perf_counter_ns())

    def times(self) -> Times:
        """What was measured after the warm-up."""
        due, done = (np.array(times, np.int64) for times in (self.due_ns, self.done_ns))
        warm_up = self.limits.warm_up
        return Times(due[warm_up:], done[warm_up:], int(done[warm_up - 1]) if warm_up else self.began_ns)

    def _frames(self) -> Iterator[Frame | None]:
        number = 0
        began = time.perf_counter_ns()
        end = 0
        while not self._is_enough(number, end):
            if number == self.limits.warm_up:
                end = time.perf_counter_ns() + round(self.limits.seconds * 1e9)
            if self.load.rate is None:
                self.due_ns.append(time.perf_counter_ns())
            else:
                due = began + round(number * 1e9 / self.load.rate)
                yield from _until(due)
                self.due_ns.append(due)
            yield Frame(FrameId("benchmark", number, 0.0, serial=number), self.images[number % len(self.images)])
            number += 1

    def _is_enough(self, number: int, end: int) -> bool:
        if self.limits.iterations is not None:
            return number >= self.limits.warm_up + self.limits.iterations
        return number >= self.limits.warm_up + FEWEST and time.perf_counter_ns() >= end


def _until(due_ns: int) -> Iterator[None]:
    """Nothing, again and again, until the time comes: the session gives answers meanwhile."""
    while time.perf_counter_ns() < due_ns:
        yield None
        time.sleep(max(0.0, min(NAP_S, (due_ns - time.perf_counter_ns()) / 1e9)))


def _copy(image: Image, out: NDArray[np.uint8]) -> None:
    np.copyto(out, image)


def _leave(image: Image, out: NDArray[np.uint8]) -> None:
    """The buffer stays as it is."""


def run_together(streams: Sequence[Stream]) -> Times:
    """Run all streams at the same time.

    Raises:
        HailstackError: what the first one that failed has failed with.
    """
    errors: list[BaseException] = []

    def work(stream: Stream) -> None:
        try:
            stream.run()
        except BaseException as error:  # noqa: BLE001 - raised again at the join
            errors.append(error)

    threads = [threading.Thread(target=work, args=(stream,), daemon=True) for stream in streams[1:]]
    for thread in threads:
        thread.start()
    work(streams[0])
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return _merged([stream.times() for stream in streams])


def _merged(times: list[Times]) -> Times:
    due = np.concatenate([one.due_ns for one in times])
    done = np.concatenate([one.done_ns for one in times])
    order = np.argsort(done, kind="stable")
    return Times(due[order], done[order], min(one.began_ns for one in times))
