"""What outputs may look like: integers, broken numbers, lists, records."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from hailstack.errors import ConfigError, InferencePipelineError, InputError
from hailstack.heads import HeadSettings, OutputFacts, choose_head
from hailstack.heads.rotated import rotated_iou
from hailstack.heads.values import Values, sigmoid
from hailstack.imaging import Placement

SIZE, STRIDES = 128, (8, 16, 32)
WHOLE = Placement(1, 1, 0, 0, SIZE, SIZE)
HALF = Placement(0.5, 0.5, 0, 16, 256, 192)
FACTS = {"task": "detection", "classes": 5, "score_function": "sigmoid"}
ANCHORS = [[[10, 13], [16, 30], [33, 23]], [[30, 61], [62, 45], [59, 119]], [[116, 90], [156, 198], [373, 326]]]
FAMILIES = {
    "yolov8": (FACTS | {"family": "yolov8", "reg_max": 16, "scores": "probabilities"}, {"reg": 64, "cls": 5}),
    "yolo26": (FACTS | {"family": "yolo26", "scores": "logits"}, {"reg": 4, "cls": 5}),
    "nanodet": (FACTS | {"family": "nanodet", "reg_max": 8, "scores": "logits"}, {"combined": 37}),
    "yolov5": (FACTS | {"family": "yolov5", "anchors": ANCHORS, "scores": "logits"}, {"anchors": 30}),
    "yolox": (FACTS | {"family": "yolox", "scores": "probabilities"}, {"reg": 4, "obj": 1, "cls": 5}),
    "ssd": (
        FACTS
        | {"family": "ssd", "anchors": ANCHORS, "scale_factors": [10.0, 5.0], "coordinates": [0, 1, 2, 3]}
        | {"classes": 6, "background": True, "score_function": "softmax", "scores": "logits"},
        {"reg": 12, "cls": 18},
    ),
}


def network(family: str, kind: str = "uint8", seed: int = 0):
    """Outputs as integers with their facts, and what the HEF says."""
    facts, parts = FAMILIES[family]
    random = np.random.default_rng(seed)
    top = np.iinfo(kind).max
    outputs, given, ends = {}, [], []
    for stride in STRIDES:
        for role, channels in parts.items():
            probable = facts["scores"] == "probabilities" and role in ("cls", "obj")
            scale, zero = (1 / top, 0.0) if probable else (8 / top, float(round(top * random.uniform(0.3, 0.7))))
            name = f"layer{len(given)}"
            shape = (SIZE // stride, SIZE // stride, channels)
            outputs[name] = random.integers(0, top, shape, endpoint=True).astype(kind)
            given.append(OutputFacts(name, shape, dtype=kind, scale=scale, zero_point=zero))
            ends.append({"role": role, "stride": stride})
    return outputs, given, facts | {"ends": ends}


def real(outputs, given):
    """The same as the runtime dequantises them."""
    values = {one.name: ((outputs[one.name] - one.zero_point) * one.scale).astype(np.float32) for one in given}
    return values, [OutputFacts(one.name, one.shape) for one in given]


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_integers_give_what_real_numbers_give(family, kind):
    outputs, given, facts = network(family, kind)
    settings = HeadSettings(SIZE, SIZE, facts=facts, confidence=0.8)
    _, head = choose_head("auto", given, settings)
    values, plain = real(outputs, given)
    _, other = choose_head("auto", plain, settings)
    ours, theirs = (h.detector.candidates(o) for h, o in ((head, outputs), (other, values)))
    assert len(ours.row) > 10
    np.testing.assert_allclose(ours.score, theirs.score, atol=1e-5)
    mine, yours = (np.lexsort((one.class_id, one.row)) for one in (ours, theirs))
    np.testing.assert_array_equal(ours.row[mine], theirs.row[yours])
    np.testing.assert_allclose(ours.xyxy[mine], theirs.xyxy[yours], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_three_combined_maps_or_six_the_scores_decide_and_no_weak_box_is_given(family):
    outputs, given, facts = network(family)
    _, head = choose_head("detection", given, HeadSettings(SIZE, SIZE, facts=facts, confidence=0.8, iou=0.5))
    found = head(outputs, HALF)
    assert (found.score >= 0.8).all()
    assert (np.diff(found.score) <= 0).all()
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= [256, 192, 256, 192]).all()
    assert found.xyxy.dtype == found.score.dtype == np.float32
    assert found.class_id.dtype == np.int32


@pytest.mark.parametrize("family", FAMILIES)
def test_a_frame_without_objects_gives_typed_empty_arrays(family):
    outputs, given, facts = network(family)
    _, head = choose_head("auto", given, HeadSettings(SIZE, SIZE, facts=facts, confidence=1.0))
    found = head({name: np.zeros_like(value) for name, value in outputs.items()}, HALF)
    assert len(found) == 0
    assert found.xyxy.shape == (0, 4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_output_that_is_not_a_number_is_an_error(family, value):
    values, plain = real(*network(family)[:2])
    facts = network(family)[2]
    _, head = choose_head("auto", plain, HeadSettings(SIZE, SIZE, facts=facts, confidence=0.5))
    for array in values.values():
        array[0, 0] = value
    with pytest.raises(InferencePipelineError, match="not a number"):
        head(values, WHOLE)


def test_a_scene_where_every_cell_answers_is_bounded():
    outputs, given, facts = network("yolov8")
    outputs = {name: np.full_like(value, 200) for name, value in outputs.items()}
    _, head = choose_head("auto", given, HeadSettings(SIZE, SIZE, facts=facts, iou=0.99, max_objects=50))
    assert len(head.detector.candidates(outputs).row) == 1024
    assert len(head(outputs, WHOLE)) == 50


def test_outputs_are_told_apart_by_shape_whatever_their_names_and_order():
    outputs, given, facts = network("yolov8")
    settings = HeadSettings(SIZE, SIZE, facts=facts, confidence=0.9)
    _, head = choose_head("auto", given, settings)
    _, turned = choose_head("auto", given[::-1], settings)
    np.testing.assert_array_equal(head(outputs, WHOLE).xyxy, turned(outputs, WHOLE).xyxy)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_that_the_user_names_is_enough(family):
    """As for a vendor's HEF with anchors, which does not show them; the task is detection where nothing is said."""
    outputs, given, facts = network(family)
    told = {key: value for key, value in facts.items() if key not in ("ends", "scores", "task")}
    spans = [((0 - one.zero_point) * one.scale, (255 - one.zero_point) * one.scale) for one in given]
    wide = [replace(one, span=span) for one, span in zip(given, spans, strict=True)]
    chosen, head = choose_head("auto", wide, HeadSettings(SIZE, SIZE, facts=told, confidence=0.8))
    _, informed = choose_head("auto", given, HeadSettings(SIZE, SIZE, facts=facts, confidence=0.8))
    assert chosen == "detection"
    np.testing.assert_array_equal(head(outputs, WHOLE).xyxy, informed(outputs, WHOLE).xyxy)


