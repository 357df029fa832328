"""Devices on Ethernet: names of versions before 5; nothing answers."""

from __future__ import annotations

import sys
from typing import Any

from hailo_platform._native import legacy
from hailo_platform._native.device import Device as NativeDevice
from hailo_platform._python.errors import ExceptionWrapper, HailoRTInvalidOperationException
from hailo_platform._python.wrapping import named_errors
from hailo_platform.common.logger.logger import default_logger


class HailoSocket:
    """Sizes of packets."""

    MAX_UDP_PAYLOAD_SIZE = legacy.HailoSocketDefs.MAX_UDP_PAYLOAD_SIZE()
    MIN_UDP_PAYLOAD_SIZE = legacy.HailoSocketDefs.MIN_UDP_PAYLOAD_SIZE()
    MAX_UDP_PADDED_PAYLOAD_SIZE = legacy.HailoSocketDefs.MAX_UDP_PADDED_PAYLOAD_SIZE()
    MIN_UDP_PADDED_PAYLOAD_SIZE = legacy.HailoSocketDefs.MIN_UDP_PADDED_PAYLOAD_SIZE()
    MAX_ALIGNED_UDP_PAYLOAD_SIZE_RTP = legacy.HailoSocketDefs.MAX_ALIGNED_UDP_PAYLOAD_SIZE_RTP()


class HailoUdpScan:
    """Looks for devices on Ethernet."""

    def __init__(self) -> None:
        self._logger = default_logger()
        with ExceptionWrapper():
            self._scan = legacy.UdpScan()

    def scan_devices(self, interface_name: str, timeout_seconds: float = 3) -> list[str]:
        """Refused."""
        self._logger.info(f"Scanning over interface {interface_name}")
        return self._scan.scan_devices(interface_name, int(timeout_seconds * 1000))


class NetworkRateLimiter:
    """Limits what goes to a device."""

    def __init__(self, ip: str, port: int, rate_bytes_per_sec: float) -> None:
        if sys.platform != "linux":
            raise HailoRTInvalidOperationException("NetworkRateLimiter is supported only on UNIX os")
        self._ip = ip
        self._port = port
        self._rate_bytes_per_sec = rate_bytes_per_sec

    @named_errors
    def set_rate_limit(self) -> Any:
        """Refused."""
        return legacy.NetworkRateLimiter.set_rate_limit(self._ip, self._port, int(self._rate_bytes_per_sec))

    @named_errors
    def reset_rate_limit(self) -> Any:
        """Refused."""
        return legacy.NetworkRateLimiter.reset_rate_limit(self._ip, self._port)

    @named_errors
    def get_interface_name(ip: Any) -> Any:
        """Refused."""
        return legacy.NetworkRateLimiter.get_interface_name(ip)


class InternalEthernetDevice:
    """A device by its address."""

    def __init__(
        self, address: str, port: int, response_timeout_seconds: float = 10, max_number_of_attempts: int = 3
    ) -> None:
        self.device: Any = None
        self._address = address
        self._port = port
        self._response_timeout_milliseconds = int(response_timeout_seconds * 1000)
        self._max_number_of_attempts = max_number_of_attempts
        with ExceptionWrapper():
            timeout = self._response_timeout_milliseconds
            self.device = NativeDevice.create_eth(address, port, timeout, max_number_of_attempts)

    def __del__(self) -> None:
        self.release()

    def release(self) -> None:
        """Close it. May be called twice."""
        if self.device is not None:
            with ExceptionWrapper():
                self.device.release()
            self.device = None
