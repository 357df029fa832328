"""Virtual streams: blocking writes and reads of single frames."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.core.board import Board
from hailstack.emulator.core.exchange import DeviceBytes, Exchange
from hailstack.emulator.core.lane import Lane
from hailstack.emulator.core.nms_setters import NmsSetters
from hailstack.emulator.core.notices import decode
from hailstack.emulator.core.params import VStreamParams, timeout_seconds
from hailstack.emulator.host.codecs import InputCodec, NmsSettings, OutputCodec
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Format
from hailstack.hef.model import NetworkGroup, NmsOp, VStream


class _Stream:
    """What inputs and outputs have in common: activation, abort, close, and waiting with all of them in mind."""

    def __init__(self, board: Board, lane: Lane, exchange: Exchange, info: VStream, params: VStreamParams) -> None:
        self.info = info
        self._board = board
        self._lane = lane
        self.exchange = exchange
        self.timeout_ms = params.timeout_ms
        self._closed = False
        self._aborted = False

    @property
    def name(self) -> str:
        return self.info.name

    def abort(self) -> None:
        """Make blocked and later calls fail with ``STREAM_ABORT`` until :meth:`resume` or ``clear()``."""
        self._board.check_usable()
        with self._board.lock:
            self._aborted = True
            self._condition.notify_all()

    def resume(self) -> None:
        """Undo :meth:`abort`."""
        self._aborted = False

    def start_over(self) -> None:
        """Drop every frame on its way through this stream's network, and undo :meth:`abort`."""
        if self._closed or not self._board.is_ours:
            return
        with self._board.lock:
            self.exchange.reset(StatusError(Status.STREAM_ABORT, f"{self.name} starts over"))
            self._aborted = False

    def close(self) -> None:
        """Calls fail with ``VSTREAM_PIPELINE_NOT_ACTIVATED`` from now on. May be called twice."""
        if self._closed or not self._board.is_ours:
            self._closed = True
            return
        with self._board.lock:
            self._closed = True
            self.exchange.leave(self)
            self._condition.notify_all()

    @property
    def _condition(self) -> threading.Condition:
        raise NotImplementedError

    def check_open(self) -> None:
        """Raises why nothing can pass any more."""
        if self._closed:
            raise StatusError(Status.VSTREAM_PIPELINE_NOT_ACTIVATED, f"{self.name} was used after its streams closed")
        self._board.check_usable()
        if self._aborted:
            raise StatusError(Status.STREAM_ABORT, f"{self.name} was aborted")
        if not self._board.scheduled and self._board.active_lane is not self._lane:
            message = f"{self.name}: network group {self._lane.name} is not activated; call activate() on it first"
            raise StatusError(Status.NETWORK_GROUP_NOT_ACTIVATED, message)

    def _wait(self, is_ready: Callable[[], bool], what: str) -> None:
        """Wait under the lock. Raises whatever makes waiting pointless, and ``TIMEOUT``."""
        self.check_open()
        if is_ready():
            return
        self._condition.wait_for(lambda: self.is_pointless or is_ready(), timeout_seconds(self.timeout_ms))
        self.check_open()
        if not is_ready():
            raise StatusError(Status.TIMEOUT, f"{self.name}: {what} within {self.timeout_ms} ms")

    @property
    def is_pointless(self) -> bool:
        """Whether nothing can pass any more; :meth:`check_open` says why."""
        inactive = not self._board.scheduled and self._board.active_lane is not self._lane
        return self._closed or self._aborted or inactive or self._board.failure is not None

    def _check_size(self, frame: NDArray[np.uint8], expected: int) -> None:
        if frame.nbytes != expected:
            message = f"{self.name}: one frame has {expected} bytes, the buffer has {frame.nbytes}"
            raise StatusError(Status.INVALID_ARGUMENT, message)


