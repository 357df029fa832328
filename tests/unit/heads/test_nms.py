"""Suppression of boxes that show the same object."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailstack.heads.boxes import iou_matrix
from hailstack.heads.nms import BLOCK, strongest, suppress
from hailstack.heads.rotated import rotated_iou, suppress_rotated


def scattered(count: int, seed: int, classes: int = 3, span: float = 200) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    low = random.uniform(0, span, (count, 2))
    boxes = np.concatenate([low, low + random.uniform(5, 80, (count, 2))], axis=1).astype(np.float32)
    return boxes, random.integers(0, classes, count).astype(np.int32)


def one_by_one(boxes: np.ndarray, class_id: np.ndarray, iou: float) -> list[int]:
    """As textbooks have it."""
    kept: list[int] = []
    overlap = iou_matrix(boxes, boxes)
    for index in range(len(boxes)):
        if not any(class_id[index] == class_id[k] and overlap[k, index] > iou for k in kept):
            kept.append(index)
    return kept


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 4 * BLOCK), st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 0.45, 0.7, 0.95]), st.integers(1, 40)
)
def test_pairs_and_blocks_leave_what_one_box_after_the_other_leaves(count, seed, iou, classes):
    boxes, class_id = scattered(count, seed, classes)
    assert suppress(boxes, class_id, iou, count + 1).tolist() == one_by_one(boxes, class_id, iou)


@given(st.integers(1, 40))
def test_the_best_are_given_when_there_are_too_many(most):
    boxes, class_id = scattered(200, 1, span=5000)
    whole = suppress(boxes, class_id, 0.5, 1000)
    assert suppress(boxes, class_id, 0.5, most).tolist() == whole[:most].tolist()


def test_boxes_without_area_suppress_nothing_and_stay():
    boxes = np.array([[5, 5, 5, 9]] * 3, np.float32)
    assert suppress(boxes, np.zeros(3, np.int32), 0.5, 10).tolist() == [0, 1, 2]


def test_the_strongest_come_first_and_equals_in_their_order():
    score = np.random.default_rng(3).integers(0, 50, 5000).astype(np.float32)
    assert strongest(score, 64).tolist() == np.argsort(-score, kind="stable")[:64].tolist()
    assert strongest(score[:70], 64).tolist() == np.argsort(-score[:70], kind="stable")[:64].tolist()


def corners(x: float, y: float, width: float, height: float, degrees: float) -> np.ndarray:
    turned = cv2.boxPoints(((x, y), (width, height), degrees)).astype(np.float32)
    return turned if _signed(turned) > 0 else turned[::-1].copy()


def _signed(points: np.ndarray) -> float:
    following = np.roll(points, -1, axis=0)
    return float((points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0]).sum())


box = st.tuples(st.floats(0, 60), st.floats(0, 60), st.floats(4, 50), st.floats(4, 50), st.floats(-180, 180))


def clipped_area(subject: np.ndarray, clip: np.ndarray) -> float:
    """Of the common part, corner by corner (Sutherland and Hodgman, 1974)."""
    points = list(subject.astype(np.float64))
    for start, end in zip(clip.astype(np.float64), np.roll(clip, -1, axis=0).astype(np.float64), strict=True):
        side, kept = end - start, []
        inside = [side[0] * (p - start)[1] - side[1] * (p - start)[0] for p in points]
        for index, point in enumerate(points):
            before, was, now = points[index - 1], inside[index - 1], inside[index]
            if (was < 0) != (now < 0):
                kept.append(before + (point - before) * was / (was - now))
            if now >= 0:
                kept.append(point)
        points = kept
    return _signed(np.array(points)) / 2 if len(points) > 2 else 0.0


@settings(deadline=None, max_examples=100)
@given(box, box)
def test_the_overlap_of_turned_boxes_is_that_of_clipped_polygons(first, second):
    one, other = corners(*first), corners(*second)
    common = clipped_area(one, other)
    area = first[2] * first[3] + second[2] * second[3] - common
    assert rotated_iou(one, other[None])[0] == pytest.approx(common / area, abs=2e-3)
    assert rotated_iou(other, one[None])[0] == pytest.approx(common / area, abs=2e-3)


def test_boxes_that_touch_have_nothing_in_common():
    assert rotated_iou(corners(17, 23, 5, 43, 90), corners(14, 5, 48, 31, 360)[None])[0] == pytest.approx(0, abs=1e-6)


@settings(deadline=None, max_examples=50)
@given(box)
def test_a_turned_box_overlaps_itself_wholly_and_its_half_by_a_half(sides):
    whole = corners(*sides)
    half = np.array([whole[0], (whole[0] + whole[1]) / 2, (whole[2] + whole[3]) / 2, whole[3]])
    found = rotated_iou(whole, np.stack([whole, half, whole + 500]))
    assert found == pytest.approx([1, 0.5, 0], abs=1e-4)


def test_turned_boxes_are_suppressed_class_by_class():
    boxes = np.stack([corners(50, 50, 40, 10, angle) for angle in (30, 32, 120, 30)])
    classes = np.array([0, 0, 0, 1], np.int32)
    # Nearly the same, crossing it, and the same of another class.
    assert suppress_rotated(boxes, classes, 0.5, 10).tolist() == [0, 2, 3]
    assert suppress_rotated(boxes, classes, 0.5, 2).tolist() == [0, 2]
    assert suppress_rotated(boxes[:0], classes[:0], 0.5, 2).tolist() == []
