"""Pictures varied so that a network learns what matters: mosaics, scale and place, mirror, colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hailstack.imaging import raster
from hailstack.training.options import Augmentation
from hailstack.training.pictures import Picture, Shelf
from hailstack.types import Image

GREY = 114
"""Of what no picture covers: the colour of a letterbox's margins."""

LEAST_SIDE_PX = 2.0
LEAST_SHARE = 0.1
"""Boxes of which less is left are dropped: nobody could say what they show."""


def varied(
    shelf: Shelf[Picture], count: int, number: int, side: int, options: Augmentation, rng: np.random.Generator
) -> Picture:
    """Picture ``number`` of ``count`` in a square of ``side`` pixels, varied by chance as ``rng`` has it."""
    if rng.random() < options.mosaic:
        others = rng.integers(0, count, 3).tolist()
        whole = _mosaic([shelf[one] for one in (number, *others)], side, rng)
    else:
        whole = shelf[number]
    placed = _placed(whole, side, options, rng)
    flipped = _mirrored(placed) if rng.random() < options.flip else placed
    return Picture(_recoloured(flipped.image, options, rng), flipped.xyxy, flipped.class_id)


def _mosaic(pictures: Sequence[Picture], side: int, rng: np.random.Generator) -> Picture:
    """Four pictures around a point, on a canvas of twice the side."""
    canvas = np.full((2 * side, 2 * side, 3), GREY, np.uint8)
    x, y = (int(one) for one in rng.uniform(side / 2, 3 * side / 2, 2))
    boxes = []
    for corner, one in enumerate(pictures):
        height, width = one.image.shape[:2]
        left = x if corner % 2 else x - width
        top = y if corner // 2 else y - height
        _paste(one.image, canvas, left, top)
        boxes.append(one.xyxy + np.array([left, top] * 2, np.float32))
    return Picture(canvas, np.concatenate(boxes), np.concatenate([one.class_id for one in pictures]))


def _paste(image: Image, canvas: Image, left: int, top: int) -> None:
    """What of the image lies on the canvas."""
    height, width = image.shape[:2]
    rows = slice(max(0, top), min(canvas.shape[0], top + height))
    columns = slice(max(0, left), min(canvas.shape[1], left + width))
    canvas[rows, columns] = image[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]


def _placed(picture: Picture, side: int, options: Augmentation, rng: np.random.Generator) -> Picture:
    """The picture's middle near the middle of a square, larger or smaller than it was."""
    height, width = picture.image.shape[:2]
    scale = rng.uniform(1 - options.scale, 1 + options.scale)
    middle = side * rng.uniform(0.5 - options.translate, 0.5 + options.translate, 2)
    shift = middle - scale * np.array([width, height]) / 2
    # Boxes are continuous, pixels have their middle at a half: (i + 0.5) * scale + shift - 0.5.
    move = shift + 0.5 * (scale - 1)
    matrix = [[scale, 0.0, move[0]], [0.0, scale, move[1]]]
    image = raster.warp_affine(picture.image, matrix, side, side, fill=GREY)
    return _cut(image, picture.xyxy * np.float32(scale) + np.tile(shift, 2).astype(np.float32), picture.class_id)


def _cut(image: Image, xyxy: NDArray[np.float32], class_id: NDArray[np.int32]) -> Picture:
    """Boxes cut to the picture, without those of which hardly anything is left."""
    inside = np.clip(xyxy, 0, image.shape[0])
    sides = inside[:, 2:] - inside[:, :2]
    whole = np.prod(xyxy[:, 2:] - xyxy[:, :2], axis=1)
    keep = (sides >= LEAST_SIDE_PX).all(axis=1) & (np.prod(sides, axis=1) >= LEAST_SHARE * whole)
    return Picture(image, inside[keep], class_id[keep])


def _mirrored(picture: Picture) -> Picture:
    width = picture.image.shape[1]
    boxes = picture.xyxy[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], np.float32)
    return Picture(picture.image[:, ::-1], boxes + np.array([width, 0, width, 0], np.float32), picture.class_id)


def _recoloured(image: Image, options: Augmentation, rng: np.random.Generator) -> Image:
    limits = np.array([options.hue, options.saturation, options.value])
    hue, saturation, value = (limits * rng.uniform(-1, 1, 3)).tolist()
    return raster.recolour(image, hue, 1 + saturation, 1 + value)
