"""A model that takes frames asynchronously."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from functools import partial

from hailstack.emulator.core.board import Board
from hailstack.emulator.core.callbacks import CallbackThread
from hailstack.emulator.core.crew import JOIN_S
from hailstack.emulator.core.frame import again
from hailstack.emulator.core.group import ConfiguredGroup
from hailstack.emulator.core.host_frame import BoundInput, BoundOutput, Bytes, HostFrame
from hailstack.emulator.core.job import Job, OnDone
from hailstack.emulator.core.lane import Lane
from hailstack.emulator.core.params import FrameBuffers, timeout_seconds
from hailstack.emulator.core.registry import process_registry
from hailstack.emulator.host.codecs import InputCodec, OutputCodec
from hailstack.emulator.status import StatusError
from hailstack.errors import Status


class ModelCodecs:
    """How one model's frames are converted."""

    def __init__(self, inputs: Mapping[str, InputCodec], outputs: Mapping[str, OutputCodec]) -> None:
        self._inputs = [(name, codec, codec.frame_bytes) for name, codec in inputs.items()]
        self._outputs = [(name, codec, codec.frame_bytes) for name, codec in outputs.items()]

    def bind(self, buffers: FrameBuffers) -> tuple[list[BoundInput], list[BoundOutput]]:
        """Each codec with its memory.

        Raises:
            StatusError: ``NOT_FOUND`` for an input that is not there, ``INVALID_OPERATION`` for an output that is
                not, or for a wrong size.
        """
        given = buffers.inputs, buffers.outputs
        return (
            [(codec, _buffer(given[0], name, size, Status.NOT_FOUND)) for name, codec, size in self._inputs],
            [(codec, _buffer(given[1], name, size, Status.INVALID_OPERATION)) for name, codec, size in self._outputs],
        )


def _buffer(buffers: Mapping[str, Bytes], name: str, size: int, if_missing: Status) -> Bytes:
    buffer = buffers.get(name)
    if buffer is None:
        raise StatusError(if_missing, f"{name} was never given a buffer")
    if buffer.nbytes != size:
        message = f"{name}: one frame has {size} bytes, the buffer has {buffer.nbytes}"
        raise StatusError(Status.INVALID_OPERATION, message)
    return buffer


class ModelQueue:
    """Frames of one configured model that are in flight. Outlives the model until its callbacks have run."""

    def __init__(self, board: Board, lane: Lane) -> None:
        self.board = board
        self.lane = lane
        self.in_flight = 0
        self.failure: StatusError | None = None
        """Why the model takes no more frames."""
        self.room = board.condition()
        self.callbacks = CallbackThread(board.lock, f"hailo-callbacks-{lane.name}")

    @property
    def is_closed(self) -> bool:
        """Whether the model takes no more frames."""
        return self.failure is not None or self.board.failure is not None

    def fits(self, frames_count: int) -> bool:
        """Whether so many more frames may be in flight."""
        return self.in_flight + frames_count <= self.lane.queue_size

    def check_open(self) -> None:
        """Raises why the model takes no frames."""
        self.board.check_usable()
        if self.failure is not None:
            raise again(self.failure)

    def shut_down(self, error: StatusError) -> None:
        """End all frames with ``error`` and refuse later ones. Lock held."""
        if self.failure is None:
            self.failure = error
        self.board.abort(self, error)
        self.room.notify_all()

    def complete(self, job: Job, error: StatusError | None) -> None:
        """One frame has come to its end. Lock held."""
        self.in_flight -= 1
        if job.frame_done(error) and job.has_callback:
            self.callbacks.put(partial(self._call_back, job))
        else:
            self.room.notify_all()

    def _call_back(self, job: Job) -> None:
        # Whoever waits for room is woken afterwards, as in the vendor's library: there is one thread to wake a frame
        # while the workers want to go on.
        try:
            job.call_back()
        finally:
            with self.board.lock:
                self.room.notify_all()

    def close(self, patience_s: float = JOIN_S) -> None:
        """Shut down, wait until no worker touches the program's memory, run the callbacks, end their thread."""
        if not self.board.is_ours:
            return
        with self.board.lock:
            self.shut_down(StatusError(Status.STREAM_ABORT, f"{self.lane.name} was shut down"))
            self.board.wait_until_quiet(self)
        self.callbacks.close(patience_s)
        self.board.detach(self)


class _ModelFrame(HostFrame):
    __slots__ = ("job",)

    def __init__(self, queue: ModelQueue, codecs: ModelCodecs, buffers: FrameBuffers, job: Job) -> None:
        super().__init__(queue.lane, queue, *codecs.bind(buffers))
        self.job = job

    def settle(self) -> None:
        queue = self.owner
        assert isinstance(queue, ModelQueue)
        queue.complete(self.job, self.error)

    def after_failure(self, error: StatusError) -> None:
        """Where an output is made of several streams, the vendor's library ends the whole pipeline with the status
        (``BaseMuxElement::run_push_async_multi``); elsewhere the frame alone has failed."""
        queue = self.owner
        assert isinstance(queue, ModelQueue)
        if any(len(output.stream_names) > 1 for output, _ in self.outputs):
            queue.shut_down(error)


