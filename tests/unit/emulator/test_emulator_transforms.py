from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hailstack.emulator.host.transforms import FrameDecoder, FrameEncoder, expand_autos, plan_input, plan_output
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef import read_hef
from hailstack.hef.formats import Format, FormatFlags, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import Stream

# Which HEF each file of cases was made with.
REAL = {
    "arcface_mobilefacenet_h8": "arcface_mobilefacenet_h8_v2_dfc3.31",
    "fast_depth_h8l_u16": "fast_depth_h8l_v0_dfc3.26",
    "hand_landmark_lite_h8_sdk3.25": "hand_landmark_lite_h8_v0_dfc3.25",
    "scrfd_2.5g_15h": "scrfd_2.5g_15h10h_v3_dfc5.2",
    "xfeat_224x320_h8": "xfeat_224x320_h8_v0_dfc3.27",
}
U8 = FormatType.UINT8
ONE = (QuantInfo(),)


def convert(stream: Stream, case: dict[str, Any], arrays: Any) -> np.ndarray:
    user = Format(FormatType[case["user_type"]], FormatOrder[case["user_order"]])
    if case["dir"] == "in":
        steps = plan_input(stream.shape, user, stream.hw_shape, stream.format, stream.quants)
        source = arrays[case["src"]] if "src" in case else np.zeros(steps.src_bytes, np.uint8)
        return FrameEncoder(steps).encode(source)
    steps = plan_output(stream.hw_shape, stream.format, stream.shape, user, stream.quants)
    source = arrays[case["src"]] if "src" in case else np.zeros(steps.src_bytes, np.uint8)
    out = np.zeros(steps.dst_bytes, np.uint8)
    FrameDecoder(steps).decode(source, out)
    return out


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_every_conversion_of_real_streams_gives_the_vendor_s_bytes_or_status(shared: Path, name: str) -> None:
    record = json.loads((shared / "hef" / "transforms" / f"{name}.json").read_text())
    arrays = np.load(shared / "hef" / "transforms" / f"{name}.npz")
    hef = read_hef(shared / "hef" / "real" / f"{REAL[name]}.hef")
    streams = {stream.name: stream for stream in hef.groups[0].streams}

    for case in record["cases"]:
        try:
            result, status = convert(streams[case["stream"]], case, arrays), 0
        except StatusError as refused:
            result, status = None, int(refused.status)
        assert status == case["status"], case
        assert result is None or np.array_equal(result, arrays[case["dst"]]), case


def encode(src: Shape, user: FormatOrder, hw: Shape, device: FormatOrder, frame: np.ndarray) -> list[int]:
    type_ = FormatType.UINT16 if frame.dtype == np.uint16 else U8
    steps = plan_input(src, Format(type_, user), hw, Format(type_, device), ONE)
    return FrameEncoder(steps).encode(frame.view(np.uint8)).view(frame.dtype).tolist()


def count_up(size: int) -> np.ndarray:
    return np.arange(1, size + 1, dtype=np.uint8)


def test_rows_are_padded_with_zeros() -> None:
    got = encode(Shape(2, 3, 1), FormatOrder.NHWC, Shape(2, 4, 1), FormatOrder.NHWC, count_up(6))

    assert got == [1, 2, 3, 0, 4, 5, 6, 0]


def test_features_are_padded_pixel_by_pixel_for_fcr() -> None:
    got = encode(Shape(1, 2, 3), FormatOrder.NHWC, Shape(1, 2, 4), FormatOrder.FCR, count_up(6))

    assert got == [1, 2, 3, 0, 4, 5, 6, 0]


def test_planes_become_lines_of_rows() -> None:
    got = encode(Shape(2, 8, 2), FormatOrder.NCHW, Shape(2, 8, 2), FormatOrder.NHCW, count_up(32))

    assert got == [*range(1, 9), *range(17, 25), *range(9, 17), *range(25, 33)]


