"""Whole batches through virtual streams."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from hailstack.emulator.core.exchange import Exchange
from hailstack.emulator.core.frame import again
from hailstack.emulator.core.host_frame import Bytes, HostFrame
from hailstack.emulator.core.params import timeout_seconds
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
    parts = [
        Transfer(exchange, inputs, outputs, count) for exchange in {stream.exchange: None for stream, _ in inputs}
    ]
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


def _check_open(inputs: Inputs, outputs: Outputs) -> None:
    for stream, _ in (*inputs, *outputs):
        stream.check_open()


class Transfer:
    """The frames of one call through one exchange. Belongs to the board's lock."""

    def __init__(self, exchange: Exchange, inputs: Inputs, outputs: Outputs, count: int) -> None:
        self.exchange = exchange
        self._frames = self._make_frames(inputs, outputs, count)
        self._timeout_ms = min(stream.timeout_ms for stream, _ in outputs if stream.exchange is exchange)
        self._in_flight = 0
        self._left = count
        self._moved_at = 0.0
        """When a frame has last come to its end."""
        self._due = 0.0
        """When the chip had the last frame done; 0 where nothing holds frames back."""
        self._error: StatusError | None = None
        self._news = exchange.news

    def _make_frames(self, inputs: Inputs, outputs: Outputs, count: int) -> Iterator[HostFrame]:
        ins = [(stream.codec, rows) for stream, rows in inputs if stream.exchange is self.exchange]
        outs = [(stream.codec, rows) for stream, rows in outputs if stream.exchange is self.exchange]
        for i in range(count):
            host = [(codec, rows[i]) for codec, rows in ins], [(codec, rows[i]) for codec, rows in outs]
            yield _TransferFrame(self.exchange.lane, self, *host)

    def start(self) -> None:
        """Send as many frames as the chip takes in."""
        self.exchange.transfers.add(self)
        self._moved_at = time.monotonic()
        self._send()

    def wait(self) -> None:
        """Return when all frames are done. Raises what the first that failed has met, or ``TIMEOUT``."""
        timeout_s = timeout_seconds(self._timeout_ms)
        while self._left and self._error is None:
            rest_s = None if timeout_s is None else self._moved_at + timeout_s - time.monotonic()
            if rest_s is not None and rest_s <= 0:
                message = f"{self.exchange.lane.name}: no frame arrived within {self._timeout_ms} ms"
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
