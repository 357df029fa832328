"""Configured network groups and their activation."""

from __future__ import annotations

from typing import Any, List  # noqa: UP035  the vendor's signature

from hailo_platform._native.infos import StreamInfo, VStreamInfo
from hailo_platform._native.network import ActivatedApp, ActivatedNetworkGroup, ConfiguredNetworkGroup
from hailo_platform._native.params import ActivateNetworkGroupParams
from hailo_platform._native.vstreams import InputVStreams, OutputVStreams
from hailo_platform._profile import PROFILE
from hailo_platform._python.errors import ExceptionWrapper, HailoRTException
from hailo_platform._python.hef import name_or_empty
from hailo_platform._python.wrapping import named_errors
from hailo_platform.common.logger.logger import default_logger

_FOR_EVER_MS = 0x7FFFFFFF


class ConfiguredNetwork:
    """A network group that is ready to run. Dies with its VDevice."""

    def __init__(self, configured_network: ConfiguredNetworkGroup) -> None:
        self._configured_network = configured_network
        self._input_vstreams_holders: list[InputVStreams] = []
        self._output_vstreams_holders: list[OutputVStreams] = []

    def get_networks_names(self) -> list[str]:
        """Names of its networks."""
        return self._configured_network.get_networks_names()

    def activate(self, network_group_params: ActivateNetworkGroupParams | None = None) -> Any:
        """Something to enter for inference without the scheduler; with it, a warning and nothing."""
        if self._configured_network.is_scheduled():
            default_logger().warning(
                "Calls to `activate()` when working with scheduler are deprecated! "
                "On future versions this call will raise an error."
            )
            return EmptyContextManager()
        params = network_group_params or self.create_params()
        with ExceptionWrapper():
            return ActivatedNetworkContextManager(self, self._configured_network.activate(params))

    @named_errors
    def wait_for_activation(self, timeout_ms: int | None = None) -> None:
        """Return when the group is on the chip."""
        self._configured_network.wait_for_activation(_FOR_EVER_MS if timeout_ms is None else timeout_ms)

    @staticmethod
    def create_params() -> ActivateNetworkGroupParams:
        """What ``activate`` takes."""
        return ActivateNetworkGroupParams.default()

    @property
    def name(self) -> str:
        """The group's name."""
        return self._configured_network.get_name()

    def get_output_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the outputs in the compiler's order."""
        shapes = {info.name: info.shape for info in self.get_output_vstream_infos()}
        return tuple(shapes[name] for name in self.get_sorted_output_names())

    def get_sorted_output_names(self) -> list[str]:
        """Outputs in the compiler's order."""
        return self._configured_network.get_sorted_output_names()

    def get_input_vstream_infos(self, network_name: str | None = None) -> list[VStreamInfo]:
        """Inputs of one network, or of all."""
        return self._configured_network.get_input_vstream_infos(name_or_empty(network_name))

    def get_output_vstream_infos(self, network_name: str | None = None) -> list[VStreamInfo]:
        """Outputs of one network, or of all."""
        return self._configured_network.get_output_vstream_infos(name_or_empty(network_name))

    def get_all_vstream_infos(self, network_name: str | None = None) -> list[VStreamInfo]:
        """Inputs, then outputs."""
        return self._configured_network.get_all_vstream_infos(name_or_empty(network_name))

    def get_input_stream_infos(self, network_name: str | None = None) -> list[StreamInfo]:
        """Low-level inputs."""
        return self._configured_network.get_input_stream_infos(name_or_empty(network_name))

    def get_output_stream_infos(self, network_name: str | None = None) -> list[StreamInfo]:
        """Low-level outputs."""
        return self._configured_network.get_output_stream_infos(name_or_empty(network_name))

    def get_all_stream_infos(self, network_name: str | None = None) -> list[StreamInfo]:
        """Low-level inputs and outputs, in the order of the file."""
        return self._configured_network.get_all_stream_infos(name_or_empty(network_name))

    def _create_input_vstreams(self, input_vstreams_params: Any) -> InputVStreams:
        holder = self._configured_network.InputVStreams(input_vstreams_params)
        self._input_vstreams_holders.append(holder)
        return holder

    def _create_output_vstreams(self, output_vstreams_params: Any) -> OutputVStreams:
        holder = self._configured_network.OutputVStreams(output_vstreams_params)
        self._output_vstreams_holders.append(holder)
        return holder

    @named_errors
    def get_stream_names_from_vstream_name(self, vstream_name: str) -> list[str]:
        """Streams behind a virtual stream."""
        return self._configured_network.get_stream_names_from_vstream_name(vstream_name)

    @named_errors
    def get_vstream_names_from_stream_name(self, stream_name: str) -> list[str]:
        """Virtual streams that a stream feeds."""
        return self._configured_network.get_vstream_names_from_stream_name(stream_name)

    def set_scheduler_timeout(self, timeout_ms: int, network_name: str | None = None) -> None:
        """How long frames may wait for the threshold."""
        self._configured_network.set_scheduler_timeout(timeout_ms, name_or_empty(network_name))

    def set_scheduler_threshold(self, threshold: int) -> None:
        """How many frames must wait before the group asks for the chip."""
        self._configured_network.set_scheduler_threshold(threshold)

    def set_scheduler_priority(self, priority: int) -> None:
        """0 (last) to 31 (first), 16 by default."""
        self._configured_network.set_scheduler_priority(priority)

    if PROFILE.by_score:

        def init_cache(self, read_offset: int) -> None:
            """Refused: there are no caches."""
            self._configured_network.init_cache(read_offset)
    else:

        def init_cache(self, read_offset: int, write_offset_delta: int) -> None:  # type: ignore[misc]
            """Refused: there are no caches."""
            self._configured_network.init_cache(read_offset, write_offset_delta)

    def update_cache_offset(self, offset_delta_entries: int) -> None:
        """Refused: there are no caches."""
        self._configured_network.update_cache_offset(offset_delta_entries)

    def get_cache_ids(self) -> List[int]:  # noqa: UP006
        """None."""
        return self._configured_network.get_cache_ids()

    def read_cache_buffer(self, cache_id: int) -> bytes:
        """Refused: there are no caches."""
        return self._configured_network.read_cache_buffer(cache_id)  # type: ignore[no-any-return]

    def write_cache_buffer(self, cache_id: int, buffer: bytes) -> None:
        """Refused: there are no caches."""
        self._configured_network.write_cache_buffer(cache_id, buffer)

    if PROFILE.legacy_interfaces:

        @named_errors
        def get_udp_rates_dict(self, fps: float, max_supported_rate_bytes: float) -> dict[int, int]:
            """Refused: the group is not on Ethernet."""
            return self._configured_network.get_udp_rates_dict(int(fps), int(max_supported_rate_bytes))


