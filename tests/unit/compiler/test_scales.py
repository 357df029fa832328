from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hailstack.compiler.quantise.scales import (
    Range,
    Scale,
    fit_weight_scale,
    quantise_bias,
    round_weights,
    weight_scale_floor,
)

REALS = st.floats(-1e6, 1e6, allow_nan=False, width=32)


@given(REALS, REALS, st.sampled_from([255, 65535]))
def test_a_scale_covers_its_range_and_holds_zero_exactly(one: float, other: float, top: int) -> None:
    span = Range(min(one, other), max(one, other))
    scale = Scale.fit(span, top)
    low, high = scale.quant_info.limvals_min, scale.quant_info.limvals_max
    assert 0 <= scale.zero_point <= top
    assert low <= 0 <= high
    assert low <= span.low + scale.scale
    assert high >= span.high - scale.scale


def test_a_tensor_that_is_always_zero_has_a_scale() -> None:
    assert Scale.fit(Range(0.0, 0.0)) == Scale(1.0, 0)


def test_a_probability_has_the_vendors_scale() -> None:
    info = Scale.fit(Range(0.0, 1.0)).quant_info
    assert (info.zp, round(info.scale, 6), info.limvals_max) == (0.0, 0.003922, 1.0)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, None]))
def test_weights_come_back_within_half_a_step(seed: int, axis: int | None) -> None:
    weights = np.random.default_rng(seed).normal(0, 1, (4, 5, 3, 3)) * 10.0 ** np.arange(-2, 2)[:, None, None, None]
    scale = fit_weight_scale(weights, axis)
    integers = round_weights(weights, scale, axis)
    shape = [1] * 4
    if axis is not None:
        shape[axis] = -1
    assert np.abs(integers).max() <= 127
    assert np.all(np.abs(integers * scale.reshape(shape) - weights) <= 0.5001 * scale.reshape(shape))


def test_dead_channels_make_no_trouble() -> None:
    weights = np.array([[0.0, 0.0], [1e-40, 0.0], [1.0, -1.0]])
    scale = fit_weight_scale(weights, 0)
    assert round_weights(weights, scale, 0).tolist() == [[0, 0], [0, 0], [127, -127]]
    assert np.all(scale > 0)


@given(st.floats(-1e4, 1e4), st.floats(1e-6, 1e-2))
def test_a_large_bias_on_small_weights_still_fits(bias: float, input_scale: float) -> None:
    values = np.array([bias])
    floor = weight_scale_floor(values, input_scale)
    scale = fit_weight_scale(np.array([[1e-9, -1e-9]]), 0, floor)
    whole, step = quantise_bias(values, input_scale, scale)
    assert abs(whole[0] * step[0] - bias) <= step[0] + 1e-6 * abs(bias)
