"""A frame as the chip lays it out in memory, and back to height, width, features.

The chip pads rows, columns or features to what its buffers need (:attr:`Stream.hw_shape`) and keeps them in its own
order; a transfer is rounded up to eight bytes. Layouts: ``hailort.h`` (``hailo_format_order_t``) and the conversions
of libhailort 4.23.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import FormatOrder, Shape
from hailstack.hef.model import Stream

TRANSFER_ALIGNMENT = 8
"""Bytes: every transfer between host and chip is a multiple of this."""

CHUNK_FEATURES = 8
"""Features that F8CR keeps together."""

Elements: TypeAlias = NDArray[Any]
"""Integers or floats of one frame."""


def transfer_bytes(size: int) -> int:
    """``size`` rounded up to whole transfers."""
    return -(-size // TRANSFER_ALIGNMENT) * TRANSFER_ALIGNMENT


def rows(frame: Elements, shape: Shape) -> Elements:
    """NHWC, FCR, NHW and Bayer memory as ``(height, width, features)``."""
    return frame[: shape.size].reshape(shape.height, shape.width, shape.features)


def planes_in_rows(frame: Elements, shape: Shape) -> Elements:
    """NHCW memory (each row holds one line a feature) as ``(height, width, features)``."""
    return frame[: shape.size].reshape(shape.height, shape.features, shape.width).transpose(0, 2, 1)


def planes(frame: Elements, shape: Shape) -> Elements:
    """NCHW memory as ``(height, width, features)``."""
    return frame[: shape.size].reshape(shape.features, shape.height, shape.width).transpose(1, 2, 0)


def chunks(frame: Elements, shape: Shape) -> Elements:
    """F8CR memory (each row holds lines of eight features) as ``(height, width, features / 8, 8)``."""
    count = shape.features // CHUNK_FEATURES
    lines = frame[: shape.height * shape.width * count * CHUNK_FEATURES]
    return lines.reshape(shape.height, count, shape.width, CHUNK_FEATURES).transpose(0, 2, 1, 3)


VIEWS: dict[FormatOrder, Callable[[Elements, Shape], Elements]] = {
    FormatOrder.NHWC: rows,
    FormatOrder.FCR: rows,
    FormatOrder.NHW: rows,
    FormatOrder.BAYER_RGB: rows,
    FormatOrder.BAYER_RGB_12_BIT: rows,
    FormatOrder.YUY2: rows,
    FormatOrder.RGB888: rows,
    FormatOrder.NHCW: planes_in_rows,
    FormatOrder.NCHW: planes,
}
"""Orders whose memory is a (transposed) view of ``(height, width, features)``."""


def _hw_shape(stream: Stream) -> Shape:
    hw = stream.hw_shape
    return hw if hw.size else stream.shape


def _chunked(stream: Stream, hw: Shape) -> bool:
    # Up to eight features, one chunk a pixel is the same memory as NHWC.
    return stream.format.order is FormatOrder.F8CR and hw.features > CHUNK_FEATURES


def _view(stream: Stream, frame: Elements) -> Elements:
    order = FormatOrder.NHWC if stream.format.order is FormatOrder.F8CR else stream.format.order
    try:
        view = VIEWS[order](frame, _hw_shape(stream))
    except KeyError:
        message = f"stream {stream.name}: {stream.format.order.name} frames have no height, width and features"
        raise StatusError(Status.INVALID_OPERATION, message) from None
    if order is FormatOrder.RGB888:
        view = view[..., 2::-1]
    return view[: stream.shape.height, : stream.shape.width, : stream.shape.features]


def element_type(stream: Stream) -> np.dtype[Any]:
    """uint8 or uint16."""
    return np.dtype(np.uint16 if stream.data_bytes == 2 else np.uint8)


def pack_frame(stream: Stream, array: Elements) -> NDArray[np.uint8]:
    """The bytes that cross the bus for one frame; padding is zero.

    Args:
        array: integers ``(height, width, features)`` of the stream, or ``(features,)`` for NC.

    Returns:
        ``stream.frame_bytes`` bytes. They are the array's own memory when its layout is already the chip's.

    Raises:
        StatusError: the array has another size (2), or the stream has no such layout (6).
    """
    elements = np.asarray(array).astype(element_type(stream), copy=False)
    if elements.size != stream.shape.size:
        message = f"stream {stream.name} takes {stream.shape} elements, got an array of shape {elements.shape}"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    if is_plain(stream) and elements.flags.c_contiguous:
        return elements.reshape(-1).view(np.uint8)
    device = np.zeros(stream.frame_bytes, np.uint8)
    _write(stream, elements, device.view(elements.dtype))
    return device


def is_plain(stream: Stream) -> bool:
    """Whether a frame in the chip's memory is the array itself: no padding, no order of its own."""
    plain = _hw_shape(stream) == stream.shape or stream.format.order is FormatOrder.NC
    same_order = VIEWS.get(stream.format.order) is rows or stream.format.order is FormatOrder.NC
    is_whole = stream.shape.size * stream.data_bytes == stream.frame_bytes
    return plain and same_order and is_whole and stream.format.order is not FormatOrder.RGB888


def _write(stream: Stream, elements: Elements, frame: Elements) -> None:
    hw = _hw_shape(stream)
    if stream.format.order is FormatOrder.NC:
        frame[: elements.size] = elements.reshape(-1)
    elif _chunked(stream, hw):
        fill_chunks(elements.reshape(*_dimensions(stream.shape)), frame, hw)
    else:
        _view(stream, frame)[...] = elements.reshape(*_dimensions(stream.shape))


def fill_chunks(elements: Elements, frame: Elements, hw: Shape) -> None:
    """Write ``(height, width, features)`` into F8CR memory of shape ``hw``."""
    height, width, features = elements.shape
    target = chunks(frame, hw)
    for first in range(0, features, CHUNK_FEATURES):
        part = elements[..., first : first + CHUNK_FEATURES]
        target[:height, :width, first // CHUNK_FEATURES, : part.shape[2]] = part


def gather_chunks(frame: Elements, hw: Shape, shape: Shape) -> Elements:
    """``(height, width, features)`` from F8CR memory of shape ``hw``; a copy."""
    cropped = chunks(frame, hw)[: shape.height, : shape.width]
    count = cropped.shape[2] * CHUNK_FEATURES
    return cropped.reshape(shape.height, shape.width, count)[..., : shape.features]


def unpack_frame(stream: Stream, device: NDArray[np.uint8]) -> Elements:
    """One frame as the network computes with it: ``(height, width, features)``, uint8 or uint16.

    A view of ``device`` wherever the layout allows (all orders but F8CR with more than eight features). NC streams
    give ``(features,)``.

    Raises:
        StatusError: the frame has another size than the stream's (2), or no such layout (6).
    """
    if device.size != stream.frame_bytes:
        message = f"stream {stream.name} has frames of {stream.frame_bytes} bytes, got {device.size}"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    frame = device.view(element_type(stream))
    if stream.format.order is FormatOrder.NC:
        return frame[: stream.shape.features]
    hw = _hw_shape(stream)
    if _chunked(stream, hw):
        return gather_chunks(frame, hw, stream.shape)
    return _view(stream, frame)


def _dimensions(shape: Shape) -> tuple[int, int, int]:
    return shape.height, shape.width, shape.features
