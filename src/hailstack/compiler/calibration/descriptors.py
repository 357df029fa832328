"""What a picture looks like in 134 whole numbers, cheap enough for thousands and the same on every machine.

==========  ==  ==================================================================
group       n   what
==========  ==  ==================================================================
tone         6  darkest, dark, middle, bright, brightest twentieth; contrast
layout      64  luminance of an 8x8 grid
colour      32  red against green and yellow against blue, of a 4x4 grid
detail      32  how much neighbouring pixels differ along x and y, of a 4x4 grid
==========  ==  ==================================================================

Everything is computed in integers from the frame as the network gets it, so that neither the processor nor the number
of threads changes a bit, nor which pictures are chosen.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.types import Image

Descriptor: TypeAlias = NDArray[np.int32]
"""``(134,)``; the squared distance of two is how much the pictures differ."""

LUMA = np.array([77, 150, 29])
"""Weights of R, G, B in 1/256 (ITU-R BT.601)."""
STEPS = 16
"""Pixels are kept in sixteenths of a grey level."""

TONE, LAYOUT, COLOUR, DETAIL = slice(0, 6), slice(6, 70), slice(70, 102), slice(102, 134)
WEIGHTS = {"tone": 5, "layout": 1, "colour": 4, "detail": 17}
"""With these, two photos of everyday scenes differ equally much in each group."""


def describe(frame: Image) -> Descriptor:
    """The descriptor of a frame, uint8 ``(h, w, 3)`` RGB or ``(h, w, 1)`` grey."""
    frame = np.broadcast_to(frame, (*frame.shape[:2], 3))
    grid = _block_means(frame.astype(np.int32) * STEPS, 32)
    luma = (grid @ LUMA) >> 8
    parts = {
        "tone": _tone(luma),
        "layout": _block_means(luma, 8),
        "colour": _block_means(_opponents(grid), 4),
        "detail": _detail(frame),
    }
    return np.concatenate([(values * WEIGHTS[name]).ravel() for name, values in parts.items()]).astype(np.int32)


def brightness(descriptors: NDArray[np.int32]) -> NDArray[np.int32]:
    """Mean luminance ``(n,)`` in 0..255 of described frames ``(n, d)``."""
    light: NDArray[np.int32] = descriptors[:, LAYOUT].sum(axis=1) // (64 * STEPS * WEIGHTS["layout"])
    return light


def contrast(descriptors: NDArray[np.int32]) -> NDArray[np.int32]:
    """Mean deviation of luminance from its mean ``(n,)``, in grey levels."""
    return descriptors[:, TONE.stop - 1] // (STEPS * WEIGHTS["tone"])


def warmth(descriptors: NDArray[np.int32]) -> NDArray[np.int32]:
    """How much more red than blue there is in the upper and the lower half of each frame: ``(n, 2)``, grey levels."""
    red_green, yellow_blue = np.moveaxis(descriptors[:, COLOUR].reshape(-1, 2, 8, 2), -1, 0)
    warm: NDArray[np.int32] = (yellow_blue + red_green // 2).sum(axis=-1) // (8 * STEPS * WEIGHTS["colour"])
    return warm


def colourfulness(descriptors: NDArray[np.int32]) -> NDArray[np.int32]:
    """Mean distance from grey ``(n,)``, in grey levels."""
    mean: NDArray[np.int32] = np.abs(descriptors[:, COLOUR]).sum(axis=1) // (32 * STEPS * WEIGHTS["colour"])
    return mean


def colour_swapped(colours: NDArray[np.int32]) -> NDArray[np.int32]:
    """The colour group of descriptors ``(n, 32)`` as it would be with red and blue exchanged."""
    red_green, yellow_blue = np.moveaxis(colours.reshape(-1, 16, 2), -1, 0)
    swapped = np.stack([red_green // 2 - yellow_blue, -(3 * red_green) // 4 - yellow_blue // 2], axis=-1)
    return swapped.reshape(colours.shape)


def _tone(luma: NDArray[np.int64]) -> NDArray[np.int64]:
    ordered = np.sort(luma.ravel())
    marks = ordered[[len(ordered) * part // 20 for part in (1, 5, 10, 15, 19)]]
    middle = int(luma.sum()) // luma.size
    spread = int(np.abs(luma - middle).sum()) // luma.size
    return np.append(marks, spread)


def _opponents(grid: NDArray[np.int64]) -> NDArray[np.int64]:
    red, green, blue = np.moveaxis(grid, -1, 0)
    return np.stack([red - green, (red + green) // 2 - blue], axis=-1)


def _detail(frame: Image) -> NDArray[np.int64]:
    green = frame[..., 1].astype(np.int32) * STEPS
    across, down = np.zeros_like(green), np.zeros_like(green)
    across[:, 1:] = np.abs(np.diff(green, axis=1))
    down[1:] = np.abs(np.diff(green, axis=0))
    return _block_means(np.stack([across, down], axis=-1), 4)


def _block_means(values: NDArray[np.signedinteger], blocks: int) -> NDArray[np.int64]:
    """Means of a grid of blocks, rounded down; an image smaller than the grid has fewer blocks repeated."""
    height, width = values.shape[:2]
    rows, columns = (np.arange(blocks) * side // blocks for side in (height, width))
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0, dtype=np.int64), columns, axis=1)
    counts = np.multiply.outer(_widths(rows, height), _widths(columns, width))
    means: NDArray[np.int64] = sums // counts.reshape(counts.shape + (1,) * (values.ndim - 2))
    return means


def _widths(edges: NDArray[np.intp], side: int) -> NDArray[np.intp]:
    return np.maximum(np.diff(np.append(edges, side)), 1)
