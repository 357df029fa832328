"""Interfaces that versions before 5 had: places on the PCIe bus work, Ethernet and I2C say that they are not there."""

from __future__ import annotations

import re
from typing import NoReturn

from hailo_platform._native.device import Device
from hailo_platform._native.enums import Endianness
from hailo_platform._native.errors import fail
from hailo_platform._native.pybind import UINT32_MAX, NativeObject, checked, instance_of, text, uint8, uint16, uint32
from hailstack.errors import Status

_PLACE = re.compile(r"(?:(?P<domain>[0-9a-f]{4}):)?(?P<bus>[0-9a-f]{2}):(?P<device>[0-9a-f]{2})\.(?P<func>\d)", re.I)


class PcieDeviceInfo(NativeObject):
    """A place on the PCIe bus."""

    __slots__ = ("_bus", "_device", "_domain", "_func")

    def __init__(self) -> None:
        self._domain = self._bus = self._device = self._func = 0

    domain = checked("domain", uint32)
    bus = checked("bus", uint32)
    device = checked("device", uint32)
    func = checked("func", uint32)

    @staticmethod
    def _parse(device_info_str: str) -> PcieDeviceInfo:
        """``[<domain>]:<bus>:<device>.<func>`` in hexadecimal digits."""
        found = _PLACE.match(text(device_info_str))
        if found is None:
            fail(
                Status.INVALID_ARGUMENT,
                f"Invalid device info string (format is [<domain>].<bus>.<device>.<func>) {device_info_str}",
            )
        made = PcieDeviceInfo()
        made.domain = int(found["domain"], 16) if found["domain"] else UINT32_MAX
        made.bus, made.device, made.func = int(found["bus"], 16), int(found["device"], 16), int(found["func"])
        return made

    def __str__(self) -> str:
        short = f"{self._bus:02x}:{self._device:02x}.{self._func}"
        return short if self._domain == UINT32_MAX else f"{self._domain:04x}:{short}"


class PcieScan(NativeObject):
    """Looks for chips on the PCIe bus."""

    __slots__ = ()

    def __init__(self) -> None:
        pass

    def scan_devices(self) -> list[PcieDeviceInfo]:
        """Places of all chips."""
        return [PcieDeviceInfo._parse(device_id) for device_id in Device.scan() if _PLACE.match(device_id)]


class UdpScan(NativeObject):
    """Looks for devices on Ethernet: finds none."""

    __slots__ = ()

    def __init__(self) -> None:
        pass

    def scan_devices(self, interface_name: str, timeout_milliseconds: int) -> list[str]:
        """Refused."""
        fail(Status.ETH_INTERFACE_NOT_FOUND, "Devices on Ethernet are not emulated")


class NetworkRateLimiter(NativeObject):
    """Limits what goes to devices on Ethernet: refuses."""

    __slots__ = ()

    @staticmethod
    def set_rate_limit(ip: str, port: int, rate_bytes_per_sec: int) -> NoReturn:
        """Refused."""
        fail(Status.TRAFFIC_CONTROL_FAILURE, "Rate limits are not emulated")

    @staticmethod
    def reset_rate_limit(ip: str, port: int) -> NoReturn:
        """Refused."""
        fail(Status.TRAFFIC_CONTROL_FAILURE, "Rate limits are not emulated")

    @staticmethod
    def get_interface_name(ip: str) -> NoReturn:
        """Refused."""
        fail(Status.ETH_INTERFACE_NOT_FOUND, "Devices on Ethernet are not emulated")


class I2CSlaveConfig(NativeObject):
    """How to reach a chip behind the device."""

    __slots__ = ("_bus_index", "_endianness", "_register_address_size", "_should_hold_bus", "_slave_address")

    def __init__(self) -> None:
        self._endianness, self._should_hold_bus = Endianness.BIG_ENDIAN, False
        self._slave_address = self._register_address_size = self._bus_index = 0

    endianness = checked("endianness", instance_of(Endianness))
    slave_address = checked("slave_address", uint16)
    register_address_size = checked("register_address_size", uint8)
    bus_index = checked("bus_index", uint8)
    should_hold_bus = checked("should_hold_bus", bool)


class HailoSocketDefs(NativeObject):
    """Sizes of packets on Ethernet."""

    __slots__ = ()

    @staticmethod
    def MAX_UDP_PAYLOAD_SIZE() -> int:
        """Bytes."""
        return 1456

    @staticmethod
    def MIN_UDP_PAYLOAD_SIZE() -> int:
        """Bytes."""
        return 24

    @staticmethod
    def MAX_UDP_PADDED_PAYLOAD_SIZE() -> int:
        """Bytes."""
        return 1448

    @staticmethod
    def MIN_UDP_PADDED_PAYLOAD_SIZE() -> int:
        """Bytes."""
        return 24

    @staticmethod
    def MAX_ALIGNED_UDP_PAYLOAD_SIZE_RTP() -> int:
        """Bytes."""
        return 1472
