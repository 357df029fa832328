"""Physical devices."""

from __future__ import annotations

import gc
import os
from typing import Any

from hailo_platform._native.device import Device as NativeDevice
from hailo_platform._profile import PROFILE
from hailo_platform._python.control import Control
from hailo_platform._python.errors import ExceptionWrapper, HailoRTException
from hailo_platform._python.wrapping import named_errors


def the_only(network_groups: list[Any]) -> Any:
    """The single loaded network group."""
    if len(network_groups) != 1:
        raise HailoRTException("Access to network group is only allowed when there is a single loaded network group")
    return network_groups[0]


class Device:
    """One chip. Opening it takes it from nobody: ``identify`` works beside a running program."""

    @classmethod
    def scan(cls) -> list[str]:
        """Names of all chips."""
        return NativeDevice.scan()

    def __init__(self, device_id: str | None = None) -> None:
        gc.collect()
        self._device: NativeDevice | None = None
        self._device_id = self._first_device() if device_id is None else device_id
        self._device = NativeDevice.create(self._device_id)
        self._loaded_network_groups: list[Any] = []
        self._creation_pid = os.getpid()
        self._control_object = Control(self._device)

    @staticmethod
    def _first_device() -> str:
        if ids := Device.scan():
            return ids[0]
        raise HailoRTException("HailoRT device not found in the system")

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *args: object) -> None:
        self.release()

    def __del__(self) -> None:
        if hasattr(self, "_device"):
            self.release()

    def __repr__(self) -> str:
        return f"Device({self._device_id!r})"

    def release(self) -> None:
        """Close it. May be called twice."""
        if self._device is not None:
            with ExceptionWrapper():
                self._device.release()
            self._device = None

    @property
    def device_id(self) -> str:
        """Name of the device."""
        return self._device_id

    @property
    def control(self) -> Control:
        """Calls to the device."""
        return self._control_object

    @property
    def loaded_network_groups(self) -> list[Any]:
        """None: a physical device is not configured."""
        return self._loaded_network_groups

    @property
    def _loaded_network_group(self) -> Any:
        return the_only(self._loaded_network_groups)

    if PROFILE.legacy_interfaces:

        @named_errors
        def read_log(self, count: int, cpu_id: Any) -> Any:
            """Refused: there is no firmware that logs."""
            device: Any = self._device
            return device.read_log(count, cpu_id)
