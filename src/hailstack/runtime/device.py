"""The NPU as this process opens it."""

from __future__ import annotations

from typing import Any

from hailstack.runtime.platform import Platform

GROUP = "SHARED"
"""Devices of one process with the same group are one device, so that several sessions share a chip."""


def open_device(platform: Platform) -> Any:
    """A ``VDevice`` with the scheduler on: nobody activates anything, models take turns.

    4.x switches the scheduler off and 5.x on by default; here it never depends on the version.
    """
    module = platform.module
    params = module.VDevice.create_params()
    params.scheduling_algorithm = module.HailoSchedulingAlgorithm.ROUND_ROBIN
    params.group_id = GROUP
    return module.VDevice(params)
