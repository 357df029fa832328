"""Differences between tensors and what explains them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import picture
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.fidelity.causes import explain_inputs, explain_labels, explain_outputs, find_order
from hailstack.imaging import raster

RANDOM = np.random.default_rng(0)


@given(st.permutations(range(7)))
def test_any_order_of_channels_is_found_again(order: list[int]) -> None:
    values = RANDOM.normal(size=(3, 7, 4))
    found = find_order(values, values[:, order], 1)
    assert (found is None) == (order == sorted(order))
    assert found is None or found.tolist() == order


def test_two_channels_that_are_equal_are_no_order() -> None:
    values = np.ones((2, 4, 3))
    assert find_order(values, values, 1) is None


def test_tensors_that_have_nothing_in_common_are_not_explained() -> None:
    one, other = RANDOM.normal(size=(2, 2, 3, 32, 32)).astype(np.float32)
    assert explain_inputs(list(one), list(other), Normalisation()) is None
    assert explain_outputs(list(one), list(other)) is None


NORMAL = Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


def tensors(pixels: np.ndarray, normalisation: Normalisation = NORMAL) -> list[np.ndarray]:
    values = (pixels - np.array(normalisation.mean)) / np.array(normalisation.std)
    return list(values.transpose(0, 3, 1, 2).astype(np.float32))


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Two large soft pictures, made smaller as preprocessing does it."""
    return np.stack([raster.resize(picture(seed), 64, 64) for seed in range(2)])


def test_swapped_channels_and_a_wrong_mean_are_told_together_with_the_right_one(pixels: np.ndarray) -> None:
    cause = explain_inputs(tensors(pixels), tensors(pixels[..., ::-1], Normalisation((0,) * 3, (255,) * 3)), NORMAL)
    assert cause is not None
    assert cause.kind == "mean or std"
    assert "--mean 0,0,0 --std 255,255,255; and red and blue are swapped" in cause.text


def test_a_shift_and_a_wrong_mean_are_told_together(pixels: np.ndarray) -> None:
    wanted = tensors(np.roll(pixels, (1, 0), (1, 2)), Normalisation((0,) * 3, (255,) * 3))
    cause = explain_inputs(tensors(pixels), wanted, NORMAL)
    assert cause is not None
    assert cause.kind == "shift"
    assert "0 pixels to the right of and 1 below" in cause.text and "--mean 0,0,0 --std 255,255,255" in cause.text


@pytest.mark.parametrize("amount", [0.05, 0.3, 1.0])
def test_noise_is_no_fault_that_can_be_named(pixels: np.ndarray, amount: float) -> None:
    ours = tensors(pixels)
    noisy = [one + RANDOM.normal(0, amount, one.shape).astype(np.float32) for one in ours]
    assert explain_inputs(ours, noisy, NORMAL) is None
    assert explain_outputs(ours, noisy) is None


@pytest.mark.parametrize("interpolation", ["area", "nearest", "cubic"])
def test_another_way_of_resizing_is_not_taken_for_a_shift(
    pixels: np.ndarray, interpolation: raster.Interpolation
) -> None:
    others = np.stack([raster.resize(picture(seed), 64, 64, interpolation) for seed in range(2)])
    cause = explain_inputs(tensors(pixels), tensors(others), NORMAL)
    assert cause is None or "shift" not in cause.kind


def test_a_mirrored_picture_and_another_picture_are_not_explained(pixels: np.ndarray) -> None:
    assert explain_inputs(tensors(pixels), tensors(pixels[:, :, ::-1]), NORMAL) is None
    assert explain_inputs(tensors(pixels), tensors(pixels[::-1]), NORMAL) is None


def test_margins_of_another_grey_are_told_from_a_wrong_mean() -> None:
    ours = RANDOM.uniform(0, 1, (2, 3, 40, 40)).astype(np.float32)
    ours[:, :, :10] = ours[:, :, 30:] = 114 / 255
    theirs = ours.copy()
    theirs[:, :, :10] = theirs[:, :, 30:] = 0
    cause = explain_inputs(list(ours), list(theirs), Normalisation(std=(255, 255, 255)))
    assert cause is not None
    assert cause.kind == "padding"


def test_another_size_is_named_with_both() -> None:
    ours, theirs = np.zeros((3, 32, 32), np.float32), np.zeros((3, 64, 32), np.float32)
    cause = explain_inputs([ours], [theirs], Normalisation())
    assert cause is not None
    assert "3x32x32" in cause.text and "3x64x32" in cause.text


def test_a_missing_softmax_is_found_on_its_axis() -> None:
    logits = RANDOM.normal(size=(3, 5, 4))
    powers = np.exp(logits)
    cause = explain_outputs(list(logits), list(powers / powers.sum(axis=1, keepdims=True)))
    assert cause is not None
    assert cause.kind == "softmax" and "axis 1" in cause.text


def test_names_are_compared_only_where_both_sides_have_them() -> None:
    assert explain_labels((), ("a",)) is None
    assert explain_labels(("a",), ("a",)) is None
    cause = explain_labels(("a", "b"), ("a",))
    assert cause is not None and "class 1 is 'b' in the HEF and 'nothing' in the reference" in cause.text
