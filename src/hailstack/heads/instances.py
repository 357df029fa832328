"""Objects with the pixels that they cover."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.heads.cells import CellDetector, CellHead
from hailstack.heads.outputs import Geometry, Outputs
from hailstack.heads.values import Values
from hailstack.types import Detections, Mask


@dataclass(frozen=True, slots=True, eq=False)
class InstanceHead:
    """Detections with masks: each pixel of an object's box is inside where the prototypes, weighted with the object's
    coefficients, are above zero (YOLACT, arXiv 1904.02689, section 3.1; YOLOv5 to YOLO26 ``-seg``).

    Prototypes are read between their cells (bilinear), at the centres of the source picture's pixels.

    Raises:
        InferencePipelineError: a score, a strong box, its coefficients or its prototypes are not numbers.
    """

    detector: CellDetector
    prototypes: Values
    input_size: tuple[int, int]
    """Width and height."""
    names: tuple[str, ...] = ()

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Detections:
        found = self.detector.find(outputs)
        boxes = CellHead.detections(found, geometry, self.names)
        weights = self.detector.pyramid.real("mask", outputs, found.row)
        planes = np.asarray(outputs[self.prototypes.output])
        masks = [self._mask(box, weight, planes, geometry) for box, weight in zip(boxes.xyxy, weights, strict=True)]
        return replace(boxes, masks=tuple(masks))

    def _mask(
        self, box: NDArray[np.float32], weights: NDArray[np.float32], planes: NDArray[Any], geometry: Geometry
    ) -> Mask:
        left, top, right, bottom = covered(box, geometry)
        height, width, _ = planes.shape
        x = _cells(np.arange(left, right), geometry.scale_x, geometry.offset_x, self.input_size[0] / width, width)
        y = _cells(np.arange(top, bottom), geometry.scale_y, geometry.offset_y, self.input_size[1] / height, height)
        columns = slice(int(x[0]), int(x[-1]) + 2)
        rows = slice(int(y[0]), int(y[-1]) + 2)
        logits = self.prototypes.real(planes[rows, columns]) @ weights
        return Mask(left, top, _between(_between(logits, y - rows.start, 0), x - columns.start, 1) > 0)


def covered(box: NDArray[np.float32], geometry: Geometry) -> tuple[int, int, int, int]:
    """The pixels of the source picture that a box touches: left, top, right, bottom; at least one."""
    left, top, right, bottom = box.tolist()
    left, top = min(floor(left), geometry.source_width - 1), min(floor(top), geometry.source_height - 1)
    return left, top, max(ceil(right), left + 1), max(ceil(bottom), top + 1)


def _cells(pixels: NDArray[np.int64], scale: float, offset: float, stride: float, count: int) -> NDArray[np.float64]:
    """Where the centres of source pixels lie among the centres of a map's cells."""
    return np.asarray(np.clip(((pixels + 0.5) * scale + offset) / stride - 0.5, 0, count - 1))


def _between(values: NDArray[np.float32], places: NDArray[np.float64], axis: int) -> NDArray[np.float32]:
    """Linear interpolation along one axis."""
    last = values.shape[axis] - 1
    lower = np.minimum(places.astype(np.intp), last)
    upper = np.minimum(lower + 1, last)
    share = (places - lower).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
    first, made = values.take(lower, axis=axis), values.take(upper, axis=axis)
    made -= first
    made *= share
    made += first
    return np.asarray(made)


@dataclass(frozen=True, slots=True, eq=False)
class RecordHead:
    """Objects that HailoRT gives one by one, best first: NMS by score, or with byte masks (YOLOv5-seg).

    A mask has a byte for each pixel of the network's input within the box; a pixel of the source picture takes the
    value of the one under its centre (``hailo_detection_with_byte_mask_t`` of ``hailort.h``).
    """

    output: str
    input_size: tuple[int, int]
    """Width and height."""
    names: tuple[str, ...] = ()
    confidence: float = 0.0
    masked: bool = False

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Detections:
        given: Any = outputs[self.output]
        records = [one for one in given if one.score >= self.confidence]
        shares = np.array([(one.x_min, one.y_min, one.x_max, one.y_max) for one in records], np.float64)
        placed = shares.reshape(-1, 4) * np.array(self.input_size * 2)
        score = np.array([one.score for one in records], np.float32)
        class_id = np.array([one.class_id for one in records], np.int32)
        order = np.argsort(-score, kind="stable")
        boxes = Detections(geometry.to_source(placed[order]), score[order], class_id[order], self.names)
        if not self.masked:
            return boxes
        pairs = zip(boxes.xyxy, order.tolist(), strict=True)
        return replace(boxes, masks=tuple(self._mask(box, placed[i], records[i].mask, geometry) for box, i in pairs))

    def _mask(
        self, box: NDArray[np.float32], placed: NDArray[np.float64], pixels: NDArray[np.uint8], geometry: Geometry
    ) -> Mask:
        left, top, right, bottom = covered(box, geometry)
        across, down = (ceil(placed[2] - placed[0]), ceil(placed[3] - placed[1]))
        grid = np.asarray(pixels).reshape(-1)[: across * down].reshape(down, across) != 0
        x = ((np.arange(left, right) + 0.5) * geometry.scale_x + geometry.offset_x).astype(np.intp)
        y = ((np.arange(top, bottom) + 0.5) * geometry.scale_y + geometry.offset_y).astype(np.intp)
        column = np.clip(x - max(ceil(placed[0]), 0), 0, across - 1)
        row = np.clip(y - max(ceil(placed[1]), 0), 0, down - 1)
        return Mask(left, top, grid[np.ix_(row, column)])
