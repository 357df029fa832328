"""Whole batches through virtual streams."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from hailstack.emulator.core.exchange import Exchange
from hailstack.emulator.core.frame import again
from hailstack.emulator.core.host_frame import BoundInput, BoundOutput, Bytes, HostFrame
from hailstack.emulator.core.params import INFINITE_MS, timeout_seconds
from hailstack.emulator.core.vstreams import InputVStream, OutputVStream
from hailstack.emulator.status import StatusError
from hailstack.errors import Status

Inputs: TypeAlias = Sequence[tuple[InputVStream, Bytes]]
Outputs: TypeAlias = Sequence[tuple[OutputVStream, Bytes]]
"""Streams, each with its frames: ``(count, frame_bytes)``."""


def transfer(inputs: Inputs, outputs: Outputs, count: int) -> None:
    """Send ``count`` frames through ``inputs`` and fill as many of ``outputs``.

    The caller sleeps until all is done: the worker that has computed one frame sends the next. Nobody else sees these
    frames, and after a failure none is left.

    Raises:
        StatusError: as :meth:`InputVStream.write` and :meth:`OutputVStream.read`.
    """
    parts = _parts(inputs, outputs, count)
    with parts[0].exchange.board.lock:
        try:
            _check_open(inputs, outputs)
            for part in parts:
                part.start()
            for part in parts:
                part.wait()
        except StatusError:
            # What ended the streams says more than what became of a frame.
            _check_open(inputs, outputs)
            raise
        finally:
            for part in parts:
                part.stop()


def _parts(inputs: Inputs, outputs: Outputs, count: int) -> list[Transfer]:
    parts: dict[Exchange, Transfer] = {}
    for source, rows in inputs:
        if source.exchange not in parts:
            parts[source.exchange] = Transfer(source.exchange, count)
        parts[source.exchange].inputs.append((source.codec, rows))
    for sink, rows in outputs:
        part = parts[sink.exchange]
        part.outputs.append((sink.codec, rows))
        part.timeout_ms = min(part.timeout_ms, sink.timeout_ms)
    return list(parts.values())


def _check_open(inputs: Inputs, outputs: Outputs) -> None:
    inputs[0][0].exchange.board.check_usable()
    for stream, _ in (*inputs, *outputs):
        if stream.is_pointless:
            stream.check_open()


class Transfer:
    """The frames of one call through one exchange. Belongs to the board's lock."""

    def __init__(self, exchange: Exchange, count: int) -> None:
        self.exchange = exchange
        self.inputs: list[BoundInput] = []
        self.outputs: list[BoundOutput] = []
        """A row of the bytes is a frame."""
        self.timeout_ms = INFINITE_MS
        self._frames = self._make_frames(count)
        self._in_flight = 0
        self._left = count
        self._moved_at = 0.0
        """When a frame has last come to its end."""
        self._due = 0.0
        """When the chip had the last frame done; 0 where nothing holds frames back."""
        self._error: StatusError | None = None
        self._news = exchange.news

    def _make_frames(self, count: int) -> Iterator[HostFrame]:
        for i in range(count):
            inputs = [(codec, rows[i]) for codec, rows in self.inputs]
            outputs = [(codec, rows[i]) for codec, rows in self.outputs]
            yield _TransferFrame(self.exchange.lane, self, inputs, outputs)

    def start(self) -> None:
        """Send as many frames as the chip takes in."""
        self.exchange.transfers.add(self)
        self._moved_at = time.monotonic()
        self._send()

    def wait(self) -> None:
        """Return when all frames are done. Raises what the first that failed has met, or ``TIMEOUT``."""
        timeout_s = timeout_seconds(self.timeout_ms)
        while self._left and self._error is None:
            rest_s = None if timeout_s is None else self._moved_at + timeout_s - time.monotonic()
            if rest_s is not None and rest_s <= 0:
                message = f"{self.exchange.lane.name}: no frame arrived within {self.timeout_ms} ms"
                raise StatusError(Status.TIMEOUT, message)
            self._news.wait(rest_s)
        if self._error is not None:
            raise again(self._error)
        if self._due:
            self.exchange.board.heard(time.monotonic() - self._due)

    def complete(self, error: StatusError | None, due: float) -> None:
        """A frame has come to its end."""
        self._due = due
        self._in_flight -= 1
        self._left -= 1
        self._moved_at = time.monotonic()
        if error is None:
            self._send()
        else:
            self._frames = iter(())
            self._error = self._error or error
        if error is not None or not self._left:
            self._news.notify_all()

    def stop(self) -> None:
        """Drop what is left; afterwards nobody is in the program's memory."""
        self.exchange.transfers.discard(self)
        self._frames = iter(())
        if self._in_flight:
            self.exchange.board.abort(self, StatusError(Status.STREAM_ABORT, "the batch was given up"))
        if self._error is not None:
            self.exchange.board.wait_until_quiet(self)

    def _send(self) -> None:
        while self._in_flight < self.exchange.lane.queue_size and (frame := next(self._frames, None)) is not None:
            self._in_flight += 1
            self.exchange.board.submit_or_fail(frame)


class _TransferFrame(HostFrame):
    __slots__ = ()

    def settle(self) -> None:
        assert isinstance(self.owner, Transfer)
        self.owner.complete(self.error, self.due)
