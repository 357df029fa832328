"""Synchronous inference on whole batches."""

from __future__ import annotations

from collections.abc import Sequence

from hailstack.emulator.core.group import AnyInputVStream, AnyOutputVStream
from hailstack.emulator.core.host_frame import Bytes
from hailstack.emulator.core.pump import pump
from hailstack.emulator.core.relayed_streams import RelayedInputVStream, RelayedOutputVStream
from hailstack.emulator.core.transfer import transfer
from hailstack.emulator.core.vstreams import InputVStream, OutputVStream


def infer(
    inputs: Sequence[tuple[AnyInputVStream, Bytes]], outputs: Sequence[tuple[AnyOutputVStream, Bytes]], count: int
) -> None:
    """Send ``count`` frames through ``inputs``, which must not change meanwhile, and fill as many of ``outputs``.

    Args:
        inputs: all inputs of one or more networks, each with its frames: ``(count, frame_bytes)``.
        outputs: all outputs of the same networks.

    Raises:
        StatusError: as :meth:`InputVStream.write` and :meth:`OutputVStream.read`. No frame is left then.
    """
    relayed = [(stream, rows) for stream, rows in inputs if isinstance(stream, RelayedInputVStream)]
    if relayed:
        pump(relayed, [(stream, rows) for stream, rows in outputs if isinstance(stream, RelayedOutputVStream)], count)
        return
    ours = [(stream, rows) for stream, rows in inputs if isinstance(stream, InputVStream)]
    transfer(ours, [(stream, rows) for stream, rows in outputs if isinstance(stream, OutputVStream)], count)
