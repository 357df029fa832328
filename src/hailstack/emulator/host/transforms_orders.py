"""Which memory orders libhailort 4.23 turns into which, and how.

Each function reads a flat frame of elements and writes another one. A pair of orders that is not in the tables is what
the vendor's library refuses at run time with ``HAILO_INVALID_OPERATION``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host import layout
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import FormatOrder as Order
from hailstack.hef.formats import Shape

Elements: TypeAlias = NDArray[Any]
Reorder: TypeAlias = Callable[[Elements, Shape, Elements, Shape], None]
"""``(source, its shape, destination, its shape)``."""

RGB4_ALIGNMENT = 4
"""Elements: rows of RGB4 frames are padded to a multiple of this."""


def row_elements(shape: Shape, order: Order) -> int:
    """Elements between the starts of two rows of a user frame."""
    length = shape.width * shape.features
    return -(-length // RGB4_ALIGNMENT) * RGB4_ALIGNMENT if order is Order.RGB4 else length


def frame_elements(shape: Shape, order: Order) -> int:
    """Elements of a frame as the program holds it."""
    return shape.height * row_elements(shape, order)


def reorder_input(
    src: Elements, src_shape: Shape, src_order: Order, dst: Elements, shape: Shape, order: Order
) -> None:
    """Write the program's frame ``src`` into the chip's frame ``dst``, whose padding must be zero already.

    Raises:
        StatusError: the pair of orders is not supported (6), or the shapes do not fit it (2).
    """
    _reorder(_INPUT, "input", src, src_shape, src_order, dst, shape, order)


def reorder_output(
    src: Elements, src_shape: Shape, src_order: Order, dst: Elements, shape: Shape, order: Order
) -> None:
    """Write the chip's frame ``src`` into the program's frame ``dst``; padding is left out.

    Raises:
        StatusError: the pair of orders is not supported (6), or the shapes do not fit it (2).
    """
    _reorder(_OUTPUT, "output", src, src_shape, src_order, dst, shape, order)


def _reorder(
    table: dict[tuple[Order, Order], Reorder],
    side: str,
    src: Elements,
    src_shape: Shape,
    src_order: Order,
    dst: Elements,
    dst_shape: Shape,
    dst_order: Order,
) -> None:
    function = table.get((src_order, dst_order))
    if function is None:
        message = f"{side} frames cannot be turned from {src_order.name} into {dst_order.name}"
        raise StatusError(Status.INVALID_OPERATION, message)
    try:
        function(src, src_shape, dst, dst_shape)
    except ValueError as error:
        message = f"{side} frames of {src_shape} {src_order.name} do not fit {dst_shape} {dst_order.name}: {error}"
        raise StatusError(Status.INVALID_ARGUMENT, message) from error


# --- program to chip


def _rows_to_rows(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    _copy_rows(src, src_shape.height, src_shape.width * src_shape.features, dst, dst_shape)


def _copy_rows(src: Elements, height: int, length: int, dst: Elements, dst_shape: Shape) -> None:
    # Rows are copied as they stand: when features are padded too, the vendor's library does not spread them.
    target = dst[: dst_shape.size].reshape(dst_shape.height, -1)
    length_used = min(length, target.shape[1])
    target[:height, :length_used] = src[: height * length].reshape(height, length)[:, :length_used]


def _rgb4_to_rows(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    _copy_rows(src, src_shape.height, row_elements(src_shape, Order.RGB4), dst, dst_shape)


def _rgb4_to_planes_in_rows(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    step = row_elements(src_shape, Order.RGB4)
    lines = src[: src_shape.height * step].reshape(src_shape.height, step)
    pixels = lines[:, : src_shape.width * src_shape.features].reshape(src_shape.height, src_shape.width, -1)
    _place(pixels, layout.planes_in_rows(dst, dst_shape))


def _place(pixels: Elements, target: Elements) -> None:
    height, width, features = pixels.shape
    target[:height, :width, :features] = pixels


def _rows_to_planes_in_rows(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    _place(layout.rows(src, src_shape), layout.planes_in_rows(dst, dst_shape))


def _planes_in_rows_to_same(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    _place(layout.planes_in_rows(src, src_shape), layout.planes_in_rows(dst, dst_shape))


def _rows_to_feature_padded(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    _place(layout.rows(src, src_shape), layout.rows(dst, dst_shape))


def _rows_to_chunks(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    layout.fill_chunks(layout.rows(src, src_shape), dst, dst_shape)


def _vector_to_vector(src: Elements, src_shape: Shape, dst: Elements, _: Shape) -> None:
    dst[: src_shape.features] = src[: src_shape.features]


def _rows_to_rgb888(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    if (src_shape.features, dst_shape.features) != (3, 4):
        message = f"RGB888 turns 3 features into 4, not {src_shape.features} into {dst_shape.features}"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    _place(layout.rows(src, src_shape)[..., ::-1], layout.rows(dst, dst_shape))


def _planes_to_planes_in_rows(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    same = (src_shape.height, src_shape.features) == (dst_shape.height, dst_shape.features)
    aligned = dst_shape.width * dst.itemsize % layout.TRANSFER_ALIGNMENT == 0
    if not same or src_shape.width > dst_shape.width or not aligned:
        message = f"NCHW frames of {src_shape} need a chip frame of the same size with a width of whole transfers"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    _place(layout.planes(src, src_shape), layout.planes_in_rows(dst, dst_shape))


def _yuy2_to_yuy2(src: Elements, src_shape: Shape, dst: Elements, _: Shape) -> None:
    if src_shape.size * src.itemsize % layout.TRANSFER_ALIGNMENT:
        message = f"YUY2 frames of {src_shape} are not a multiple of {layout.TRANSFER_ALIGNMENT} bytes"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    dst[: src_shape.size] = src[: src_shape.size]


def _luma_height(shape: Shape) -> int:
    # The shape of 4:2:0 frames counts all rows: two thirds are luma.
    return int(shape.height * shape.features / 1.5)


def _semiplanar_to_interleaved(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    width, height = src_shape.width, _luma_height(src_shape)
    luma = src[: height * width].reshape(height // 2, 2, width)
    chroma = src[height * width :][: height // 2 * width].reshape(height // 2, width)
    target = dst[: height // 2 * 3 * dst_shape.width].reshape(height // 2, 3, dst_shape.width)
    target[:, :2, :width] = luma
    target[:, 2, :width] = chroma


def _planar_to_interleaved(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    width, height = src_shape.width, _luma_height(src_shape)
    half, dst_half, pairs = width // 2, dst_shape.width // 2, height // 2
    luma = src[: height * width].reshape(pairs, 2, width)
    chroma = src[height * width :][: 2 * pairs * half].reshape(2, pairs, half)
    length = 2 * dst_shape.width + 2 * dst_half
    target = dst[: pairs * length].reshape(pairs, length)
    for row in range(2):
        target[:, row * dst_shape.width :][:, :width] = luma[:, row]
        target[:, 2 * dst_shape.width + row * dst_half :][:, :half] = chroma[row]


_INPUT: dict[tuple[Order, Order], Reorder] = {
    (Order.NHWC, Order.NHCW): _rows_to_planes_in_rows,
    (Order.NHCW, Order.NHCW): _planes_in_rows_to_same,
    (Order.NHWC, Order.NHWC): _rows_to_rows,
    (Order.NC, Order.NC): _vector_to_vector,
    (Order.FCR, Order.FCR): _rows_to_feature_padded,
    (Order.NHWC, Order.FCR): _rows_to_feature_padded,
    (Order.F8CR, Order.F8CR): _rows_to_chunks,
    (Order.NHWC, Order.F8CR): _rows_to_chunks,
    (Order.BAYER_RGB, Order.BAYER_RGB): _rows_to_rows,
    (Order.BAYER_RGB_12_BIT, Order.BAYER_RGB_12_BIT): _rows_to_rows,
    (Order.NHWC, Order.RGB888): _rows_to_rgb888,
    (Order.NCHW, Order.NHCW): _planes_to_planes_in_rows,
    (Order.YUY2, Order.YUY2): _yuy2_to_yuy2,
    (Order.NV12, Order.YYUV): _semiplanar_to_interleaved,
    (Order.NV21, Order.YYVU): _semiplanar_to_interleaved,
    (Order.I420, Order.YYYYUV): _planar_to_interleaved,
    (Order.RGB4, Order.NHWC): _rgb4_to_rows,
    (Order.RGB4, Order.NHCW): _rgb4_to_planes_in_rows,
}


# --- chip to program


def _crop(view: Elements, shape: Shape) -> Elements:
    return view[: shape.height, : shape.width, : shape.features]


def _planes_in_rows_to_rows(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    layout.rows(dst, dst_shape)[...] = _crop(layout.planes_in_rows(src, src_shape), dst_shape)


def _rows_from_padded(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    layout.rows(dst, dst_shape)[...] = _crop(layout.rows(src, src_shape), dst_shape)


def _rows_from_chunks(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    layout.rows(dst, dst_shape)[...] = layout.gather_chunks(src, src_shape, dst_shape)


def _map_from_padded(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    source = src[: src_shape.height * src_shape.width].reshape(src_shape.height, src_shape.width)
    target = dst[: dst_shape.height * dst_shape.width].reshape(dst_shape.height, dst_shape.width)
    target[...] = source[: dst_shape.height, : dst_shape.width]


def _map_to_planes(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    if (src_shape.features, dst_shape.features) != (1, 1):
        message = f"NHW frames have one feature, not {src_shape.features} and {dst_shape.features}"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    _map_from_padded(src, src_shape, dst, dst_shape)


def _vector_from_padded(src: Elements, _: Shape, dst: Elements, dst_shape: Shape) -> None:
    dst[: dst_shape.features] = src[: dst_shape.features]


def _planes_in_rows_to_planes(src: Elements, src_shape: Shape, dst: Elements, dst_shape: Shape) -> None:
    same = (src_shape.height, src_shape.features) == (dst_shape.height, dst_shape.features)
    aligned = src_shape.width * src.itemsize % layout.TRANSFER_ALIGNMENT == 0
    if same and aligned and dst_shape.width <= src_shape.width:
        layout.planes(dst, dst_shape)[...] = _crop(layout.planes_in_rows(src, src_shape), dst_shape)
    # Otherwise the vendor's library logs an error, reports success and leaves the program's buffer alone.


_OUTPUT: dict[tuple[Order, Order], Reorder] = {
    (Order.NHCW, Order.NHWC): _planes_in_rows_to_rows,
    (Order.NC, Order.NC): _vector_from_padded,
    (Order.NHW, Order.NHW): _map_from_padded,
    (Order.FCR, Order.FCR): _rows_from_padded,
    (Order.FCR, Order.NHWC): _rows_from_padded,
    (Order.F8CR, Order.F8CR): _rows_from_chunks,
    (Order.F8CR, Order.NHWC): _rows_from_chunks,
    (Order.BAYER_RGB, Order.BAYER_RGB): _map_from_padded,
    (Order.NHCW, Order.NCHW): _planes_in_rows_to_planes,
    (Order.NHW, Order.NCHW): _map_to_planes,
    (Order.NHWC, Order.NHWC): _rows_from_padded,
}


def transpose_rows(src: Elements, shape: Shape, order: Order) -> Elements:
    """A row-major frame with height and width swapped; a copy.

    Raises:
        StatusError: the order cannot be transposed (6).
    """
    if order not in _TRANSPOSABLE:
        raise StatusError(Status.INVALID_OPERATION, f"{order.name} frames cannot be transposed")
    return np.ascontiguousarray(layout.rows(src, shape).transpose(1, 0, 2)).reshape(-1)


_TRANSPOSABLE = {
    Order.NHWC,
    Order.RGB4,
    Order.NHW,
    Order.BAYER_RGB,
    Order.BAYER_RGB_12_BIT,
    Order.FCR,
    Order.F8CR,
}
