"""Synchronous inference: frames of all inputs in, frames of all outputs back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hailo_platform._native.errors import fail, native_statuses
from hailo_platform._native.network import ConfiguredNetworkGroup, batch_size, core_group
from hailo_platform._native.params import VStreamParams
from hailo_platform._native.pybind import NativeObject, real, uint32
from hailo_platform._native.records import HailoFormat, make_format
from hailo_platform._native.vstreams import CoreStream, check_writable, core_params, stream_shape
from hailstack.emulator import core
from hailstack.errors import Status
from hailstack.hef.formats import FormatOrder
from hailstack.hef.model import NetworkGroup, VStream

Arrays = Mapping[str, NDArray[Any]]
Stream = TypeVar("Stream", core.AnyInputVStream, core.AnyOutputVStream)


class InferVStreams(NativeObject):
    """A pipeline of all inputs and outputs that the parameters name."""

    __slots__ = ("_batch_size", "_group", "_inputs", "_outputs")

    def __init__(
        self,
        network_group: ConfiguredNetworkGroup,
        input_vstreams_params: Mapping[str, VStreamParams],
        output_vstreams_params: Mapping[str, VStreamParams],
    ) -> None:
        self._inputs: dict[str, core.AnyInputVStream] = {}
        self._outputs: dict[str, core.AnyOutputVStream] = {}
        self._group, self._batch_size = core_group(network_group), batch_size(network_group)
        _check_complete(self._group.group, input_vstreams_params, output_vstreams_params)
        with native_statuses:
            self._inputs = _named(self._group.input_vstreams(core_params(input_vstreams_params)))
            self._outputs = _named(self._group.output_vstreams(core_params(output_vstreams_params)))

    def infer(self, input_data: Arrays, output_data: Arrays, batch_size: int) -> None:
        """Write ``batch_size`` frames of every input and fill as many of every output.

        Raises:
            HailoRTStatusException: 2 for sizes that do not fit or inputs that are missing; otherwise why it failed.
        """
        self._check_inputs(input_data)
        frames = [_with_rows(self._find(self._inputs, name), data, batch_size) for name, data in input_data.items()]
        results = [_with_rows(self._find(self._outputs, name), data, batch_size) for name, data in output_data.items()]
        self._check_frames_count(batch_size)
        with native_statuses:
            core.infer(frames, results, batch_size)

    def _check_inputs(self, input_data: Arrays) -> None:
        """Networks run as a whole: all inputs of a network, or none."""
        if input_data.keys() == self._inputs.keys():
            return
        networks = {self._find(self._inputs, name).info.network_name for name in input_data}
        for name, stream in self._inputs.items():
            if stream.info.network_name in networks and name not in input_data:
                network = stream.info.network_name
                fail(Status.INVALID_ARGUMENT, f"Not all inputs have been provided for network {network}")

    def _check_frames_count(self, frames_count: int) -> None:
        if self._group.group.is_multi_context and not self._group.scheduled and frames_count % self._batch_size:
            fail(
                Status.INVALID_ARGUMENT,
                "On the case of multi-context without the model scheduler, frames count must be a multiplier of the "
                f"batch size! ({frames_count} % {self._batch_size} != 0)",
            )

    def _find(self, streams: Mapping[str, Any], name: str) -> Any:
        if name not in streams:
            fail(Status.NOT_FOUND, f"Stream {name} not found")
        return streams[name]

    def _any_stream(self, name: str) -> CoreStream:
        return self._find({**self._inputs, **self._outputs}, name)  # type: ignore[no-any-return]

    def get_host_dtype(self, stream_name: str) -> np.dtype[Any]:
        """The numpy type of a stream's elements."""
        return self._any_stream(stream_name).format.type.dtype

    def get_user_buffer_format(self, stream_name: str) -> HailoFormat:
        """Type and order of a stream's frames."""
        return make_format(self._any_stream(stream_name).format)

    def get_shape(self, stream_name: str) -> list[int]:
        """The axes of one frame of a stream."""
        return stream_shape(self._any_stream(stream_name))

    def set_nms_score_threshold(self, threshold: float) -> None:
        """For every output that has boxes."""
        for stream in self._nms_outputs("set_nms_score_threshold"):
            with native_statuses:
                stream.set_nms_score_threshold(real(threshold))

    def set_nms_iou_threshold(self, threshold: float) -> None:
        """For every output that has boxes."""
        for stream in self._nms_outputs("set_nms_iou_threshold"):
            with native_statuses:
                stream.set_nms_iou_threshold(real(threshold))

    def set_nms_max_proposals_per_class(self, max_proposals_per_class: int) -> None:
        """For every output that has boxes."""
        for stream in self._nms_outputs("set_nms_max_proposals_per_class"):
            with native_statuses:
                stream.set_nms_max_proposals_per_class(uint32(max_proposals_per_class))

    def set_nms_max_accumulated_mask_size(self, max_accumulated_mask_size: int) -> None:
        """For every output that has masks."""
        for stream in self._nms_outputs("set_nms_max_accumulated_mask_size", masks=True):
            with native_statuses:
                stream.set_nms_max_accumulated_mask_size(uint32(max_accumulated_mask_size))

    def _nms_outputs(self, setter: str, masks: bool = False) -> list[core.AnyOutputVStream]:
        outputs = [stream for stream in self._outputs.values() if stream.info.format.order.is_nms]
        if masks:
            with_masks = FormatOrder.HAILO_NMS_WITH_BYTE_MASK
            outputs = [stream for stream in outputs if stream.info.format.order is with_masks]
        if not outputs:
            kind = "NMS WITH BYTE MASK" if masks else "NMS"
            fail(Status.INVALID_OPERATION, f"'{setter}()' is called, but there is no {kind} output in this model.")
        return outputs

    def release(self) -> None:
        """Close all streams. May be called twice."""
        for stream in (*self._inputs.values(), *self._outputs.values()):
            stream.close()
        self._inputs, self._outputs = {}, {}


def _check_complete(group: NetworkGroup, inputs: Mapping[str, object], outputs: Mapping[str, object]) -> None:
    """A network is opened with all its inputs and outputs, or not at all."""
    for network in group.networks:
        taken = (
            _partly(group.input_vstreams, network.name, inputs),
            _partly(group.output_vstreams, network.name, outputs),
        )
        for what, (found, there) in zip(("inputs", "outputs"), taken, strict=True):
            if any(count for count, _ in taken) and found != there:
                fail(Status.INVALID_ARGUMENT, f"Found only partial {what} for network {network.name}")


def _partly(vstreams: tuple[VStream, ...], network: str, params: Mapping[str, object]) -> tuple[int, int]:
    names = [vstream.name for vstream in vstreams if vstream.network_name == network]
    return sum(name in params for name in names), len(names)


def _named(streams: Sequence[Any]) -> dict[str, Any]:
    return {stream.info.name: stream for stream in streams}


def _with_rows(stream: Stream, data: NDArray[Any], count: int) -> tuple[Stream, NDArray[np.uint8]]:
    """The stream and the bytes of its frames, one frame a row."""
    check_writable(data)
    frame_bytes = stream.frame_bytes
    if data.nbytes != frame_bytes * count:
        fail(
            Status.INVALID_ARGUMENT,
            f"Memory size of vstream {stream.info.name} does not match the frame count! "
            f"(Expected {frame_bytes * count}, got {data.nbytes})",
        )
    return stream, data.view(np.uint8).reshape(count, frame_bytes)