def test_planes_need_rows_of_whole_transfers() -> None:
    with pytest.raises(StatusError, match="NCHW") as refused:
        encode(Shape(2, 3, 2), FormatOrder.NCHW, Shape(2, 4, 2), FormatOrder.NHCW, count_up(12))
    assert refused.value.status is Status.INVALID_ARGUMENT


def test_rows_of_rgb4_frames_start_at_multiples_of_four() -> None:
    frame = np.array([1, 2, 3, 4, 5, 6, 99, 99, 7, 8, 9, 10, 11, 12, 99, 99], np.uint8)

    got = encode(Shape(2, 2, 3), FormatOrder.RGB4, Shape(2, 8, 3), FormatOrder.NHCW, frame)

    assert np.array(got).reshape(2, 3, 8)[..., :2].tolist() == [[[1, 4], [2, 5], [3, 6]], [[7, 10], [8, 11], [9, 12]]]


def test_luma_and_chroma_of_nv12_are_interleaved_by_rows() -> None:
    # Four rows of luma and two of chroma: the height counts them all.
    luma, chroma = count_up(16), np.arange(101, 109, dtype=np.uint8)

    got = encode(Shape(2, 4, 3), FormatOrder.NV12, Shape(2, 4, 3), FormatOrder.YYUV, np.concatenate((luma, chroma)))

    assert got == [*range(1, 9), *range(101, 105), *range(9, 17), *range(105, 109)]


def test_planes_of_i420_are_interleaved_by_rows() -> None:
    y, u, v = count_up(16), np.array([51, 52, 53, 54], np.uint8), np.array([61, 62, 63, 64], np.uint8)

    got = encode(Shape(2, 4, 3), FormatOrder.I420, Shape(2, 4, 3), FormatOrder.YYYYUV, np.concatenate((y, u, v)))

    assert got == [*range(1, 9), 51, 52, 61, 62, *range(9, 17), 53, 54, 63, 64]


def test_a_chip_that_takes_rgb888_gets_blue_first() -> None:
    got = encode(Shape(1, 2, 3), FormatOrder.NHWC, Shape(1, 2, 4), FormatOrder.RGB888, count_up(6))

    assert got == [3, 2, 1, 0, 6, 5, 4, 0]


def test_a_transposed_frame_is_turned_before_it_is_reordered() -> None:
    user = Format(U8, FormatOrder.NHWC, FormatFlags.TRANSPOSED)
    steps = plan_input(Shape(2, 3, 1), user, Shape(3, 8, 1), Format(U8, FormatOrder.NHCW), ONE)

    got = FrameEncoder(steps).encode(count_up(6))

    assert got.reshape(3, 8)[:, :2].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert steps.description == (
        "Transpose - src_shape: (2, 3, 1), dst_shape: (3, 2, 1)"
        " | Reorder - src_order: NHWC, src_shape: (2, 3, 1), dst_order: NHCW, dst_shape: (3, 8, 1)"
    )


def test_an_output_may_be_read_transposed() -> None:
    user = Format(U8, FormatOrder.NHWC, FormatFlags.TRANSPOSED)
    steps = plan_output(Shape(3, 8, 1), Format(U8, FormatOrder.NHCW), Shape(2, 3, 1), user, ONE)
    device = np.zeros((3, 8), np.uint8)
    device[:, :2] = [[1, 4], [2, 5], [3, 6]]
    out = np.zeros(steps.dst_bytes, np.uint8)

    FrameDecoder(steps).decode(device.reshape(-1), out)

    assert out.tolist() == [1, 2, 3, 4, 5, 6]


