from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.emulator.host.ops.upsampling import Taps, enlarge

# sha256 of what stb_image_resize 0.97 makes of the same picture (triangle filter, clamped edges), first 16 digits.
FROM_STB = {
    (16, 12, 50, 37): "b33aaf75c0b826a6",
    (10, 10, 40, 40): "6f8f15e3e00d5157",
    (7, 5, 8, 29): "b9cb10971fa96675",
}


@pytest.mark.parametrize("sizes", FROM_STB)
def test_enlarged_masks_have_the_bits_of_stb(sizes: tuple[int, int, int, int]) -> None:
    height, width, tall, wide = sizes
    small = (np.arange(height * width) * 61 % 101 / np.float32(101)).astype(np.float32).reshape(height, width)

    big = enlarge(small, Taps.of(height, tall), Taps.of(width, wide))

    assert hashlib.sha256(np.ascontiguousarray(big).astype("<f4").tobytes()).hexdigest()[:16] == FROM_STB[sizes]


@given(st.integers(1, 12), st.integers(1, 40))
def test_a_flat_picture_stays_flat(small: int, more: int) -> None:
    taps = Taps.of(small, small + more)

    big = enlarge(np.full((small, small), 0.25, np.float32), taps, taps)

    np.testing.assert_allclose(big, 0.25, rtol=1e-6)


@given(st.integers(0, 15), st.integers(0, 15))
def test_a_part_is_the_same_as_cut_out_of_the_whole(row: int, column: int) -> None:
    small = np.random.default_rng(0).random((5, 4), np.float32)
    vertical, horizontal = Taps.of(5, 20), Taps.of(4, 16)
    rows, columns = np.arange(row, 20), np.arange(column, 16)

    part = enlarge(small, vertical.at(rows), horizontal.at(columns))

    assert np.array_equal(part, enlarge(small, vertical, horizontal)[row:, column:])
