"""Objects drawn onto pictures: boxes, masks, key points, what a second network looks at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hailstack.imaging.drawing_labels import Pen, Plate, Rgb, class_colour, crowded, draw_label, place_label
from hailstack.types import Detections, Image, Mask

MASK_SHARE = 0.45
"""Of the class's colour in what a mask covers."""
LEAST_POINT_SCORE = 0.3
"""Key points that the network doubts more are not drawn."""
WHITE = (255, 255, 255)
BLACK = (0, 0, 0)


def draw_detections(image: Image, detections: Detections) -> Image:
    """A copy of the picture with each object and ``name score`` on it, weakest objects first.

    Masks tint what they cover; oriented boxes are drawn instead of upright ones; key points above
    ``LEAST_POINT_SCORE`` are joined by the skeleton; the turned square for a second network is white, and thicker
    where it is up. Where objects crowd, the label of a weaker one is left out if it would lie on another label or hide
    most of another object; its outline still has its class's colour.
    """
    canvas = np.array(image, order="C")
    pen = Pen.for_image(canvas)
    colours = [class_colour(class_id) for class_id in detections.class_id.tolist()]
    for index in reversed(range(len(detections))):
        if detections.masks is not None:
            _draw_mask(canvas, detections.masks[index], colours[index], pen)
        _draw_outline(canvas, detections, index, colours[index], pen)
        if detections.keypoints is not None:
            _draw_points(canvas, detections.keypoints[index], detections.skeleton, colours[index], pen)
    _write_names(canvas, detections, colours, pen)
    return canvas


def _write_names(canvas: Image, detections: Detections, colours: list[Rgb], pen: Pen) -> None:
    texts = [f"{detections.name(index)} {score:.2f}" for index, score in enumerate(detections.score.tolist())]
    plates = [place_label(canvas, text, _anchor(detections, index), pen) for index, text in enumerate(texts)]
    in_the_way = crowded(plates, np.rint(detections.xyxy).astype(int)).tolist()
    written: list[Plate] = []
    for text, plate, colour, is_in_the_way in zip(texts, plates, colours, in_the_way, strict=True):
        if not is_in_the_way and not any(map(plate.touches, written)):
            written.append(plate)
            draw_label(canvas, text, plate, colour, pen)


def _anchor(detections: Detections, index: int) -> tuple[int, int]:
    """Where an object's label stands: on its upper left corner, or on the highest of an oriented box."""
    if detections.corners is None:
        left, top = np.rint(detections.xyxy[index, :2])
    else:
        left, top = np.rint(min(detections.corners[index], key=lambda corner: corner[1]))
    return int(left), int(top)


def _draw_outline(canvas: Image, detections: Detections, index: int, colour: Rgb, pen: Pen) -> None:
    if detections.corners is None:
        left, top, right, bottom = np.rint(detections.xyxy[index]).astype(int).tolist()
        cv2.rectangle(canvas, (left, top), (right, bottom), colour, pen.line_px)
    else:
        corners = np.rint(detections.corners[index]).astype(np.int32)
        cv2.polylines(canvas, [corners], True, colour, pen.line_px, cv2.LINE_AA)
    if detections.regions is not None:
        square = np.rint(detections.regions[index]).astype(np.int32)
        cv2.polylines(canvas, [square], True, WHITE, max(1, pen.line_px // 2), cv2.LINE_AA)
        cv2.line(canvas, square[0].tolist(), square[1].tolist(), WHITE, 2 * pen.line_px, cv2.LINE_AA)


def _draw_mask(canvas: Image, mask: Mask, colour: Rgb, pen: Pen) -> None:
    """Tint and outline; only the pixels of the mask's own box are touched."""
    top, left = max(mask.top, 0), max(mask.left, 0)
    pixels = mask.pixels[top - mask.top :, left - mask.left :].astype(np.uint8)
    part = canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]]
    if not part.size or not pixels.size:
        return
    pixels = np.ascontiguousarray(pixels[: part.shape[0], : part.shape[1]])
    tint = np.empty_like(part)
    tint[:] = colour
    part[:] = cv2.copyTo(cv2.addWeighted(part, 1 - MASK_SHARE, tint, MASK_SHARE, 0), pixels, part.copy())
    outlines, _ = cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(canvas, outlines, -1, colour, max(1, pen.line_px // 2), cv2.LINE_AA, offset=(left, top))


def _draw_points(
    canvas: Image, points: NDArray[np.float32], skeleton: tuple[tuple[int, int], ...], colour: Rgb, pen: Pen
) -> None:
    places = np.rint(points[:, :2]).astype(int).tolist()
    sure = (points[:, 2] >= LEAST_POINT_SCORE).tolist()
    for start, end in skeleton:
        if sure[start] and sure[end]:
            cv2.line(canvas, places[start], places[end], colour, pen.line_px, cv2.LINE_AA)
    for place, is_sure in zip(places, sure, strict=True):
        if is_sure:
            cv2.circle(canvas, place, pen.line_px + 2, BLACK, cv2.FILLED, cv2.LINE_AA)
            cv2.circle(canvas, place, pen.line_px + 1, colour, cv2.FILLED, cv2.LINE_AA)
