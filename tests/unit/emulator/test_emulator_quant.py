from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from hailstack.emulator.host.transforms_quant import dequantize, dequantize_in_place, quantize
from hailstack.hef.formats import QuantInfo

REALS = arrays.arrays(np.float32, st.integers(0, 40), elements=st.floats(-(2.0**40), 2.0**40, width=32))
SCALES = st.floats(2.0**-16, 128, width=32)
ZERO_POINTS = st.integers(0, 255).map(float)


def one_integer(number: np.float32, bits: int, quant: QuantInfo) -> int:
    """Clip, divide, shift and round one number in float32, then keep the low bits."""
    work = np.float32(number)
    if (quant.scale, quant.zp) != (1, 0):
        work = np.float32(min(max(work, np.float32(quant.limvals_min)), np.float32(quant.limvals_max)))
        work = np.float32(np.float32(work / np.float32(quant.scale)) + np.float32(quant.zp))
    rounded = round(float(work)) if math.isfinite(work) else 0
    return rounded % (1 << bits) if abs(rounded) < 2**31 else 0


@given(REALS, SCALES, ZERO_POINTS, st.booleans(), st.sampled_from([np.uint8, np.uint16]))
def test_quantising_an_array_is_quantising_every_number(
    reals: NDArray[np.float32], scale: float, zp: float, identity: bool, dtype: type
) -> None:
    quant = QuantInfo() if identity else QuantInfo(zp, scale, (0 - zp) * scale, (255 - zp) * scale)
    bits = 8 * np.dtype(dtype).itemsize

    got = quantize(reals, dtype, quant)

    assert got.dtype == dtype
    assert got.tolist() == [one_integer(number, bits, quant) for number in reals]


@given(st.integers(0, 255), SCALES, ZERO_POINTS)
def test_what_was_an_integer_comes_back_as_the_same(integer: int, scale: float, zp: float) -> None:
    quant = QuantInfo(zp, scale, (0 - zp) * scale, (255 - zp) * scale)

    real = dequantize(np.array([integer], np.uint8), np.float32, quant)

    assert quantize(real, np.uint8, quant)[0] == integer


def test_halves_are_rounded_to_even_numbers() -> None:
    halves = np.array([0.5, 1.5, 2.5, 254.5], np.float32)

    assert quantize(halves, np.uint8, QuantInfo()).tolist() == [0, 2, 2, 254]


def test_with_the_identity_scale_numbers_wrap_around() -> None:
    numbers = np.array([-1, 256, 300.2, 1e20, np.nan], np.float32)

    assert quantize(numbers, np.uint8, QuantInfo()).tolist() == [255, 0, 44, 0, 0]


def test_with_a_scale_numbers_stop_at_the_limits() -> None:
    quant = QuantInfo(10.0, 0.5, -5.0, 122.5)

    assert quantize(np.array([-1e9, 1e9], np.float32), np.uint8, quant).tolist() == [0, 255]


def test_features_may_have_scales_of_their_own() -> None:
    quants = [QuantInfo(0.0, 1.0), QuantInfo(1.0, 2.0), QuantInfo(0.0, 0.5)]
    pixels = np.array([[1, 2, 3], [4, 5, 6]], np.float32)

    dequantize_in_place(pixels, quants)

    assert pixels.tolist() == [[1, 2, 1.5], [4, 8, 3]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_large_arrays_are_worked_on_in_blocks_without_seams(dtype: type) -> None:
    numbers = np.linspace(-10, 300, 100_003, dtype=np.float32)
    quant = QuantInfo(3.0, 1.7, -5.0, 400.0)

    got = quantize(numbers, dtype, quant)

    clipped = np.clip(numbers, np.float32(-5), np.float32(400))
    assert np.array_equal(got, np.rint(clipped / np.float32(1.7) + np.float32(3)).astype(dtype))
