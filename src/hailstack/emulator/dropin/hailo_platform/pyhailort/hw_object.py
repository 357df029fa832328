"""The deprecated way of opening devices, which versions before 5 had. Every call says what to use instead."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hailo_platform._native.infos import StreamInfo, VStreamInfo
from hailo_platform._profile import PROFILE as _PROFILE
from hailo_platform._profile import adopt as _adopt
from hailo_platform._profile import require_module as _require_module
from hailo_platform.common.logger.logger import default_logger

_require_module(_PROFILE.legacy_interfaces, __name__)

from hailo_platform.pyhailort.control_object import PcieHcpControl, UdpHcpControl  # noqa: E402
from hailo_platform.pyhailort.pyhailort import (  # noqa: E402
    BoardInformation,
    HailoRTException,
    HailoRTTransformUtils,
    HailoUdpScan,
    InternalEthernetDevice,
    InternalPcieDevice,
)

_USE_DEVICE = "Please use VDevice/Device object."
_USE_NETWORK = "Please use ConfiguredNetwork object."
_USE_EITHER = "Please use VDevice/Device object, or derive from it."
_RELEASED = (
    "The device has been released and is not usable. Device is released when the function `release()` is called "
    "explicitly, or when created using a context manager and goes out of scope."
)
_ONE_GROUP = (
    "This function is only supported when there is exactly 1 loaded network group. "
    "Use HEF.get_network_group_names() / ConfiguredNetwork.name / ActivatedNetwork.name"
)


class InferenceTargets:
    """Kinds of devices."""

    UNINITIALIZED = "uninitialized"
    UDP_CONTROLLER = "udp"
    PCIE_CONTROLLER = "pcie"


class HailoHWObjectException(Exception):
    """The object was used in the wrong state."""


class HailoHWObject:
    """Base of deprecated devices."""

    NAME = InferenceTargets.UNINITIALIZED
    IS_HARDWARE = True

    def __init__(self) -> None:
        self._last_interact_time = None
        self._total_time = None
        self._id: str | None = None
        self._hw_arch: str | None = None
        self._logger = default_logger()
        self._debug = False
        self._is_device_used = False
        self._hef_loaded = False
        self._loaded_network_groups: list[Any] = []
        self._logger.warning(f"HailoHWObject is deprecated! {_USE_DEVICE}")

    def __eq__(self, other: object) -> bool:
        return other == type(self).NAME

    __hash__ = None  # type: ignore[assignment]

    def _deprecated(self, what: str, instead: str = _USE_NETWORK) -> None:
        self._logger.warning(f"{what} is deprecated! {instead}".rstrip())

    def _group(self, purpose: str) -> Any:
        if len(self._loaded_network_groups) != 1:
            message = f"{purpose} is only allowed when there is a single loaded network group"
            raise HailoHWObjectException(message)
        return self._loaded_network_groups[0]

    @property
    def name(self) -> str:
        """Kind of device."""
        self._deprecated("HailoHWObject name property", "Please use VDevice/Device object with device_id.")
        return type(self).NAME

    @property
    def is_hardware(self) -> bool:
        """True."""
        self._deprecated("HailoHWObject is_hardware property", _USE_EITHER)
        return type(self).IS_HARDWARE

    @property
    def device_id(self) -> str | None:
        """Name of the device."""
        return self._id

    @property
    def sorted_output_layer_names(self) -> list[str]:
        """Outputs in the compiler's order."""
        instead = "Please use ConfiguredNetwork get_sorted_output_names."
        self._deprecated("HailoHWObject sorted_output_layer_names property", instead)
        group = self._group("Access to sorted_output_layer_names")
        return group.get_sorted_output_names()  # type: ignore[no-any-return]

    @contextmanager
    def use_device(self, *args: object, **kwargs: object) -> Iterator[None]:
        """Does nothing."""
        self._deprecated("HailoHWObject use_device context manager", _USE_DEVICE)
        self._is_device_used = True
        yield
        self._is_device_used = False

    def get_output_device_layer_to_original_layer_map(self) -> dict[str, list[str]]:
        """Stream name → names of virtual streams."""
        self._deprecated("HailoHWObject get_output_device_layer_to_original_layer_map function", "")
        group = self._group("Access to layer names")
        infos = group.get_output_stream_infos()
        return {info.name: group.get_vstream_names_from_stream_name(info.name) for info in infos}

    def get_original_layer_to_device_layer_map(self) -> dict[str, list[str]]:
        """Virtual stream name → names of streams."""
        self._deprecated("HailoHWObject get_original_layer_to_device_layer_map function", "")
        group = self._group("Access to layer names")
        infos = group.get_output_vstream_infos()
        return {info.name: group.get_stream_names_from_vstream_name(info.name) for info in infos}

    @property
    def device_input_layers(self) -> list[str]:
        """Names of input streams."""
        self._deprecated("HailoHWObject device_input_layers function")
        return [info.name for info in self._group("Access to layer names").get_input_stream_infos()]

    @property
    def device_output_layers(self) -> list[str]:
        """Names of output streams."""
        self._deprecated("HailoHWObject device_output_layers function")
        return [info.name for info in self._group("Access to layer names").get_output_stream_infos()]

    def hef_loaded(self) -> bool:
        """Always False."""
        self._deprecated("HailoHWObject hef_loaded function", _USE_EITHER)
        return self._hef_loaded

    def outputs_count(self) -> int:
        """Number of outputs."""
        self._deprecated("HailoHWObject outputs_count function")
        return len(self._group("Access to network vstream info").get_output_vstream_infos())

    def _clear_shapes(self) -> None:
        self._deprecated("HailoHWObject _clear_shapes function")

    @property
    def model_name(self) -> str:
        """Name of the only group."""
        self._deprecated("HailoHWObject model_name property")
        if len(self._loaded_network_groups) != 1:
            raise HailoHWObjectException(_ONE_GROUP)
        return self._loaded_network_groups[0].name  # type: ignore[no-any-return]

    def get_output_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the outputs."""
        self._deprecated("HailoHWObject get_output_shapes function")
        return self._group("Calling get_output_shapes").get_output_shapes()  # type: ignore[no-any-return]


class HailoChipObject(HailoHWObject):
    """A deprecated device with a chip."""

    _device: Any

    def __init__(self) -> None:
        super().__init__()
        self._id = "Generic Hailo Device"
        self._control_object: Any = None
        self._device = None
        self._creation_pid = os.getpid()

    @property
    def control(self) -> Any:
        """Calls to the device."""
        if self._control_object is None:
            raise HailoRTException(_RELEASED)
        return self._control_object

    def get_all_input_layers_dtype(self) -> dict[str, Any]:
        """Stream name → numpy type."""
        self._deprecated("HailoChipObject get_all_input_layers_dtype function")
        return {info.name: HailoRTTransformUtils.get_dtype(info.data_bytes) for info in self.get_input_stream_infos()}

    def _infos(self, function: str, network_name: str | None) -> Any:
        self._deprecated(f"HailoChipObject {function} function")
        kind = "vstream" if "vstream" in function else "stream"
        group = self._group(f"Access to network {kind} info")
        return getattr(group, function)(network_name=network_name)

    def get_input_vstream_infos(self, network_name: str | None = None) -> list[VStreamInfo]:
        """Inputs."""
        return self._infos("get_input_vstream_infos", network_name)  # type: ignore[no-any-return]

    def get_output_vstream_infos(self, network_name: str | None = None) -> list[VStreamInfo]:
        """Outputs."""
        return self._infos("get_output_vstream_infos", network_name)  # type: ignore[no-any-return]

    def get_all_vstream_infos(self, network_name: str | None = None) -> list[VStreamInfo]:
        """Inputs and outputs."""
        return self._infos("get_all_vstream_infos", network_name)  # type: ignore[no-any-return]

    def get_input_stream_infos(self, network_name: str | None = None) -> list[StreamInfo]:
        """Low-level inputs."""
        return self._infos("get_input_stream_infos", network_name)  # type: ignore[no-any-return]

    def get_output_stream_infos(self, network_name: str | None = None) -> list[StreamInfo]:
        """Low-level outputs."""
        return self._infos("get_output_stream_infos", network_name)  # type: ignore[no-any-return]

    def get_all_stream_infos(self, network_name: str | None = None) -> list[StreamInfo]:
        """Low-level inputs and outputs."""
        return self._infos("get_all_stream_infos", network_name)  # type: ignore[no-any-return]

    @property
    def loaded_network_groups(self) -> list[Any]:
        """None: nothing can be configured."""
        return self._loaded_network_groups

    @property
    def _loaded_network_group(self) -> Any:
        return self._group("Access to network layer info")

    def get_input_shape(self, name: str | None = None) -> tuple[int, ...]:
        """Shape of one input, of the first by default."""
        self._deprecated("HailoChipObject get_input_shape function")
        shapes = {info.name: info.shape for info in self.get_input_vstream_infos()}
        wanted = next(iter(shapes)) if name is None else name
        if wanted in shapes:
            return shapes[wanted]  # type: ignore[no-any-return]
        message = f"There is no input named {wanted}! the input names are: {list(shapes)}"
        raise HailoHWObjectException(message)

    def get_index_from_name(self, name: str) -> int:
        """Place of an output in the compiler's order."""
        self._deprecated("HailoChipObject get_index_from_name function")
        names = self.sorted_output_layer_names
        if name in names:
            return names.index(name)
        if len(names) != 1:
            raise HailoHWObjectException("Could not get index for outputs properly.")
        self._logger.warning("Incorrect meta item - layer defuse_name does not match layer name.")
        return 0

    def release(self) -> None:
        """Close it. May be called twice."""
        if self._device is not None:
            self._device.release()
            self._device = None
            self._control_object = None

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *args: object) -> None:
        self.release()

    def __del__(self) -> None:
        if hasattr(self, "_device"):
            self.release()


