"""Alias of ``hailo_platform.pyhailort.i2c_slaves``."""

from hailo_platform.pyhailort.i2c_slaves import *  # noqa: F403
