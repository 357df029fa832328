"""The NPU as this process opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hailstack.errors import InputError
from hailstack.runtime.batch import Batch
from hailstack.runtime.facts import Thresholds
from hailstack.runtime.platform import Platform

GROUP = "SHARED"
"""Devices of one process with the same group are one device, so that several sessions share a chip."""

HIGHEST_PRIORITY = 31
NORMAL_PRIORITY = 16


@dataclass(frozen=True, slots=True)
class Turn:
    """When a model's turn comes on a device that several share: parameters of HailoRT's scheduler.

    Raises:
        InputError: a number is out of its range.
    """

    priority: int | None = None
    """Which of several models is served first, 0 (last) to 31; None: 16."""
    threshold: int | None = None
    """Frames that must wait before its turn comes, unless the device has nothing else to do; None: 1."""
    timeout_ms: int | None = None
    """After so long since its last turn, fewer frames will do; None: at once."""

    def __post_init__(self) -> None:
        _demand("priority", self.priority, HIGHEST_PRIORITY)
        _demand("threshold", self.threshold, None)
        _demand("timeout_ms", self.timeout_ms, None)

    def apply(self, model: Any) -> None:
        """Tell a configured model of HailoRT."""
        if self.priority is not None:
            model.set_scheduler_priority(self.priority)
        if self.threshold is not None:
            model.set_scheduler_threshold(self.threshold)
        if self.timeout_ms is not None:
            model.set_scheduler_timeout(self.timeout_ms)


@dataclass(frozen=True, slots=True, eq=False)
class RunnerOptions:
    """What a runner opens, and how it runs it; explained at :class:`hailstack.runtime.Session`."""

    platform: Platform
    path: str
    batch_size: int
    timeout_ms: int
    thresholds: Thresholds
    turn: Turn
    native_outputs: bool
    book: Callable[[Batch], Any] | None
    """Told of each submission that is done."""


def _demand(name: str, value: int | None, most: int | None) -> None:
    if value is not None and not 0 <= value <= (value if most is None else most):
        wanted = "at least 0" if most is None else f"within 0..{most}"
        message = f"the {name} is {value}, it must be {wanted}"
        raise InputError(message)


def open_device(platform: Platform) -> Any:
    """A ``VDevice`` with the scheduler on: nobody activates anything, models take turns.

    4.x switches the scheduler off and 5.x on by default; here it never depends on the version.
    """
    module = platform.module
    params = module.VDevice.create_params()
    params.scheduling_algorithm = module.HailoSchedulingAlgorithm.ROUND_ROBIN
    params.group_id = GROUP
    return module.VDevice(params)
