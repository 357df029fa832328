"""What a program asks of the device: plain data, with the vendor's defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hailstack.hef.formats import Format, FormatOrder, FormatType

UNIQUE = "UNIQUE"
"""The group id of a device that is shared with nobody."""

INFINITE_MS = 0xFFFFFFFF
"""The vendor's "wait for ever"."""

SCHEDULER_NONE = 0
SCHEDULER_ROUND_ROBIN = 1

PRIORITY_NORMAL = 16
PRIORITY_MAX = 31


@dataclass(slots=True)
class VDeviceParams:
    """How a virtual device is opened (``hailo_vdevice_params_t``)."""

    device_count: int = 1
    """Ignored when :attr:`device_ids` is not empty."""
    scheduling_algorithm: int = SCHEDULER_ROUND_ROBIN
    """0: the program activates one network group at a time. 1: groups share the device's time."""
    device_ids: list[str] = field(default_factory=list)
    """Which devices; empty: any that are free."""
    group_id: str = UNIQUE
    """Virtual devices of one process with the same text share the physical ones."""
    multi_process_service: bool = False


@dataclass(slots=True)
class GroupParams:
    """How one network group is configured (``ConfigureNetworkParams``)."""

    batch_size: int = 0
    """0: the runtime chooses."""
    power_mode: int = 0
    network_batch_sizes: dict[str, int] = field(default_factory=dict)
    """Network name (``group/network``) → batch size; missing or 0: that of the group."""


@dataclass(slots=True)
class VStreamParams:
    """How one virtual stream is built (``hailo_vstream_params_t``)."""

    format: Format = field(default_factory=lambda: Format(FormatType.AUTO, FormatOrder.AUTO))
    timeout_ms: int = 10_000
    queue_size: int = 2


@dataclass(slots=True)
class FrameBuffers:
    """One frame's memory: flat byte views over the user's own arrays, virtual stream name → ``(n,)`` uint8.

    Inputs must not change, and outputs must not be read, until the frame's callback has been called. Other arrays may
    be put here meanwhile.
    """

    inputs: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    outputs: dict[str, NDArray[np.uint8]] = field(default_factory=dict)


def timeout_seconds(timeout_ms: float) -> float | None:
    """``timeout_ms`` as Python's waits want it: seconds, None for the vendor's infinite."""
    return None if timeout_ms >= INFINITE_MS else max(timeout_ms, 0) / 1000.0
