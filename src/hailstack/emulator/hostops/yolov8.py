"""YOLOv8 heads: a distribution over distances for each side of a box (``yolov8_post_process``, 4.23)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.hostops.boxes import Candidates
from hailstack.emulator.hostops.floats import PACKET, exp, exp_packet, sum_packets, weighted_sum
from hailstack.emulator.hostops.tensors import Tensor, Threshold
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.model import NmsOp, Stream

_SIDES = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Scale:
    """One pair of a box and a class stream."""

    reg: Tensor
    cls: Tensor
    stride: np.float32
    bins: int
    """Distances a side."""
    powers: tuple[NDArray[np.float32], NDArray[np.float32]]
    """The exponential of each integer of the box stream: within whole registers, and in the rest."""

    def distances(self, integers: NDArray[Any]) -> NDArray[np.float32]:
        """``(..., 4)`` expected distances, in strides, from ``(..., 4 * bins)`` integers."""
        grouped = integers.reshape(*integers.shape[:-1], _SIDES, self.bins)
        whole = self.bins // PACKET * PACKET
        powers = np.empty(grouped.shape, np.float32)
        powers[..., :whole] = self.powers[0][grouped[..., :whole]]
        powers[..., whole:] = self.powers[1][grouped[..., whole:]]
        with np.errstate(invalid="ignore", over="ignore"):
            powers /= sum_packets(powers)[..., None]
            return weighted_sum(powers)


@dataclass(frozen=True, slots=True, eq=False)
class YoloV8:
    """Decoder of one network's YOLOv8 heads. Holds tables only: safe to use from several threads."""

    scales: tuple[_Scale, ...]
    classes: int
    height: np.float32
    width: np.float32

    @staticmethod
    def of(op: NmsOp, streams: Mapping[str, Stream]) -> YoloV8:
        """
        Raises:
            StatusError: a box stream's features are no multiple of four, or two streams of a scale differ (2).
        """
        scales = tuple(_scale(streams[part.reg], streams[part.cls], part.stride) for part in op.decoders)
        return YoloV8(scales, op.classes, np.float32(op.image_height), np.float32(op.image_width))

    def candidates(self, frames: Mapping[str, NDArray[np.uint8]], threshold: np.float32) -> Candidates:
        """All boxes whose class score is at least ``threshold``, scale by scale, row by row, class by class."""
        return Candidates.join([self._find(scale, frames, threshold) for scale in self.scales])

    def _find(self, scale: _Scale, frames: Mapping[str, NDArray[np.uint8]], bound: np.float32) -> Candidates:
        self._require_sizes(scale)
        scores, width = scale.cls.lines(frames), scale.cls.shape.width
        passing = Threshold.at_least(scale.cls.values, bound)
        row, class_id, column = passing.positions(scores[: scale.cls.shape.height, : self.classes], width)
        cell, order = row * width + column, np.lexsort((class_id, column, row))
        row, class_id, column, cell = row[order], class_id[order], column[order], cell[order]
        # Classes of one cell share its box.
        starts = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]]) if cell.size else cell
        reg = scale.reg.lines(frames)[row[starts], : scale.reg.shape.features, column[starts]]
        box = self._boxes(scale, scale.distances(reg), row[starts], column[starts])
        repeats = np.diff(np.r_[starts, cell.size])
        score = scale.cls.real(scores[row, class_id, column])
        return Candidates(np.repeat(box, repeats, axis=0), score, class_id)

    def _require_sizes(self, scale: _Scale) -> None:
        scale.reg.require_entries(scale.reg.padded.features)
        scale.cls.require_entries(self.classes)

    def _boxes(
        self, scale: _Scale, distance: NDArray[np.float32], row: NDArray[np.intp], column: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        half, stride = np.float32(0.5), scale.stride
        x = (column.astype(np.float32) + half) * stride / self.width
        y = (row.astype(np.float32) + half) * stride / self.height
        reach = distance * stride
        box = np.empty((*x.shape, _SIDES), np.float32)
        box[..., 0] = y - reach[..., 1] / self.height
        box[..., 1] = x - reach[..., 0] / self.width
        box[..., 2] = y + reach[..., 3] / self.height
        box[..., 3] = x + reach[..., 2] / self.width
        return box

    def all_boxes(self, frames: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Every box with all its class scores, undecided: ``(boxes, 4 + classes)``."""
        return np.concatenate([self._all_of(scale, frames) for scale in self.scales])

    def _all_of(self, scale: _Scale, frames: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.float32]:
        self._require_sizes(scale)
        height, width = scale.cls.shape.height, scale.cls.shape.width
        row, column = np.divmod(np.arange(height * width), width)
        reg = scale.reg.lines(frames)[:height, : scale.reg.shape.features, :width]
        scores = scale.cls.lines(frames)[:height, : self.classes, :width]
        out = np.empty((height * width, _SIDES + self.classes), np.float32)
        distance = scale.distances(reg.transpose(0, 2, 1).reshape(height * width, -1))
        out[:, :_SIDES] = self._boxes(scale, distance, row, column)
        out[:, _SIDES:] = scale.cls.real(scores.transpose(0, 2, 1).reshape(height * width, -1))
        return out


def _scale(reg: Stream, cls: Stream, stride: int) -> _Scale:
    same_grid = (reg.shape.height, reg.shape.width) == (cls.shape.height, cls.shape.width)
    if not same_grid or reg.format != cls.format or reg.shape.features % _SIDES:
        message = f"streams {reg.name} ({reg.shape}) and {cls.name} ({cls.shape}) are no YOLOv8 head"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    boxes = Tensor.of(reg)
    powers = (exp_packet(boxes.values), exp(boxes.values))
    return _Scale(boxes, Tensor.of(cls), np.float32(stride), reg.shape.features // _SIDES, powers)
