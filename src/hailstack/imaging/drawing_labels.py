"""What results are labelled with: colours, plates with text, sizes that suit the picture."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hailstack.types import Image

GOLDEN_RATIO = 0.618033988749895
FONT = cv2.FONT_HERSHEY_SIMPLEX
HIDDEN_SHARE = 0.35
"""A label may cover so much of another object's box."""

Rgb = tuple[int, int, int]


class Pen(NamedTuple):
    """Sizes that suit a picture: what is legible at 320 pixels is a hair line at 4K."""

    line_px: int
    text_scale: float
    text_px: int

    @classmethod
    def for_image(cls, image: Image) -> Pen:
        side = float(np.sqrt(image.shape[0] * image.shape[1]))
        return cls(max(1, round(side / 320)), max(0.4, side / 1200), max(1, round(side / 700)))


class Plate(NamedTuple):
    """The ground of a label, in pixels; ``baseline`` is the room below the letters."""

    left: int
    top: int
    right: int
    bottom: int
    baseline: int

    def touches(self, other: Plate) -> bool:
        """Whether the two share a pixel."""
        apart_x = self.right <= other.left or other.right <= self.left
        return not (apart_x or self.bottom <= other.top or other.bottom <= self.top)


@cache
def class_colour(class_id: int) -> Rgb:
    """A bright colour that stays with a class; neighbouring ids get very different hues."""
    red, green, blue = colorsys.hsv_to_rgb((0.35 + class_id * GOLDEN_RATIO) % 1.0, 0.85, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)


def write_list(canvas: Image, lines: Iterable[tuple[str, Rgb]], pen: Pen) -> None:
    """Write lines on coloured plates one below the other, from the upper left corner as far as there is room."""
    bottom = 0
    for text, colour in lines:
        plate = place_label(canvas, text, (0, bottom), pen, below=True)
        if plate.top < bottom:
            return
        draw_label(canvas, text, plate, colour, pen)
        bottom = plate.bottom


def place_label(canvas: Image, text: str, corner: tuple[int, int], pen: Pen, *, below: bool = False) -> Plate:
    """Where a plate for the text fits whose lower left corner (``below``: upper left) is ``corner``."""
    (width, height), baseline = cv2.getTextSize(text, FONT, pen.text_scale, pen.text_px)
    width, height = width + 2, height + baseline + 2
    left = min(max(0, int(corner[0])), max(0, canvas.shape[1] - width))
    top = int(corner[1]) if below else int(corner[1]) - height
    top = min(max(0, top), max(0, canvas.shape[0] - height))
    return Plate(left, top, left + width, top + height, baseline)


def crowded(plates: Sequence[Plate], boxes: NDArray[np.int_]) -> NDArray[np.bool_]:
    """``(n,)``: which plates lie on more than ``HIDDEN_SHARE`` of another object's box; plate and box go in pairs."""
    places = np.array(plates, int).reshape(-1, 1, 5)
    low, high = np.maximum(places[..., :2], boxes[:, :2]), np.minimum(places[..., 2:4], boxes[:, 2:])
    covered = np.clip(high - low, 0, None).prod(axis=2)
    np.fill_diagonal(covered, 0)
    areas = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1)
    return np.asarray((covered > HIDDEN_SHARE * areas).any(axis=1))


def draw_label(canvas: Image, text: str, plate: Plate, colour: Rgb, pen: Pen) -> None:
    """Write on a coloured plate."""
    cv2.rectangle(canvas, (plate.left, plate.top), (plate.right, plate.bottom), colour, cv2.FILLED)
    ink = (0, 0, 0) if sum(colour) > 330 else (255, 255, 255)
    start = (plate.left + 1, plate.bottom - plate.baseline - 1)
    cv2.putText(canvas, text, start, FONT, pen.text_scale, ink, pen.text_px, cv2.LINE_AA)
