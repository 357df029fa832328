"""Alias of ``hailo_platform.pyhailort.power_measurement``."""

from hailo_platform.pyhailort.power_measurement import *  # noqa: F403