def test_a_missing_output_is_told_with_what_is_there():
    _, given, facts = network("yolov8")
    with pytest.raises(InputError, match=r"--postprocess detection needs the maps .*layer0 \(tensor, 16x16x64\)"):
        choose_head("detection", given[:-1], HeadSettings(SIZE, SIZE, facts=facts))


def test_more_names_than_classes_are_refused():
    _, given, facts = network("yolov8")
    with pytest.raises(ConfigError, match=r"6 class names.*5 classes"):
        choose_head("auto", given, HeadSettings(SIZE, SIZE, facts=facts, names=tuple("abcdef")))


def test_the_least_integer_is_the_first_that_stands_for_a_probability():
    facts = OutputFacts("x", (1,), dtype="uint8", scale=0.1, zero_point=128)
    for confidence in (0.01, 0.25, 0.5, 0.99):
        values = Values.of(facts, "sigmoid")
        least = values.least(confidence)
        assert values.real(np.array([least], np.uint8))[0] >= confidence
        assert values.real(np.array([least - 1], np.uint8))[0] < confidence
    assert Values.of(facts, "sigmoid").least(1.0) == 256


def test_rows_of_six_are_finished_boxes():
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, :3] = [[20, 30, 40, 50, 0.6, 2], [1, 2, 3, 4, 0.9, 0], [5, 5, 9, 9, 0.1, 1]]
    chosen, head = choose_head("auto", [OutputFacts("out", (1, 300, 6))], HeadSettings(SIZE, SIZE))
    found = head({"out": rows}, HALF)
    assert chosen == "detection"
    assert found.class_id.tolist() == [0, 2]
    assert found.xyxy.tolist() == [[2, 0, 6, 0], [40, 28, 80, 68]]


def test_rows_with_a_score_a_class_are_queries_in_shares_of_the_input():
    rows = np.full((300, 9), 0.01, np.float32)
    rows[7] = [0.5, 0.25, 0.5, 0.25, 0, 0, 0.8, 0.3, 0]
    chosen, head = choose_head("auto", [OutputFacts("out", (300, 9))], HeadSettings(SIZE, SIZE))
    found = head({"out": rows}, WHOLE)
    assert chosen == "detection"
    assert found.class_id.tolist() == [2, 3]
    assert found.xyxy[0].tolist() == [32, 16, 96, 48]


