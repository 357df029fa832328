"""YOLOv5-seg: boxes with a byte mask each, made from 32 prototypes (``yolov5_seg_post_process``, 4.23)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.ops.boxes import suppress
from hailstack.emulator.host.ops.floats import exp_packet
from hailstack.emulator.host.ops.formats import COUNT_BYTES
from hailstack.emulator.host.ops.tensors import Tensor
from hailstack.emulator.host.ops.upsampling import Taps, enlarge
from hailstack.emulator.host.ops.yolov5 import YoloV5
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.model import NmsOp, Stream

COEFFICIENTS = 32

MASK_RECORD_4 = np.dtype(
    [
        ("y_min", "<f4"),
        ("x_min", "<f4"),
        ("y_max", "<f4"),
        ("x_max", "<f4"),
        ("score", "<f4"),
        ("class_id", "<u2"),
        ("mask_size", "<u8"),
        ("mask_pointer", "<u8"),
    ]
)
"""In front of each mask (``hailo_detection_with_byte_mask_t`` of 4.x), 38 bytes. The address is 0 here."""

MASK_RECORD_5 = np.dtype([*MASK_RECORD_4.descr, ("mask_offset", "<u8")])
"""The same in 5.x, 46 bytes: it also says where the mask starts in the buffer."""


def mask_record(profile: str) -> np.dtype[np.void]:
    """The record of a runtime version."""
    return MASK_RECORD_5 if profile.startswith("5") else MASK_RECORD_4


@dataclass(frozen=True, slots=True)
class MaskLimits:
    """How much fits into one result."""

    detections: int
    record: np.dtype[np.void]


@dataclass(frozen=True, slots=True, eq=False)
class YoloV5Seg:
    """Decoder of one network's YOLOv5-seg heads. Holds tables only: safe to use from several threads."""

    boxes: YoloV5
    prototypes: Tensor
    mask_threshold: np.float32
    height: np.float32
    width: np.float32
    vertical: Taps
    horizontal: Taps

    @staticmethod
    def of(op: NmsOp, streams: Mapping[str, Stream], *, profile: str) -> YoloV5Seg:
        """The decoder of an operation that reads ``streams``.

        Raises:
            StatusError: boxes alone are asked for, or the HEF names no prototypes (2).
        """
        if op.bbox_only or op.proto_stream is None:
            raise StatusError(Status.INVALID_ARGUMENT, f"{op.name} needs prototypes and cannot give boxes alone")
        prototypes = Tensor.of(streams[op.proto_stream])
        boxes = YoloV5.of(op, streams, extra=COEFFICIENTS, activate=True, profile=profile)
        height, width = np.float32(op.image_height), np.float32(op.image_width)
        vertical = Taps.of(prototypes.shape.height, int(height))
        horizontal = Taps.of(prototypes.shape.width, int(width))
        return YoloV5Seg(boxes, prototypes, np.float32(op.mask_threshold), height, width, vertical, horizontal)

    def run(
        self,
        frames: Mapping[str, NDArray[np.uint8]],
        out: NDArray[np.uint8],
        thresholds: tuple[np.float32, np.float32],
        limits: MaskLimits,
    ) -> None:
        """Write the number of detections, then for each a record and its mask, best first.

        Args:
            thresholds: score, and overlap from which the lesser box goes.

        Raises:
            StatusError: not all masks fit into ``out`` (5); it then holds the best that do. The count is of these: the
                vendor's also counts the first that was left out, and its readers run into what is not there.
        """
        found = self.boxes.anchors(frames, thresholds[0])
        left = suppress(found.found, self.boxes.classes, float(thresholds[1]), len(found.found))
        best = left.index[np.argsort(left.rank)]
        lines = self._prototype_lines(frames) if best.size else None
        offset, count = COUNT_BYTES, 0
        try:
            for index in best.tolist():
                if count == limits.detections or lines is None:
                    break
                detection = found.found.box[index], found.found.score[index], int(found.found.class_id[index])
                mask = _Mask.of(detection[0], self.height, self.width)
                offset = self._write(out, offset, detection, mask, found.extra[index], lines, limits.record)
                count += 1
        finally:
            out[:COUNT_BYTES].view("<u2")[0] = count & 0xFFFF

    def _write(
        self,
        out: NDArray[np.uint8],
        offset: int,
        detection: tuple[NDArray[np.float32], np.float32, int],
        mask: _Mask,
        coefficients: NDArray[np.float32],
        lines: NDArray[np.float32],
        record: np.dtype[np.void],
    ) -> int:
        start = offset + record.itemsize
        if start + mask.size >= out.size:
            message = f"the result buffer of {out.size} bytes is too small for all masks: raise the mask size limit"
            raise StatusError(Status.INSUFFICIENT_BUFFER, message)
        entry = np.zeros(1, record)
        for column, name in enumerate(("y_min", "x_min", "y_max", "x_max")):
            entry[name] = detection[0][column]
        entry["score"], entry["class_id"], entry["mask_size"] = detection[1], detection[2], mask.size
        if "mask_offset" in (record.names or ()):
            entry["mask_offset"] = start
        out[offset:start] = entry.view(np.uint8)
        out[start : start + mask.size] = mask.fill(self._region(self._small_mask(coefficients, lines), mask))
        return start + mask.size

    def _prototype_lines(self, frames: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.float32]:
        shape = self.prototypes.shape
        integers = self.prototypes.lines(frames)[: shape.height, : shape.features, : shape.width]
        return self.prototypes.real(integers.transpose(1, 0, 2).reshape(shape.features, -1))

    def _small_mask(self, coefficients: NDArray[np.float32], lines: NDArray[np.float32]) -> NDArray[np.float32]:
        total = np.zeros(lines.shape[1], np.float32)
        for coefficient, line in zip(coefficients, lines, strict=False):
            total += coefficient * line
        one, shape = np.float32(1), self.prototypes.shape
        activated: NDArray[np.float32] = (one / (one + exp_packet(-total))).reshape(shape.height, shape.width)
        return activated

    def _region(self, small: NDArray[np.float32], mask: _Mask) -> NDArray[np.bool_]:
        """The mask within the box, one row and one column more than it spans, as the vendor's library copies it."""
        height, width = int(self.height), int(self.width)
        # What comes after the last column of a row is the first of the next, and after the last row nothing.
        row, column = np.arange(mask.top, mask.bottom + 1), np.arange(mask.left, mask.right + 1)
        region = np.zeros((row.size, column.size), np.bool_)
        inside = region[: max(min(mask.bottom, height - 1) - mask.top + 1, 0), : np.count_nonzero(column < width)]
        inside[...] = self._enlarged(small, row[: inside.shape[0]], column[: inside.shape[1]])
        if mask.right == width:
            next_row = row[row + 1 < height] + 1
            region[: next_row.size, -1:] = self._enlarged(small, next_row, np.zeros(1, np.intp))
        return region

    def _enlarged(
        self, small: NDArray[np.float32], row: NDArray[np.intp], column: NDArray[np.intp]
    ) -> NDArray[np.bool_]:
        big = enlarge(small, self.vertical.at(row), self.horizontal.at(column))
        mask: NDArray[np.bool_] = big > self.mask_threshold
        return mask


@dataclass(frozen=True, slots=True)
class _Mask:
    """Where the mask of one box lies in the image. Its size comes from the box before clipping, its place after."""

    top: int
    bottom: int
    left: int
    right: int
    width: int
    size: int

    @staticmethod
    def of(box: NDArray[np.float32], height: np.float32, width: np.float32) -> _Mask:
        zero = np.float32(0)
        y_min, x_min, y_max, x_max = box
        rows, columns = int(np.ceil((y_max - y_min) * height)), int(np.ceil((x_max - x_min) * width))
        top, left = int(max(np.ceil(y_min * height), zero)), int(max(np.ceil(x_min * width), zero))
        bottom, right = int(min(np.ceil(y_max * height), height)), int(min(np.ceil(x_max * width), width))
        return _Mask(top, bottom, left, right, columns, rows * columns)

    def fill(self, region: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """The mask's bytes, row after row; what the image does not cover is 0.

        Rows follow at the width of the box before clipping: what sticks out of one is overwritten by the next.
        """
        flat = np.zeros(self.size + region.size + region.shape[0] * self.width, np.uint8)
        for number, line in enumerate(region):
            flat[number * self.width :][: line.size] = line
        return flat[: self.size]
