"""NMS buffers, as the host library writes them, taken apart into arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.ops.formats import BOX_VALUES, BY_SCORE_RECORD, COUNT_BYTES
from hailstack.emulator.host.ops.yolov5seg import mask_record


def boxes_by_class(buffer: NDArray[Any], classes: int) -> list[NDArray[np.float32]]:
    """The boxes of each class: y_min, x_min, y_max, x_max, score in float32, ``(n, 5)``, best first.

    The arrays are views of ``buffer``, whose values they share.

    Args:
        buffer: a by-class frame, as bytes or as float32.
        classes: number of classes of the virtual stream.

    Raises:
        ValueError: the buffer ends within the boxes that it counts.
    """
    values = buffer.reshape(-1).view(np.float32)
    offset = 0
    found: list[NDArray[np.float32]] = []
    for _ in range(classes):
        count = int(values[offset]) if offset < values.size else -1
        end = offset + 1 + count * BOX_VALUES
        if count < 0 or end > values.size:
            message = f"a by-class buffer of {values.size} numbers ends within the boxes of class {len(found)}"
            raise ValueError(message)
        found.append(values[offset + 1 : end].reshape(count, BOX_VALUES))
        offset = end
    return found


def boxes_by_class_padded(
    buffer: NDArray[Any], classes: int, max_boxes: int, empty: float = 0.0
) -> NDArray[np.float32]:
    """The same as one array ``(classes, 5, max_boxes)``, missing boxes filled with ``empty``: the TensorFlow form.

    Raises:
        ValueError: the buffer ends within the boxes that it counts, or a class has more than ``max_boxes``.
    """
    padded = np.full((classes, max_boxes, BOX_VALUES), empty, np.float32)
    for boxes, row in zip(boxes_by_class(buffer, classes), padded, strict=True):
        row[: boxes.shape[0]] = boxes
    return padded.transpose(0, 2, 1)


def boxes_by_score(buffer: NDArray[Any]) -> NDArray[np.void]:
    """Records (y_min, x_min, y_max, x_max, score, class_id) of all classes, best first.

    Args:
        buffer: the bytes of a by-score frame.

    Raises:
        ValueError: the buffer ends within the records that it counts.
    """
    data = buffer.reshape(-1).view(np.uint8)
    end = COUNT_BYTES + _count(data) * BY_SCORE_RECORD.itemsize
    if end > data.size:
        message = f"a by-score buffer of {data.size} bytes ends within its {_count(data)} records"
        raise ValueError(message)
    return np.ascontiguousarray(data[COUNT_BYTES:end]).view(BY_SCORE_RECORD)


@dataclass(frozen=True, slots=True, eq=False)
class MaskedBox:
    """One detection with a byte mask."""

    box: tuple[float, float, float, float]
    """y_min, x_min, y_max, x_max as fractions of the image."""
    score: float
    class_id: int
    mask: NDArray[np.uint8]
    """1 where the object is, row after row of the box; a view of the buffer."""


def masked_boxes(buffer: NDArray[Any], *, profile: str = "4.23") -> list[MaskedBox]:
    """The detections of a byte-mask frame, best first.

    Raises:
        ValueError: the buffer ends within the detections that it counts.
    """
    data, record = buffer.reshape(-1).view(np.uint8), mask_record(profile)
    offset = COUNT_BYTES
    found: list[MaskedBox] = []
    for _ in range(_count(data)):
        start = offset + record.itemsize
        size = int(data[offset:start].view(record)["mask_size"][0]) if start <= data.size else data.size
        offset = start + size
        if offset > data.size:
            message = f"a byte-mask buffer of {data.size} bytes ends within detection {len(found)}"
            raise ValueError(message)
        found.append(_masked(data[start - record.itemsize : start].view(record)[0], data[start:offset]))
    return found


def _masked(entry: np.void, mask: NDArray[np.uint8]) -> MaskedBox:
    box = (float(entry["y_min"]), float(entry["x_min"]), float(entry["y_max"]), float(entry["x_max"]))
    return MaskedBox(box, float(entry["score"]), int(entry["class_id"]), mask)


def _count(data: NDArray[np.uint8]) -> int:
    return int(data[0]) | int(data[1]) << 8
