"""An opened HEF as the bindings see it."""

from __future__ import annotations

from typing import Any

from hailo_platform._native import enums
from hailo_platform._native.errors import fail, native_statuses
from hailo_platform._native.infos import (
    NetworkGroupInfo,
    StreamInfo,
    VStreamInfo,
    make_group_info,
    make_stream_info,
    make_vstream_info,
)
from hailo_platform._native.params import ConfigureParams, NetworkParameters, make_stream_parameters
from hailo_platform._native.pybind import NativeObject, instance_of, text
from hailo_platform._native.rates import input_rates
from hailo_platform._profile import PROFILE
from hailstack.emulator.core import log
from hailstack.errors import HefError, Status
from hailstack.hef import names, reader, refusal
from hailstack.hef.formats import Direction
from hailstack.hef.model import Hef as HefModel
from hailstack.hef.model import NetworkGroup

H2D, D2H = Direction.H2D, Direction.D2H


class Hef(NativeObject):
    """A HEF that has been read and found good."""

    __slots__ = ("_model",)
    _model: HefModel

    @staticmethod
    def create_from_file(hef_path: str) -> Hef:
        """Open a file.

        Raises:
            HailoRTStatusException: 13 missing, 14 empty or a directory, 26, 91 or 92 not usable.
        """
        return _open(text(hef_path))

    @staticmethod
    def create_from_buffer(data: bytes) -> Hef:
        """Open bytes in memory. Empty ones are refused like an empty file; the vendor's library crashes on them."""
        if not data:
            fail(Status.FILE_OPERATION_FAILURE, "The buffer is empty")
        return _open(data)

    def get_network_group_names(self) -> list[str]:
        """In the order of the played version."""
        return [group.name for group in reader.list_groups(self._model)]

    def get_network_groups_infos(self) -> list[NetworkGroupInfo]:
        """Sorted by name."""
        ordered = sorted(self._model.groups, key=lambda group: group.name)
        return [make_group_info(group.name, group.is_multi_context) for group in ordered]

    def get_networks_names(self, net_group_name: str) -> list[str]:
        """Of one group, of the first one for the empty name."""
        return [network.name for network in self._group(net_group_name).networks]

    def get_sorted_output_names(self, net_group_name: str) -> list[str]:
        """Output virtual streams in the compiler's order."""
        return list(self._group(net_group_name).sorted_output_names)

    def get_bottleneck_fps(self, net_group_name: str) -> float:
        """What the compiler expects of the chip, 0 when it did not say."""
        return self._group(net_group_name).bottleneck_fps

    def get_input_vstream_infos(self, name: str) -> list[VStreamInfo]:
        """Of a group, a network or (empty) the first group."""
        return vstream_infos(*self._network(name), H2D)

    def get_output_vstream_infos(self, name: str) -> list[VStreamInfo]:
        """In the order of the sorted output names."""
        return vstream_infos(*self._network(name), D2H)

    def get_all_vstream_infos(self, name: str) -> list[VStreamInfo]:
        """Inputs, then outputs."""
        return vstream_infos(*self._network(name), H2D, D2H)

    def get_input_stream_infos(self, name: str) -> list[StreamInfo]:
        """In the order of the file."""
        return stream_infos(*self._network(name), H2D)

    def get_output_stream_infos(self, name: str) -> list[StreamInfo]:
        """In the order of the file."""
        return stream_infos(*self._network(name), D2H)

    def get_all_stream_infos(self, name: str) -> list[StreamInfo]:
        """Inputs, then outputs."""
        return stream_infos(*self._network(name), H2D, D2H)

    def get_vstream_name_from_original_name(self, original_name: str, net_group_name: str) -> str:
        """The virtual stream that a layer of the original model became."""
        with native_statuses:
            return names.vstream_of_original_name(self._group(net_group_name), text(original_name))

    def get_original_names_from_vstream_name(self, vstream_name: str, net_group_name: str) -> list[str]:
        """Layers of the original model behind a virtual stream."""
        with native_statuses:
            return list(names.original_names_of(self._group(net_group_name), text(vstream_name)))

    def get_stream_names_from_vstream_name(self, vstream_name: str, net_group_name: str) -> list[str]:
        """Streams behind a virtual stream."""
        with native_statuses:
            return list(names.stream_names_of(self._group(net_group_name), text(vstream_name)))

    def get_vstream_names_from_stream_name(self, stream_name: str, net_group_name: str) -> list[str]:
        """Virtual streams that a stream feeds."""
        with native_statuses:
            return list(names.vstream_names_of(self._group(net_group_name), text(stream_name)))

    def create_configure_params(self, interface: Any) -> dict[str, ConfigureParams]:
        """Defaults for every group."""
        instance_of(enums.StreamInterface)(interface)
        return {group.name: _default_params(group, interface) for group in reader.list_groups(self._model)}

    def _group(self, name: str) -> NetworkGroup:
        with native_statuses:
            return names.find_group(self._model, text(name))

    def _network(self, name: str) -> tuple[NetworkGroup, str]:
        with native_statuses:
            return names.find_network(self._model, text(name))

    if PROFILE.legacy_interfaces:

        def get_udp_rates_dict(self, net_group_name: str, fps: int, max_supported_rate_bytes: int) -> dict[str, int]:
            """Bytes a second that each input needs, within a limit."""
            return input_rates(self._group(net_group_name), fps, max_supported_rate_bytes)

        def create_configure_params_mipi_input(self, output_interface: Any, mipi_params: Any) -> Any:
            """Refused: the software NPU has no camera interface."""
            fail(Status.NOT_SUPPORTED, "MIPI inputs are not emulated")

    if PROFILE.genai:

        def get_external_resources(self, resource_name: str) -> bytes:
            """One blob of the file."""
            if resource_name not in self._model.external_resources:
                fail(Status.NOT_FOUND, f"The HEF has no external resource {resource_name!r}")
            return bytes(self._model.external_resources[resource_name])

        def get_external_resource_names(self) -> list[str]:
            """Names of the blobs in the file."""
            return list(self._model.external_resources)

    elif PROFILE.by_score:

        def get_external_resources(self) -> dict[str, bytes]:  # type: ignore[misc]
            """All blobs of the file."""
            return {name: bytes(blob) for name, blob in self._model.external_resources.items()}


