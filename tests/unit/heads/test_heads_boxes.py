"""Overlap of boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.heads.boxes import iou_matrix

corners = st.tuples(*[st.floats(0, 500)] * 2)
sides = st.tuples(*[st.floats(1, 300)] * 2)
boxes = st.builds(lambda at, size: [*at, at[0] + size[0], at[1] + size[1]], corners, sides)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_one_with_itself(first: list[float], second: list[float]) -> None:
    pair = np.asarray([first, second])
    shared = iou_matrix(pair, pair)
    assert shared[0, 0] == pytest.approx(1.0)
    assert shared[0, 1] == pytest.approx(shared[1, 0])
    assert 0.0 <= shared[0, 1] <= 1.0


def test_half_a_box_is_a_half_and_boxes_without_area_share_nothing() -> None:
    found = iou_matrix(np.array([[0, 0, 10, 10], [3, 3, 3, 3]]), np.array([[0, 0, 10, 20], [0, 5, 10, 15]]))
    assert found == pytest.approx(np.array([[1 / 2, 1 / 3], [0, 0]]))


def test_no_boxes_give_an_empty_matrix() -> None:
    assert iou_matrix(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)
