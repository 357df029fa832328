"""Whole batches through the streams of another process, frame by frame."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TypeAlias

from hailstack.emulator.core.host_frame import Bytes
from hailstack.emulator.core.relayed_streams import RelayedInputVStream, RelayedOutputVStream
from hailstack.emulator.status import StatusError

Inputs: TypeAlias = Sequence[tuple[RelayedInputVStream, Bytes]]
Outputs: TypeAlias = Sequence[tuple[RelayedOutputVStream, Bytes]]
"""Streams, each with its frames."""


def pump(inputs: Inputs, outputs: Outputs, count: int) -> None:
    """Write and read ``count`` frames at the same time. After a failure the streams are empty, as before.

    Raises:
        StatusError: as :meth:`RelayedInputVStream.write` and :meth:`RelayedOutputVStream.read`.
    """
    try:
        _transfer(inputs, outputs, count)
    except BaseException:
        for stream, _ in (*inputs, *outputs):
            stream.start_over()
        raise


def _transfer(inputs: Inputs, outputs: Outputs, count: int) -> None:
    if count == 1:  # needs no second thread
        _write(inputs, 0)
        _read(outputs, 0)
        return
    writer = _Writer(inputs, outputs, count)
    writer.start()
    try:
        for index in range(count):
            _read(outputs, index)
    except BaseException as error:
        cause = writer.error
        for stream, _ in inputs:
            stream.abort()
        writer.join()
        if cause is not None and isinstance(error, StatusError):
            raise cause from None
        raise
    writer.join()


def _write(inputs: Inputs, index: int) -> None:
    for stream, rows in inputs:
        stream.write(rows[index])


def _read(outputs: Outputs, index: int) -> None:
    for stream, rows in outputs:
        stream.read(rows[index])


class _Writer(threading.Thread):
    """Writes all frames. When it cannot, nobody has to wait for their results: it aborts the outputs."""

    def __init__(self, inputs: Inputs, outputs: Outputs, count: int) -> None:
        super().__init__(name="hailo-infer-writer", daemon=True)
        self._inputs, self._outputs, self._count = inputs, outputs, count
        self.error: StatusError | None = None

    def run(self) -> None:
        try:
            for index in range(self._count):
                _write(self._inputs, index)
        except StatusError as error:
            self.error = error
            for stream, _ in self._outputs:
                stream.abort()
