"""Detections against the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.demo.score import evaluate, match
from hailstack.demo.truth import FlowerTruth
from hailstack.types import Detections


def make_truth(boxes: list[list[float]], classes: list[int], visibility: list[float] | None = None) -> FlowerTruth:
    count = len(boxes)
    return FlowerTruth(
        flower=np.arange(count, dtype=np.int32),
        class_id=np.asarray(classes, np.int32),
        xyxy=np.asarray(boxes, np.float32).reshape(-1, 4),
        visibility=np.asarray(visibility if visibility is not None else [1.0] * count, np.float32),
        position=np.zeros((count, 3)),
        depth_m=np.ones(count, np.float32),
    )


def make_found(boxes: list[list[float]], scores: list[float], classes: list[int]) -> Detections:
    order = np.argsort(-np.asarray(scores), kind="stable")
    return Detections(
        np.asarray(boxes, np.float32).reshape(-1, 4)[order],
        np.asarray(scores, np.float32)[order],
        np.asarray(classes, np.int32)[order],
    )


BOX, ASIDE, FAR = [10.0, 10, 30, 30], [12.0, 10, 32, 30], [100.0, 100, 130, 130]


def test_a_flower_is_found_once_and_the_second_box_on_it_is_wrong() -> None:
    matches = match(make_found([BOX, ASIDE], [0.9, 0.8], [1, 1]), make_truth([BOX], [1]))
    assert matches.hit.tolist() == [True, False]
    assert matches.counted.tolist() == [True, True]
    assert not matches.missed.any()


def test_a_box_of_another_class_is_wrong_and_the_flower_missed() -> None:
    matches = match(make_found([BOX], [0.9], [0]), make_truth([BOX], [1]))
    assert matches.hit.tolist() == [False]
    assert matches.missed.tolist() == [True]


def test_a_box_on_a_hidden_or_tiny_flower_counts_neither_way() -> None:
    tiny = [50.0, 50, 58, 58]
    truth = make_truth([BOX, tiny], [1, 1], [0.2, 1.0])
    matches = match(make_found([BOX, tiny], [0.9, 0.8], [1, 2]), truth)
    assert matches.counted.tolist() == [False, False]
    assert not matches.missed.any()
    score = evaluate([(make_found([BOX], [0.9], [1]), truth)], 3)
    assert score.overall.wanted == 0


def test_the_best_score_takes_the_flower_and_the_next_one_its_neighbour() -> None:
    truth = make_truth([BOX, ASIDE], [1, 1])
    matches = match(make_found([ASIDE, BOX], [0.9, 0.5], [1, 1]), truth)
    assert matches.flower.tolist() == [1, 0]


def test_precision_and_recall_follow_the_threshold() -> None:
    truth = make_truth([BOX, FAR], [0, 0])
    found = make_found([BOX, [60.0, 60, 80, 80], FAR], [0.9, 0.6, 0.4], [0, 0, 0])
    curve = evaluate([(found, truth)], 1).classes[0]
    assert curve.at(0.95) == (1.0, 0.0)
    assert curve.at(0.8) == (1.0, 0.5)
    assert curve.at(0.5) == (0.5, 0.5)
    assert curve.at(0.1) == (pytest.approx(2 / 3), 1.0)
    assert curve.average_precision == pytest.approx(0.5 * 1.0 + 0.5 * 2 / 3)


def test_nothing_found_and_nothing_there_give_numbers_too() -> None:
    nothing = make_found([], [], [])
    assert evaluate([(nothing, make_truth([BOX], [0]))], 1).ap50 == 0.0
    assert evaluate([(nothing, make_truth([], []))], 1).overall.wanted == 0
    assert evaluate([], 2).ap50 == 0.0
    assert len(match(make_found([BOX], [0.5], [0]), make_truth([], [])).hit) == 1


boxes = st.tuples(st.floats(0, 80), st.floats(0, 80), st.floats(13, 40), st.floats(13, 40)).map(
    lambda box: [box[0], box[1], box[0] + box[2], box[1] + box[3]]
)


@given(st.lists(st.tuples(boxes, st.integers(0, 2)), min_size=1, max_size=8))
def test_a_detector_that_gives_the_truth_is_perfect(flowers: list[tuple[list[float], int]]) -> None:
    truth = make_truth([box for box, _ in flowers], [class_id for _, class_id in flowers])
    found = make_found([box for box, _ in flowers], [0.9] * len(flowers), [class_id for _, class_id in flowers])
    score = evaluate([(found, truth), (found, truth)], 3)
    assert score.overall.at(0.5) == (1.0, 1.0)
    assert score.overall.average_precision == pytest.approx(1.0)


@given(
    st.lists(st.tuples(boxes, st.integers(0, 1), st.floats(0, 1)), max_size=8),
    st.lists(st.tuples(boxes, st.integers(0, 1), st.floats(0, 1)), max_size=8),
)
def test_every_box_is_a_hit_or_not_and_every_flower_is_found_once_at_most(
    detected: list[tuple[list[float], int, float]], flowers: list[tuple[list[float], int, float]]
) -> None:
    truth = make_truth([one[0] for one in flowers], [one[1] for one in flowers], [one[2] for one in flowers])
    found = make_found([one[0] for one in detected], [one[2] for one in detected], [one[1] for one in detected])
    matches = match(found, truth)
    taken = matches.flower[matches.hit]
    assert len(set(taken.tolist())) == len(taken) == truth.wanted.sum() - matches.missed.sum()
    assert truth.wanted[taken].all()
    curve = evaluate([(found, truth)], 2).overall
    assert ((curve.precision >= 0) & (curve.precision <= 1)).all()
    assert (np.diff(curve.recall) >= 0).all() and (curve.recall <= 1).all()
    assert 0.0 <= curve.average_precision <= 1.0 + 1e-9
