"""Synchronous inference on whole batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from hailstack.emulator.core import pump, transfer
from hailstack.emulator.core.group import AnyInputVStream, AnyOutputVStream
from hailstack.emulator.core.host_frame import Bytes
from hailstack.emulator.core.relayed_streams import RelayedInputVStream


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
    if isinstance(inputs[0][0], RelayedInputVStream):  # all streams are of one process
        pump.pump(cast("pump.Inputs", inputs), cast("pump.Outputs", outputs), count)
    else:
        transfer.transfer(cast("transfer.Inputs", inputs), cast("transfer.Outputs", outputs), count)
