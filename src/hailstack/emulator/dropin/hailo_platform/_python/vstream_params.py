"""Parameters of virtual streams, made for all inputs or outputs of a configured network."""

from __future__ import annotations

from typing import Any

from hailo_platform._native.enums import FormatType
from hailo_platform._native.params import VStreamParams
from hailo_platform._python.wrapping import named_errors

DEFAULT_VSTREAM_TIMEOUT_MS = 10000
DEFAULT_VSTREAM_QUEUE_SIZE = 2


def _choices(
    format_type: Any, timeout_ms: int | None, queue_size: int | None, network_name: str | None
) -> tuple[str, Any, int, int]:
    """What the bindings take, with the defaults filled in."""
    return (
        "" if network_name is None else network_name,
        FormatType.AUTO if format_type is None else format_type,
        DEFAULT_VSTREAM_TIMEOUT_MS if timeout_ms is None else timeout_ms,
        DEFAULT_VSTREAM_QUEUE_SIZE if queue_size is None else queue_size,
    )


class InputVStreamParams:
    """Parameters of inputs. ``quantized`` does nothing."""

    @staticmethod
    @named_errors
    def make(
        configured_network: Any,
        quantized: bool | None = None,
        format_type: Any = None,
        timeout_ms: int | None = None,
        queue_size: int | None = None,
        network_name: str | None = None,
    ) -> dict[str, VStreamParams]:
        """Input name → parameters."""
        choices = _choices(format_type, timeout_ms, queue_size, network_name)
        return configured_network._configured_network.make_input_vstream_params(*choices)  # type: ignore[no-any-return]

    make_from_network_group = make


class OutputVStreamParams:
    """Parameters of outputs. ``quantized`` does nothing."""

    @staticmethod
    @named_errors
    def make(
        configured_network: Any,
        quantized: bool | None = None,
        format_type: Any = None,
        timeout_ms: int | None = None,
        queue_size: int | None = None,
        network_name: str | None = None,
    ) -> dict[str, VStreamParams]:
        """Output name → parameters."""
        choices = _choices(format_type, timeout_ms, queue_size, network_name)
        return configured_network._configured_network.make_output_vstream_params(*choices)  # type: ignore[no-any-return]

    make_from_network_group = make

    @staticmethod
    def make_groups(
        configured_network: Any,
        quantized: bool | None = None,
        format_type: Any = None,
        timeout_ms: int | None = None,
        queue_size: int | None = None,
    ) -> list[dict[str, VStreamParams]]:
        """Parameters of all outputs, those that come from one low-level stream together."""
        remaining = OutputVStreamParams.make(configured_network, quantized, format_type, timeout_ms, queue_size)
        groups = []
        for stream in configured_network.get_output_stream_infos():
            names = configured_network.get_vstream_names_from_stream_name(stream.name)
            if group := {name: remaining.pop(name) for name in names if name in remaining}:
                groups.append(group)
        return groups
