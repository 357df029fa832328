"""Alias of ``hailo_platform.pyhailort.hailo_control_protocol``."""

from hailo_platform.pyhailort.hailo_control_protocol import *  # noqa: F403
