"""Deprecated home of the settings of power measurements."""

import warnings

from hailo_platform._profile import PROFILE as _PROFILE
from hailo_platform._profile import require_module as _require_module

_require_module(_PROFILE.legacy_interfaces, __name__)

from hailo_platform.pyhailort.pyhailort import (  # noqa: E402, F401
    AveragingFactor,
    DvmTypes,
    HailoPowerMeasurementUtils,
    HailoRTException,
    MeasurementBufferIndex,
    PowerMeasurementTypes,
    SamplingPeriod,
)

warnings.warn(
    "Importing power_measurements directly is deprecated. One should use direct hailo_platform instead",
    stacklevel=1,
)
