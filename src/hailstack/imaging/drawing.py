"""Results drawn onto pictures."""

from __future__ import annotations

import numpy as np

from hailstack.imaging.drawing_labels import Pen, class_colour, write_list
from hailstack.imaging.drawing_maps import draw_class_map, draw_depth
from hailstack.imaging.drawing_objects import draw_detections
from hailstack.types import Classes, ClassMap, DepthMap, Detections, Embedding, Image, Prediction, RawTensors

__all__ = ["class_colour", "draw", "draw_class_map", "draw_classes", "draw_depth", "draw_detections"]


def draw(image: Image, prediction: Prediction) -> Image:
    """The picture with what was found drawn onto it; itself where there is nothing to see (vectors, raw tensors)."""
    match prediction:
        case Detections():
            return draw_detections(image, prediction)
        case Classes():
            return draw_classes(image, prediction)
        case ClassMap():
            return draw_class_map(image, prediction)
        case DepthMap():
            return draw_depth(image, prediction)
        case Embedding() | RawTensors():
            return image


def draw_classes(image: Image, classes: Classes) -> Image:
    """A copy of the picture with ``rank: name score`` lines in its upper left corner."""
    canvas = np.array(image, order="C")
    lines = (
        (f"{rank + 1}: {classes.name(rank)} {classes.score[rank]:.3f}", class_colour(int(classes.class_id[rank])))
        for rank in range(len(classes))
    )
    write_list(canvas, lines, Pen.for_image(canvas))
    return canvas
