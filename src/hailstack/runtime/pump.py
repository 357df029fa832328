"""Frames in, answers out, in order: keeps the device busy, and whole again after a failure."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import DeviceLostError, HailstackError, InferenceSubmitError
from hailstack.heads import Outputs
from hailstack.profiling import OFF, Profiler
from hailstack.profiling.stages import DEVICE, stage_of
from hailstack.runtime.batch import Batch
from hailstack.runtime.facts import ModelFacts
from hailstack.runtime.recovery import Recovery
from hailstack.runtime.sharing import LOOK_AGAIN_S, Seat
from hailstack.types import Failed, Frame, FrameId, Image

Prepared = TypeVar("Prepared")


@dataclass(frozen=True, slots=True, eq=False)
class Answer(Generic[Prepared]):
    """What the network said about one frame."""

    frame: Frame
    prepared: Prepared
    """What ``fill`` returned for the frame."""
    outputs: Outputs
    """Valid until the next answer is asked for: the buffers are used again."""


class _Stages:
    """The names of what a pump records, for one of several models with its name behind."""

    __slots__ = ("device", "in_flight", "preprocess", "submit", "wait")

    def __init__(self, name: str) -> None:
        self.preprocess = stage_of("preprocess", name)
        self.submit = stage_of("submit", name)
        self.wait = stage_of("wait", name)
        self.device = stage_of(DEVICE, name)
        """Also the name of the device's track."""
        self.in_flight = stage_of("in_flight", name)


class Runner(Protocol):
    """What the modes have in common."""

    @property
    def facts(self) -> ModelFacts: ...
    @property
    def most_in_flight(self) -> int:
        """How many batches the device takes at once."""
        ...

    def make_batch(self) -> Batch: ...
    def submit(self, batch: Batch) -> None: ...
    def wait(self, batch: Batch) -> list[Outputs]: ...
    def close(self) -> None: ...


