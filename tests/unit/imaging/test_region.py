"""Turned parts of a picture, upright, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.imaging import crop_region

ANGLES = st.floats(-np.pi, np.pi)


def square(x, y, side, turn):
    right, down = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    return [(x, y) + side / 2 * (a * right + b * down) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]


def test_an_upright_square_of_the_same_size_is_the_picture_itself():
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    crop, _ = crop_region(image, [[10, 5], [34, 5], [34, 29], [10, 29]], 24, 24)
    assert np.array_equal(crop, image[5:29, 10:34])


@pytest.mark.parametrize(("turns", "first"), [(1, 1), (2, 2), (3, 3)])
def test_quarter_turns_are_exact(turns, first):
    image = np.random.default_rng(1).integers(0, 256, (24, 24, 3), np.uint8)
    corners = np.array([[0, 0], [24, 0], [24, 24], [0, 24]], float)
    crop, _ = crop_region(image, np.roll(corners, -first, axis=0), 24, 24)
    assert np.array_equal(crop, np.rot90(image, turns))


def test_beyond_the_edge_it_is_black():
    crop, _ = crop_region(np.full((20, 20, 3), 200, np.uint8), [[-10, -10], [10, -10], [10, 10], [-10, 10]], 20, 20)
    assert (crop[:9, :] == 0).all()
    assert (crop[11:, 11:] == 200).all()


@given(ANGLES, st.floats(5, 300), st.floats(-50, 200), st.floats(-50, 200), st.integers(8, 256))
def test_corners_of_the_crop_go_back_to_the_corners_of_the_square(turn, side, x, y, size):
    corners = np.array(square(x, y, side, turn))
    _, placement = crop_region(np.zeros((150, 100, 3), np.uint8), corners, size, size)
    back = placement.points_to_source([[0, 0], [size, 0], [size, size], [0, size]])
    assert np.abs(back - corners).max() < 0.05
    (box,) = placement.to_source([[0, 0, size, size]])
    around = np.concatenate([corners.min(axis=0), corners.max(axis=0)]).clip(0, [100, 150, 100, 150])
    assert np.abs(box - around).max() < 0.05


def test_what_is_seen_in_the_crop_is_where_the_way_back_says():
    image = np.zeros((200, 300, 3), np.uint8)
    image[80:84, 190:194] = 255
    crop, placement = crop_region(image, square(170, 90, 120, 0.6), 240, 240)
    row, column = (places.mean() + 0.5 for places in np.nonzero(crop[..., 0] > 128))
    assert placement.points_to_source([column, row]) == pytest.approx([192, 82], abs=0.3)