class EthernetDevice(HailoChipObject):
    """A device on Ethernet: cannot be opened."""

    NAME = InferenceTargets.UDP_CONTROLLER

    def __init__(self, remote_ip: str, remote_control_port: int = 22401) -> None:
        super().__init__()
        self._logger.warning(f"EthernetDevice is deprecated! {_USE_DEVICE}")
        gc.collect()
        self._remote_ip = remote_ip
        self._remote_control_port = remote_control_port
        self._open_device()
        self._id = str(self._remote_ip)
        self._hw_arch = BoardInformation.get_hw_arch_str(self._control_object._identify_info.device_architecture)

    @staticmethod
    def scan_devices(interface_name: str, timeout_seconds: float = 3) -> list[str]:
        """Refused."""
        default_logger().warning(
            "EthernetDevice scan_devices method is deprecated! Please use scan() of Device object."
        )
        return HailoUdpScan().scan_devices(interface_name, timeout_seconds=timeout_seconds)

    def _open_device(self) -> None:
        self._device = InternalEthernetDevice(self._remote_ip, self._remote_control_port)
        port = self._remote_control_port
        self._control_object = UdpHcpControl(self._remote_ip, device=self._device, remote_control_port=port)

    @property
    def remote_ip(self) -> str:
        """Its address."""
        self._deprecated("EthernetDevice remote_ip method", _USE_DEVICE)
        return self._remote_ip


class PcieDevice(HailoChipObject):
    """A device by its place on the PCIe bus."""

    NAME = InferenceTargets.PCIE_CONTROLLER

    def __init__(self, device_info: Any = None) -> None:
        super().__init__()
        self._logger.warning(f"PcieDevice is deprecated! {_USE_DEVICE}")
        gc.collect()
        self._device_info: Any = None
        self._open_device(device_info)
        self._id = str(self._device_info)
        self._hw_arch = BoardInformation.get_hw_arch_str(self._control_object._identify_info.device_architecture)

    @staticmethod
    def scan_devices() -> list[Any]:
        """Places of all chips."""
        default_logger().warning("PcieDevice scan_devices method is deprecated! Please use Device object.")
        return list(InternalPcieDevice.scan_devices())

    def _open_device(self, device_info: Any) -> None:
        self._device = InternalPcieDevice(device_info)
        self._device_info = self._device._device_info
        self._control_object = PcieHcpControl(device=self._device, device_info=self._device_info)


_adopt(globals())
