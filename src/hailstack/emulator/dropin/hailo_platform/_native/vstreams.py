"""Virtual streams of the bindings: named collections, single streams, and inference in one call."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailo_platform._native.errors import fail, native_statuses
from hailo_platform._native.infos import VStreamInfo, host_shape, make_vstream_info
from hailo_platform._native.params import VStreamParams
from hailo_platform._native.pybind import NativeObject, instance_of, readonly, real, uint32
from hailo_platform._native.records import HailoFormat, make_format, read_format
from hailstack.emulator import core
from hailstack.errors import Status
from hailstack.hef.formats import FormatType

CoreStream = core.AnyInputVStream | core.AnyOutputVStream


def core_params(params: Mapping[str, VStreamParams]) -> dict[str, core.VStreamParams]:
    """What the program asks for, as the software NPU takes it."""
    taken = {name: instance_of(VStreamParams)(one) for name, one in params.items()}
    return {
        name: core.VStreamParams(read_format(one.user_buffer_format), one.timeout_ms, one.queue_size)
        for name, one in taken.items()
    }


def format_dtype(kind: Any) -> np.dtype[Any]:
    """The numpy type of elements of ``kind``."""
    return _dtype(int(kind))


@cache
def _dtype(kind: int) -> np.dtype[Any]:
    return FormatType(kind).dtype


def stream_shape(stream: CoreStream) -> list[int]:
    """The axes of one frame."""
    return host_shape(stream.format.order, stream.info.shape, stream.frame_bytes)


class _VStream(NativeObject):
    """What both directions show of themselves."""

    __slots__ = ("_stream",)
    _stream: Any

    def _info(self) -> VStreamInfo:
        return make_vstream_info(self._stream.info)

    def _dtype(self) -> np.dtype[Any]:
        return format_dtype(self._stream.format.type)

    def _shape(self) -> tuple[int, ...]:
        return tuple(stream_shape(self._stream))

    info = readonly(_info)
    dtype = readonly(_dtype)
    shape = readonly(_shape)


class InputVStream(_VStream):
    """Where a program writes frames."""

    __slots__ = ()

    def send(self, data: NDArray[Any]) -> None:
        """Write one frame."""
        with native_statuses:
            self._stream.write(flat_bytes(data))

    def flush(self) -> None:
        """Return when everything written has reached the device."""
        with native_statuses:
            self._stream.flush()


class OutputVStream(_VStream):
    """Where a program reads frames."""

    __slots__ = ()

    def recv(self) -> NDArray[Any]:
        """The next frame, a new array."""
        frame = np.empty(self._stream.frame_bytes, np.uint8)
        with native_statuses:
            self._stream.read(frame)
        # Records are bytes whatever type they were asked for in.
        nbytes = int(np.prod(self._shape())) * self._dtype().itemsize
        return frame.view(self._dtype()).reshape(self._shape()) if nbytes == frame.nbytes else frame

    def get_user_buffer_format(self) -> HailoFormat:
        """Type and order of the frames."""
        return make_format(self._stream.format)

    def set_nms_score_threshold(self, threshold: float) -> None:
        """Boxes with lower scores are left out."""
        with native_statuses:
            self._stream.set_nms_score_threshold(real(threshold))

    def set_nms_iou_threshold(self, threshold: float) -> None:
        """Boxes that overlap a better one more than this are left out."""
        with native_statuses:
            self._stream.set_nms_iou_threshold(real(threshold))

    def set_nms_max_proposals_per_class(self, max_proposals_per_class: int) -> None:
        """Changes the size of a frame."""
        with native_statuses:
            self._stream.set_nms_max_proposals_per_class(uint32(max_proposals_per_class))

    def set_nms_max_accumulated_mask_size(self, max_accumulated_mask_size: int) -> None:
        """Changes the size of a frame."""
        with native_statuses:
            self._stream.set_nms_max_accumulated_mask_size(uint32(max_accumulated_mask_size))


def _wrap(kind: type[_VStream], stream: CoreStream) -> Any:
    made = kind.__new__(kind)
    made._stream = stream
    return made


class _VStreams(NativeObject):
    __slots__ = ("_streams",)
    _streams: dict[str, Any]

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_args: object) -> None:
        for stream in self._streams.values():
            stream._stream.close()
        self._streams = {}

    def _by_name(self, name: str) -> Any:
        if name not in self._streams:
            fail(Status.NOT_FOUND, f"Virtual stream for name={name} not found")
        return self._streams[name]

    def clear(self) -> None:
        """Drop what waits in the queues."""
        with native_statuses:
            core.clear_all([stream._stream for stream in self._streams.values()])


class InputVStreams(_VStreams):
    """All inputs that a program opened together."""

    __slots__ = ()

    def get_input_by_name(self, name: str) -> InputVStream:
        return self._by_name(name)  # type: ignore[no-any-return]

    def get_all_inputs(self) -> dict[str, InputVStream]:
        return dict(self._streams)


class OutputVStreams(_VStreams):
    """All outputs that a program opened together."""

    __slots__ = ()

    def get_output_by_name(self, name: str) -> OutputVStream:
        return self._by_name(name)  # type: ignore[no-any-return]

    def get_all_outputs(self) -> dict[str, OutputVStream]:
        return dict(self._streams)


def open_inputs(group: core.ConfiguredGroup, params: Mapping[str, VStreamParams]) -> InputVStreams:
    """Inputs by name."""
    with native_statuses:
        streams = group.input_vstreams(core_params(params))
    made = InputVStreams.__new__(InputVStreams)
    made._streams = {stream.info.name: _wrap(InputVStream, stream) for stream in streams}
    return made


def open_outputs(group: core.ConfiguredGroup, params: Mapping[str, VStreamParams]) -> OutputVStreams:
    """Outputs by name."""
    with native_statuses:
        streams = group.output_vstreams(core_params(params))
    made = OutputVStreams.__new__(OutputVStreams)
    made._streams = {stream.info.name: _wrap(OutputVStream, stream) for stream in streams}
    return made


def flat_bytes(array: Any) -> NDArray[np.uint8]:
    """A flat byte view of an array that is C-contiguous."""
    return np.asarray(array).reshape(-1).view(np.uint8)


def writable_bytes(array: Any) -> NDArray[np.uint8]:
    """A flat byte view of an array that :func:`check_writable` accepts."""
    check_writable(array)
    return flat_bytes(array)


def check_writable(array: Any) -> None:
    """The bindings ask for arrays that may be written, even of inputs.

    Raises:
        ValueError: the array is read-only, for example a view of a picture file.
    """
    if not array.flags.writeable:
        raise ValueError("array is not writeable")
