"""A network group on a device, as the bindings see it."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from hailo_platform._native import enums
from hailo_platform._native.errors import fail, native_statuses
from hailo_platform._native.hef import D2H, H2D, stream_infos, vstream_infos
from hailo_platform._native.infos import StreamInfo, VStreamInfo
from hailo_platform._native.params import ActivateNetworkGroupParams, VStreamParams
from hailo_platform._native.pybind import NativeObject, instance_of, text, uint8, uint32
from hailo_platform._native.vstreams import InputVStreams, OutputVStreams, open_inputs, open_outputs
from hailo_platform._profile import PROFILE
from hailstack.emulator import core
from hailstack.errors import Status
from hailstack.hef import names
from hailstack.hef.model import NetworkGroup


class ActivatedNetworkGroup(NativeObject):
    """A group that is on the chip."""

    __slots__ = ()

    def get_invalid_frames_count(self) -> int:
        """Always 0: the software NPU loses no bytes."""
        return 0

    def get_intermediate_buffer(self, src_context_index: int, src_stream_index: int) -> bytes:
        """Refused: there are no buffers between contexts."""
        fail(Status.NOT_SUPPORTED, "Intermediate buffers are not emulated")


class ActivatedApp(NativeObject):
    """``with``: puts a group on the chip and takes it off."""

    __slots__ = ("_activation", "_group")
    _activation: core.Activation | None
    _group: core.ConfiguredGroup

    def __enter__(self) -> ActivatedNetworkGroup:
        with native_statuses:
            self._activation = self._group.activate()
        return ActivatedNetworkGroup.__new__(ActivatedNetworkGroup)

    def __exit__(self, *_args: object) -> None:
        if self._activation is not None:
            self._activation.close()
        self._activation = None


class ConfiguredNetworkGroup(NativeObject):
    """A network group that is ready to run. It dies with its virtual device."""

    __slots__ = ("_configured", "_device", "_params")
    _configured: core.ConfiguredGroup
    _device: weakref.ref[core.VirtualDevice]
    _params: core.GroupParams

    def _get(self) -> core.ConfiguredGroup:
        device = self._device()
        if device is None or device.released:
            fail(Status.INTERNAL_FAILURE, "The network group is used after its VDevice was released")
        return self._configured

    @property
    def _model(self) -> NetworkGroup:
        return self._get().group

    def is_scheduled(self) -> bool:
        """Whether the scheduler decides when it runs."""
        return self._get().scheduled

    def get_name(self) -> str:
        """The group's name."""
        return self._get().name

    def get_default_streams_interface(self) -> Any:
        """PCIe, the only one there is."""
        self._get()
        return enums.StreamInterface.PCIe

    def activate(self, network_group_params: ActivateNetworkGroupParams) -> ActivatedApp:
        """Something to enter: only that puts the group on the chip."""
        instance_of(ActivateNetworkGroupParams)(network_group_params)
        made = ActivatedApp.__new__(ActivatedApp)
        made._group, made._activation = self._get(), None
        return made

    def wait_for_activation(self, timeout_ms: int) -> None:
        """Return when the group is on the chip."""
        with native_statuses:
            self._get().wait_for_activation(uint32(timeout_ms))

    def InputVStreams(self, input_vstreams_params: Mapping[str, VStreamParams]) -> InputVStreams:
        """Open inputs."""
        return open_inputs(self._get(), input_vstreams_params)

    def OutputVStreams(self, output_vstreams_params: Mapping[str, VStreamParams]) -> OutputVStreams:
        """Open outputs."""
        return open_outputs(self._get(), output_vstreams_params)

    def set_scheduler_timeout(self, timeout: int, network_name: str) -> None:
        """How long frames may wait for the threshold, in milliseconds."""
        with native_statuses:
            self._get().set_scheduler_timeout(uint32(timeout), network_name or None)

    def set_scheduler_threshold(self, threshold: int) -> None:
        """How many frames must wait before the group asks for the chip."""
        with native_statuses:
            self._get().set_scheduler_threshold(uint32(threshold))

    def set_scheduler_priority(self, priority: int) -> None:
        """0 (last) to 31 (first)."""
        with native_statuses:
            self._get().set_scheduler_priority(uint8(priority))

    def get_networks_names(self) -> list[str]:
        """Names of its networks."""
        return [network.name for network in self._model.networks]

    def get_sorted_output_names(self) -> list[str]:
        """Output virtual streams in the compiler's order."""
        return list(self._model.sorted_output_names)

    def get_input_vstream_infos(self, name: str) -> list[VStreamInfo]:
        """Of one network, or (empty name) of all."""
        return vstream_infos(self._model, self._network(name), H2D)

    def get_output_vstream_infos(self, name: str) -> list[VStreamInfo]:
        """In the order of the sorted output names."""
        return vstream_infos(self._model, self._network(name), D2H)

    def get_all_vstream_infos(self, name: str) -> list[VStreamInfo]:
        """Inputs, then outputs."""
        return vstream_infos(self._model, self._network(name), H2D, D2H)

    def get_input_stream_infos(self, name: str) -> list[StreamInfo]:
        """In the order of the file."""
        return stream_infos(self._model, self._network(name), H2D)

    def get_output_stream_infos(self, name: str) -> list[StreamInfo]:
        """In the order of the file."""
        return stream_infos(self._model, self._network(name), D2H)

    def get_all_stream_infos(self, name: str) -> list[StreamInfo]:
        """Inputs, then outputs."""
        return stream_infos(self._model, self._network(name), H2D, D2H)

    def get_vstream_names_from_stream_name(self, stream_name: str) -> list[str]:
        """Virtual streams that a stream feeds."""
        with native_statuses:
            return list(names.vstream_names_of(self._model, text(stream_name)))

    def get_stream_names_from_vstream_name(self, vstream_name: str) -> list[str]:
        """Streams behind a virtual stream."""
        with native_statuses:
            return list(names.stream_names_of(self._model, text(vstream_name)))

    def make_input_vstream_params(
        self, name: str, format_type: Any, timeout_ms: int, queue_size: int
    ) -> dict[str, VStreamParams]:
        """Parameters for every input of one network, or of all."""
        return _make_params(self.get_input_vstream_infos(name), format_type, timeout_ms, queue_size)

    def make_output_vstream_params(
        self, name: str, format_type: Any, timeout_ms: int, queue_size: int
    ) -> dict[str, VStreamParams]:
        """Parameters for every output of one network, or of all."""
        return _make_params(self.get_output_vstream_infos(name), format_type, timeout_ms, queue_size)

    def _network(self, name: str) -> str | None:
        if text(name) in ("", self._model.name):
            return None
        if name in self.get_networks_names():
            return name
        fail(Status.NOT_FOUND, f"No network of {self._model.name} is called {name!r}")

    def _no_cache(self, *_args: object) -> Any:
        fail(Status.NOT_SUPPORTED, "Caches on the device are not emulated")

    init_cache = update_cache_offset = read_cache_buffer = write_cache_buffer = _no_cache

    def get_cache_ids(self) -> list[int]:
        """None: no HEF has a cache here."""
        return []

    if PROFILE.legacy_interfaces:

        def get_udp_rates_dict(self, fps: int, max_supported_rate_bytes: int) -> dict[int, int]:
            """Refused as for every device that is not on Ethernet."""
            fail(Status.INVALID_OPERATION, "There are no udp input streams in this network_group.")


def make_network_group(
    configured: core.ConfiguredGroup, device: core.VirtualDevice, params: core.GroupParams
) -> ConfiguredNetworkGroup:
    """A new object around the software NPU's group."""
    made = ConfiguredNetworkGroup.__new__(ConfiguredNetworkGroup)
    made._configured, made._device, made._params = configured, weakref.ref(device), params
    return made


def core_group(native: ConfiguredNetworkGroup) -> core.ConfiguredGroup:
    """The software NPU's group. Raises status 8 after its virtual device was released."""
    return instance_of(ConfiguredNetworkGroup)(native)._get()


def batch_size(native: ConfiguredNetworkGroup) -> int:
    """Frames that a multi-context group takes at once."""
    sizes = [native._params.batch_size, *native._params.network_batch_sizes.values()]
    return next((size for size in sizes if size), 1)


def _make_params(
    infos: list[VStreamInfo], format_type: Any, timeout_ms: int, queue_size: int
) -> dict[str, VStreamParams]:
    made = {}
    for info in infos:
        params = made[info.name] = VStreamParams()
        params.user_buffer_format.type = format_type
        params.timeout_ms, params.queue_size = timeout_ms, queue_size
    return made
