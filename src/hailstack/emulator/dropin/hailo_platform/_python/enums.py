"""Enums that the Python layer renames. Members are those of the bindings and print as such."""

from __future__ import annotations

from hailo_platform._native import enums


class HailoSchedulingAlgorithm(enums.SchedulingAlgorithm):  # type: ignore[misc, valid-type]
    """Whether groups share the device's time."""


class HailoPowerMode(enums.PowerMode):  # type: ignore[misc, valid-type]
    """How fast the core runs."""


class HailoStreamInterface(enums.StreamInterface):  # type: ignore[misc, valid-type]
    """How a stream is connected."""


class HailoStreamDirection(enums.StreamDirection):  # type: ignore[misc, valid-type]
    """To or from the device."""


class HailoCpuId(enums.CpuId):  # type: ignore[misc, valid-type]
    """The device's processors."""


class HailoFormatFlags(enums.FormatFlags):  # type: ignore[misc, valid-type]
    """Flags of a format."""
