"""Alias of ``hailo_platform.pyhailort.control_object``."""

from hailo_platform.pyhailort.control_object import *  # noqa: F403
