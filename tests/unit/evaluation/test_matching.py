"""Boxes matched with labels: figures are those of the COCO evaluator, for any selection of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hailstack.datasets import Objects
from hailstack.datasets.accuracy import Labelled, is_spared, score_detections
from hailstack.evaluation.detection import DetectionScorer, find_best
from hailstack.evaluation.matching import match_all
from hailstack.types import Detections

SIDE = 200


def scene(rng: np.random.Generator, classes: int, digits: int = 1) -> tuple[Detections, Labelled]:
    """Some labelled boxes, a few of them crowds; found ones lie near them or anywhere."""
    low = rng.uniform(0, 150, (rng.integers(0, 6), 2))
    boxes = np.concatenate([low, low + rng.uniform(20, 50, low.shape)], axis=1)
    ids = rng.integers(0, classes, len(boxes))
    near = np.repeat(boxes, 2, axis=0) + rng.normal(0, 3, (2 * len(boxes), 4))
    far = rng.uniform(0, 80, (rng.integers(0, 4), 2))
    found = np.concatenate([near, np.concatenate([far, far + 30], axis=1)]).astype(np.float32)
    names = np.concatenate([np.repeat(ids, 2), rng.integers(0, classes, len(far))]).astype(np.int32)
    score = np.round(rng.uniform(0, 1, len(found)), digits).astype(np.float32)  # with equals
    order = np.argsort(-score, kind="stable")
    attributes = tuple({"iscrowd": int(one)} for one in rng.integers(0, 5, len(boxes)) == 0)
    labelled = Labelled(SIDE, SIDE, Objects(boxes / SIDE, ids.astype(np.int32), attributes=attributes))
    return Detections(found[order], score[order], names[order]), labelled


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), pictures=st.integers(1, 6), classes=st.integers(1, 3))
def test_figures_are_those_of_the_coco_evaluator(seed, pictures, classes):
    rng = np.random.default_rng(seed)
    found, truth = zip(*(scene(rng, classes) for _ in range(pictures)), strict=True)
    assume(any(not is_spared(one.objects).all() for one in truth))
    wanted = score_detections(found, truth)
    scorer = DetectionScorer([one.objects for one in truth], {}, found=list(found), truth=list(truth))
    mine = scorer.score().resampled(np.ones(pictures))
    for name, value in wanted.total.items():
        assert mine[name] == pytest.approx(value, nan_ok=True)


def test_a_picture_that_counts_twice_is_a_picture_more():
    rng = np.random.default_rng(3)
    scenes = [scene(rng, 2, digits=6) for _ in range(4)]
    twice = [*scenes, scenes[1]]
    found, truth = zip(*scenes, strict=True)
    score = DetectionScorer([one.objects for one in truth], {}, found=list(found), truth=list(truth)).score()
    wanted = score_detections(*zip(*twice, strict=True)).total["mAP50"]
    assert score.resampled(np.array([1.0, 2.0, 1.0, 1.0]))["mAP50"] == pytest.approx(wanted, abs=0.005)


def test_the_best_threshold_keeps_what_is_right_and_drops_what_is_not():
    truth = Labelled(
        SIDE, SIDE, Objects(np.array([[0.1, 0.1, 0.3, 0.3], [0.5, 0.5, 0.7, 0.7]]), np.zeros(2, np.int32))
    )
    boxes = np.array([[20, 20, 60, 60], [100, 100, 140, 140], [150, 0, 190, 40]], np.float32)
    found = Detections(boxes, np.array([0.9, 0.6, 0.4], np.float32), np.zeros(3, np.int32))
    best = find_best(list(match_all([found], [truth]).values()))
    assert (best.confidence, best.precision, best.recall, best.f1) == (pytest.approx(0.6), 1.0, 1.0, 1.0)


def test_a_network_that_finds_nothing_has_no_good_threshold():
    truth = Labelled(SIDE, SIDE, Objects(np.array([[0.1, 0.1, 0.3, 0.3]]), np.zeros(1, np.int32)))
    score = DetectionScorer([truth.objects], {0: "a"}, found=[Detections.empty()], truth=[truth]).score()
    assert score.totals["mAP50"] == 0.0
    assert score.best.f1 == 0.0
    assert score.resampled(np.ones(1))["mAP50"] == 0.0
