"""Opened HEFs, and how their groups may be configured."""

from __future__ import annotations

from typing import Any

from hailo_platform._native.hef import Hef
from hailo_platform._native.infos import NetworkGroupInfo, StreamInfo, VStreamInfo
from hailo_platform._native.params import ConfigureParams as NativeConfigureParams
from hailo_platform._profile import PROFILE
from hailo_platform._python.errors import ExceptionWrapper, HailoRTException
from hailo_platform._python.wrapping import named_errors


def name_or_empty(name: str | None) -> str:
    """The bindings take an empty name for "whatever is first"."""
    return "" if name is None else name


class HEF:
    """A HEF file: what it contains, readable without a device."""

    def __init__(self, hef_source: str | bytes) -> None:
        with ExceptionWrapper():
            self._hef, self._path = self._open(hef_source)
        self._sorted_output_names: dict[str, list[str]] = {}

    @staticmethod
    def _open(hef_source: Any) -> tuple[Hef, str | None]:
        if isinstance(hef_source, str):
            return Hef.create_from_file(hef_source), hef_source
        if isinstance(hef_source, bytes):
            return Hef.create_from_buffer(hef_source), None
        raise ValueError("HEF can only be created from a file path (str) or a buffer (bytes)")

    @named_errors
    def get_networks_names(self, network_group_name: str | None = None) -> list[str]:
        """Networks of a group, of the first one by default."""
        return self._hef.get_networks_names(name_or_empty(network_group_name))

    @property
    def path(self) -> str | None:
        """The path it was opened with; None for bytes."""
        return self._path

    @named_errors
    def get_network_group_names(self) -> list[str]:
        """In the order of the played version."""
        return self._hef.get_network_group_names()

    @named_errors
    def get_network_groups_infos(self) -> list[NetworkGroupInfo]:
        """Sorted by name."""
        return self._hef.get_network_groups_infos()

    def get_input_vstream_infos(self, name: str | None = None) -> list[VStreamInfo]:
        """Inputs of a group, a network, or the first group."""
        return self._hef.get_input_vstream_infos(name_or_empty(name))

    def get_output_vstream_infos(self, name: str | None = None) -> list[VStreamInfo]:
        """Outputs in the order of the sorted output names."""
        return self._hef.get_output_vstream_infos(name_or_empty(name))

    def get_all_vstream_infos(self, name: str | None = None) -> list[VStreamInfo]:
        """Inputs, then outputs."""
        return self._hef.get_all_vstream_infos(name_or_empty(name))

    def get_input_stream_infos(self, name: str | None = None) -> list[StreamInfo]:
        """Low-level inputs, with padded shapes."""
        return self._hef.get_input_stream_infos(name_or_empty(name))

    def get_output_stream_infos(self, name: str | None = None) -> list[StreamInfo]:
        """Low-level outputs, with padded shapes."""
        return self._hef.get_output_stream_infos(name_or_empty(name))

    def get_all_stream_infos(self, name: str | None = None) -> list[StreamInfo]:
        """Low-level inputs and outputs, in the order of the file."""
        return self._hef.get_all_stream_infos(name_or_empty(name))

    def get_sorted_output_names(self, network_group_name: str | None = None) -> list[str]:
        """Outputs in the compiler's order."""
        name = self._group_name(network_group_name)
        if name not in self._sorted_output_names:
            with ExceptionWrapper():
                self._sorted_output_names[name] = self._hef.get_sorted_output_names(name)
        return self._sorted_output_names[name]

    @named_errors
    def bottleneck_fps(self, network_group_name: str | None = None) -> float:
        """What the compiler expects of the chip. Raises when it did not say."""
        if fps := self._hef.get_bottleneck_fps(self._group_name(network_group_name)):
            return fps
        raise HailoRTException("bottleneck_fps is zero")

    @named_errors
    def get_vstream_name_from_original_name(self, original_name: str, network_group_name: str | None = None) -> str:
        """The output that a layer of the original model became."""
        return self._hef.get_vstream_name_from_original_name(original_name, self._group_name(network_group_name))

    @named_errors
    def get_original_names_from_vstream_name(
        self, vstream_name: str, network_group_name: str | None = None
    ) -> list[str]:
        """Layers of the original model behind an input or output."""
        return self._hef.get_original_names_from_vstream_name(vstream_name, self._group_name(network_group_name))

    @named_errors
    def get_vstream_names_from_stream_name(self, stream_name: str, network_group_name: str | None = None) -> list[str]:
        """Virtual streams that a stream feeds."""
        return self._hef.get_vstream_names_from_stream_name(stream_name, self._group_name(network_group_name))

    @named_errors
    def get_stream_names_from_vstream_name(
        self, vstream_name: str, network_group_name: str | None = None
    ) -> list[str]:
        """Streams behind a virtual stream."""
        return self._hef.get_stream_names_from_vstream_name(vstream_name, self._group_name(network_group_name))

    def _group_name(self, name: str | None) -> str:
        return self.get_network_group_names()[0] if name is None else name

    if PROFILE.legacy_interfaces:

        @named_errors
        def get_udp_rates_dict(
            self, fps: int, max_supported_rate_bytes: float, network_group_name: str | None = None
        ) -> dict[str, int]:
            """Bytes a second that each input needs over Ethernet."""
            name = self._group_name(network_group_name)
            return self._hef.get_udp_rates_dict(name, fps, int(max_supported_rate_bytes))

    if PROFILE.genai:

        @named_errors
        def _get_external_resources(self, resource_name: str) -> bytes:
            return self._hef.get_external_resources(resource_name)

        @named_errors
        def _get_external_resource_names(self) -> list[str]:
            return self._hef.get_external_resource_names()

    elif PROFILE.by_score:

        @named_errors
        def _get_external_resources(self) -> Any:  # type: ignore[misc]
            return self._hef.get_external_resources()  # type: ignore[call-arg]


class _FromHef:
    @staticmethod
    @named_errors
    def create_from_hef(hef: HEF, interface: Any) -> dict[str, NativeConfigureParams]:
        """Group name → parameters that may be changed before ``VDevice.configure``."""
        return hef._hef.create_configure_params(interface)


if PROFILE.legacy_interfaces:
    from hailo_platform._python.mipi import MipiInputs

    class ConfigureParams(_FromHef, MipiInputs):
        """How the groups of a HEF are configured."""
else:

    class ConfigureParams(_FromHef):  # type: ignore[no-redef]
        """How the groups of a HEF are configured."""
