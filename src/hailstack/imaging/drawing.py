"""Results drawn onto pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hailstack.imaging.drawing_labels import Pen, class_colour, draw_label, place_label, write_list
from hailstack.imaging.drawing_maps import draw_class_map, draw_depth
from hailstack.imaging.drawing_objects import draw_detections
from hailstack.types import Classes, ClassMap, DepthMap, Detections, Embedding, Image, Prediction, RawTensors

__all__ = ["class_colour", "draw", "draw_class_map", "draw_classes", "draw_depth", "draw_detections"]


def draw(image: Image, prediction: Prediction) -> Image:
    """The picture with what was found drawn onto it; itself where there is nothing to see (vectors, raw tensors)."""
    match prediction:
        case Detections():
            return _draw_chain(image, prediction) if prediction.parts else draw_detections(image, prediction)
        case Classes():
            return draw_classes(image, prediction)
        case ClassMap():
            return draw_class_map(image, prediction)
        case DepthMap():
            return draw_depth(image, prediction)
        case Embedding() | RawTensors():
            return image


def _draw_chain(image: Image, found: Detections) -> Image:
    """What a first network found, without its key points, and what a second one says about each object: what it found
    there, or the best class below the object's box."""
    canvas = draw_detections(image, replace(found, keypoints=None))
    pen = Pen.for_image(canvas)
    for index, part in enumerate(found.parts or ()):
        if isinstance(part, Detections):
            canvas = draw_detections(canvas, part)
        elif isinstance(part, Classes) and len(part):
            text, colour = f"{part.name(0)} {part.score[0]:.2f}", class_colour(int(part.class_id[0]))
            left, bottom = found.xyxy[index, [0, 3]].astype(int).tolist()
            draw_label(canvas, text, place_label(canvas, text, (left, bottom), pen), colour, pen)
    return canvas


def draw_classes(image: Image, classes: Classes) -> Image:
    """A copy of the picture with ``rank: name score`` lines in its upper left corner."""
    canvas = np.array(image, order="C")
    lines = (
        (f"{rank + 1}: {classes.name(rank)} {classes.score[rank]:.3f}", class_colour(int(classes.class_id[rank])))
        for rank in range(len(classes))
    )
    write_list(canvas, lines, Pen.for_image(canvas))
    return canvas