class EmptyContextManager:
    """What ``activate`` gives under the scheduler: entering yields None."""

    def __init__(self) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *args: object) -> None:
        pass


class ActivatedNetworkContextManager:
    """``with``: the group is on the chip."""

    def __init__(self, configured_network: ConfiguredNetwork, activated_network: ActivatedApp) -> None:
        self._configured_network = configured_network
        self._activated_network = activated_network

    def __enter__(self) -> ActivatedNetwork:
        with ExceptionWrapper():
            return ActivatedNetwork(self._configured_network, self._activated_network.__enter__())

    def __exit__(self, *args: object) -> None:
        self._activated_network.__exit__(*args)


class ActivatedNetwork:
    """A group that is on the chip."""

    def __init__(self, configured_network: ConfiguredNetwork, activated_network: ActivatedNetworkGroup) -> None:
        self._configured_network = configured_network
        self._activated_network = activated_network
        self._last_number_of_invalid_frames_read = 0

    @property
    def name(self) -> str:
        """The group's name."""
        return self._configured_network.name

    def get_number_of_invalid_frames(self, clear: bool = True) -> int:
        """Invalid frames since the last call, or (``clear=False``) since activation."""
        total, before = self._activated_network.get_invalid_frames_count(), self._last_number_of_invalid_frames_read
        self._last_number_of_invalid_frames_read = total
        return total - before if clear else total

    def validate_all_frames_are_valid(self) -> None:
        """Raises HailoRTException when frames were invalid."""
        if number := self.get_number_of_invalid_frames():
            message = f"There are {number} invalid frames."
            raise HailoRTException(message)

    def get_sorted_output_names(self) -> list[str]:
        """Outputs in the compiler's order."""
        return self._configured_network.get_sorted_output_names()

    @named_errors
    def _get_intermediate_buffer(self, src_context_index: int, src_stream_index: int) -> bytes:
        return self._activated_network.get_intermediate_buffer(src_context_index, src_stream_index)