class ConfiguredInferModel:
    """A model on the device. Made by :meth:`InferModel.configure`."""

    def __init__(self, group: ConfiguredGroup, queue: ModelQueue, codecs: ModelCodecs) -> None:
        self._group = group
        self._queue = queue
        self._codecs = codecs
        self._board = queue.board
        self._board.attach(queue)
        self._finaliser = weakref.finalize(self, _abandon, queue, group)
        self._finaliser.atexit = False

    @property
    def async_queue_size(self) -> int:
        """How many frames may be in flight."""
        return self._queue.lane.queue_size

    @property
    def group(self) -> ConfiguredGroup:
        return self._group

    def activate(self) -> None:
        """Put it on the chip. Raises ``INVALID_OPERATION`` under the scheduler or while another group is active."""
        self._group.activate()

    def deactivate(self) -> None:
        """Take it off the chip; does nothing when it is not active."""
        self._group.deactivate()

    def wait_for_async_ready(self, timeout_ms: float = 1000, frames_count: int = 1) -> None:
        """Return when ``frames_count`` more frames fit into the queue.

        Raises:
            StatusError: ``TIMEOUT``, always for more frames than the queue holds; why the model was shut down.
        """
        queue = self._queue
        queue.check_open()
        with self._board.lock:
            if queue.fits(frames_count):
                return
            queue.room.wait_for(lambda: queue.is_closed or queue.fits(frames_count), timeout_seconds(timeout_ms))
            queue.check_open()
            if not queue.fits(frames_count):
                message = (
                    f"{self._group.name}: no room for {frames_count} more frames within {timeout_ms} ms "
                    f"({queue.in_flight} of {self.async_queue_size} in flight)"
                )
                raise StatusError(Status.TIMEOUT, message)

    def run_async(self, frames: Sequence[FrameBuffers], on_done: OnDone | None = None) -> Job:
        """Start ``frames``. Any refusal shuts the whole model down, as on the chip.

        Raises:
            StatusError: ``QUEUE_IS_FULL``; ``NOT_FOUND`` (an input was never set); ``INVALID_OPERATION`` (an output
                was never set, or a buffer of the wrong size); why the model was shut down.
        """
        self._queue.check_open()
        job = Job(self._board.lock, len(frames), on_done)
        with self._board.lock:
            for buffers in frames:
                try:
                    self._start(_ModelFrame(self._queue, self._codecs, buffers, job))
                except StatusError:
                    self._queue.shut_down(StatusError(Status.STREAM_ABORT, self._after_refusal()))
                    raise
        return job

    def _start(self, frame: _ModelFrame) -> None:
        if self._queue.is_closed:
            self._queue.check_open()
        if not self._queue.fits(1):
            message = f"{self._group.name}: {self._queue.in_flight} frames are in flight; wait_for_async_ready() first"
            raise StatusError(Status.QUEUE_IS_FULL, message)
        if not self._group.active:
            self._refuse_inactive(frame)
            return
        self._board.submit(frame)
        self._queue.in_flight += 1

    def _refuse_inactive(self, frame: _ModelFrame) -> None:
        """The chip's queues only notice after they have taken the frame: its callback gets the status."""
        message = f"{self._group.name} is not activated; call activate() first, or open the device with the scheduler"
        self._queue.in_flight += 1
        self._queue.complete(frame.job, StatusError(Status.STREAM_NOT_ACTIVATED, message))
        self._queue.shut_down(StatusError(Status.STREAM_NOT_ACTIVATED, message))

    def _after_refusal(self) -> str:
        return f"{self._group.name} was shut down because a frame was refused; configure it again"

    def set_scheduler_timeout(self, timeout_ms: int) -> None:
        """As :meth:`ConfiguredGroup.set_scheduler_timeout`; so are the other two."""
        self._group.set_scheduler_timeout(timeout_ms)

    def set_scheduler_threshold(self, threshold: int) -> None:
        self._group.set_scheduler_threshold(threshold)

    def set_scheduler_priority(self, priority: int) -> None:
        self._group.set_scheduler_priority(priority)

    def shutdown(self) -> None:
        """Frames in flight end with ``STREAM_ABORT``, later ones are refused. May be called twice."""
        if not self._board.is_ours:
            return
        with self._board.lock:
            self._queue.shut_down(StatusError(Status.STREAM_ABORT, f"{self._group.name} was shut down"))
            self._board.wait_until_quiet(self._queue)
        self._group.deactivate()

    def close(self) -> None:
        """Shut down, let the callbacks in the queue run, and end the callback thread. May be called twice."""
        self._group.deactivate()
        self._queue.close()


def _abandon(queue: ModelQueue, group: ConfiguredGroup) -> None:
    def close() -> None:
        group.deactivate()
        queue.close()

    process_registry().defer(close, queue.board)
