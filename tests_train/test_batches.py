"""Pictures come in an order and variety that a seed decides, with boxes that fit them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hailstack.training.augment import varied
from hailstack.training.batches import Batch, Order, training_batches
from hailstack.training.material import read_material
from hailstack.training.options import Augmentation, TrainOptions
from hailstack.training.pictures import Picture, Shelf, to_learn_from, to_measure_with

PLAIN = Augmentation(0, 0, 0, 0, 0, 0, 0, 0)


def epoch_of(data: Path, epoch: int, **wishes: object) -> list[Batch]:
    options = TrainOptions(**{"epochs": 20, "batch": 4, "imgsz": 64, **wishes})  # type: ignore[arg-type]
    samples = read_material(data).train
    return list(training_batches(to_learn_from(samples, 64), Order(len(samples), 4), epoch, options))


def same(first: list[Batch], second: list[Batch]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(a.pixels, b.pixels) and torch.equal(a.xyxy, b.xyxy) for a, b in zip(first, second, strict=True)
    )


def test_threads_change_nothing(few_shapes: Path) -> None:
    alone = epoch_of(few_shapes, 3, workers=0)
    assert same(alone, epoch_of(few_shapes, 3, workers=3))


def test_epochs_and_seeds_differ(few_shapes: Path) -> None:
    first = epoch_of(few_shapes, 0)
    assert same(first, epoch_of(few_shapes, 0))
    assert not same(first, epoch_of(few_shapes, 1))
    assert not same(first, epoch_of(few_shapes, 0, seed=1))


@given(st.integers(1, 70), st.integers(1, 20))
def test_an_epoch_has_each_picture_once_but_perhaps_a_single_last_one(count: int, size: int) -> None:
    numbers = [one.tolist() for one in Order(count, size).of(5, 2)]
    seen = [number for one in numbers for number in one]
    assert len(set(seen)) == len(seen)
    assert len(seen) in (count, count - 1)
    assert len(numbers) == 1 or size == 1 or len(numbers[-1]) > 1


def painted(width: int, height: int, box: tuple[int, int, int, int]) -> Picture:
    """Black, with a white box."""
    image = np.zeros((height, width, 3), np.uint8)
    image[box[1] : box[3], box[0] : box[2]] = 255
    return Picture(image, np.array([box], np.float32), np.array([1], np.int32))


@given(st.integers(0, 2**32), st.booleans())
def test_boxes_go_with_what_they_show(chance: int, mosaic: bool) -> None:
    one = painted(96, 64, (30, 20, 62, 44))
    options = Augmentation(float(mosaic), 0, 0.5, 0.5, 0.2, 0, 0, 0)
    shelf = Shelf(lambda _: one, lambda _: 0)
    result = varied(shelf, 4, 0, 96, options, np.random.default_rng(chance))
    assert result.image.shape == (96, 96, 3)
    white = np.zeros((96, 96), np.bool_)
    for left, top, right, bottom in np.rint(result.xyxy).astype(int).tolist():
        white[top:bottom, left:right] = True
    # Edges are smooth and boxes whole pixels here; what was cut to less than a tenth is white without a box.
    wrong = (result.image[..., 0] > 200) & ~white
    assert wrong.sum() <= 0.1 * 48 * 36 + 4 * 96
    seen = result.image[..., 0][white]
    assert seen.size == 0 or np.mean(seen > 100) > 0.8


def test_without_variation_a_picture_is_the_one_in_the_letterbox(few_shapes: Path) -> None:
    samples = read_material(few_shapes).train
    result = varied(to_learn_from(samples, 64), len(samples), 0, 64, PLAIN, np.random.default_rng(0))
    fitted = to_measure_with(samples, 64)[0].picture
    assert np.abs(result.image.astype(int) - fitted.image).max() <= 3  # there and back through another colour space
    assert result.xyxy == pytest.approx(fitted.xyxy, abs=1e-3)


def test_the_last_epochs_have_no_mosaics(few_shapes: Path) -> None:
    """Four pictures at a time hold more shapes."""
    wishes = {"augment": Augmentation(close_mosaic=5, scale=0.0, translate=0.0), "epochs": 20}
    most = [max(one.xyxy.shape[1] for one in epoch_of(few_shapes, epoch, **wishes)) for epoch in (14, 15)]
    samples = read_material(few_shapes).train
    assert most[1] <= max(len(one.objects) for one in samples)
    plain = {**wishes, "augment": Augmentation(mosaic=0.0, scale=0.0, translate=0.0)}
    assert same(epoch_of(few_shapes, 15, **wishes), epoch_of(few_shapes, 15, **plain))
    assert not same(epoch_of(few_shapes, 14, **wishes), epoch_of(few_shapes, 14, **plain))


def test_what_fits_on_the_shelf_is_read_once() -> None:
    read: list[int] = []
    shelf = Shelf(lambda number: read.append(number) or b"1234", len, limit=8)  # type: ignore[func-returns-value]
    for number in (0, 1, 2, 0, 1, 2):
        assert shelf[number] == b"1234"
    assert read == [0, 1, 2, 2]
