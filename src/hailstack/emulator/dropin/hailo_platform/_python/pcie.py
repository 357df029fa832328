"""Devices by their place on the PCIe bus: the old way of opening one."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from hailo_platform._native.device import Device as NativeDevice
from hailo_platform._native.legacy import PcieDeviceInfo as NativePcieDeviceInfo
from hailo_platform._native.legacy import PcieScan
from hailo_platform._native.pybind import UINT32_MAX
from hailo_platform._profile import PROFILE
from hailo_platform._python.errors import ExceptionWrapper, HailoRTException
from hailo_platform._python.wrapping import named_errors

PCIE_ANY_DOMAIN = UINT32_MAX


class PcieDeviceInfo(NativePcieDeviceInfo):
    """A place on the PCIe bus."""

    BOARD_LOCATION_HELP_STRING = (
        "Board location in the format of the command: \"lspci -d 1e60: | cut -d' ' -f1\" "
        "([<domain>]:<bus>:<device>.<func>). If not specified the first board is taken."
    )

    def __init__(self, bus: int, device: int, func: int, domain: int | None = None) -> None:
        super().__init__()
        self.bus, self.device, self.func = bus, device, func
        self.domain = PCIE_ANY_DOMAIN if domain is None else domain

    def __eq__(self, other: Any) -> bool:
        mine, its = (
            (self.domain, self.bus, self.device, self.func),
            (other.domain, other.bus, other.device, other.func),
        )
        return mine == its

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        with ExceptionWrapper():
            return super().__str__()

    def __repr__(self) -> str:
        return f"PcieDeviceInfo({self})"

    @classmethod
    @named_errors
    def from_string(cls, board_location_str: str) -> PcieDeviceInfo:
        """From ``[<domain>]:<bus>:<device>.<func>``."""
        place = NativePcieDeviceInfo._parse(board_location_str)
        return PcieDeviceInfo(place.bus, place.device, place.func, place.domain)

    @classmethod
    def argument_type(cls, board_location_str: str) -> PcieDeviceInfo:
        """The same, for ``argparse``."""
        try:
            return cls.from_string(board_location_str)
        except HailoRTException:
            message = "Invalid device info string, format is [<domain>]:<bus>:<device>.<func>"
            raise ArgumentTypeError(message) from None


class InternalPcieDevice:
    """A device by its place."""

    def __init__(self, device_info: PcieDeviceInfo | None = None) -> None:
        self.device: Any = None
        self._device_info = InternalPcieDevice.scan_devices()[0] if device_info is None else device_info
        with ExceptionWrapper():
            self.device = NativeDevice.create_pcie(self._device_info)

    def __del__(self) -> None:
        self.release()

    def release(self) -> None:
        """Close it. May be called twice."""
        if self.device is not None:
            with ExceptionWrapper():
                self.device.release()
            self.device = None

    @staticmethod
    @named_errors
    def scan_devices() -> list[PcieDeviceInfo]:
        """Places of all chips."""
        return [PcieDeviceInfo(one.bus, one.device, one.func, one.domain) for one in PcieScan().scan_devices()]

    if PROFILE.legacy_interfaces:

        def create_debug_log(self) -> PcieDebugLog:
            """The firmware's log."""
            return PcieDebugLog(self)

        @named_errors
        def write_memory(self, address: int, data: bytes) -> None:
            """Refused."""
            self.device.direct_write_memory(address, data)

        @named_errors
        def read_memory(self, address: int, size: int) -> bytes:
            """Refused."""
            return self.device.direct_read_memory(address, size)  # type: ignore[no-any-return]


class PcieDebugLog:
    """The firmware's log."""

    def __init__(self, pci_device: InternalPcieDevice) -> None:
        self._pcie_device = pci_device

    @named_errors
    def read(self, count: int, cpu_id: Any) -> bytes:
        """Refused: there is no firmware that logs."""
        return self._pcie_device.device.read_log(count, cpu_id)  # type: ignore[no-any-return]
