"""Palms and faces: anchors, binding, decoding, averaging, the turned square."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from math import pi

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.errors import ConfigError, InferencePipelineError
from hailstack.heads.blaze import suppress_weighted
from hailstack.heads.face import bind_face
from hailstack.heads.outputs import OutputFacts
from hailstack.heads.palm import PALM, bind_palm
from hailstack.heads.regions import RegionRule
from hailstack.heads.settings import HeadSettings
from hailstack.imaging import Placement, Preprocess, read_image
from hailstack.imaging.video import VideoFile

HERE = Placement(1, 1, 0, 0, 192, 192)
PALM_INPUT = HeadSettings(192, 192)
FOUR = (
    OutputFacts("a", (24, 24, 2)),
    OutputFacts("b", (24, 24, 36)),
    OutputFacts("c", (12, 12, 6)),
    OutputFacts("d", (12, 12, 108)),
)
FLAT = tuple(
    OutputFacts(*one) for one in (("a", (1, 1152, 1)), ("b", (1, 1152, 18)), ("c", (1, 864, 1)), ("d", (1, 864, 18)))
)
WHOLE = (OutputFacts("scores", (2016, 1)), OutputFacts("numbers", (2016, 18)))


def made_up(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores and numbers of 2,016 anchors, a few of them strong."""
    rng = np.random.default_rng(seed)
    scores = np.full(2016, -8, np.float32)
    scores[rng.choice(2016, 12, replace=False)] = rng.uniform(0.5, 4, 12)
    numbers = rng.normal(0, 20, (2016, 18)).astype(np.float32)
    numbers[:, 2:4] = np.abs(numbers[:, 2:4]) + 10
    return scores, numbers


def as_outputs(outputs, scores, numbers):
    parts = {"a": scores[:1152], "b": numbers[:1152], "c": scores[1152:], "d": numbers[1152:]}
    parts |= {"scores": scores, "numbers": numbers}
    return {one.name: parts[one.name].reshape(one.shape) for one in outputs}


def test_the_anchors_are_those_of_mediapipe():
    head = bind_palm(WHOLE, PALM_INPUT)
    assert head is not None
    (anchors,) = (level.anchors for level in head.levels)
    assert anchors.shape == (2016, 2)
    # Rows of the finer map first, two anchors in each of its cells, then six in each of the coarser map's.
    assert anchors[[0, 1, 2, 47, 48, 1151]].tolist() == [[4, 4], [4, 4], [12, 4], [188, 4], [4, 12], [188, 188]]
    assert anchors[[1152, 1157, 1158, 2015]].tolist() == [[8, 8], [8, 8], [24, 8], [184, 184]]
    cells = np.unique(anchors, axis=0, return_counts=True)[1]
    assert sorted(set(cells.tolist())) == [2, 6]
    assert len(cells) == 24 * 24 + 12 * 12


@pytest.mark.parametrize("outputs", [FOUR, FLAT, WHOLE])
def test_outputs_are_found_in_any_order_and_shape(outputs):
    scores, numbers = made_up()
    expected = bind_palm(WHOLE, PALM_INPUT)(as_outputs(WHOLE, scores, numbers), HERE)
    assert len(expected) > 5
    for order in permutations(outputs):
        found = bind_palm(order, PALM_INPUT)(as_outputs(outputs, scores, numbers), HERE)
        assert np.allclose(found.xyxy, expected.xyxy, atol=1e-3)
        assert np.allclose(found.keypoints, expected.keypoints, atol=1e-3)


@pytest.mark.parametrize(
    "outputs", [FOUR[:3], (OutputFacts("x", (1000,)),), (*FOUR[:3], OutputFacts("d", (12, 12, 96)))]
)
def test_other_networks_are_not_taken_for_palm_detectors(outputs):
    assert bind_palm(outputs, PALM_INPUT) is None


def test_faces_and_palms_are_told_apart_by_their_key_points():
    face = (OutputFacts("a", (896, 1)), OutputFacts("b", (896, 16)))
    full_range = (OutputFacts("a", (2304, 1)), OutputFacts("b", (2304, 16)))
    assert bind_face(face, HeadSettings(128, 128)) is not None
    assert bind_face(face, HeadSettings(256, 256)) is not None
    assert bind_face(full_range, HeadSettings(192, 192)) is not None
    assert bind_face(FOUR, PALM_INPUT) is None
    assert bind_palm(face, HeadSettings(128, 128)) is None


