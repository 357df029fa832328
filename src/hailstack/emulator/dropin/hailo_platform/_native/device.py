"""A physical device of the bindings: who it is works, sensors and firmware do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from hailo_platform._native.errors import fail, native_statuses
from hailo_platform._native.identity import (
    BoardInformation,
    CoreInformation,
    ExtendedDeviceInformation,
    TemperatureInfo,
    core_identify,
    extended_information,
    identify,
    no_temperature,
)
from hailo_platform._native.pybind import NativeObject, readonly
from hailo_platform._profile import PROFILE, device_settings
from hailstack.emulator import core, profiles
from hailstack.errors import Status


def _not_emulated(name: str) -> Callable[..., NoReturn]:
    def refuse(self: Device, *_args: object) -> NoReturn:
        self._check_open()
        fail(Status.UNSUPPORTED_OPCODE, f"{name} is not emulated: the software NPU has no such hardware")

    refuse.__name__ = name
    return refuse


class Device(NativeObject):
    """One chip on the emulated bus. Opening it takes it from nobody."""

    __slots__ = ("_id", "_open", "_overcurrent", "_throttling", "_warned")
    _id: str
    _open: bool
    _overcurrent: bool
    _throttling: bool
    _warned: bool

    @staticmethod
    def scan() -> list[str]:
        """Names of all chips."""
        with native_statuses:
            return list(core.scan_devices(device_settings()))

    @staticmethod
    def create(device_id: str) -> Device:
        """A chip by name. Raises status 2 for one that is not there."""
        if device_id not in Device.scan():
            fail(Status.INVALID_ARGUMENT, f"There is no device {device_id!r}")
        made = Device.__new__(Device)
        made._id, made._open = device_id, True
        made._throttling, made._overcurrent, made._warned = True, False, False
        return made

    if PROFILE.legacy_interfaces:

        @staticmethod
        def create_eth(*_address: object) -> Device:
            """Refused: nothing answers over Ethernet."""
            fail(Status.ETH_FAILURE, "Devices on Ethernet are not emulated")

    @staticmethod
    def create_pcie(device_info: Any) -> Device:
        """A chip by its place on the bus."""
        return Device.create(str(device_info))

    def is_valid(self) -> bool:
        """Whether it is open."""
        return self._open

    def release(self) -> None:
        """Close it. May be called twice."""
        self._open = False

    def _check_open(self) -> None:
        if not self._open:
            fail(Status.INTERNAL_FAILURE, f"Device {self._id} is used after release()")

    def _get_id(self) -> str:
        self._check_open()
        return self._id

    device_id = readonly(_get_id)

    def identify(self) -> BoardInformation:
        """Which chip, firmware and product."""
        self._check_open()
        return identify(profiles.SERIAL_NUMBER)

    def core_identify(self) -> CoreInformation:
        """Firmware of the second core."""
        self._check_open()
        return core_identify()

    def get_extended_device_information(self) -> ExtendedDeviceInformation:
        """Clock, interfaces, ids."""
        self._check_open()
        return extended_information()

    def get_chip_temperature(self) -> TemperatureInfo:
        """Zero, of zero samples, and a warning the first time: programs that show it go on, nobody is fooled."""
        self._check_open()
        if not self._warned:
            self._warned = True
            core.log("The software NPU has no temperature sensor: it reports 0 degrees of 0 samples", "warning")
        return no_temperature()

    def reset(self, mode: object) -> None:
        """Nothing to reset."""
        self._check_open()

    def set_fw_logger(self, level: object, interface_mask: object) -> None:
        """Nothing logs."""
        self._check_open()

    def set_throttling_state(self, should_activate: bool) -> None:
        """Remembered."""
        self._check_open()
        self._throttling = bool(should_activate)

    def get_throttling_state(self) -> bool:
        """What was set; on from the start."""
        self._check_open()
        return self._throttling

    def _set_overcurrent_state(self, should_activate: bool) -> None:
        self._check_open()
        self._overcurrent = bool(should_activate)

    def _get_overcurrent_state(self) -> bool:
        self._check_open()
        return self._overcurrent

    def set_notification_callback(self, callback: object, notification_id: object, opaque: object) -> None:
        """Accepted; the software NPU never notifies."""
        self._check_open()

    def remove_notification_callback(self, notification_id: object) -> None:
        """Accepted."""
        self._check_open()

    def set_sleep_state(self, sleep_state: object) -> None:
        """Accepted."""
        self._check_open()


NOT_EMULATED = (
    "_get_health_information",
    "direct_read_memory",
    "direct_write_memory",
    "erase_user_config",
    "examine_user_config",
    "firmware_update",
    "get_power_measurement",
    "i2c_read",
    "i2c_write",
    "power_measurement",
    "previous_system_state",
    "read_board_config",
    "read_log",
    "read_memory",
    "read_user_config",
    "second_stage_update",
    "sensor_get_sections_info",
    "sensor_load_and_start_config",
    "sensor_reset",
    "sensor_set_generic_i2c_slave",
    "sensor_set_i2c_bus_index",
    "sensor_store_config",
    "set_pause_frames",
    "set_power_measurement",
    "start_power_measurement",
    "stop_power_measurement",
    "store_isp_config",
    "test_chip_memories",
    "wd_config",
    "wd_disable",
    "wd_enable",
    "write_board_config",
    "write_memory",
    "write_user_config",
)
for _name in NOT_EMULATED:
    setattr(Device, _name, _not_emulated(_name))
