"""Constants of the library, which the bindings offer as functions."""

from __future__ import annotations

from hailo_platform._native import infos
from hailo_platform._native.enums import TransformMode
from hailo_platform._native.pybind import UINT32_MAX, NativeObject, checked, instance_of
from hailo_platform._native.records import HailoFormat
from hailo_platform._profile import PROFILE

ETH_CONTROL_PORT = 22401
ETH_INPUT_BASE_PORT = 32401
ETH_OUTPUT_BASE_PORT = 32501


class HailoRTDefaults(NativeObject):
    """Defaults of the library."""

    __slots__ = ()

    @staticmethod
    def HAILO_INFINITE() -> int:
        """A timeout that never ends, in milliseconds."""
        return UINT32_MAX

    if PROFILE.legacy_interfaces:

        @staticmethod
        def HAILO_DEFAULT_ETH_CONTROL_PORT() -> int:
            """Port of the device's control protocol."""
            return ETH_CONTROL_PORT

    @staticmethod
    def BBOX_PARAMS() -> int:
        """Numbers of one box."""
        return infos.BBOX_PARAMS

    @staticmethod
    def DEVICE_BASE_INPUT_STREAM_PORT() -> int:
        """First port of inputs on Ethernet."""
        return ETH_INPUT_BASE_PORT

    @staticmethod
    def DEVICE_BASE_OUTPUT_STREAM_PORT() -> int:
        """First port of outputs on Ethernet."""
        return ETH_OUTPUT_BASE_PORT

    @staticmethod
    def PCIE_ANY_DOMAIN() -> int:
        """A PCIe domain that matches all."""
        return UINT32_MAX

    @staticmethod
    def HAILO_UNIQUE_VDEVICE_GROUP_ID() -> str:
        """The group id of a device that is shared with nobody."""
        return "UNIQUE"


class TransformParams(NativeObject):
    """Whether and into what frames are converted."""

    __slots__ = ("_transform_mode", "_user_buffer_format")

    def __init__(self) -> None:
        self._transform_mode, self._user_buffer_format = TransformMode.NO_TRANSFORM, HailoFormat()

    transform_mode = checked("transform_mode", instance_of(TransformMode))
    user_buffer_format = checked("user_buffer_format", instance_of(HailoFormat))
