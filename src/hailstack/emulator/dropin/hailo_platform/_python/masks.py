"""Instance masks spread over the whole picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray


def masks_to_tf_frame(detections: Sequence[Any], frame: NDArray[Any], height: int, width: int) -> None:
    """Fill a row of ``frame`` for each detection: box, score, class, then ``height * width`` mask pixels of 0 or 1.

    Rows without a detection stay as they are.
    """
    for row, detection in zip(frame, detections, strict=False):
        box = detection.box
        head = (box.y_min, box.x_min, box.y_max, box.x_max, detection.score, detection.class_id)
        row[: len(head)] = head
        row[len(head) :] = _whole_picture(detection, height, width)


def _whole_picture(detection: Any, height: int, width: int) -> NDArray[numpy.uint8]:
    """A mask in its place; pixels beyond the picture fall on its last row or column."""
    box = detection.box
    top, left = int(numpy.ceil(box.y_min * height)), int(numpy.ceil(box.x_min * width))
    columns = max(int(numpy.ceil((box.x_max - box.x_min) * width)), 1)
    places = numpy.flatnonzero(detection._mask == 1)
    rows = numpy.minimum(top + places // columns, height - 1)
    picture = numpy.zeros((height, width), dtype=numpy.uint8)
    picture[rows, numpy.minimum(left + places % columns, width - 1)] = 1
    return picture.reshape(-1)
