"""Writing boxes into the buffers that programs read: by class, by score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.ops.boxes import Candidates, Survivors

BOX_VALUES = 5
"""float32 numbers of one box: y_min, x_min, y_max, x_max, score."""

BY_SCORE_RECORD = np.dtype(
    [("y_min", "<f4"), ("x_min", "<f4"), ("y_max", "<f4"), ("x_max", "<f4"), ("score", "<f4"), ("class_id", "<u2")]
)
"""One box of a by-score buffer (``hailo_detection_t``), 22 bytes."""

COUNT_BYTES = 2
"""The number of records in front of by-score and byte-mask buffers."""


def write_by_class(out: NDArray[np.uint8], found: Candidates, left: Survivors, limit: int) -> None:
    """For each class its number of boxes, then the boxes, best first, packed; all float32.

    What lies behind the last box is not touched. A box whose score is exactly zero takes its place in the count and
    in the buffer, but the vendor's library does not write it; here it reads as zeros.

    Args:
        limit: most boxes of one class.
    """
    target = out[: out.size // 4 * 4].view(np.float32)
    counts = np.minimum(left.counts, limit)
    before = np.concatenate(([0], np.cumsum(counts)[:-1]))
    heads = np.arange(counts.size) + before * BOX_VALUES
    fits = heads < target.size
    total = int(counts.sum())
    if total != left.index.size:
        target[: counts.size + total * BOX_VALUES] = 0
    target[heads[fits]] = counts[fits]
    if left.index.size:
        _write_boxes(target, found, left, counts, heads)


def _write_boxes(
    target: NDArray[np.float32], found: Candidates, left: Survivors, counts: NDArray[np.intp], heads: NDArray[np.intp]
) -> None:
    class_id = found.class_id[left.index]
    place = np.arange(class_id.size) - np.searchsorted(class_id, class_id)
    written = place < counts[class_id]
    index, class_id, place = left.index[written], class_id[written], place[written]
    boxes = np.empty((index.size, BOX_VALUES), np.float32)
    boxes[:, :4], boxes[:, 4] = found.box[index], found.score[index]
    starts = heads[class_id] + 1 + place * BOX_VALUES
    target[starts[:, None] + np.arange(BOX_VALUES)] = boxes


def write_by_score(out: NDArray[np.uint8], found: Candidates, left: Survivors, limit: int) -> None:
    """The number of boxes as uint16, then 22-byte records of all classes, best first.

    Args:
        limit: most boxes. The vendor's library writes one more, beyond its buffer; this does not.
    """
    room = min(limit, (out.size - COUNT_BYTES) // BY_SCORE_RECORD.itemsize)
    best = left.index[np.argsort(left.rank)][:room]
    records = np.empty(best.size, BY_SCORE_RECORD)
    for column, name in enumerate(("y_min", "x_min", "y_max", "x_max")):
        records[name] = found.box[best, column]
    records["score"] = found.score[best]
    records["class_id"] = found.class_id[best]
    out[:COUNT_BYTES].view("<u2")[0] = best.size
    out[COUNT_BYTES : COUNT_BYTES + records.nbytes] = records.view(np.uint8)
