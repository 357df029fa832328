"""The whole report on small networks: what it says is what was put in."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import pytest

from conftest import LABELS, Case, picture
from hailstack.compiler import compile_model
from hailstack.datasets import Objects
from hailstack.errors import InputError
from hailstack.fidelity.accuracy import Labelled, score_classes, score_detections
from hailstack.fidelity.agreement import Agreement, match
from hailstack.fidelity.comparison import compare
from hailstack.fidelity.layers import list_quantised_layers, noise_alone, quantise_layer
from hailstack.fidelity.measure import find_photos, measure
from hailstack.fidelity.page import write_page
from hailstack.fidelity.subject import open_subject
from hailstack.fidelity.truth import read_truth
from hailstack.imaging import write_image
from hailstack.types import Classes, Detections
from tiny_networks import write_yolov8


def test_a_classifier_is_measured_from_layers_to_answers(case: Case) -> None:
    subject = case.compile()
    labels = case.folder / "labels.csv"
    labels.write_text("0.png,rose\n1.png,1\n2.png,poppy\n3.png,lily\n")
    truth = read_truth(labels, case.folder / "photos", case.photos, LABELS, 5)
    report = measure(subject, case.photos, truth=truth, probed=2)
    assert report.pictures == 4
    assert report.accuracy is not None
    assert set(report.accuracy[0].total) == {"top-1", "top-5"}
    assert report.outputs[0].snr_db > 10
    assert {layer.name for layer in report.layers if layer.alone_db} >= {"conv1", "fc1"}
    assert report.to_json()["ladder"]["rungs"][-1]["name"] == "device"
    page = case.folder / "page.html"
    write_page(report, page)
    assert "conv1" in page.read_text()


def test_the_device_gives_what_the_integer_network_says(case: Case) -> None:
    report = measure(case.compile(), case.photos, probed=0)
    device = report.ladder.rungs[-1]
    assert (device.name, device.holds) == ("device", True)


def test_a_detector_is_compared_object_by_object(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        write_image(tmp_path / "photos" / f"{seed}.png", picture(seed))
    model = write_yolov8(tmp_path / "net.onnx")
    compile_model(model, tmp_path / "photos", tmp_path / "net.hef", score_threshold=0.3)
    report = measure(open_subject(tmp_path / "net.hef"), find_photos(tmp_path / "photos"), probed=1)
    assert len(report.outputs) == 6
    assert report.agreement.wanted > 0
    assert report.agreement.kept <= min(report.agreement.wanted, report.agreement.found)


def test_one_layer_alone_makes_less_noise_than_all_together(case: Case) -> None:
    subject = case.compile()
    frames = [subject.preprocess.apply(picture(seed))[0] for seed in range(2)]
    layers = list_quantised_layers(subject)
    alone = noise_alone(subject, layers, frames)
    (output,) = subject.outputs
    pairs = [(output.real, output.dequantised)]
    together = compare(subject.real, subject.integer, pairs, frames, "")[output.dequantised].snr_db
    assert together <= min(one[output.stream] for one in alone.values()) + 3
    for layer in layers:
        onnx.checker.check_model(quantise_layer(subject, layer), full_check=True)


def test_networks_that_are_equal_have_no_noise(case: Case) -> None:
    subject = case.compile()
    frame = subject.preprocess.apply(picture(0))[0]
    pairs = [(output.real, output.real) for output in subject.outputs]
    (found,) = compare(subject.real, subject.real, pairs, [frame], "").values()
    assert math.isinf(found.snr_db)
    assert found.cosine == pytest.approx(1)


def test_perfect_detections_score_one_and_none_score_zero() -> None:
    boxes = np.array([[10, 10, 60, 60], [100, 20, 220, 200]], np.float32)
    objects = Objects(boxes / [320, 240, 320, 240], np.array([0, 2], np.int32))
    truth = [Labelled(320, 240, objects)]
    found = Detections(boxes, np.array([0.9, 0.8], np.float32), np.array([0, 2], np.int32))
    assert score_detections([found], truth).total == pytest.approx({"mAP50-95": 1.0, "mAP50": 1.0})
    assert score_detections([Detections.empty()], truth).by_class == {0: 0.0, 2: 0.0}


def test_right_classes_are_counted_over_all_and_by_class() -> None:
    found = [Classes(np.array([1, 0], np.int32), np.array([0.7, 0.3], np.float32))] * 2
    accuracy = score_classes(found, [1, 0])
    assert accuracy.total == {"top-1": 0.5, "top-5": 1.0}
    assert accuracy.by_class == {0: 0.0, 1: 1.0}


def test_an_object_of_another_class_is_lost_and_made_up() -> None:
    one = Detections(np.array([[0, 0, 10, 10]], np.float32), np.array([0.9], np.float32), np.array([0], np.int32))
    other = Detections(one.xyxy, one.score, np.array([1], np.int32))
    assert match(one, one) == [(0, 0, 1.0)]
    assert match(one, other) == []
    agreement = Agreement()
    assert agreement.add(one, other) == pytest.approx(1.8)
    assert (agreement.wanted, agreement.kept, agreement.found) == (1, 0, 1)


def test_a_vendor_hef_is_refused_with_what_to_do(shared: Path) -> None:
    path = next((shared / "hef" / "real").glob("hand_landmark*.hef"))
    with pytest.raises(InputError, match="compile the ONNX model"):
        open_subject(path)
