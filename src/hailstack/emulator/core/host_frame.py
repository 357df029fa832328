"""A frame that goes straight from the program's memory into the program's memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.core.frame import Frame, check_streams
from hailstack.emulator.core.lane import Lane
from hailstack.emulator.core.notices import decode
from hailstack.emulator.host.codecs import InputCodec, OutputCodec
from hailstack.emulator.program import Program

Bytes: TypeAlias = NDArray[np.uint8]
BoundInput: TypeAlias = tuple[InputCodec, Bytes]
BoundOutput: TypeAlias = tuple[OutputCodec, Bytes]
"""One frame's memory with what converts it."""


class HostFrame(Frame):
    """One frame of host memory on both sides: the worker that computes it also converts it.

    The memory must not change until the frame is settled and, when it was aborted, until no worker is in it.
    """

    __slots__ = ("inputs", "outputs")

    def __init__(
        self,
        lane: Lane,
        owner: object,
        inputs: Sequence[BoundInput],
        outputs: Sequence[BoundOutput],
    ) -> None:
        super().__init__(lane, owner)
        self.inputs = inputs
        self.outputs = outputs

    def run(self, program: Program) -> None:
        device: dict[str, Bytes] = {}
        for codec, data in self.inputs:
            device.update(codec.encode(data))
        results = program.compute(device)
        for output, out in self.outputs:
            check_streams(self.aborted_stream, output.stream_names)
            if not self.settled:
                decode(output, results, out)