def _open(source: str | bytes) -> Hef:
    with native_statuses:
        try:
            model = reader.read_hef(source, profile=PROFILE.name)
        except HefError as error:
            for line in refusal.vendor_log(error, in_memory=isinstance(source, bytes)):
                log(line)
            raise
    opened = Hef.__new__(Hef)
    opened._model = model
    return opened


def hef_model(native: Hef) -> HefModel:
    """The facts behind the bindings' object."""
    return native._model


def vstream_infos(group: NetworkGroup, network: str | None, *directions: Direction) -> list[VStreamInfo]:
    """Virtual streams of a network, or of the whole group. Raises status 61 where there are none."""
    with native_statuses:
        found = [vstream for direction in directions for vstream in names.vstreams_of(group, direction, network)]
    return [make_vstream_info(vstream) for vstream in found]


def stream_infos(group: NetworkGroup, network: str | None, *directions: Direction) -> list[StreamInfo]:
    """Streams of a network, or of the whole group. Raises status 61 where there are none."""
    with native_statuses:
        found = [stream for direction in directions for stream in names.streams_of(group, direction, network)]
    return [make_stream_info(stream) for stream in found]


def _default_params(group: NetworkGroup, interface: Any) -> ConfigureParams:
    params = ConfigureParams()
    streams = [*names.streams_of(group, H2D), *names.streams_of(group, D2H)]
    params.stream_params_by_name = {
        stream.name: make_stream_parameters(interface, enums.StreamDirection(stream.direction))
        for stream in sorted(streams, key=lambda stream: stream.name)
    }
    params.network_params_by_name = {network.name: NetworkParameters() for network in group.networks}
    return params
