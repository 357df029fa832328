"""What the emulated chip computes: one network group, frames of device bytes in, frames of device bytes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.settings import Settings
from hailstack.hef.model import Hef, NetworkGroup

DeviceFrames = Mapping[str, NDArray[np.uint8]]
"""Stream name → one frame in the device's layout, flat, ``stream.frame_bytes`` long."""


class Program(Protocol):
    """A network group that is ready to run."""

    @property
    def workers(self) -> int:
        """How many frames may be computed at once; more callers wait for their turn."""

    def compute(self, inputs: DeviceFrames) -> dict[str, NDArray[np.uint8]]:
        """One frame's outputs, stream name → device bytes. Thread-safe; the same input gives the same bytes always.

        Raises:
            StatusError: the group cannot be computed; ``NOT_SUPPORTED`` for a vendor HEF without a twin.
        """

    def close(self) -> None:
        """Let go of the engine. May be called twice."""


def load_program(hef: Hef, group: NetworkGroup, settings: Settings) -> Program:
    """What ``group`` computes: its own ONNX graph (emulated HEF) or that of its twin (vendor HEF).

    A vendor HEF without a twin loads, so that its streams can be looked at and configured; computing a frame then
    raises ``StatusError(NOT_SUPPORTED)`` with a text that says what a twin is.

    Raises:
        ModelError: the graph cannot be loaded, or does not fit the streams.
        MissingExtraError: the engine of the settings is not installed.
    """
    raise NotImplementedError
