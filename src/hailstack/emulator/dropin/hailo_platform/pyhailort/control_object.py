"""Deprecated controls, which versions before 5 had."""

from __future__ import annotations

from typing import Any

from hailo_platform._profile import PROFILE as _PROFILE
from hailo_platform._profile import adopt as _adopt
from hailo_platform._profile import require_module as _require_module
from hailo_platform.common.logger.logger import default_logger

_require_module(_PROFILE.legacy_interfaces, __name__)

import hailo_platform.pyhailort._pyhailort as _pyhailort  # noqa: E402
from hailo_platform.pyhailort.pyhailort import (  # noqa: E402, F401
    AveragingFactor,
    BoardInformation,
    Control,
    CoreInformation,
    DeviceArchitectureTypes,
    DvmTypes,
    ExceptionWrapper,
    ExtendedDeviceInformation,
    HealthInformation,
    InternalPcieDevice,
    MeasurementBufferIndex,
    PowerMeasurementTypes,
    SamplingPeriod,
)


class ControlObjectException(Exception):
    """A control failed."""


class FirmwareUpdateException(Exception):
    """A firmware update failed."""


class HailoControl(Control):
    """A control."""


class HcpControl(HailoControl):
    """A control over the vendor's protocol."""


class UdpHcpControl(HcpControl):
    """A control over Ethernet."""

    def __init__(
        self,
        remote_ip: str,
        device: Any = None,
        remote_control_port: int = 22401,
        retries: int = 2,
        response_timeout_seconds: float = 10.0,
        ignore_socket_errors: bool = False,
    ) -> None:
        default_logger().warning("UdpHcpControl is deprecated! Please Use Control object")
        super().__init__(_opened(device, _pyhailort.Device.create_eth, remote_ip))


class PcieHcpControl(HcpControl):
    """A control over PCIe."""

    def __init__(self, device: Any = None, device_info: Any = None) -> None:
        default_logger().warning("PcieHcpControl is deprecated! Please Use Control object")
        place = InternalPcieDevice.scan_devices()[0] if device_info is None else device_info
        super().__init__(_opened(device, _pyhailort.Device.create_pcie, place))


def _opened(device: Any, create: Any, address: Any) -> Any:
    if device is not None:
        return device.device
    with ExceptionWrapper():
        return create(address)


_adopt(globals())