class InputVStream(_Stream):
    """Where a program writes frames."""

    def __init__(
        self, board: Board, lane: Lane, exchange: Exchange, info: VStream, params: VStreamParams, codec: InputCodec
    ) -> None:
        super().__init__(board, lane, exchange, info, params)
        self.codec = codec
        self.frame_bytes = codec.frame_bytes
        self._queue_size = max(params.queue_size, 1)
        with board.lock:
            exchange.join(self)

    @property
    def format(self) -> Format:
        """What the program writes, resolved (no ``AUTO``)."""
        return self.codec.format

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Hand over one frame: flat bytes, ``frame_bytes`` long. The memory may be reused afterwards.

        Raises:
            StatusError: ``TIMEOUT`` (the queue stayed full), ``NETWORK_GROUP_NOT_ACTIVATED``,
                ``VSTREAM_PIPELINE_NOT_ACTIVATED`` (closed), ``INVALID_ARGUMENT`` (wrong size), ``STREAM_ABORT``.
        """
        self.check_open()
        self._check_size(frame, self.frame_bytes)
        encoded = _owned(self.codec.encode(frame), frame)
        with self._board.lock:
            self._wait(lambda: self.exchange.has_room(self.name, self._queue_size), "no room for a frame")
            self.exchange.put(self.name, encoded)

    def flush(self) -> None:
        """Return when the device has computed every frame written so far. Raises as :meth:`write`."""
        self._board.check_usable()
        with self._board.lock:
            self._wait(lambda: self.exchange.is_idle(self.name), "frames are still on their way")

    def clear(self) -> None:
        """Drop frames that wait for the device."""
        self._board.check_usable()
        with self._board.lock:
            self.exchange.drop_waiting(self.name)
            self._aborted = False

    @property
    def _condition(self) -> threading.Condition:
        return self.exchange.space


class OutputVStream(_Stream, NmsSetters):
    """Where a program reads frames, in the order they were written.

    The NMS setters raise ``INVALID_OPERATION`` where the host does no NMS.
    """

    def __init__(
        self,
        board: Board,
        lane: Lane,
        exchange: Exchange,
        info: VStream,
        params: VStreamParams,
        make_codec: Callable[[NmsSettings], OutputCodec],
    ) -> None:
        super().__init__(board, lane, exchange, info, params)
        self.nms = NmsSettings()
        """What the setters have changed; None where the HEF's value holds."""
        self._make_codec = make_codec
        self.codec = make_codec(self.nms)
        with board.lock:
            exchange.subscribe(self)

    @property
    def format(self) -> Format:
        """What the program reads, resolved (no ``AUTO``)."""
        return self.codec.format

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame; follows the NMS setters."""
        return self.codec.frame_bytes

    def read(self, out: NDArray[np.uint8]) -> None:
        """Fill ``out`` (flat bytes, ``frame_bytes`` long) with the next frame.

        Raises:
            StatusError: ``TIMEOUT``, ``NETWORK_GROUP_NOT_ACTIVATED``, ``VSTREAM_PIPELINE_NOT_ACTIVATED`` (closed),
                ``INVALID_ARGUMENT`` (wrong size), or why this frame failed.
        """
        self.check_open()
        codec = self.codec
        self._check_size(out, codec.frame_bytes)
        with self._board.lock:
            self._wait(lambda: self.exchange.has_result(self), "no frame arrived")
            outcome = self.exchange.next_result(self)
        decode(codec, outcome.take(codec.stream_names), out)

    def _set_nms(self, name: str, value: float) -> None:
        check_has_nms(self._lane.group, self.info)
        setattr(self.nms, name, value)
        self.codec = self._make_codec(self.nms)

    def clear(self) -> None:
        """Drop frames that are ready and unread."""
        self._board.check_usable()
        with self._board.lock:
            if not self._closed:
                self.exchange.skip_results(self)
            self._aborted = False

    @property
    def _condition(self) -> threading.Condition:
        return self.exchange.news


def clear_all(vstreams: Sequence[InputVStream] | Sequence[OutputVStream]) -> None:
    """Clear several streams."""
    for vstream in vstreams:
        vstream.clear()


def check_has_nms(group: NetworkGroup, info: VStream) -> None:
    """Raises ``INVALID_OPERATION`` unless the host does the NMS of ``info``."""
    if not any(isinstance(op, NmsOp) and op.output == info.name for op in group.ops):
        raise StatusError(Status.INVALID_OPERATION, f"{info.name}: the host does no NMS for this output")


def _owned(encoded: dict[str, NDArray[np.uint8]], frame: NDArray[np.uint8]) -> DeviceBytes:
    """``encoded`` in memory of its own: what the codec passed through is still the program's."""
    return {name: data.copy() if np.may_share_memory(data, frame) else data for name, data in encoded.items()}
