"""Virtual streams in a forked child: the parent does the work, see :mod:`hailstack.emulator.core.relay`."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.core.nms_setters import NmsSetters
from hailstack.emulator.core.params import VStreamParams
from hailstack.emulator.core.relay import Relay
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Direction, Format, FormatOrder, FormatType
from hailstack.hef.model import VStream


def relayed_wait(relay: Relay, group: int, timeout_ms: float | None) -> None:
    """Wait as :meth:`ConfiguredGroup.wait_for_activation` does in the parent."""
    with closing(relay.dial()) as line:
        line.call({"do": "wait", "group": group, "timeout_ms": timeout_ms})


class _RelayedStream:
    """What inputs and outputs have in common. Raises as their namesakes, and ``COMMUNICATION_CLOSED``."""

    def __init__(self, relay: Relay, group: int, info: VStream, params: VStreamParams) -> None:
        self.info = info
        self._relay = relay
        self._closed = False
        self._line = relay.dial()
        try:
            opened = self._line.call(
                {
                    "do": "open",
                    "group": group,
                    "is_input": info.direction is Direction.H2D,
                    "name": info.name,
                    "format": [int(params.format.type), int(params.format.order)],
                    "timeout_ms": params.timeout_ms,
                    "queue_size": params.queue_size,
                }
            )
        except BaseException:
            self._line.close()
            raise
        kind, order = opened["format"]
        self.format = Format(FormatType(kind), FormatOrder(order))
        self.frame_bytes: int = opened["frame_bytes"]
        self._number: int = opened["stream"]

    @property
    def name(self) -> str:
        return self.info.name

    def abort(self) -> None:
        """Make blocked and later calls fail with ``STREAM_ABORT`` until :meth:`resume` or ``clear()``."""
        self._tell("abort")

    def resume(self) -> None:
        """Undo :meth:`abort`."""
        with suppress(StatusError):
            self._tell("resume")

    def start_over(self) -> None:
        """Drop every frame on its way through this stream's network, and undo :meth:`abort`."""
        with suppress(StatusError):
            self._tell("start_over")

    def clear(self) -> None:
        """Drop what waits."""
        self._tell("clear")

    def close(self) -> None:
        """Calls fail with ``VSTREAM_PIPELINE_NOT_ACTIVATED`` from now on. May be called twice."""
        if self._closed:
            return
        self._closed = True
        with suppress(StatusError):
            self._tell("close")
        self._line.hang_up()

    def _tell(self, what: str) -> None:
        """Over a line of its own: the stream's may be taken by a call that blocks."""
        with closing(self._relay.dial()) as line:
            line.call({"do": what, "stream": self._number})

    def _call(self, do: str, body: NDArray[np.uint8] | None = None, into: Any = None, **more: Any) -> Any:
        if self._closed:
            raise StatusError(Status.VSTREAM_PIPELINE_NOT_ACTIVATED, f"{self.name} was used after its streams closed")
        return self._line.call({"do": do, "stream": self._number, **more}, body, into)


class RelayedInputVStream(_RelayedStream):
    """Where a program writes frames."""

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Hand over one frame: flat bytes, ``frame_bytes`` long. The memory may be reused afterwards."""
        self._call("write", frame)

    def flush(self) -> None:
        """Return when the device has computed every frame written so far."""
        self._call("flush")


class RelayedOutputVStream(_RelayedStream, NmsSetters):
    """Where a program reads frames, in the order they were written."""

    def read(self, out: NDArray[np.uint8]) -> None:
        """Fill ``out`` (flat bytes, ``frame_bytes`` long) with the next frame."""
        self._call("read", into=out, nbytes=out.nbytes)

    def _set_nms(self, name: str, value: float) -> None:
        self.frame_bytes = self._call("nms", name=name, value=value)["frame_bytes"]
