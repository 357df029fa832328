"""YOLOv5 heads: boxes, objectness and classes of all anchors in one stream a scale (``yolov5_post_process``, 4.23)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.ops.boxes import Candidates
from hailstack.emulator.host.ops.floats import sigmoid
from hailstack.emulator.host.ops.tensors import Tensor, Threshold
from hailstack.hef.model import AnchorDecoder, NmsOp, Stream

OBJECTNESS, CLASSES = 4, 5
"""Where they start among the features of an anchor; the box comes first."""


@dataclass(frozen=True, slots=True, eq=False)
class _Scale:
    tensor: Tensor
    activated: NDArray[np.float32]
    """The number behind each integer after the sigmoid, where the host computes one."""
    anchor_width: NDArray[np.float32]
    anchor_height: NDArray[np.float32]

    @property
    def anchors(self) -> int:
        return int(self.anchor_width.size)


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Candidates together with where they come from."""

    found: Candidates
    extra: NDArray[np.float32]
    """``(n, extra)``: the real numbers behind the features after the classes, times the objectness."""


@dataclass(frozen=True, slots=True, eq=False)
class YoloV5:
    """Decoder of one network's YOLOv5 heads. Holds tables only: safe to use from several threads."""

    scales: tuple[_Scale, ...]
    classes: int
    extra: int
    """Features of an anchor after the classes (mask coefficients)."""
    height: np.float32
    width: np.float32
    columns_first: bool
    """Whether all anchors of a cell come before the next column (4.x), or all columns before the next anchor (5.x)."""

    @staticmethod
    def of(op: NmsOp, streams: Mapping[str, Stream], *, extra: int = 0, activate: bool, profile: str) -> YoloV5:
        """The decoder of an operation that reads ``streams``.

        Args:
            activate: the network leaves the sigmoid to the host.
        """
        # The vendor's library walks its streams by name.
        parts = sorted(op.anchor_decoders, key=lambda part: part.stream)
        scales = tuple(_scale(part, streams[part.stream], activate) for part in parts)
        size = np.float32(op.image_height), np.float32(op.image_width)
        return YoloV5(scales, op.classes, extra, *size, not profile.startswith("5"))

    def candidates(self, frames: Mapping[str, NDArray[np.uint8]], threshold: np.float32) -> Candidates:
        """All boxes whose objectness and class score times objectness are at least ``threshold``."""
        return self.anchors(frames, threshold).found

    def anchors(self, frames: Mapping[str, NDArray[np.uint8]], threshold: np.float32) -> Anchors:
        """The same with the features after the classes."""
        parts = [self._find(scale, frames, threshold) for scale in self.scales]
        extra = np.concatenate([part.extra for part in parts])
        return Anchors(Candidates.join([part.found for part in parts]), extra)

    def _find(self, scale: _Scale, frames: Mapping[str, NDArray[np.uint8]], bound: np.float32) -> Anchors:
        features, shape = self._features(scale, frames), scale.tensor.shape
        passing = Threshold.at_least(scale.activated, bound)
        row, anchor, column = np.nonzero(passing.mask(features[: shape.height, :, OBJECTNESS, : shape.width]))
        if self.columns_first:
            order = np.lexsort((anchor, column, row))
            row, anchor, column = row[order], anchor[order], column[order]
        integers = features[row, anchor, :, column]
        real = scale.activated[integers]
        objectness = real[:, OBJECTNESS]
        score = real[:, CLASSES : CLASSES + self.classes] * objectness[:, None]
        entry, class_id = np.nonzero(score >= bound)
        box = self._boxes(scale, real, row, anchor, column)
        extra = scale.tensor.real(integers[:, CLASSES + self.classes :]) * objectness[:, None]
        return Anchors(Candidates(box[entry], score[entry, class_id], class_id), extra[entry])

    def _features(self, scale: _Scale, frames: Mapping[str, NDArray[np.uint8]]) -> NDArray[Any]:
        size = CLASSES + self.classes + self.extra
        scale.tensor.require_entries(size * scale.anchors)
        lines = scale.tensor.lines(frames)
        return lines[:, : size * scale.anchors].reshape(lines.shape[0], scale.anchors, size, lines.shape[2])

    def _boxes(
        self,
        scale: _Scale,
        real: NDArray[np.float32],
        row: NDArray[np.intp],
        anchor: NDArray[np.intp],
        column: NDArray[np.intp],
    ) -> NDArray[np.float32]:
        two, half = np.float32(2), np.float32(0.5)
        doubled = real[:, :4] * two
        squared = doubled[:, 2:] * doubled[:, 2:]
        width = squared[:, 0] * scale.anchor_width[anchor] / self.width
        height = squared[:, 1] * scale.anchor_height[anchor] / self.height
        grid = scale.tensor.shape
        x = (doubled[:, 0] - half + column.astype(np.float32)) / np.float32(grid.width) - width / two
        y = (doubled[:, 1] - half + row.astype(np.float32)) / np.float32(grid.height) - height / two
        return np.stack((y, x, y + height, x + width), axis=1)

    def all_boxes(self, frames: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Every box with objectness and all class scores, undecided: ``(boxes, 5 + classes)``."""
        return np.concatenate([self._all_of(scale, frames) for scale in self.scales])

    def _all_of(self, scale: _Scale, frames: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.float32]:
        features, shape = self._features(scale, frames), scale.tensor.shape
        grid = (shape.height, shape.width, scale.anchors)
        places = [axis.reshape(-1) for axis in np.indices(grid)]
        order = np.lexsort(
            (places[2], places[1], places[0]) if self.columns_first else (places[1], places[2], places[0])
        )
        row, column, anchor = (axis[order] for axis in places)
        real: NDArray[np.float32] = scale.activated[features[row, anchor, : CLASSES + self.classes, column]]
        real[:, :4] = self._boxes(scale, real, row, anchor, column)
        return real


def _scale(part: AnchorDecoder, stream: Stream, activate: bool) -> _Scale:
    tensor = Tensor.of(stream)
    activated = sigmoid(tensor.values) if activate else tensor.values
    # Anchors are whole pixels in the vendor's library.
    width, height = np.trunc(part.anchors_w).astype(np.float32), np.trunc(part.anchors_h).astype(np.float32)
    return _Scale(tensor, activated, width, height)
