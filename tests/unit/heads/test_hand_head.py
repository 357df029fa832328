"""A hand's points, and the way back from the turned square to the picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from hailstack.errors import InferencePipelineError
from hailstack.heads.hand import bind_hand
from hailstack.heads.outputs import OutputFacts
from hailstack.heads.settings import HeadSettings
from hailstack.imaging import Placement, crop_region, read_image
from hailstack.imaging.video import VideoFile

HAND_INPUT = HeadSettings(224, 224)
OUTPUTS = tuple(OutputFacts(*one) for one in (("p", (63,)), ("is", (1,)), ("right", (1,)), ("metres", (63,))))
PLACEMENT = Placement(0.5, 0.5, 0, 0, 448, 448)


def answers(presence=0.9, right=0.8):
    points = np.column_stack([np.arange(21) * 10.0, np.arange(21) * 5.0 + 7, np.zeros(21)])
    return {
        "p": points.astype(np.float32).reshape(-1),
        "is": np.array([presence], np.float32),
        "right": np.array([right], np.float32),
        "metres": np.full(63, 0.01, np.float32),
    }


def test_points_and_their_box_are_in_pixels_of_the_picture():
    found = bind_hand(OUTPUTS, HAND_INPUT)(answers(), PLACEMENT)
    assert found.keypoints.shape == (1, 21, 3)
    assert found.keypoints[0, 3].tolist() == pytest.approx([60, 44, 0.9])
    assert found.xyxy.tolist() == [[0, 14, 400, 214]]
    assert found.name(0) == "right"
    assert {point for pair in found.skeleton for point in pair} == set(range(21))


def test_a_low_second_score_is_a_left_hand_and_a_low_first_is_none():
    head = bind_hand(OUTPUTS, HAND_INPUT)
    assert head(answers(right=0.2), PLACEMENT).name(0) == "left"
    nothing = head(answers(presence=0.4), PLACEMENT)
    assert len(nothing) == 0
    assert nothing.keypoints.shape == (0, 21, 3)
    assert len(bind_hand(OUTPUTS, replace(HAND_INPUT, confidence=0.3))(answers(presence=0.4), PLACEMENT)) == 1


def test_the_points_in_pixels_are_known_by_their_range():
    metres, pixels = OutputFacts("m", (63,), span=(-0.1, 0.1)), OutputFacts("p", (63,), span=(-64.0, 208.0))
    head = bind_hand((metres, *OUTPUTS[1:3], pixels), HAND_INPUT)
    assert head.points.output == "p"


@pytest.mark.parametrize("outputs", [OUTPUTS[:1], OUTPUTS[1:3], (*OUTPUTS, OutputFacts("x", (7,)))])
def test_other_vectors_are_not_taken_for_a_hand(outputs):
    assert bind_hand(outputs, HAND_INPUT) is None


def test_a_value_that_is_not_a_number_is_an_error():
    for name in ("p", "is", "right"):
        broken = answers()
        broken[name][0] = np.nan
        with pytest.raises(InferencePipelineError, match=f"output {name} .*not a number"):
            bind_hand(OUTPUTS, HAND_INPUT)(broken, PLACEMENT)


def run_hand(shared, image, corners):
    session = onnxruntime.InferenceSession(shared / "onnx" / "hand_landmark_lite.onnx")
    crop, placement = crop_region(image, corners, 224, 224)
    names = [one.name for one in session.get_outputs()]
    values = session.run(None, {"input_1": crop[None].astype(np.float32) / 255})
    outputs = {name: value[0] for name, value in zip(names, values, strict=True)}
    return bind_hand([OutputFacts(name, value.shape) for name, value in outputs.items()], HAND_INPUT)(
        outputs, placement
    )


@pytest.mark.shared
def test_the_published_network_finds_the_fingers_where_mediapipe_does(shared):
    video = VideoFile(shared / "video" / "hand_palm_short.mp4")
    _, image = next(iter(video.frames()))
    video.close()
    # The square of this frame's palm (test_palm_head).
    corners = [[359.6, 116.7], [556.2, 75.4], [597.6, 272.0], [401.0, 313.3]]
    found = run_hand(shared, image, corners)
    assert found.score.tolist() == pytest.approx([0.995], abs=5e-3)
    assert found.name(0) == "left"
    # Wrist and finger tips as MediaPipe 0.10.14 (model_complexity 0) gives them for this frame. The hand is 130 high.
    tips = [[500.6, 262.9], [441.2, 188.5], [462.1, 138.9], [480.7, 129.0], [495.6, 136.4], [506.4, 155.3]]
    assert np.abs(found.keypoints[0, [0, 4, 8, 12, 16, 20], :2] - tips).max() < 5


@pytest.mark.shared
def test_a_turned_picture_has_the_same_hand(shared):
    image = read_image(next((shared / "images" / "hands" / "four").glob("077fa4bf*")))
    width = image.shape[1]
    # About the square that the palm detector gives for the raised hand.
    corners = np.array([[139.8, 254.8], [193.9, 262.4], [186.4, 316.5], [132.2, 308.9]], float)
    upright = run_hand(shared, image, corners)
    beside = np.stack([corners[:, 1], width - corners[:, 0]], 1)
    lying = run_hand(shared, np.ascontiguousarray(np.rot90(image)), beside)
    turned = np.stack([width - lying.keypoints[0, :, 1], lying.keypoints[0, :, 0]], 1)
    assert np.abs(turned - upright.keypoints[0, :, :2]).max() < 0.1
