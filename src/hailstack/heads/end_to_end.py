"""Networks that give a short list of finished boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from hailstack.heads.codings import around
from hailstack.heads.detectors import CONFIDENCE
from hailstack.heads.nms import strongest
from hailstack.heads.outputs import Geometry, Head, OutputFacts, Outputs
from hailstack.heads.settings import HeadSettings
from hailstack.heads.values import Values
from hailstack.types import Detections

LONGEST_LIST = 1000
"""Rows; a detector's maps have more cells."""

FINISHED = 6
"""Numbers of a row of YOLOv10 and YOLO26: x_min, y_min, x_max, y_max in pixels of the input, score, class id."""


@dataclass(frozen=True, slots=True, eq=False)
class EndToEndHead:
    """Detections from a list; nothing is suppressed.

    Rows of six are finished boxes (YOLOv10, YOLO26: ``(1, 300, 6)``). Rows of four and one score a class are queries
    (RT-DETR, arXiv 2304.08069): centre and size as shares of the input, scores behind a sigmoid.

    Raises:
        InferencePipelineError: a number is not finite.
    """

    values: Values
    numbers: int
    """In a row."""
    kind: Literal["finished", "queries"]
    input_size: tuple[int, int]
    """Width and height."""
    names: tuple[str, ...] = ()
    confidence: float = CONFIDENCE
    max_objects: int = 300

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Detections:
        rows = self.values.real(np.asarray(outputs[self.values.output])).reshape(-1, self.numbers)
        if self.kind == "finished":
            row = np.flatnonzero(rows[:, 4] >= self.confidence)
            boxes, score, class_id = rows[row, :4], rows[row, 4], np.rint(rows[row, 5]).astype(np.int32)
        else:
            row, column = np.nonzero(rows[:, 4:] >= self.confidence)
            score, class_id = rows[row, 4 + column], column.astype(np.int32)
            boxes = around(rows[row, :2], rows[row, 2:4]) * np.array(self.input_size * 2, np.float32)
        best = strongest(score, self.max_objects)
        return Detections(geometry.to_source(boxes[best]), score[best], class_id[best], self.names)


def bind_end_to_end(outputs: Sequence[OutputFacts], settings: HeadSettings) -> Head | None:
    """The head for an only output with a list of boxes; None if it is something else."""
    if len(outputs) != 1 or outputs[0].kind != "tensor":
        return None
    (output,) = outputs
    dims = [length for length in output.shape if length > 1]
    if len(dims) != 2 or not FINISHED <= dims[1] < dims[0] <= LONGEST_LIST or prod(output.shape[-1:]) != dims[1]:
        return None
    size = (settings.input_width, settings.input_height)
    confidence = CONFIDENCE if settings.confidence is None else settings.confidence
    kind: Literal["finished", "queries"] = "finished" if dims[1] == FINISHED else "queries"
    if kind == "queries":
        settings.check_names(dims[1] - 4)
    values = Values.of(output)
    return EndToEndHead(values, dims[1], kind, size, settings.names, confidence, settings.max_objects)
