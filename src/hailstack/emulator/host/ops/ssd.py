"""SSD heads: boxes relative to anchors, classes with a background class (``ssd_post_process``, 4.23)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.ops.boxes import Candidates
from hailstack.emulator.host.ops.floats import exp
from hailstack.emulator.host.ops.tensors import Tensor, Threshold
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.model import NmsOp, RegClsDecoder, Stream

_BOX_FEATURES = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Scale:
    reg: Tensor
    cls: Tensor
    anchor_width: NDArray[np.float32]
    anchor_height: NDArray[np.float32]

    @property
    def anchors(self) -> int:
        return int(self.anchor_width.size)


@dataclass(frozen=True, slots=True, eq=False)
class Ssd:
    """Decoder of one network's SSD heads. Holds tables only: safe to use from several threads."""

    op: NmsOp
    scales: tuple[_Scale, ...]

    @staticmethod
    def of(op: NmsOp, streams: Mapping[str, Stream]) -> Ssd:
        """The decoder of an operation that reads ``streams``.

        Raises:
            StatusError: the two streams of a scale differ in grid, or boxes alone are asked for (2).
        """
        if op.bbox_only:
            raise StatusError(Status.INVALID_ARGUMENT, f"{op.name}: SSD has no decoding of boxes alone")
        # The vendor's library walks its box streams by name.
        parts = sorted(op.decoders, key=lambda part: part.reg)
        return Ssd(op, tuple(_scale(part, streams) for part in parts))

    def candidates(self, frames: Mapping[str, NDArray[np.uint8]], threshold: np.float32) -> Candidates:
        """All boxes whose class score is at least ``threshold``, without the background class if the HEF says so."""
        return Candidates.join([self._find(scale, frames, threshold) for scale in self.scales])

    def _find(self, scale: _Scale, frames: Mapping[str, NDArray[np.uint8]], bound: np.float32) -> Candidates:
        classes, shape = self.op.classes, scale.reg.shape
        scale.reg.require_entries(_BOX_FEATURES * scale.anchors)
        scale.cls.require_entries(classes * scale.anchors)
        scores = scale.cls.lines(frames)[: shape.height, : classes * scale.anchors]
        row, line, column = Threshold.at_least(scale.cls.values, bound).positions(scores, shape.width)
        order = np.lexsort((line, column, row))
        row, line, column = row[order], line[order], column[order]
        anchor, class_id = np.divmod(line, classes)
        if self.op.background_removal:
            foreground = class_id != self.op.background_index
            row, line, column = row[foreground], line[foreground], column[foreground]
            anchor, class_id = anchor[foreground], class_id[foreground] - (self.op.background_index == 0)
        score = scale.cls.real(scores[row, line, column])
        return Candidates(self._boxes(scale, frames, row, anchor, column), score, class_id)

    def _boxes(
        self,
        scale: _Scale,
        frames: Mapping[str, NDArray[np.uint8]],
        row: NDArray[np.intp],
        anchor: NDArray[np.intp],
        column: NDArray[np.intp],
    ) -> NDArray[np.float32]:
        lines, first = scale.reg.lines(frames), anchor * _BOX_FEATURES
        places = self.op.coordinate_indices
        ty, tx, th, tw = (scale.reg.real(lines[row, first + place, column]) for place in places)
        centers = np.float32(self.op.centers_scale_factor)
        sizes = np.float32(self.op.bbox_dimensions_scale_factor)
        wide, high, two = scale.anchor_width[anchor], scale.anchor_height[anchor], np.float32(2)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            half_width, half_height = exp(tw / sizes) * wide / two, exp(th / sizes) * high / two
            x = tx / centers * wide + _center(column, scale.reg.shape.width)
            y = ty / centers * high + _center(row, scale.reg.shape.height)
            box = np.stack((y - half_height, x - half_width, y + half_height, x + half_width), axis=1)
        return self._clipped(box, scale) if self.op.normalize_boxes else box

    def _clipped(self, box: NDArray[np.float32], scale: _Scale) -> NDArray[np.float32]:
        grid = scale.reg.shape
        last = np.array([grid.height - 1, grid.width - 1, grid.height - 1, grid.width - 1], np.float32)
        return np.minimum(np.maximum(box, np.float32(0)), last)


def _center(index: NDArray[np.intp], count: int) -> NDArray[np.float32]:
    step = np.float32(1) / np.float32(count)
    return index.astype(np.float32) * step + np.float32(0.5) * step


def _scale(part: RegClsDecoder, streams: Mapping[str, Stream]) -> _Scale:
    reg, cls = streams[part.reg], streams[part.cls]
    if (reg.shape.height, reg.shape.width) != (cls.shape.height, cls.shape.width):
        message = f"streams {reg.name} ({reg.shape}) and {cls.name} ({cls.shape}) are no SSD head"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    width, height = np.array(part.anchors_w, np.float32), np.array(part.anchors_h, np.float32)
    return _Scale(Tensor.of(reg), Tensor.of(cls), width, height)
