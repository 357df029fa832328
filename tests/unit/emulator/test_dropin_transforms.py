"""Conversions that programs do by themselves."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from dropin_programs import own_chips  # noqa: F401
from hailo_platform.pyhailort import _pyhailort
from hailo_platform.pyhailort import pyhailort as hailort

Utils = hailort.HailoRTTransformUtils
QUANT = _pyhailort.QuantInfo(128, 0.5, -64, 63.5)


def test_numbers_are_rounded_half_to_even_and_come_back() -> None:
    real = np.array([-64, -0.25, 0.25, 0.75, 63.5, 1000], np.float32)
    integers = np.zeros(6, np.uint8)
    Utils.quantize_input_buffer(real, integers, 6, QUANT)
    assert integers.tolist() == [0, 128, 128, 130, 255, 255]
    back = np.zeros(6, np.float32)
    Utils.dequantize_output_buffer(integers, back, 6, QUANT)
    assert back.tolist() == [-64, 0, 0, 1, 63.5, 63.5]


def test_conversion_in_place_needs_room_for_the_larger_numbers() -> None:
    buffer = np.zeros(16, np.uint8)
    buffer[:4] = 0, 128, 130, 255
    Utils.dequantize_output_buffer_in_place(buffer, np.dtype(np.float32), 4, QUANT)
    assert buffer.view(np.float32).tolist() == [-64, 0, 1, 63.5]
    with pytest.raises(hailort.HailoRTException, match=r"HAILO_INSUFFICIENT_BUFFER"):
        Utils.dequantize_output_buffer_in_place(buffer, np.dtype(np.float32), 5, QUANT)


def test_only_the_first_elements_are_touched() -> None:
    integers = np.full(4, 7, np.uint8)
    Utils.quantize_input_buffer(np.zeros(4, np.float32), integers, 2, QUANT)
    assert integers.tolist() == [128, 128, 7, 7]


def test_scales_per_feature_are_refused() -> None:
    message = (
        "quant_info is invalid as the model was compiled with multiple quant_infos. "
        "Please compile again or provide a list of quant_infos."
    )
    with pytest.raises(hailort.HailoRTInvalidOperationException) as refused:
        Utils.quantize_input_buffer(np.zeros(1, np.float32), np.zeros(1, np.uint8), 1, _pyhailort.QuantInfo())
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("source", "target", "call"),
    [
        (np.uint8, np.uint16, Utils.quantize_input_buffer),
        (np.uint16, np.uint8, Utils.dequantize_output_buffer),
        (np.float32, np.uint8, Utils.dequantize_output_buffer),
    ],
)
def test_conversions_that_the_library_does_not_know_are_refused(source: Any, target: Any, call: Any) -> None:
    with pytest.raises(hailort.HailoRTInvalidArgumentException):
        call(np.zeros(1, source), np.zeros(1, target), 1, QUANT)


def test_types_are_told_by_size() -> None:
    assert [Utils.get_dtype(size) for size in (1, 2, 4)] == [np.uint8, np.uint16, np.float32]
    with pytest.raises(hailort.HailoRTException, match=r"^unsupported data bytes value$"):
        Utils.get_dtype(8)


BY_CLASS = np.array([2, *range(10), 0, 1, *range(10, 15), -1, -1, -1, -1], np.float32)
"""Three classes with two, no and one box, and a tail that means nothing."""


def test_flat_results_become_lists_per_class_without_a_copy() -> None:
    first, second, third = Utils.output_raw_buffer_to_nms_format_single_frame(BY_CLASS, 3)
    assert first.tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert (second.shape, second.dtype) == ((0, 5), np.float64)
    assert third.tolist() == [[10, 11, 12, 13, 14]]
    assert np.shares_memory(first, BY_CLASS)
    assert len(Utils.output_raw_buffer_to_nms_format(BY_CLASS[None], 3)[0]) == 3


def test_flat_results_become_one_padded_array() -> None:
    frames = np.stack([np.resize(BY_CLASS, 33), np.zeros(33, np.float32)])
    padded = Utils.output_raw_buffer_to_nms_tf_format(frames.reshape(-1), [2, 3, 5, 2], np.float32, np.zeros(5))
    assert padded.shape == (2, 3, 5, 2)
    assert padded[0, 0, :, 1].tolist() == [5, 6, 7, 8, 9]
    assert padded[0, 2, :, 0].tolist() == [10, 11, 12, 13, 14]
    assert not padded[0, 1].any()
    assert not padded[1].any()


def masked_record(box: tuple[float, ...], score: float, class_id: int, mask: bytes) -> bytes:
    return struct.pack("<5fHQQ", *box, score, class_id, len(mask), 0) + mask


RECORDS = np.frombuffer(
    struct.pack("<H", 2)
    + masked_record((0, 0, 0.5, 0.5), 0.75, 3, bytes([1, 0, 0, 1]))
    + masked_record((0.5, 0.5, 1, 1), 0.5, 1, bytes([1, 1, 1, 0]))
    + b"tail",
    np.uint8,
)
"""Two detections in a picture of 4 x 4 pixels, each with a mask of 2 x 2."""


def test_masks_are_taken_out_of_their_records() -> None:
    first, second = Utils._output_raw_buffer_to_nms_with_byte_mask_hailo_format_single_frame(RECORDS)
    assert (first.y_min, first.x_max, first.score, first.class_id) == (0, 0.5, 0.75, 3)
    assert first.mask.tolist() == [1, 0, 0, 1]
    assert (second.x_min, second.mask.tolist()) == (0.5, [1, 1, 1, 0])


def test_masks_are_spread_over_the_picture_when_asked() -> None:
    spread = Utils._output_raw_buffer_to_nms_with_byte_mask_tf_format
    pictures = spread(RECORDS[None], 80, 1, 4, 4, 2, np.float32)
    assert pictures.shape == (1, 1, 4 * 4 + 6, 2)
    assert pictures[0, 0, :6, 0].tolist() == [0, 0, 0.5, 0.5, 0.75, 3]
    assert np.argwhere(pictures[0, 0, 6:, 0].reshape(4, 4)).tolist() == [[0, 0], [1, 1]]
    assert np.argwhere(pictures[0, 0, 6:, 1].reshape(4, 4)).tolist() == [[2, 2], [2, 3], [3, 2]]
