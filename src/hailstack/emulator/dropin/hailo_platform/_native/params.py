"""What a program asks for: how to open devices, configure groups, and which frames virtual streams take."""

from __future__ import annotations

from typing import Any

from hailo_platform._native import enums
from hailo_platform._native.errors import fail
from hailo_platform._native.pybind import (
    NativeObject,
    checked,
    field,
    instance_of,
    mismatch,
    readonly,
    text,
    uint16,
    uint32,
)
from hailo_platform._native.records import HailoFormat
from hailo_platform._profile import PROFILE
from hailstack.errors import Status


class VStreamParams(NativeObject):
    """The frames that a virtual stream takes or gives, how long it waits and how many it keeps."""

    __slots__ = (
        "_pipeline_elements_stats_flags",
        "_queue_size",
        "_timeout_ms",
        "_user_buffer_format",
        "_vstream_stats_flags",
    )

    def __init__(self) -> None:
        stats = enums.VStreamStatsFlags.NONE, enums.PipelineElemStatsFlags.NONE
        self.__setstate__((HailoFormat(), 0, 0, *stats))

    user_buffer_format = checked("user_buffer_format", instance_of(HailoFormat))
    timeout_ms = checked("timeout_ms", uint32)
    queue_size = checked("queue_size", uint32)
    vstream_stats_flags = field("vstream_stats_flags")
    pipeline_elements_stats_flags = field("pipeline_elements_stats_flags")

    def __getstate__(self) -> tuple[Any, ...]:
        flags = self._vstream_stats_flags, self._pipeline_elements_stats_flags
        return self._user_buffer_format, self._timeout_ms, self._queue_size, *flags

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._user_buffer_format, self._timeout_ms, self._queue_size = state[:3]
        self._vstream_stats_flags, self._pipeline_elements_stats_flags = state[3:]


class NetworkParameters(NativeObject):
    """Batch size of one network of a group."""

    __slots__ = ("_batch_size",)

    def __init__(self) -> None:
        self._batch_size = 0

    batch_size = checked("batch_size", uint16)


def _interface_params(interface: str, direction: str) -> Any:
    """The view of a C union's member, valid only for one interface and direction."""

    def read(self: StreamParameters) -> object:
        if self._stream_interface != getattr(enums.StreamInterface, interface):
            fail(Status.INVALID_OPERATION, f"Stream params interface is not {interface}.")
        if self._direction != getattr(enums.StreamDirection, direction):
            fail(Status.INVALID_OPERATION, f"Stream params direction is not {direction}.")
        return self._members.setdefault((interface, direction), _union_member(interface, direction))

    return readonly(read)


class StreamParameters(NativeObject):
    """How one stream is connected."""

    __slots__ = ("_direction", "_members", "_stream_interface")

    _direction: Any
    _members: dict[tuple[str, str], object]
    _stream_interface: Any

    stream_interface = checked("stream_interface", instance_of(enums.StreamInterface))
    direction = field("direction")
    pcie_input_params = _interface_params("PCIe", "H2D")
    pcie_output_params = _interface_params("PCIe", "D2H")
    integrated_input_params = _interface_params("INTEGRATED", "H2D")
    integrated_output_params = _interface_params("INTEGRATED", "D2H")
    if PROFILE.legacy_interfaces:
        eth_input_params = _interface_params("ETH", "H2D")
        eth_output_params = _interface_params("ETH", "D2H")
        mipi_input_params = _interface_params("MIPI", "H2D")


def make_stream_parameters(interface: Any, direction: Any) -> StreamParameters:
    """Default parameters of one stream."""
    made = StreamParameters.__new__(StreamParameters)
    made._stream_interface, made._direction, made._members = interface, direction, {}
    return made


class _Empty(NativeObject):
    __slots__ = ()

    def __init__(self) -> None:
        pass


class PcieInputStreamParams(_Empty):
    """Nothing to set."""

    __slots__ = ()


class PcieOutputStreamParams(_Empty):
    """Nothing to set."""

    __slots__ = ()


class IntegratedInputStreamParams(_Empty):
    """Nothing to set."""

    __slots__ = ()


class IntegratedOutputStreamParams(_Empty):
    """Nothing to set."""

    __slots__ = ()


_UNION = {
    ("PCIe", "H2D"): PcieInputStreamParams,
    ("PCIe", "D2H"): PcieOutputStreamParams,
    ("INTEGRATED", "H2D"): IntegratedInputStreamParams,
    ("INTEGRATED", "D2H"): IntegratedOutputStreamParams,
}


def _union_member(interface: str, direction: str) -> object:
    return _UNION.get((interface, direction), _Empty)()


class ConfigureParams(NativeObject):
    """Batch size, power mode and connections of a network group. The dictionaries are copies of shared objects."""

    __slots__ = ("_batch_size", "_network_params", "_power_mode", "_stream_params")

    def __init__(self) -> None:
        self._batch_size, self._power_mode = 0, enums.PowerMode.PERFORMANCE
        self._stream_params: dict[str, StreamParameters] = {}
        self._network_params: dict[str, NetworkParameters] = {}

    batch_size = checked("batch_size", uint16)
    power_mode = checked("power_mode", instance_of(enums.PowerMode))

    @property
    def stream_params_by_name(self) -> dict[str, StreamParameters]:
        """Stream name → parameters."""
        return dict(self._stream_params)

    @stream_params_by_name.setter
    def stream_params_by_name(self, params: dict[str, StreamParameters]) -> None:
        self._stream_params = dict(params)

    @property
    def network_params_by_name(self) -> dict[str, NetworkParameters]:
        """Network name → parameters."""
        return dict(self._network_params)

    @network_params_by_name.setter
    def network_params_by_name(self, params: dict[str, NetworkParameters]) -> None:
        self._network_params = dict(params)


class ActivateNetworkGroupParams(_Empty):
    """Nothing to set."""

    __slots__ = ()

    @staticmethod
    def default() -> ActivateNetworkGroupParams:
        """The only value there is."""
        return ActivateNetworkGroupParams()


class VDeviceParams(NativeObject):
    """How many and which devices to open, with or without the scheduler, shared with whom."""

    __slots__ = ("_device_count", "_device_ids", "_group_id", "_multi_process_service", "_scheduling_algorithm")

    def __init__(self) -> None:
        self._device_count, self._scheduling_algorithm, self._group_id = 0, 0, ""
        self._multi_process_service = False
        self._device_ids: list[str] = []

    @staticmethod
    def default() -> VDeviceParams:
        """One device, nobody to share with; the scheduler is on or off as the version has it."""
        params = VDeviceParams()
        params._device_count, params._group_id = 1, "UNIQUE"
        params._scheduling_algorithm = PROFILE.python_scheduler
        return params

    device_count = checked("device_count", uint32)
    group_id = checked("group_id", text)
    multi_process_service = checked("multi_process_service", bool)

    @property
    def device_ids(self) -> list[str]:
        """Which devices to open; assigning also sets the count."""
        return list(self._device_ids)

    @device_ids.setter
    def device_ids(self, ids: list[str]) -> None:
        if not isinstance(ids, list):
            raise mismatch("list", ids)
        self._device_ids, self._device_count = [text(one) for one in ids], len(ids)

    @property
    def scheduling_algorithm(self) -> int:
        """A plain number, although an enum is assigned."""
        return self._scheduling_algorithm

    @scheduling_algorithm.setter
    def scheduling_algorithm(self, algorithm: object) -> None:
        kind = enums.SchedulingAlgorithm
        self._scheduling_algorithm = int(instance_of(kind)(algorithm))
