"""One model on the NPU: frames in, answers out, in order, none lost."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import ClosedError, HailstackError, InputError
from hailstack.heads import Outputs
from hailstack.runtime.batch import Batch
from hailstack.runtime.facts import ModelFacts, Thresholds
from hailstack.runtime.infer_model import InferModelRunner
from hailstack.runtime.platform import Platform, load_platform
from hailstack.runtime.vstreams import VStreamRunner
from hailstack.types import Frame, Image

LARGEST_BATCH = 65_535
"""HailoRT counts the frames of a batch in 16 bits."""

Mode: TypeAlias = Literal["async", "callback", "sync"]
Prepared = TypeVar("Prepared")


@dataclass(frozen=True, slots=True, eq=False)
class Answer(Generic[Prepared]):
    """What the network said about one frame."""

    frame: Frame
    prepared: Prepared
    """What ``fill`` returned for the frame."""
    outputs: Outputs
    """Valid until the next answer is asked for: the buffers are used again."""


class Runner(Protocol):
    """What the modes have in common."""

    @property
    def facts(self) -> ModelFacts: ...
    @property
    def depth(self) -> int: ...
    def make_batch(self) -> Batch: ...
    def submit(self, batch: Batch) -> None: ...
    def wait(self, batch: Batch) -> list[Outputs]: ...
    def close(self) -> None: ...


class Session:
    """A HEF opened on the NPU. A context manager; may be closed twice.

    Args:
        hef_path: the model.
        mode: ``async`` keeps several batches on the device and waits for their jobs; ``callback`` does so too and
            waits for the completion callbacks; ``sync`` runs one batch after the other through virtual streams
            (which Hailo-10H does not have). All three give the same answers.
        batch_size: frames that are submitted together. The last batch of a stream may be smaller.
        depth: frames in flight, bounded by the device's queue; None chooses.
        timeout_ms: how long to wait for the device at any one call.
        thresholds: limits of the NMS on the host.
        architecture: the chip that the HEF is for, where known: the one to emulate if there is no vendor package.

    Raises:
        HefError, DeviceBusyError, DeviceError: the HEF cannot be opened on the device.
    """

    def __init__(
        self,
        hef_path: str | os.PathLike[str],
        *,
        mode: Mode = "async",
        batch_size: int = 1,
        depth: int | None = None,
        timeout_ms: int = 10_000,
        thresholds: Thresholds | None = None,
        architecture: str = "",
    ) -> None:
        if not 1 <= batch_size <= LARGEST_BATCH:
            message = f"the batch size is {batch_size}, it must be within 1..{LARGEST_BATCH}"
            raise InputError(message)
        if depth is not None and depth < 1:
            message = f"the depth is {depth}, it must be at least 1"
            raise InputError(message)
        self._path = os.fspath(hef_path)
        self._mode = mode
        self._batch_size = batch_size
        self._depth = depth
        self._timeout_ms = timeout_ms
        self._thresholds = thresholds or Thresholds()
        self._platform: Platform = load_platform(architecture)
        self._closed = False
        self._runner: Runner | None = self._open()
        self.facts = self._runner.facts

    def _open(self) -> Runner:
        if self._mode == "sync":
            return VStreamRunner(
                self._platform,
                self._path,
                batch_size=self._batch_size,
                timeout_ms=self._timeout_ms,
                thresholds=self._thresholds,
            )
        return InferModelRunner(
            self._platform,
            self._path,
            batch_size=self._batch_size,
            depth=self._depth,
            timeout_ms=self._timeout_ms,
            thresholds=self._thresholds,
            wait_by_callback=self._mode == "callback",
        )

    def stream(
        self, frames: Iterable[Frame], fill: Callable[[Image, NDArray[np.uint8]], Prepared]
    ) -> Generator[Answer[Prepared], None, None]:
        """Answers in the order of the frames, each frame exactly once.

        Args:
            frames: pulled as the device has room; at most depth + batch size of them are held at a time.
            fill: writes a picture into an input buffer ``(height, width, features)``; what it returns comes back
                with the answer.

        Raises:
            InferenceSubmitError, InferenceTimeoutError, InferenceWaitError, DeviceLostError: with the frame. Answers
                of earlier frames have been given; the session may be used again and then opens the device anew.
            ClosedError: the session is closed.
        """
        runner = self._ready()
        try:
            yield from _pump(runner, frames, fill)
        except BaseException as error:
            # Buffers of unfinished jobs still belong to the device: only closing it makes them ours again.
            self._drop_runner_after(error)
            raise

    def _ready(self) -> Runner:
        if self._closed:
            message = f"{self._path}: the session is closed"
            raise ClosedError(message)
        if self._runner is None:
            self._runner = self._open()
        return self._runner

    def _drop_runner(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    def _drop_runner_after(self, error: BaseException) -> None:
        try:
            self._drop_runner()
        except HailstackError as second:
            error.add_note(f"closing the device failed too: {second}")

    def close(self) -> None:
        """Give the device back."""
        self._closed = True
        self._drop_runner()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _pump(
    runner: Runner, frames: Iterable[Frame], fill: Callable[[Image, NDArray[np.uint8]], Prepared]
) -> Iterator[Answer[Prepared]]:
    """Keep up to ``runner.depth`` batches on the device; the oldest is always answered first."""
    in_flight: deque[Batch] = deque()
    spare: list[Batch] = []
    batch = runner.make_batch()
    for frame in frames:
        batch.prepared.append(fill(frame.image, batch.inputs[len(batch.frames)]))
        batch.frames.append(frame)
        if not batch.is_full:
            continue
        yield from _submit(runner, batch, in_flight)
        if len(in_flight) == runner.depth:
            yield from _answers(runner, in_flight[0])
            spare.append(in_flight.popleft())
        batch = spare.pop() if spare else runner.make_batch()
        batch.clear()
    if batch.frames:
        yield from _submit(runner, batch, in_flight)
    while in_flight:
        yield from _answers(runner, in_flight[0])
        in_flight.popleft()


def _submit(runner: Runner, batch: Batch, in_flight: deque[Batch]) -> Iterator[Answer[Prepared]]:
    """Hand a batch to the device; if it is refused, answer what the device had accepted before and then fail."""
    try:
        runner.submit(batch)
    except HailstackError:
        yield from _finished(runner, in_flight)
        raise
    in_flight.append(batch)


def _finished(runner: Runner, in_flight: deque[Batch]) -> Iterator[Answer[Prepared]]:
    """Answers up to the first batch that failed too: HailoRT shuts a model down after a refused submission."""
    for batch in in_flight:
        try:
            answers: list[Answer[Prepared]] = list(_answers(runner, batch))
        except HailstackError:
            return
        yield from answers


def _answers(runner: Runner, batch: Batch) -> Iterator[Answer[Prepared]]:
    for index, outputs in enumerate(runner.wait(batch)):
        yield Answer(batch.frames[index], batch.prepared[index], outputs)
