"""Several pictures as one."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np

from hailstack.imaging.raster import resize
from hailstack.types import Image

LARGEST_WIDTH_PX = 1920


def mosaic(pictures: Sequence[Image]) -> Image:
    """The pictures side by side and below each other in a grid, from the upper left, each whole in a tile of its own.

    Tiles are as high and wide as the highest and the widest picture, as far as ``LARGEST_WIDTH_PX`` allows; smaller
    ones are enlarged to fit, with black around them. A single picture is given back as it is.

    Args:
        pictures: at least one, RGB uint8 of any sizes.
    """
    if len(pictures) == 1:
        return pictures[0]
    columns = ceil(sqrt(len(pictures)))
    rows = ceil(len(pictures) / columns)
    height, width = (max(one.shape[axis] for one in pictures) for axis in (0, 1))
    scale = min(1.0, LARGEST_WIDTH_PX / columns / width)
    height, width = max(1, int(height * scale)), max(1, int(width * scale))
    canvas = np.zeros((rows * height, columns * width, 3), np.uint8)
    for index, picture in enumerate(pictures):
        tile = _fitted(picture, height, width)
        top = index // columns * height + (height - tile.shape[0]) // 2
        left = index % columns * width + (width - tile.shape[1]) // 2
        canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return canvas


def _fitted(picture: Image, height: int, width: int) -> Image:
    scale = min(height / picture.shape[0], width / picture.shape[1])
    size = max(1, round(picture.shape[0] * scale)), max(1, round(picture.shape[1] * scale))
    if size == picture.shape[:2]:
        return picture
    return resize(picture, *size, "area" if scale < 1 else "linear")