def oriented(angle: float, family: str, sides=(2.0, 1.0, 4.0, 3.0)):
    """One box at the cell (3, 5) of stride 8: its distances left, top, right, bottom in strides."""
    number = angle if family == "yolo26" else np.log((angle / np.pi + 0.25) / (0.75 - angle / np.pi))
    outputs, given, ends = {}, [], []
    for stride in STRIDES:
        for role, channels in (("reg", 4), ("cls", 2), ("angle", 1)):
            name, shape = f"layer{len(given)}", (SIZE // stride, SIZE // stride, channels)
            outputs[name] = np.full(shape, -9, np.float32)
            given.append(OutputFacts(name, shape))
            ends.append({"role": role, "stride": stride})
    outputs["layer0"][5, 3], outputs["layer1"][5, 3, 1], outputs["layer2"][5, 3] = sides, 4, number
    facts = {"task": "oriented_detection", "family": family, "classes": 2, "scores": "logits", "ends": ends}
    chosen, head = choose_head("auto", given, HeadSettings(SIZE, SIZE, facts=facts | {"score_function": "sigmoid"}))
    assert chosen == "oriented_detection"
    return head(outputs, WHOLE)


@pytest.mark.parametrize("angle", [0.0, 0.3, -0.7, 1.2])
def test_a_turned_box_lies_where_its_distances_and_angle_say(angle):
    """Centre, size and angle as ``dist2rbox`` of Ultralytics defines them."""
    found = oriented(angle, "yolo26")
    x, y = (4 - 2) / 2, (3 - 1) / 2
    cos, sin = np.cos(angle), np.sin(angle)
    centre = np.array([3.5 + x * cos - y * sin, 5.5 + x * sin + y * cos]) * 8
    width, height = np.array([2 + 4, 1 + 3]) * 8
    along, down = np.array([cos, sin]) * width / 2, np.array([-sin, cos]) * height / 2
    wanted = centre + np.array([-along - down, along - down, along + down, down - along])
    np.testing.assert_allclose(found.corners[0], wanted, atol=1e-3)
    np.testing.assert_allclose(found.xyxy[0, :2], wanted.min(axis=0).clip(0), atol=1e-3)
    assert found.class_id.tolist() == [1]
    assert found.score[0] == pytest.approx(float(sigmoid(np.float32(4))))


def test_the_sigmoid_of_an_angle_spans_from_minus_a_quarter_turn_to_three():
    plain, squashed = oriented(0.4, "yolo26"), oriented_v8(0.4)
    assert rotated_iou(plain.corners[0], squashed.corners)[0] == pytest.approx(1, abs=1e-4)


def oriented_v8(angle: float):
    """The same box with distributions of 16 bins whose means are its distances."""
    outputs, given, ends = {}, [], []
    for stride in STRIDES:
        for role, channels in (("reg", 64), ("cls", 2), ("angle", 1)):
            name, shape = f"layer{len(given)}", (SIZE // stride, SIZE // stride, channels)
            outputs[name] = np.full(shape, -9, np.float32)
            given.append(OutputFacts(name, shape))
            ends.append({"role": role, "stride": stride})
    outputs["layer0"][5, 3, np.arange(4) * 16 + (2, 1, 4, 3)] = 30
    outputs["layer1"][5, 3, 1], outputs["layer2"][5, 3] = 4, np.log((angle / np.pi + 0.25) / (0.75 - angle / np.pi))
    facts = {"task": "oriented_detection", "family": "yolov8", "classes": 2, "reg_max": 16, "scores": "logits"}
    facts |= {"ends": ends, "score_function": "sigmoid"}
    return choose_head("auto", given, HeadSettings(SIZE, SIZE, facts=facts))[1](outputs, WHOLE)


@dataclass
class Record:
    """As ``hailo_platform`` gives one."""

    y_min: float
    x_min: float
    y_max: float
    x_max: float
    score: float
    class_id: int
    mask: np.ndarray


def test_records_with_byte_masks_become_masks_in_pixels_of_the_picture():
    inside = np.zeros((16, 32), np.uint8)
    inside[:, 16:] = 1
    weaker = Record(0.25, 0.25, 0.375, 0.5, 0.5, 1, inside.ravel())
    stronger = Record(0.5, 0.5, 0.75, 0.75, 0.9, 0, np.ones(1024, np.uint8))
    facts = [OutputFacts("out", (), "nms_with_byte_mask", 3)]
    chosen, head = choose_head("auto", facts, HeadSettings(SIZE, SIZE, names=("a", "b", "c")))
    found = head({"out": [weaker, stronger]}, HALF)
    assert chosen == "nms_on_host"
    assert [found.name(index) for index in range(2)] == ["a", "b"]
    # Input pixels 32 to 64 by 32 to 48 with a band of 16 above: twice as large in the picture.
    assert found.xyxy[1].tolist() == [64, 32, 128, 64]
    mask = found.masks[1]
    assert (mask.left, mask.top, mask.pixels.shape) == (64, 32, (32, 64))
    assert mask.pixels[:, :32].sum() == 0
    assert mask.pixels[:, 32:].all()
    assert found.masks[0].pixels.all()


def test_weak_records_are_left_out_and_none_is_no_error():
    facts = [OutputFacts("out", (), "nms_by_score", 3)]
    _, head = choose_head("auto", facts, HeadSettings(SIZE, SIZE, confidence=0.6))
    found = head({"out": [Record(0, 0, 1, 1, 0.5, 1, np.ones(1))]}, WHOLE)
    assert len(found) == 0
    assert found.masks is None
