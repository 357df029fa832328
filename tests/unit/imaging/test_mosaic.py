"""Several pictures as one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.imaging.mosaic import LARGEST_WIDTH_PX, mosaic

SIZES = st.tuples(st.integers(1, 400), st.integers(1, 3000))


def grey(height, width, value):
    return np.full((height, width, 3), value, np.uint8)


def test_one_picture_stays_as_it_is():
    picture = grey(10, 20, 5)
    assert mosaic([picture]) is picture


def test_four_cameras_of_one_size_lie_in_a_square_untouched():
    shown = mosaic([grey(48, 64, value) for value in (10, 20, 30, 40)])
    assert shown.shape == (96, 128, 3)
    assert [int(shown[y, x, 0]) for y in (0, 95) for x in (0, 127)] == [10, 20, 30, 40]


def test_a_picture_of_another_shape_is_whole_in_the_middle_of_its_tile():
    shown = mosaic([grey(40, 80, 10), grey(20, 10, 20)])
    assert shown.shape == (40, 160, 3)
    assert (shown[:, 110:130] == 20).all()
    assert not shown[:, 80:108].any()


@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_every_picture_is_there(count):
    shown = mosaic([grey(30, 40, 20 * (number + 1)) for number in range(count)])
    assert {20 * (number + 1) for number in range(count)} <= set(np.unique(shown).tolist())


@given(st.lists(SIZES, min_size=2, max_size=7))
def test_no_sizes_break_it(sizes):
    shown = mosaic([grey(*size, 200) for size in sizes])
    assert shown.shape[1] <= LARGEST_WIDTH_PX
    assert shown.dtype == np.uint8
