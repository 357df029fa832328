"""Results drawn onto pictures."""

from __future__ import annotations

import colorsys
from typing import NamedTuple

import cv2
import numpy as np

from hailstack.types import Classes, Detections, Image

GOLDEN_RATIO = 0.618033988749895
FONT = cv2.FONT_HERSHEY_SIMPLEX

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


def class_colour(class_id: int) -> Rgb:
    """A bright colour that stays with a class; neighbouring ids get very different hues."""
    red, green, blue = colorsys.hsv_to_rgb((0.35 + class_id * GOLDEN_RATIO) % 1.0, 0.85, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_detections(image: Image, detections: Detections) -> Image:
    """A copy of the picture with a box and ``name score`` for each object, weakest first."""
    canvas = np.ascontiguousarray(image).copy()
    pen = Pen.for_image(canvas)
    for index in reversed(range(len(detections))):
        left, top, right, bottom = (round(float(edge)) for edge in detections.xyxy[index])
        colour = class_colour(int(detections.class_id[index]))
        cv2.rectangle(canvas, (left, top), (right, bottom), colour, pen.line_px)
        text = f"{detections.name(index)} {detections.score[index]:.2f}"
        _draw_tag(canvas, text, (left, top), colour, pen)
    return canvas


def draw_classes(image: Image, classes: Classes) -> Image:
    """A copy of the picture with ``rank: name score`` lines in its upper left corner."""
    canvas = np.ascontiguousarray(image).copy()
    pen = Pen.for_image(canvas)
    bottom = 0
    for index in range(len(classes)):
        text = f"{index + 1}: {classes.name(index)} {classes.score[index]:.3f}"
        bottom = _draw_tag(canvas, text, (0, bottom), class_colour(int(classes.class_id[index])), pen, below=True)
    return canvas


def _draw_tag(canvas: Image, text: str, corner: tuple[int, int], colour: Rgb, pen: Pen, *, below: bool = False) -> int:
    """Write on a coloured plate whose lower left corner (``below``: upper left) is ``corner``; returns its bottom."""
    (width, height), baseline = cv2.getTextSize(text, FONT, pen.text_scale, pen.text_px)
    plate_height = height + baseline + 2
    left = min(max(0, corner[0]), max(0, canvas.shape[1] - width - 2))
    top = corner[1] if below else corner[1] - plate_height
    top = min(max(0, top), max(0, canvas.shape[0] - plate_height))
    cv2.rectangle(canvas, (left, top), (left + width + 2, top + plate_height), colour, cv2.FILLED)
    ink = (0, 0, 0) if sum(colour) > 330 else (255, 255, 255)
    cv2.putText(canvas, text, (left + 1, top + height + 1), FONT, pen.text_scale, ink, pen.text_px, cv2.LINE_AA)
    return int(top + plate_height)
