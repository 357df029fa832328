"""NMS by class to boxes in source pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.errors import InferencePipelineError
from hailstack.heads import DetectionHead, RawHead
from hailstack.imaging import Placement

LETTERBOX = Placement(scale_x=0.5, scale_y=0.5, offset_x=0, offset_y=60, source_width=640, source_height=400)
scores = st.lists(st.floats(0, 1, width=32), max_size=6)


def by_class(per_class: list[list[float]]) -> list[np.ndarray]:
    """As HailoRT gives it: classes without a hit are float64."""
    return [
        np.array([[0.25, 0.125, 0.5, 0.75, score] for score in one], np.float32) if one else np.empty([0, 5])
        for one in per_class
    ]


def test_a_normalised_yxyx_box_lands_on_the_source_pixels():
    head = DetectionHead("nms", 320, 320, ("cat", "dog"))
    found = head({"nms": by_class([[], [0.9]])}, LETTERBOX)
    # x: 0.125 and 0.75 of 320 are 40 and 240, halved scale → 80, 480; y: 80 and 160, less 60 of padding → 40, 200.
    assert found.xyxy.tolist() == [[80, 40, 480, 200]]
    assert found.name(0) == "dog"
    assert found.xyxy.dtype == found.score.dtype == np.float32


@given(st.lists(scores, min_size=1, max_size=5), st.floats(0, 1, width=32))
def test_all_strong_enough_objects_are_there_best_first(per_class, confidence):
    found = DetectionHead("nms", 320, 320, confidence=confidence)({"nms": by_class(per_class)}, LETTERBOX)
    expected = sorted((-score, number) for number, one in enumerate(per_class) for score in one if score >= confidence)
    assert list(zip(-found.score, found.class_id, strict=True)) == expected


def test_a_frame_without_objects_has_typed_empty_arrays():
    found = DetectionHead("nms", 320, 320)({"nms": by_class([[], []])}, LETTERBOX)
    assert len(found) == 0
    assert found.xyxy.shape == (0, 4)
    assert found.class_id.dtype == np.int32


def test_raw_outputs_are_copies_and_boxes_carry_their_class():
    buffer = np.zeros((2, 2, 1), np.float32)
    raw = RawHead()({"map": buffer, "nms": by_class([[0.5], [0.75]])}, LETTERBOX)
    buffer[...] = 1
    assert raw.tensors["map"].sum() == 0
    assert raw.tensors["nms"][:, 5].tolist() == [0, 1]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("column", range(5))
def test_a_box_that_is_not_a_number_is_an_error_and_never_dropped_or_clipped(value, column):
    boxes = by_class([[0.9, 0.8]])
    boxes[0][1, column] = value
    with pytest.raises(InferencePipelineError, match=r"output nms .* not a number: the model is broken"):
        DetectionHead("nms", 320, 320, confidence=0.5)({"nms": boxes}, LETTERBOX)
