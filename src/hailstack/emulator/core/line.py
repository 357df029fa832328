"""A private line between two processes: small heads of JSON, raw bytes behind them."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.status import StatusError
from hailstack.errors import Status

Head = Mapping[str, Any]
Body = NDArray[np.uint8] | None

_SIZES = struct.Struct("!IQ")
"""Bytes of the head, bytes of the body."""


class Line:
    """One end. Messages may have a body of any size, which is neither copied nor looked at."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._calls = threading.RLock()  # a signal handler may hang up in the middle of a call

    def send(self, head: Head, body: Body = None) -> None:
        """Raises ``OSError`` when nobody listens any more."""
        text = json.dumps(head).encode()
        nbytes = 0 if body is None else body.nbytes
        self._socket.sendall(_SIZES.pack(len(text), nbytes) + text, socket.MSG_NOSIGNAL)
        if body is not None:
            self._socket.sendall(body.data, socket.MSG_NOSIGNAL)

    def receive(self, into: Body = None) -> tuple[Head, NDArray[np.uint8]]:
        """The next head and body; the body lies in ``into`` if that has the size. Raises ``OSError`` at the end."""
        sizes = np.empty(_SIZES.size, np.uint8)
        self._fill(sizes)
        head_bytes, body_bytes = _SIZES.unpack(sizes.data)
        text = np.empty(head_bytes, np.uint8)
        self._fill(text)
        body = into if into is not None and into.nbytes == body_bytes else np.empty(body_bytes, np.uint8)
        self._fill(body)
        return json.loads(text.tobytes()), body

    def _fill(self, array: NDArray[np.uint8]) -> None:
        rest = array.data
        while rest:
            count = self._socket.recv_into(rest)
            if not count:
                raise ConnectionResetError("the other end has closed")
            rest = rest[count:]

    def call(self, head: Head, body: Body = None, into: Body = None) -> Head:
        """Ask, and wait for the answer; its body lands in ``into``.

        Raises:
            StatusError: what the other end refused with; ``COMMUNICATION_CLOSED`` when there is no other end.
        """
        with self._calls:
            try:
                self.send(head, body)
                answer, _ = self.receive(into)
            except OSError as error:
                self.close()
                raise closed() from error
            except BaseException:
                # Interrupted halfway: what comes next on this line would be taken for another answer.
                self.close()
                raise
        if "status" in answer:
            refusal = StatusError(Status(answer["status"]), answer["text"])
            refusal.told = answer["told"]
            raise refusal
        return answer

    def hang_up(self) -> None:
        """Let the other end know, whoever has a copy of this one, after a call under way. May be called twice."""
        with self._calls:
            self.cut()
            self._socket.close()

    def cut(self) -> None:
        """End whatever is under way at either end."""
        with suppress(OSError):  # the other end was faster
            self._socket.shutdown(socket.SHUT_RDWR)

    def stop_listening(self) -> None:
        """Wake whoever waits for the next message; an answer may still be sent."""
        with suppress(OSError):  # hung up
            self._socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Drop this process's copy. May be called twice."""
        self._socket.close()

    def watch(self) -> int:
        """A descriptor of its own for polling."""
        return os.dup(self._socket.fileno())


def refusal_head(error: StatusError) -> Head:
    """What makes :meth:`Line.call` raise ``error`` at the other end."""
    return {"status": int(error.status), "text": str(error), "told": error.told}


def closed() -> StatusError:
    """Why nothing can be asked any more."""
    return StatusError(Status.COMMUNICATION_CLOSED, "the process that opened the device has released it, or is gone")
