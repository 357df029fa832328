"""YOLOX heads: boxes, objectness and classes in three streams a scale (``yolox_post_process``, 4.23)."""

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
    obj: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class YoloX:
    """Decoder of one network's YOLOX heads. Holds tables only: safe to use from several threads."""

    scales: tuple[_Scale, ...]
    classes: int

    @staticmethod
    def of(op: NmsOp, streams: Mapping[str, Stream]) -> YoloX:
        """The decoder of an operation that reads ``streams``.

        Raises:
            StatusError: the streams of a scale differ in grid or format, or boxes alone are asked for (2).
        """
        if op.bbox_only:
            raise StatusError(Status.INVALID_ARGUMENT, f"{op.name}: YOLOX has no decoding of boxes alone")
        return YoloX(tuple(_scale(part, streams) for part in op.decoders), op.classes)

    def candidates(self, frames: Mapping[str, NDArray[np.uint8]], threshold: np.float32) -> Candidates:
        """All boxes whose objectness and class score times objectness are at least ``threshold``."""
        return Candidates.join([self._find(scale, frames, threshold) for scale in self.scales])

    def _find(self, scale: _Scale, frames: Mapping[str, NDArray[np.uint8]], bound: np.float32) -> Candidates:
        self._require_sizes(scale)
        shape = scale.reg.shape
        objects = scale.obj.lines(frames)[: shape.height, :1]
        passing = Threshold.at_least(scale.obj.values, bound)
        row, column = np.nonzero(passing.mask(objects[:, 0, : shape.width]))
        objectness = scale.obj.real(objects[row, 0, column])
        classes = scale.cls.real(scale.cls.lines(frames)[row, : self.classes, column])
        score = classes * objectness[:, None]
        cell, class_id = np.nonzero(score >= bound)
        reg = scale.reg.real(scale.reg.lines(frames)[row, :_BOX_FEATURES, column])
        box = _boxes(reg, row, column, np.float32(shape.height), np.float32(shape.width))
        return Candidates(box[cell], score[cell, class_id], class_id)

    def _require_sizes(self, scale: _Scale) -> None:
        scale.reg.require_entries(_BOX_FEATURES)
        scale.cls.require_entries(self.classes)
        scale.obj.require_entries(1)


def _boxes(
    reg: NDArray[np.float32],
    row: NDArray[np.intp],
    column: NDArray[np.intp],
    grid_height: np.float32,
    grid_width: np.float32,
) -> NDArray[np.float32]:
    two = np.float32(2)
    with np.errstate(over="ignore", invalid="ignore"):
        width, height = exp(reg[:, 2]) / grid_width, exp(reg[:, 3]) / grid_height
        x = (reg[:, 0] + column.astype(np.float32)) / grid_width - width / two
        y = (reg[:, 1] + row.astype(np.float32)) / grid_height - height / two
        return np.stack((y, x, y + height, x + width), axis=1)


def _scale(part: RegClsDecoder, streams: Mapping[str, Stream]) -> _Scale:
    reg, cls, obj = streams[part.reg], streams[part.cls], streams[part.obj or ""]
    for other in (cls, obj):
        same_grid = (reg.shape.height, reg.shape.width) == (other.shape.height, other.shape.width)
        if not same_grid or reg.format != other.format:
            message = f"streams {reg.name} ({reg.shape}) and {other.name} ({other.shape}) are no YOLOX head"
            raise StatusError(Status.INVALID_ARGUMENT, message)
    return _Scale(Tensor.of(reg), Tensor.of(cls), Tensor.of(obj))
