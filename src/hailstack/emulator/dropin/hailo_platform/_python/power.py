"""Numbers behind the settings of power measurements."""

from __future__ import annotations

from typing import Any

from hailo_platform._native.device_enums import AveragingFactor, SamplingPeriod


class HailoPowerMeasurementUtils:
    """What settings of power measurements stand for."""

    @staticmethod
    def return_real_sampling_period(sampling_period: Any) -> int:
        """Microseconds."""
        return int(_known(SamplingPeriod, sampling_period).name.removeprefix("PERIOD_").removesuffix("us"))

    @staticmethod
    def return_real_averaging_factor(averaging_factor: Any) -> int:
        """Number of samples."""
        return int(_known(AveragingFactor, averaging_factor).name.removeprefix("AVERAGE_"))


def _known(kind: Any, value: Any) -> Any:
    return {int(member): member for member in kind.__members__.values()}[value]