def test_one_anchor_gives_the_box_and_points_that_its_numbers_say():
    scores, numbers = np.full(2016, -9, np.float32), np.zeros((2016, 18), np.float32)
    # Column 5, row 3 of the coarser map: its centre is at (88, 56).
    row = 1152 + (3 * 12 + 5) * 6
    scores[row] = 3
    numbers[row, :4] = 4, -6, 40, 20
    numbers[row, 4:] = np.arange(14)
    placement = Placement(0.5, 0.5, 0, 24, 384, 288)
    found = bind_palm(WHOLE, PALM_INPUT)(as_outputs(WHOLE, scores, numbers), placement)
    assert found.xyxy[0] == pytest.approx([144, 32, 224, 72], abs=1e-3)
    assert found.score == pytest.approx(1 / (1 + np.exp(-3)))
    assert found.name(0) == "palm"
    assert found.keypoints[0, :, 0] == pytest.approx([2 * (88 + x) for x in range(0, 14, 2)], abs=1e-3)
    assert found.keypoints[0, :, 1] == pytest.approx([2 * (56 + y - 24) for y in range(1, 14, 2)], abs=1e-3)
    assert (found.keypoints[0, :, 2] == found.score[0]).all()


def test_integers_from_the_chip_mean_the_same_as_their_real_numbers():
    scores, numbers = made_up(1)
    quantised = [
        replace(one, dtype="uint8", scale=scale, zero_point=zero)
        for one, (scale, zero) in zip(WHOLE, [(0.05, 180), (0.8, 128)], strict=True)
    ]
    integers = [
        np.clip(np.rint(values / one.scale + one.zero_point), 0, 255).astype(np.uint8)
        for one, values in zip(quantised, (scores, numbers), strict=True)
    ]
    real = [
        (part.astype(np.float32) - one.zero_point) * one.scale for one, part in zip(quantised, integers, strict=True)
    ]
    found = bind_palm(quantised, PALM_INPUT)(as_outputs(WHOLE, *integers), HERE)
    expected = bind_palm(WHOLE, PALM_INPUT)(as_outputs(WHOLE, *real), HERE)
    assert len(found) == len(expected) > 5
    assert np.allclose(found.xyxy, expected.xyxy, atol=1e-3)
    assert np.allclose(found.score, expected.score, atol=1e-5)


def test_no_palm_is_an_empty_result_with_all_its_columns():
    scores, numbers = np.full(2016, -9, np.float32), np.zeros((2016, 18), np.float32)
    found = bind_palm(FOUR, PALM_INPUT)(as_outputs(FOUR, scores, numbers), HERE)
    assert len(found) == 0
    assert found.keypoints.shape == (0, 7, 3)
    assert found.regions.shape == (0, 4, 2)


@pytest.mark.parametrize("broken", ["score", "number"])
def test_a_value_that_is_not_a_number_is_an_error(broken):
    scores, numbers = made_up()
    if broken == "score":
        scores[7] = np.nan
    else:
        numbers[scores.argmax(), 9] = np.inf
    with pytest.raises(InferencePipelineError, match="not a number"):
        bind_palm(FOUR, PALM_INPUT)(as_outputs(FOUR, scores, numbers), HERE)


def test_more_than_one_name_is_refused():
    with pytest.raises(ConfigError, match="2 class names"):
        bind_palm(FOUR, replace(PALM_INPUT, names=("left", "right")))


def test_overlapping_boxes_are_averaged_by_score_and_keep_the_best_score():
    rows = np.array([[0, 0, 10, 10, 5], [2, 0, 12, 10, 9], [50, 50, 60, 60, 1]], np.float32)
    found, score = suppress_weighted(rows, np.array([0.6, 0.9, 0.7], np.float32), 0.3)
    assert score.tolist() == pytest.approx([0.9, 0.7])
    assert found[0].tolist() == pytest.approx([1.2, 0, 11.2, 10, 7.4], abs=1e-5)
    assert found[1].tolist() == rows[2].tolist()


