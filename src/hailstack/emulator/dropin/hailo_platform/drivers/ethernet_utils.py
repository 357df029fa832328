"""Alias of ``hailo_platform.pyhailort.ethernet_utils``."""

from hailo_platform.pyhailort.ethernet_utils import *  # noqa: F403
