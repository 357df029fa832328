"""YOLOv8 heads: a distribution over distances for each side of a box (``yolov8_post_process``, 4.23)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.ops.boxes import Candidates
from hailstack.emulator.host.ops.floats import PACKET, exp, exp_packet, sum_packets, weighted_sum
from hailstack.emulator.host.ops.tensors import Tensor, Threshold
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

    def powers_of(self, integers: NDArray[Any]) -> NDArray[np.float32]:
        """Exponentials ``(bins, n, 4)`` of ``(n, 4 * bins)`` integers."""
        # Bins go first: all sums run over them.
        grouped = np.ascontiguousarray(integers.reshape(-1, _SIDES, self.bins).transpose(2, 0, 1))
        whole = self.bins // PACKET * PACKET
        powers: NDArray[np.float32] = self.powers[0][grouped[:whole]]
        if whole == self.bins:
            return powers
        return np.concatenate((powers, self.powers[1][grouped[whole:]]))


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Cells of the grids that hold at least one box that passes."""

    row: NDArray[np.intp]
    column: NDArray[np.intp]
    stride: NDArray[np.float32]
    powers: NDArray[np.float32]
    """``(bins, n, 4)``."""

    @staticmethod
    def join(parts: list[_Cells]) -> list[_Cells]:
        """As few as possible: one, when all scales have the same number of bins."""
        if len({part.powers.shape[0] for part in parts}) > 1:
            return parts
        row = np.concatenate([part.row for part in parts])
        column = np.concatenate([part.column for part in parts])
        stride = np.concatenate([part.stride for part in parts])
        return [_Cells(row, column, stride, np.concatenate([part.powers for part in parts], axis=1))]

    def distances(self) -> NDArray[np.float32]:
        """``(n, 4)`` expected distances in strides."""
        with np.errstate(invalid="ignore", over="ignore"):
            return weighted_sum(self.powers / sum_packets(self.powers))


@dataclass(frozen=True, slots=True, eq=False)
class YoloV8:
    """Decoder of one network's YOLOv8 heads. Holds tables only: safe to use from several threads."""

    scales: tuple[_Scale, ...]
    classes: int
    height: np.float32
    width: np.float32

    @staticmethod
    def of(op: NmsOp, streams: Mapping[str, Stream]) -> YoloV8:
        """The decoder of an operation that reads ``streams``.

        Raises:
            StatusError: a box stream's features are no multiple of four, or two streams of a scale differ (2).
        """
        scales = tuple(_scale(streams[part.reg], streams[part.cls], part.stride) for part in op.decoders)
        return YoloV8(scales, op.classes, np.float32(op.image_height), np.float32(op.image_width))

    def candidates(self, frames: Mapping[str, NDArray[np.uint8]], threshold: np.float32) -> Candidates:
        """All boxes whose class score is at least ``threshold``, scale by scale, row by row, class by class."""
        found = [self._find(scale, frames, threshold) for scale in self.scales]
        cells = _Cells.join([cells for cells, _, _, _ in found])
        box = np.concatenate([self._boxes(part) for part in cells])
        repeats = np.concatenate([repeats for _, repeats, _, _ in found])
        score = np.concatenate([score for _, _, score, _ in found])
        class_id = np.concatenate([class_id for _, _, _, class_id in found])
        # Classes of one cell share its box.
        return Candidates(np.repeat(box, repeats, axis=0), score, class_id)

    def _find(
        self, scale: _Scale, frames: Mapping[str, NDArray[np.uint8]], bound: np.float32
    ) -> tuple[_Cells, NDArray[np.intp], NDArray[np.float32], NDArray[np.intp]]:
        self._require_sizes(scale)
        shape = scale.cls.shape
        scores = scale.cls.lines(frames)[: shape.height, : self.classes]
        row, class_id, column = Threshold.at_least(scale.cls.values, bound).positions(scores, shape.width)
        cell = row * shape.width + column
        order = np.argsort(cell * self.classes + class_id)
        cell, class_id, score = cell[order], class_id[order], scores[row, class_id, column][order]
        starts = np.flatnonzero(np.diff(cell, prepend=-1))
        row, column = np.divmod(cell[starts], shape.width)
        cells = self._cells(scale, frames, row, column)
        return cells, np.diff(starts, append=cell.size), scale.cls.real(score), class_id

    def _cells(
        self,
        scale: _Scale,
        frames: Mapping[str, NDArray[np.uint8]],
        row: NDArray[np.intp],
        column: NDArray[np.intp],
    ) -> _Cells:
        integers = scale.reg.lines(frames)[row, : scale.reg.shape.features, column]
        return _Cells(row, column, np.full(row.size, scale.stride), scale.powers_of(integers))

    def _require_sizes(self, scale: _Scale) -> None:
        scale.reg.require_entries(scale.reg.padded.features)
        scale.cls.require_entries(self.classes)

    def _boxes(self, cells: _Cells) -> NDArray[np.float32]:
        half = np.float32(0.5)
        x = (cells.column.astype(np.float32) + half) * cells.stride / self.width
        y = (cells.row.astype(np.float32) + half) * cells.stride / self.height
        reach = cells.distances() * cells.stride[:, None]
        box = np.empty((x.size, _SIDES), np.float32)
        box[:, 0] = y - reach[:, 1] / self.height
        box[:, 1] = x - reach[:, 0] / self.width
        box[:, 2] = y + reach[:, 3] / self.height
        box[:, 3] = x + reach[:, 2] / self.width
        return box

    def all_boxes(self, frames: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Every box with all its class scores, undecided: ``(boxes, 4 + classes)``."""
        return np.concatenate([self._all_of(scale, frames) for scale in self.scales])

    def _all_of(self, scale: _Scale, frames: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.float32]:
        self._require_sizes(scale)
        height, width = scale.cls.shape.height, scale.cls.shape.width
        row, column = np.divmod(np.arange(height * width), width)
        scores = scale.cls.lines(frames)[:height, : self.classes, :width]
        out = np.empty((height * width, _SIDES + self.classes), np.float32)
        out[:, :_SIDES] = self._boxes(self._cells(scale, frames, row, column))
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
