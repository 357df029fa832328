"""``hailo_platform`` without a chip: the vendor's Python package, over Hailstack's software NPU.

Which version and chip it plays is in ``hailstack.emulator.settings``. The log files that the vendor's package leaves
in the working directory are not written.
"""

from pathlib import Path as _Path

from hailo_platform._profile import PROFILE as _PROFILE
from hailo_platform._profile import adopt as _adopt
from hailo_platform.pyhailort.pyhailort import (
    HEF,
    AsyncInferJob,
    AveragingFactor,
    ConfigureParams,
    Device,
    DvmTypes,
    Endianness,
    FormatOrder,
    FormatType,
    HailoCommunicationClosedException,
    HailoCpuId,
    HailoFormatFlags,
    HailoPowerMode,
    HailoRTException,
    HailoRTStreamAbortedByUser,
    HailoSchedulingAlgorithm,
    HailoStreamDirection,
    HailoStreamInterface,
    InferVStreams,
    InputVStreamParams,
    InputVStreams,
    MeasurementBufferIndex,
    OutputVStreamParams,
    OutputVStreams,
    PowerMeasurementTypes,
    SamplingPeriod,
    VDevice,
)


class MissingPyHRTLib(Exception):
    """The compiled module is missing. Never here."""


def join_drivers_path(path: str) -> str:
    """A path inside the folder ``drivers`` of this package."""
    return str(_Path(__file__).resolve().parent / "drivers" / path)


__version__ = _PROFILE.version
__all__ = [
    "HEF",
    "AsyncInferJob",
    "AveragingFactor",
    "ConfigureParams",
    "Device",
    "DvmTypes",
    "Endianness",
    "FormatOrder",
    "FormatType",
    "HailoCommunicationClosedException",
    "HailoCpuId",
    "HailoFormatFlags",
    "HailoPowerMode",
    "HailoRTException",
    "HailoRTStreamAbortedByUser",
    "HailoSchedulingAlgorithm",
    "HailoStreamDirection",
    "HailoStreamInterface",
    "InferVStreams",
    "InputVStreamParams",
    "InputVStreams",
    "MeasurementBufferIndex",
    "OutputVStreamParams",
    "OutputVStreams",
    "PowerMeasurementTypes",
    "SamplingPeriod",
    "VDevice",
    "join_drivers_path",
]

if _PROFILE.legacy_interfaces:
    from hailo_platform.pyhailort.hw_object import EthernetDevice, PcieDevice
    from hailo_platform.pyhailort.pyhailort import (
        IspLightFrequency,
        MipiClockSelection,
        MipiDataTypeRx,
        MipiIspImageInOrder,
        MipiIspImageOutDataType,
        MipiPixelsPerClock,
    )
    from hailo_platform.tools.udp_rate_limiter import UDPRateLimiter

    __all__ += [
        "EthernetDevice",
        "IspLightFrequency",
        "MipiClockSelection",
        "MipiDataTypeRx",
        "MipiIspImageInOrder",
        "MipiIspImageOutDataType",
        "MipiPixelsPerClock",
        "PcieDevice",
        "UDPRateLimiter",
    ]
else:
    from hailo_platform.pyhailort.pyhailort import HailoSession, HailoSessionListener

    __all__ += ["HailoSession", "HailoSessionListener"]


_adopt(globals())
