"""What a device tells the user by itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.codecs import OutputCodec
from hailstack.emulator.status import StatusError
from hailstack.errors import Status

_LEVELS = {"info": 0, "warning": 1, "error": 2, "critical": 3}


def log(reason: str, level: str = "error") -> None:
    """Print a line to stderr as the vendor's console logger does; ``HAILORT_CONSOLE_LOGGER_LEVEL`` sets the least."""
    least = os.environ.get("HAILORT_CONSOLE_LOGGER_LEVEL", "warning")
    if _LEVELS[level] >= _LEVELS.get(least, 1) and sys.stderr is not None:
        sys.stderr.write(f"[HailoRT] [{level}] {reason}\n")


def decode(codec: OutputCodec, device: Mapping[str, NDArray[np.uint8]], out: NDArray[np.uint8]) -> None:
    """Write one frame of an output. Masks that do not fit are left out with a warning, the frame is good all the same
    (``multi_io_elements.cpp`` does not take ``INSUFFICIENT_BUFFER`` for a failure)."""
    try:
        codec.decode(device, out)
    except StatusError as error:
        if error.status is not Status.INSUFFICIENT_BUFFER:
            raise
        log(str(error), "warning")


class Notices:
    """Errors of a board, each text once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, error: StatusError) -> None:
        """Log ``error``; an abort is what the program asked for, and no news."""
        text = str(error)
        error.told = True
        if error.status is not Status.STREAM_ABORT and text not in self._said:
            self._said.add(text)
            log(text)