@given(st.integers(0, 1000))
def test_averaging_leaves_every_object_one_box_among_those_that_overlapped(seed):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 80, (30, 2))
    rows = np.concatenate([corner, corner + rng.uniform(5, 30, (30, 2))], axis=1).astype(np.float32)
    score = rng.uniform(0.1, 1, 30).astype(np.float32)
    found, best = suppress_weighted(rows, score, 0.3)
    assert 1 <= len(found) == len(best) <= 30
    assert (np.diff(best) <= 0).all()
    assert best[0] == score.max()
    assert (found.min(axis=0) >= rows.min(axis=0) - 1e-3).all()
    assert (found.max(axis=0) <= rows.max(axis=0) + 1e-3).all()


def test_the_square_of_an_upright_hand_lies_above_its_palm():
    points = np.zeros((1, 7, 2))
    points[0, 0], points[0, 2] = (50, 100), (50, 60)
    (square,) = PALM.region.squares(np.array([[30.0, 60, 70, 100]]), points)
    # Centre (50, 80) moved up by half of 40, side 2.6 * 40.
    assert square.tolist() == [[-2, 8], [102, 8], [102, 112], [-2, 112]]


@given(st.floats(-pi, pi), st.floats(0.5, 3), st.floats(-1, 1))
def test_a_square_turns_with_its_object(turn, scale, shift):
    rule = RegionRule(0, 1, pi / 2, scale, shift)
    box = np.array([[-10.0, -10, 10, 10]])
    axis = np.array([[np.sin(turn), -np.cos(turn)]]) * 7
    (square,) = rule.squares(box, np.stack([-axis, axis], 1))
    up = (square[0] + square[1] - square[2] - square[3]) / 2
    assert np.hypot(*(square[1] - square[0])) == pytest.approx(20 * scale, rel=1e-4)
    assert up / (20 * scale) == pytest.approx(axis[0] / 7, abs=1e-4)
    assert square.mean(axis=0) == pytest.approx(-20 * shift * axis[0] / 7, abs=1e-3)


def run_palm(shared, image):
    session = onnxruntime.InferenceSession(shared / "onnx" / "palm_detection_lite.onnx")
    frame, placement = Preprocess(192, 192, pad_value=0).apply(image)
    names = [one.name for one in session.get_outputs()]
    values = session.run(None, {"input_1": frame[None].astype(np.float32) / 255})
    outputs = {name: value[0] for name, value in zip(names, values, strict=True)}
    head = bind_palm([OutputFacts(name, value.shape) for name, value in outputs.items()], PALM_INPUT)
    return head(outputs, placement)


@pytest.mark.shared
def test_the_published_network_finds_the_palm_of_a_real_video(shared):
    video = VideoFile(shared / "video" / "hand_palm_short.mp4")
    _, image = next(iter(video.frames()))
    video.close()
    found = run_palm(shared, image)
    assert found.score.tolist() == pytest.approx([0.953], abs=5e-3)
    # As another implementation of MediaPipe's decoding computes them from the same outputs.
    assert found.xyxy[0] == pytest.approx([447.90, 193.54, 525.17, 270.78], abs=0.5)
    wrist, middle = found.keypoints[0, 0, :2], found.keypoints[0, 2, :2]
    assert wrist[1] > middle[1] + 50
    top = found.regions[0, :2].mean(axis=0)
    assert np.linalg.norm(top - middle) < np.linalg.norm(top - wrist)


@pytest.mark.shared
def test_a_picture_that_lies_on_its_side_gives_a_square_that_does_too(shared):
    path = next((shared / "images" / "hands" / "four").glob("077fa4bf*"))
    image = read_image(path)
    upright, lying = run_palm(shared, image), run_palm(shared, np.ascontiguousarray(np.rot90(image)))
    assert len(upright) == len(lying) == 1
    # What was at column x stands at row width - x.
    turned = np.stack([image.shape[1] - lying.regions[0, :, 1], lying.regions[0, :, 0]], 1)
    side = np.linalg.norm(upright.regions[0, 1] - upright.regions[0, 0])
    assert np.abs(turned - upright.regions[0]).max() < 0.2 * side
