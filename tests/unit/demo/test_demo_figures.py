"""The figures of the demo's page."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from hailstack.demo.figures import bar_plot, curve_plot, detection_frame
from hailstack.demo.score import evaluate
from hailstack.demo.sinks import above
from hailstack.demo.truth import FlowerTruth
from hailstack.types import Detections

TRUTH = FlowerTruth(
    flower=np.arange(3, dtype=np.int32),
    class_id=np.array([0, 1, 2], np.int32),
    xyxy=np.array([[10, 10, 40, 40], [60, 10, 90, 40], [10, 60, 40, 90]], np.float32),
    visibility=np.array([1.0, 0.8, 0.1], np.float32),
    position=np.zeros((3, 3)),
    depth_m=np.ones(3, np.float32),
)
FOUND = Detections(
    np.array([[11, 10, 41, 40], [10, 61, 40, 91], [70, 60, 95, 95]], np.float32),
    np.array([0.9, 0.6, 0.5], np.float32),
    np.array([0, 2, 1], np.int32),
    ("bud", "open", "wilted"),
)


def marks(svg: str) -> list[str]:
    return sorted(one.get("class", "") for one in ElementTree.fromstring(svg).iter("rect"))


def test_a_frame_shows_hits_misses_and_errors_and_leaves_out_what_does_not_count() -> None:
    svg = detection_frame(np.zeros((100, 100, 3), np.uint8), FOUND, TRUTH)
    assert marks(svg) == ["false", "hit", "missed"]
    assert "flowers found: 1, missed: 1, wrong boxes: 1" in svg
    titles = [one.text for one in ElementTree.fromstring(svg).iter("title")]
    assert titles == ["missed: open, 80 % visible", "open, score 0.50", "bud, score 0.90"]


def test_a_curve_plot_names_every_class_and_stays_in_its_frame() -> None:
    score = evaluate([(FOUND, TRUTH)], 3)
    root = ElementTree.fromstring(curve_plot(list(zip(FOUND.names, score.classes, strict=True)), 0.3))
    texts = [one.text for one in root.iter("text")]
    assert {"bud", "open", "wilted", "recall", "precision"} <= set(texts)
    for line in root.iter("polyline"):
        points = [tuple(map(float, pair.split(","))) for pair in (line.get("points") or "").split()]
        assert all(0 <= x <= 420 and 0 <= y <= 300 for x, y in points)


def test_bars_carry_their_numbers() -> None:
    root = ElementTree.fromstring(bar_plot([("near", 0.9, 10), ("far", 0.25, 4)], "distance"))
    heights = [float(one.get("height", "0")) for one in root.iter("rect")]
    assert heights[0] / heights[1] == pytest.approx(3.6, abs=0.02)
    assert {"0.90", "0.25", "near", "far"} <= {one.text for one in root.iter("text")}


def test_only_what_is_above_the_threshold_is_passed_on() -> None:
    kept = above(FOUND, 0.55)
    assert kept.score.tolist() == FOUND.score[:2].tolist()
    assert kept.class_id.tolist() == [0, 2]
    assert kept.names == FOUND.names