class Pump(Generic[Prepared]):
    """One stream of frames over one runner after the other.

    Args:
        runner: the opened device.
        reopen: gives the device back and opens it anew.
        depth: batches in flight.
        fill: writes a picture into an input buffer.
        seat: at a device that several share.
        name: behind the names of stages and of the device's track.
    """

    def __init__(
        self,
        runner: Runner,
        reopen: Callable[[], Runner],
        depth: int,
        fill: Callable[[Image, NDArray[np.uint8]], Prepared],
        recovery: Recovery,
        *,
        profiler: Profiler = OFF,
        seat: Seat | None = None,
        name: str = "",
    ) -> None:
        self._runner = runner
        self._reopen = reopen
        self._depth = depth
        self._fill = fill
        self._recovery = recovery
        self._profiler = profiler
        self._seat = seat
        self._stages = _Stages(name)
        self._filling: Batch | None = None
        self._in_flight: deque[Batch] = deque()
        self._spare: list[Batch] = []
        self._again: deque[Frame] = deque()
        """Frames that the device lost through no fault of theirs, or that are tried again; behind them the newest."""
        self._attempts: Counter[FrameId] = Counter()
        self._device_free_ns = 0

    def answers(self, frames: Iterable[Frame | None]) -> Iterator[Answer[Prepared]]:
        """Answers in the order of the frames. None among the frames: there is none at the moment."""
        # All at once: how many are needed shows only when the device falls behind, which may be late.
        self._spare = [self._runner.make_batch() for _ in range(self._depth)]
        for frame in frames:
            if frame is not None:
                self._again.append(frame)
            if self._seat is not None and self._seat.is_outdated:
                self._restart(self._frames_in_flight())
            yield from self._feed()
            while self._in_flight and self._in_flight[0].done.is_set():
                yield from self._oldest()
        while self._filling is not None or self._in_flight or self._again:
            if self._again:
                yield from self._feed()
            elif self._filling is not None:
                yield from self._submit()
            else:
                yield from self._oldest()

    def _feed(self) -> Iterator[Answer[Prepared]]:
        """Frames that wait go to the device, in their order."""
        while self._again:
            batch = self._add(self._again.popleft())
            if batch.is_full:
                yield from self._submit()
                if len(self._in_flight) >= self._depth:
                    yield from self._oldest()

    def _add(self, frame: Frame) -> Batch:
        if self._filling is None:
            self._filling = self._spare.pop() if self._spare else self._runner.make_batch()
            self._filling.clear()
        batch = self._filling
        begin = perf_counter_ns()
        batch.prepared.append(self._fill(frame.image, batch.inputs[len(batch.frames)]))
        batch.frames.append(frame)
        if self._profiler.enabled:
            self._profiler.record(self._stages.preprocess, begin, perf_counter_ns(), frame.id.serial)
        return batch

    def _submit(self) -> Iterator[Answer[Prepared]]:
        """Hand the filled batch to the device; frames that have failed before are there alone."""
        batch = self._filling
        assert batch is not None
        is_suspect = any(frame.id in self._attempts for frame in batch.frames)
        if is_suspect:
            yield from self._drain()
            if self._filling is not batch:
                return  # another one failed, and all of them come again
        yield from self._let_others_pass()
        if self._filling is not batch:
            return
        self._filling = None
        begin = perf_counter_ns()
        try:
            self._runner.submit(batch)
        except HailstackError as error:
            yield from self._refused(batch, error)
            return
        self._in_flight.append(batch)
        self._note_in_flight()
        if self._profiler.enabled:
            self._profiler.record(self._stages.submit, begin, perf_counter_ns(), batch.frames[0].id.serial)
            self._count_in_flight()
        if is_suspect:
            yield from self._drain()

    def _let_others_pass(self) -> Iterator[Answer[Prepared]]:
        """Wait as long as courtesy demands; answers that are ready are given meanwhile."""
        seat = self._seat
        while seat is not None and seat.should_wait and not seat.is_outdated:
            if self._in_flight and self._in_flight[0].done.is_set():
                yield from self._oldest()
            else:
                time.sleep(LOOK_AGAIN_S)

    def _refused(self, batch: Batch, error: HailstackError) -> Iterator[Answer[Prepared]]:
        """First answer what the device accepted before; HailoRT shuts a model down after a refused submission."""
        yield from self._finished()
        if not self._in_flight:
            self._recover(batch, error)
            return
        innocent = self._frames_in_flight()
        if not self._recovery.is_final(error):
            self._note_loss(error)
            self._attempts.update(frame.id for frame in batch.frames)
            self._recovery.again(error)
            self._restart([*innocent, *batch.frames])
            return
        if isinstance(error, InferenceSubmitError):
            yield from self._replayed(innocent, error)
        raise error

    def _replayed(self, frames: list[Frame], error: HailstackError) -> Iterator[Answer[Prepared]]:
        """The last answers before ``error``: of frames that were on the device when it was shut down."""
        try:
            self._restart([])
            self._again = deque(frames)
            while self._again:
                if self._add(self._again.popleft()).is_full:
                    yield from self._submit()
            if self._filling is not None:
                yield from self._submit()
            yield from self._drain()
        except HailstackError as second:
            error.add_note(f"frames before it could not be run again: {second}")

    def _drain(self) -> Iterator[Answer[Prepared]]:
        while self._in_flight:
            yield from self._oldest()

    def _oldest(self) -> Iterator[Answer[Prepared]]:
        """The answers of the oldest batch."""
        batch = self._in_flight.popleft()
        begin = perf_counter_ns()
        try:
            outputs = self._runner.wait(batch)
        except HailstackError as error:
            self._recover(batch, error)
            return
        self._note_in_flight()
        if self._profiler.enabled:
            self._record(batch, begin)
        yield from self._answers(batch, outputs)

    def _answers(self, batch: Batch, outputs: list[Outputs]) -> Iterator[Answer[Prepared]]:
        for frame, prepared, one in zip(batch.frames, batch.prepared, outputs, strict=True):
            if self._attempts:
                del self._attempts[frame.id]
            yield Answer(frame, prepared, one)
        self._spare.append(batch)

    def _finished(self) -> Iterator[Answer[Prepared]]:
        """Answers up to the first batch that fails."""
        while self._in_flight:
            try:
                outputs = self._runner.wait(self._in_flight[0])
            except HailstackError:
                return
            yield from self._answers(self._in_flight.popleft(), outputs)

    def _recover(self, batch: Batch, error: HailstackError) -> None:
        """Give the frames of ``batch`` up or note them to be tried again; raises ``error`` if the run ends here."""
        self._note_loss(error)
        self._attempts.update(frame.id for frame in batch.frames)
        decision = self._recovery.decide(error, max(self._attempts[frame.id] for frame in batch.frames))
        if decision == "stop":
            raise error
        if decision == "skip":
            for frame in batch.frames:
                del self._attempts[frame.id]
                self._recovery.give_up(Failed(frame.id, error))
        self._restart([*(batch.frames if decision == "retry" else []), *self._frames_in_flight()])

    def _frames_in_flight(self) -> list[Frame]:
        return [frame for batch in self._in_flight for frame in batch.frames]

    def _restart(self, frames: list[Frame]) -> None:
        """A fresh device, which is given ``frames`` first.

        Buffers of unfinished jobs belong to the device until it is closed, so none of them is used again.
        """
        filled = self._filling.frames if self._filling is not None else []
        self._again = deque([*frames, *filled, *self._again])
        self._in_flight.clear()
        self._note_in_flight()
        self._spare.clear()
        self._filling = None
        self._runner = self._reopen()

    def _note_in_flight(self) -> None:
        if self._seat is not None:
            self._seat.note(self._in_flight[0] if self._in_flight else None, len(self._in_flight), self._depth)

    def _note_loss(self, error: HailstackError) -> None:
        if self._seat is not None and isinstance(error, DeviceLostError):
            self._seat.announce_loss()

    def _record(self, batch: Batch, begin: int) -> None:
        serial = batch.frames[0].id.serial
        self._profiler.record(self._stages.wait, begin, perf_counter_ns(), serial)
        started = batch.begun_ns or max(batch.submitted_ns, self._device_free_ns)
        self._profiler.record(self._stages.device, started, batch.done_ns, serial, self._stages.device)
        self._device_free_ns = batch.done_ns
        self._count_in_flight()

    def _count_in_flight(self) -> None:
        self._profiler.sample(self._stages.in_flight, sum(len(one.frames) for one in self._in_flight))
