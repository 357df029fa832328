from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.emulator.host.layout import pack_frame, transfer_bytes, unpack_frame
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Direction, Format, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import Stream

SIZES = st.integers(1, 9)
PADDINGS = st.integers(0, 5)


def make_stream(order: FormatOrder, shape: Shape, hw: Shape, data_bytes: int = 1) -> Stream:
    type_ = FormatType.UINT16 if data_bytes == 2 else FormatType.UINT8
    size = transfer_bytes(hw.size * data_bytes)
    quant = QuantInfo()
    return Stream("g/s", "g/n", Direction.D2H, 0, Format(type_, order), shape, hw, data_bytes, size, quant, (quant,))


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    order = draw(st.sampled_from(["NHWC", "NHCW", "FCR", "F8CR", "NHW", "BAYER_RGB"]))
    height, width, features = draw(SIZES), draw(SIZES), draw(st.integers(1, 20))
    if order in ("NHW", "BAYER_RGB"):
        features = 1
    padded_width = width + (draw(PADDINGS) if order != "FCR" else 0)
    padded_features = {"FCR": features + draw(PADDINGS), "F8CR": -(-features // 8) * 8}.get(order, features)
    hw = Shape(height, padded_width, padded_features)
    return make_stream(FormatOrder[order], Shape(height, width, features), hw, draw(st.sampled_from([1, 2])))


@given(streams(), st.integers(0, 2**32 - 1))
def test_a_packed_frame_unpacks_to_the_same_numbers(stream: Stream, seed: int) -> None:
    shape = (stream.shape.height, stream.shape.width, stream.shape.features)
    numbers = np.random.default_rng(seed).integers(0, 256**stream.data_bytes, shape)

    device = pack_frame(stream, numbers)

    assert device.size == stream.frame_bytes
    assert np.array_equal(unpack_frame(stream, device), numbers)


@given(streams())
def test_padding_is_zero(stream: Stream) -> None:
    ones = np.ones((stream.shape.height, stream.shape.width, stream.shape.features))

    device = pack_frame(stream, ones)

    assert int(device.view(np.uint8).sum()) == stream.shape.size


def test_rows_of_the_chip_hold_one_line_a_feature() -> None:
    stream = make_stream(FormatOrder.NHCW, Shape(1, 3, 2), Shape(1, 8, 2))
    pixels = np.array([[[1, 11], [2, 12], [3, 13]]])

    device = pack_frame(stream, pixels)

    assert device.tolist() == [1, 2, 3, 0, 0, 0, 0, 0, 11, 12, 13, 0, 0, 0, 0, 0]


def test_chunks_of_eight_features_lie_one_after_the_other_in_a_row() -> None:
    stream = make_stream(FormatOrder.F8CR, Shape(1, 2, 9), Shape(1, 2, 16))
    pixels = np.array([[np.arange(9), np.arange(10, 19)]])

    device = pack_frame(stream, pixels)

    assert device[:16].tolist() == [*range(8), *range(10, 18)]
    assert device[16:].tolist() == [8, *[0] * 7, 18, *[0] * 7]


def test_a_frame_that_is_laid_out_already_is_not_copied() -> None:
    stream = make_stream(FormatOrder.NHWC, Shape(4, 8, 3), Shape(4, 8, 3))
    pixels = np.zeros((4, 8, 3), np.uint8)

    device = pack_frame(stream, pixels)

    assert np.shares_memory(device, pixels)
    assert np.shares_memory(unpack_frame(stream, device), pixels)


def test_vectors_have_one_dimension() -> None:
    stream = make_stream(FormatOrder.NC, Shape(1, 1, 5), Shape(1, 1, 8))

    device = pack_frame(stream, np.arange(5))

    assert device.tolist() == [0, 1, 2, 3, 4, 0, 0, 0]
    assert unpack_frame(stream, device).tolist() == [0, 1, 2, 3, 4]


def test_the_chip_wants_blue_first_and_a_fourth_byte() -> None:
    stream = make_stream(FormatOrder.RGB888, Shape(1, 2, 3), Shape(1, 2, 4))

    device = pack_frame(stream, np.array([[[1, 2, 3], [4, 5, 6]]]))

    assert device.tolist() == [3, 2, 1, 0, 6, 5, 4, 0]
    assert unpack_frame(stream, device).tolist() == [[[1, 2, 3], [4, 5, 6]]]


@pytest.mark.parametrize("size", [0, 23, 25])
def test_a_frame_of_another_size_is_refused(size: int) -> None:
    stream = make_stream(FormatOrder.NHWC, Shape(2, 4, 3), Shape(2, 4, 3))

    with pytest.raises(StatusError, match="g/s") as refused:
        unpack_frame(stream, np.zeros(size, np.uint8))
    assert refused.value.status is Status.INVALID_ARGUMENT
    with pytest.raises(StatusError, match="g/s"):
        pack_frame(stream, np.zeros(size, np.uint8))


def test_boxes_of_the_chip_are_no_picture() -> None:
    stream = make_stream(FormatOrder.HAILO_NMS_ON_CHIP, Shape(1, 2, 4), Shape(0, 0, 0))

    with pytest.raises(StatusError, match="no height") as refused:
        unpack_frame(stream, np.zeros(stream.frame_bytes, np.uint8))
    assert refused.value.status in (Status.INVALID_OPERATION, Status.INVALID_ARGUMENT)
