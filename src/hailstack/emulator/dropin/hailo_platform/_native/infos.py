"""What a HEF says about streams and virtual streams, as read-only objects of the bindings."""

from __future__ import annotations

from typing import Any

from hailo_platform._native.enums import StreamDirection
from hailo_platform._native.errors import HailoRTCustomException
from hailo_platform._native.pybind import Enumeration, NativeObject, field, readonly
from hailo_platform._native.records import HailoFormat, NmsShape, QuantInfo, make_format, make_nms_shape, make_quant
from hailo_platform._profile import PROFILE
from hailstack.hef.formats import FormatOrder, Shape
from hailstack.hef.model import Stream, VStream

BBOX_PARAMS = 5
"""Numbers of one box: y_min, x_min, y_max, x_max, score."""

FLOAT_BYTES = 4
_RECORD_ORDERS = (FormatOrder.HAILO_NMS_WITH_BYTE_MASK, FormatOrder.HAILO_NMS_BY_SCORE)


def array_shape(order: FormatOrder, shape: Shape) -> tuple[int, ...]:
    """The axes of a frame that is not NMS: vectors and single planes leave axes out."""
    match order:
        case FormatOrder.NC:
            return (shape.features,)
        case FormatOrder.NHW:
            return (shape.height, shape.width)
        case _:
            return (shape.height, shape.width, shape.features)


class VStreamInfo(NativeObject):
    """One named input or output as a host program sees it."""

    __slots__ = ("_direction", "_format", "_name", "_network_name", "_nms", "_quant_info", "_size")

    _direction: Enumeration
    _format: HailoFormat
    _name: str
    _network_name: str
    _nms: NmsShape | None
    _quant_info: QuantInfo
    _size: Shape

    direction = field("direction")
    format = field("format")
    name = field("name")
    network_name = field("network_name")
    quant_info = field("quant_info")

    def _get_shape(self) -> tuple[int, ...]:
        if self._nms is None:
            return array_shape(FormatOrder(self._format.order), self._size)
        boxes = (self._nms.number_of_classes, BBOX_PARAMS, self._nms.max_bboxes_per_class)
        if self._format.order in (FormatOrder.HAILO_NMS, FormatOrder.HAILO_NMS_BY_CLASS):
            return boxes
        raise HailoRTCustomException("Format order has no shape")

    def _get_nms_shape(self) -> NmsShape:
        if self._nms is None:
            raise HailoRTCustomException("nms_shape is availale only on nms order vstreams")
        return self._nms

    shape = readonly(_get_shape)
    nms_shape = readonly(_get_nms_shape)

    def __repr__(self) -> str:
        return f'VStreamInfo("{self._name}")'

    def __getstate__(self) -> tuple[Any, ...]:
        extent = (self._size.height, self._size.width, self._size.features)
        return self._name, self._network_name, self._direction, self._format, self._nms or extent, self._quant_info

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._name, self._network_name, self._direction, self._format, extent, self._quant_info = state
        self._nms = extent if isinstance(extent, NmsShape) else None
        self._size = Shape(0, 0, 0) if self._nms else Shape(*extent)


def make_vstream_info(vstream: VStream) -> VStreamInfo:
    """A new object with the facts of ``vstream``."""
    made = VStreamInfo.__new__(VStreamInfo)
    made._name, made._network_name = vstream.name, vstream.network_name
    made._direction, made._format = StreamDirection(vstream.direction), make_format(vstream.format)
    made._nms = make_nms_shape(vstream.nms_shape) if vstream.nms_shape and vstream.format.order.is_nms else None
    made._size, made._quant_info = vstream.shape, make_quant(vstream.quant)
    return made


class StreamInfo(NativeObject):
    """One transfer between host and chip; its shape is the padded one."""

    __slots__ = ("_data_bytes", "_direction", "_format", "_name", "_quant_info", "_stream", "_sys_index")

    _data_bytes: int
    _direction: Enumeration
    _format: HailoFormat
    _name: str
    _quant_info: QuantInfo
    _stream: Stream
    _sys_index: int

    data_bytes = field("data_bytes")
    direction = field("direction")
    format = field("format")
    name = field("name")
    quant_info = field("quant_info")
    sys_index = field("sys_index")

    def _get_shape(self) -> tuple[int, ...]:
        nms = _nms_bytes(self._stream)
        return array_shape(self._stream.format.order, self._stream.hw_shape) if nms is None else (nms,)

    def _get_nms_shape(self) -> tuple[int, ...]:
        nms = _nms_bytes(self._stream)
        if nms is None:
            raise HailoRTCustomException("nms_shape is availale only on nms order streams")
        return (nms,)

    shape = readonly(_get_shape)
    nms_shape = readonly(_get_nms_shape)

    def __repr__(self) -> str:
        return f'StreamInfo("{self._name}")'


def make_stream_info(stream: Stream) -> StreamInfo:
    """A new object with the facts of ``stream``."""
    made = StreamInfo.__new__(StreamInfo)
    made._name, made._sys_index, made._data_bytes = stream.name, stream.index, stream.data_bytes
    made._direction, made._format = StreamDirection(stream.direction), make_format(stream.format)
    made._quant_info, made._stream = make_quant(stream.quant), stream
    return made


def _nms_bytes(stream: Stream) -> int | None:
    """Bytes of a frame that the chip's own NMS writes, bursts included (``get_nms_hw_frame_size``)."""
    nms = stream.nms
    if stream.format.order is not FormatOrder.HAILO_NMS_ON_CHIP or nms is None:
        return None
    boxes = max(nms.burst_size, nms.max_bboxes_per_class)
    frame = nms.number_of_classes * nms.chunks_per_frame * (2 + nms.bbox_size * boxes)
    return frame + nms.bbox_size * nms.burst_size


class NetworkGroupInfo(NativeObject):
    """A network group's name, and whether it needs several contexts."""

    __slots__ = ("_is_multi_context", "_name")

    _is_multi_context: bool
    _name: str

    name = field("name")
    is_multi_context = field("is_multi_context")


def make_group_info(name: str, is_multi_context: bool) -> NetworkGroupInfo:
    """A new object with the facts of a group."""
    made = NetworkGroupInfo.__new__(NetworkGroupInfo)
    made._name, made._is_multi_context = name, is_multi_context
    return made


def host_shape(order: FormatOrder, shape: Shape, frame_bytes: int) -> list[int]:
    """The axes of the array that takes a frame: flat for NMS, in float32 by class and in bytes for records."""
    if not order.is_nms:
        return list(array_shape(order, shape))
    in_floats = PROFILE.byte_mask_items or order not in _RECORD_ORDERS
    return [frame_bytes // FLOAT_BYTES if in_floats else frame_bytes]
