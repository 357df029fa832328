from __future__ import annotations

import numpy as np
import pytest

from hailstack.emulator.host.ops.formats import BY_SCORE_RECORD
from hailstack.emulator.host.ops.results import boxes_by_class, boxes_by_class_padded, boxes_by_score, masked_boxes
from hailstack.emulator.host.ops.yolov5seg import mask_record

BUFFER = np.array([0, 2, *range(10), 1, *range(10, 15), 0, 0], np.float32)
"""Three classes with no, two and one box, and room for two numbers more."""


def test_boxes_are_listed_class_by_class_without_a_copy() -> None:
    none, two, one = boxes_by_class(BUFFER, 3)

    assert none.shape == (0, 5)
    assert two.tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert one.tolist() == [[10, 11, 12, 13, 14]]
    assert np.shares_memory(two, BUFFER)


def test_bytes_are_read_as_numbers() -> None:
    assert [len(boxes) for boxes in boxes_by_class(BUFFER.view(np.uint8), 3)] == [0, 2, 1]


def test_the_tensorflow_form_has_the_boxes_last() -> None:
    padded = boxes_by_class_padded(BUFFER, 3, max_boxes=2, empty=-1)

    assert padded.shape == (3, 5, 2)
    assert padded[1].T.tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert padded[2, :, 1].tolist() == [-1] * 5


@pytest.mark.parametrize("classes", [4, 6])
def test_a_buffer_that_ends_too_early_is_an_error(classes: int) -> None:
    with pytest.raises(ValueError, match="ends within"):
        boxes_by_class(np.append(BUFFER[:-2], np.float32(3)), classes)


def scored() -> np.ndarray:
    records = np.zeros(2, BY_SCORE_RECORD)
    records["score"], records["class_id"] = [0.9, 0.4], [7, 3]
    return np.concatenate((np.array([2, 0], np.uint8), records.view(np.uint8)))


def test_records_by_score_are_named() -> None:
    records = boxes_by_score(np.append(scored(), np.zeros(5, np.uint8)))

    assert records["class_id"].tolist() == [7, 3]
    assert records["score"].tolist() == pytest.approx([0.9, 0.4])


def test_records_beyond_the_end_are_an_error() -> None:
    with pytest.raises(ValueError, match="ends within"):
        boxes_by_score(scored()[:-1])


@pytest.mark.parametrize("profile", ["4.23", "5.2"])
def test_masks_follow_their_records(profile: str) -> None:
    entry = np.zeros(1, mask_record(profile))
    entry["y_max"], entry["class_id"], entry["mask_size"] = 0.5, 4, 3
    part = np.concatenate((entry.view(np.uint8), np.array([1, 0, 1], np.uint8)))
    buffer = np.concatenate((np.array([2, 0], np.uint8), part, part, np.zeros(4, np.uint8)))

    first, second = masked_boxes(buffer, profile=profile)

    assert first.box == (0.0, 0.0, 0.5, 0.0)
    assert (first.class_id, second.mask.tolist()) == (4, [1, 0, 1])
    with pytest.raises(ValueError, match="detection 1"):
        masked_boxes(buffer[:-5], profile=profile)
