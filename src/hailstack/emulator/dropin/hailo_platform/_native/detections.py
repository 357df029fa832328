"""NMS results that are lists of packed records, taken apart.

Layouts (little-endian, no padding): by score ``u16 count`` then 22-byte records; with byte masks ``u16 count`` then
for each detection a record of 38 bytes (46 since 5.0) followed by its mask.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailo_platform._native.pybind import NativeObject, field
from hailo_platform._profile import PROFILE

_BOX = [("y_min", "<f4"), ("x_min", "<f4"), ("y_max", "<f4"), ("x_max", "<f4")]
_SCORED = np.dtype([*_BOX, ("score", "<f4"), ("class_id", "<u2")])
_POINTERS = ["mask"] if PROFILE.legacy_interfaces else ["mask", "mask_offset"]
_MASKED = np.dtype([*_SCORED.descr, ("mask_size", "<u8"), *((name, "<u8") for name in _POINTERS)])
_COUNT_BYTES = 2


class HailoRectangle(NativeObject):
    """A box in fractions of the picture."""

    __slots__ = ("_x_max", "_x_min", "_y_max", "_y_min")
    y_min = field("y_min")
    x_min = field("x_min")
    y_max = field("y_max")
    x_max = field("x_max")


class Detection(NativeObject):
    """A box with its score and class."""

    __slots__ = ("_class_id", "_score", "_x_max", "_x_min", "_y_max", "_y_min")
    y_min = field("y_min")
    x_min = field("x_min")
    y_max = field("y_max")
    x_max = field("x_max")
    score = field("score")
    class_id = field("class_id")


class DetectionWithByteMask(NativeObject):
    """A box with its score, class and mask."""

    __slots__ = ("_box", "_class_id", "_mask", "_mask_offset", "_mask_size", "_score")
    _mask: NDArray[np.uint8]
    box = field("box")
    mask_size = field("mask_size")
    score = field("score")
    class_id = field("class_id")

    if PROFILE.legacy_interfaces:

        def mask(self) -> NDArray[np.uint8]:
            """The mask, one byte a pixel of the box, row by row."""
            return self._mask.copy()
    else:
        mask_offset = field("mask_offset")


def convert_nms_by_score_buffer_to_detections(src_buffer: NDArray[Any]) -> list[Detection]:
    """The detections of one frame in the order of the buffer, best first."""
    data = _as_bytes(src_buffer)
    records = np.frombuffer(data, _SCORED, _count(data), _COUNT_BYTES)
    return [_fill(Detection, record) for record in records]


def convert_nms_with_byte_mask_buffer_to_detections(src_buffer: NDArray[Any]) -> list[DetectionWithByteMask]:
    """The detections of one frame with their masks, in the order of the buffer."""
    data = _as_bytes(src_buffer)
    offset, found = _COUNT_BYTES, []
    for _ in range(_count(data)):
        detection = _masked(data, offset)
        found.append(detection)
        offset += _MASKED.itemsize + detection.mask_size
    return found


def _masked(data: NDArray[np.uint8], offset: int) -> DetectionWithByteMask:
    record = np.frombuffer(data, _MASKED, 1, offset)[0]
    start, size = offset + _MASKED.itemsize, int(record["mask_size"])
    detection: Any = DetectionWithByteMask.__new__(DetectionWithByteMask)
    detection._box = _fill(HailoRectangle, record)
    detection._score, detection._class_id = float(record["score"]), int(record["class_id"])
    detection._mask, detection._mask_size, detection._mask_offset = data[start : start + size], size, start
    return detection  # type: ignore[no-any-return]


def _fill(kind: type[NativeObject], record: Any) -> Any:
    made = kind.__new__(kind)
    for slot in kind.__slots__:
        setattr(made, slot, record[slot.removeprefix("_")].item())
    return made


def _as_bytes(buffer: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(buffer).reshape(-1).view(np.uint8)


def _count(data: NDArray[np.uint8]) -> int:
    return int(data[:_COUNT_BYTES].view("<u2")[0])
