"""Answers for every pixel drawn onto pictures: classes and depth."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from hailstack.imaging.drawing_labels import Pen, class_colour, draw_label, place_label, write_list
from hailstack.types import UNSEEN, ClassMap, DepthMap, Image

TINT = 0.5
"""Share of the class's colour in a pixel."""
LEAST_SHARE = 0.001
"""Classes with fewer pixels are not in the legend."""
COVERED = (2.0, 98.0)
"""Percentiles of the depth between which the colours run: single wild pixels do not bleach the picture."""
SAMPLE = 4
"""Percentiles are those of every fourth row and column."""


def draw_class_map(image: Image, class_map: ClassMap) -> Image:
    """A copy of the picture tinted with each pixel's class; the classes and their shares in the upper left corner.

    A class called ``background`` is not tinted, nor is what the network did not see.
    """
    counts = cv2.calcHist([class_map.class_id], [0], None, [UNSEEN + 1], [0, UNSEEN + 1]).reshape(-1)[:UNSEEN]
    plain = [one for one in range(UNSEEN) if class_map.name(one) == "background"]
    palette = np.array([[class_colour(one) for one in range(UNSEEN + 1)]], np.uint8).reshape(-1, 1, 3)
    is_tinted = np.ones(UNSEEN + 1, np.uint8)
    is_tinted[[*plain, UNSEEN]] = 0
    colours = cv2.applyColorMap(class_map.class_id, palette)
    tinted = cv2.addWeighted(np.ascontiguousarray(image), 1 - TINT, colours, TINT, 0)
    canvas = np.array(image, order="C")
    cv2.copyTo(tinted, cv2.LUT(class_map.class_id, is_tinted), canvas)
    seen = max(1, int(counts.sum()))
    listed = [one for one in np.argsort(-counts, kind="stable").tolist() if counts[one] >= LEAST_SHARE * seen]
    lines = (
        (f"{class_map.name(one)} {counts[one] / seen:.0%}", class_colour(one)) for one in listed if one not in plain
    )
    write_list(canvas, lines, Pen.for_image(canvas))
    return canvas


def draw_depth(image: Image, depth: DepthMap) -> Image:
    """The depth in colours, bright where it is near, and what they mean; the picture where the network saw nothing."""
    sample = depth.depth[::SAMPLE, ::SAMPLE]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return image
    low, high = (float(one) for one in np.percentile(sample, COVERED))
    near, far = (high, low) if depth.is_inverse else (low, high)
    canvas = _coloured(depth.depth, near, far)
    unseen = np.isnan(depth.depth)
    if unseen.any():
        cv2.copyTo(np.ascontiguousarray(image), unseen.view(np.uint8), canvas)
    _draw_scale(canvas, *(f"{one:.2g} m" if depth.is_metric else word for one, word in ((near, "near"), (far, "far"))))
    return canvas


def _coloured(depth: NDArray[np.float32], near: float, far: float) -> Image:
    """From black, far, to yellow, near; what lies beyond is held at the ends."""
    steps = 255.0 / (near - far or 1.0)
    levels = cv2.addWeighted(depth, steps, depth, 0.0, -far * steps, dtype=cv2.CV_8U)
    return cast(Image, cv2.applyColorMap(levels, _palette()))


def _palette() -> NDArray[np.uint8]:
    """RGB of the 256 levels, ``(256, 1, 3)``."""
    levels = np.arange(256, dtype=np.uint8)[:, None]
    return np.ascontiguousarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1])


def _draw_scale(canvas: Image, near: str, far: str) -> None:
    """A bar from far to near in the lower left corner, with its ends labelled."""
    pen = Pen.for_image(canvas)
    height, width = canvas.shape[:2]
    first = place_label(canvas, far, (0, height), pen)
    bar_width = min(width - first.right, max(1, width // 4))
    last = place_label(canvas, near, (first.right + bar_width, height), pen)
    room = max(0, last.left - first.right)
    levels = np.linspace(0, 255, room).astype(np.uint8)
    canvas[first.top : first.bottom, first.right : first.right + room] = _palette()[levels, 0]
    draw_label(canvas, far, first, (0, 0, 0), pen)
    draw_label(canvas, near, last, (255, 255, 255), pen)