def test_small_integers_are_widened() -> None:
    steps = plan_output(
        Shape(1, 8, 2),
        Format(U8, FormatOrder.NHCW),
        Shape(1, 2, 2),
        Format(FormatType.UINT16, FormatOrder.NHWC),
        ONE,
    )
    device = np.zeros((2, 8), np.uint8)
    device[:, :2] = [[1, 2], [254, 255]]
    out = np.zeros(steps.dst_bytes, np.uint8)

    FrameDecoder(steps).decode(device.reshape(-1), out)

    assert out.view(np.uint16).tolist() == [1, 254, 2, 255]


def test_a_frame_that_needs_no_change_is_handed_over_as_it_is() -> None:
    steps = plan_input(Shape(4, 4, 3), Format(U8, FormatOrder.NHWC), Shape(4, 4, 3), Format(U8, FormatOrder.NHWC), ONE)
    frame = np.zeros(48, np.uint8)

    assert FrameEncoder(steps).encode(frame) is frame
    assert not steps.required
    assert steps.description == ""


def test_one_feature_is_the_same_in_rows_and_lines() -> None:
    lines, rows = Format(U8, FormatOrder.NHCW), Format(U8, FormatOrder.NHWC)

    assert not plan_output(Shape(8, 8, 1), lines, Shape(8, 8, 1), rows, ONE).required


def test_a_stream_with_scales_for_each_feature_needs_them() -> None:
    unknown = (QuantInfo(0.0, 0.0, 0.0, 0.0),)

    with pytest.raises(StatusError, match="per feature") as refused:
        plan_output(Shape(1, 1, 8), Format(U8, FormatOrder.NC), Shape(1, 1, 8), Format(U8, FormatOrder.NC), unknown)
    assert refused.value.status is Status.INVALID_ARGUMENT


def test_uint16_never_becomes_uint8() -> None:
    wide, narrow = Format(FormatType.UINT16, FormatOrder.NHWC), Format(U8, FormatOrder.NHWC)
    shape = Shape(2, 2, 2)
    for plan in (
        lambda: plan_input(shape, wide, shape, narrow, ONE),
        lambda: plan_output(shape, wide, shape, narrow, ONE),
    ):
        with pytest.raises(StatusError, match="UINT16") as refused:
            plan()
        assert refused.value.status is Status.INVALID_ARGUMENT


def test_orders_without_a_conversion_are_refused_when_a_frame_comes() -> None:
    supported = {(FormatOrder.NHCW, FormatOrder.NHWC), (FormatOrder.NHCW, FormatOrder.NCHW)}
    for order in (FormatOrder.NHWC, FormatOrder.NCHW, FormatOrder.FCR, FormatOrder.F8CR, FormatOrder.NC):
        steps = plan_output(Shape(2, 8, 3), Format(U8, FormatOrder.NHCW), Shape(2, 8, 3), Format(U8, order), ONE)
        device, out = np.zeros(steps.src_bytes, np.uint8), np.zeros(steps.dst_bytes, np.uint8)
        if (FormatOrder.NHCW, order) in supported:
            FrameDecoder(steps).decode(device, out)
            continue
        with pytest.raises(StatusError, match=order.name) as refused:
            FrameDecoder(steps).decode(device, out)
        assert refused.value.status is Status.INVALID_OPERATION


def test_auto_means_rows_of_pixels_in_the_chip_s_own_type() -> None:
    auto = Format(FormatType.AUTO, FormatOrder.AUTO)
    chip = {
        FormatOrder.NHCW: FormatOrder.NHWC,
        FormatOrder.FCR: FormatOrder.FCR,
        FormatOrder.RGB888: FormatOrder.NHWC,
        FormatOrder.YYUV: FormatOrder.NV12,
        FormatOrder.YYYYUV: FormatOrder.I420,
    }
    for (device, user), type_ in itertools.product(chip.items(), (U8, FormatType.UINT16)):
        assert expand_autos(auto, Format(type_, device)) == Format(type_, user)
    boxes = expand_autos(auto, Format(FormatType.UINT16, FormatOrder.HAILO_NMS_ON_CHIP))
    assert boxes == Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_BY_CLASS)
