"""Deprecated home of what devices say about themselves."""

import warnings

from hailo_platform._profile import PROFILE as _PROFILE
from hailo_platform._profile import require_module as _require_module

_require_module(_PROFILE.legacy_interfaces, __name__)

from hailo_platform.pyhailort.pyhailort import (  # noqa: E402, F401
    SUPPORTED_FW_MAJOR,
    SUPPORTED_FW_MINOR,
    SUPPORTED_FW_REVISION,
    SUPPORTED_PROTOCOL_VERSION,
    BoardInformation,
    CoreInformation,
    DeviceArchitectureTypes,
    ExtendedDeviceInformation,
    HailoFirmwareMode,
    HailoFirmwareType,
    HailoFirmwareVersion,
    HealthInformation,
    SupportedFeatures,
    TemperatureThrottlingLevel,
)

warnings.warn(
    "Importing hailo_control_protocol directly is deprecated. One should use direct hailo_platform instead",
    stacklevel=1,
)
