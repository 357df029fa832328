"""The whole report on small networks: what it says is what was put in."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from conftest import LABELS, Case, compile_detector, picture
from hailstack.cli import run
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.datasets import Objects
from hailstack.datasets.accuracy import Labelled, score_classes, score_detections
from hailstack.errors import ConfigError, InputError
from hailstack.fidelity.agreement import Agreement, match
from hailstack.fidelity.comparison import compare
from hailstack.fidelity.layers import LayerNoise, list_quantised_layers, noise_alone, quantise_layer
from hailstack.fidelity.measure import find_photos, measure
from hailstack.fidelity.page import write_page
from hailstack.fidelity.report import OutputNoise
from hailstack.fidelity.subject import Subject, open_subject
from hailstack.fidelity.truth import read_truth
from hailstack.types import Classes, Detections
from tiny_networks import write_classifier


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
    report = measure(open_subject(compile_detector(tmp_path)), find_photos(tmp_path / "photos"), probed=1)
    assert len(report.outputs) == 6
    assert report.agreement.wanted > 0
    assert report.agreement.kept <= min(report.agreement.wanted, report.agreement.found)


def test_an_output_of_16_bits_is_judged_as_it_leaves_not_as_readers_inside_see_it(case: Case) -> None:
    def output(subject: Subject) -> OutputNoise:
        (found,) = [one for one in measure(subject, case.photos, probed=0).outputs if one.tensor == "logits"]
        return found

    write_classifier(case.model)  # with a softmax, which reads the logits in 8 bits
    net = onnx.load(case.model)
    net.graph.output.insert(0, onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, None))
    onnx.save(net, case.model)
    narrow = output(case.compile(head="raw"))
    wide = output(case.compile(head="raw", quantisation=QuantiseOptions(output_type="uint16")))
    assert wide.step < narrow.step / 200
    assert wide.snr_db > narrow.snr_db


def test_one_layer_alone_makes_less_noise_than_all_together(case: Case) -> None:
    subject = case.compile()
    frames = [subject.preprocess.apply(picture(seed))[0] for seed in range(2)]
    layers = list_quantised_layers(subject)
    alone = noise_alone(subject, layers, frames)
    (output,) = subject.outputs
    pairs = [(output.real, output.dequantised)]
    together = compare(subject.real, subject.integer, pairs, map(subject.feed, frames), "")[output.dequantised].snr_db
    assert together <= min(one[output.stream] for one in alone.values()) + 3
    for layer in layers:
        onnx.checker.check_model(quantise_layer(subject, layer), full_check=True)


def test_networks_that_are_equal_have_no_noise(case: Case) -> None:
    subject = case.compile()
    frame = subject.preprocess.apply(picture(0))[0]
    pairs = [(output.real, output.real) for output in subject.outputs]
    (found,) = compare(subject.real, subject.real, pairs, [subject.feed(frame)], "").values()
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


def test_labels_lie_beside_the_pictures_or_all_in_one_place(tmp_path: Path) -> None:
    photos = [tmp_path / "images" / name for name in ("a/1.jpg", "b/1.jpg", "b/2.jpg")]
    (tmp_path / "labels" / "a").mkdir(parents=True)
    (tmp_path / "labels" / "a" / "1.txt").write_text("1 0.5 0.5 0.2 0.2\n")
    (tmp_path / "labels" / "2.txt").write_text("")
    truth = read_truth(tmp_path / "labels", tmp_path / "images", photos, (), 3)
    assert {photo: len(objects) for photo, objects in truth.objects.items()} == {photos[0]: 1, photos[2]: 0}


def test_labels_of_classes_that_the_network_does_not_know_are_refused_by_file(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text("58 0.5 0.5 0.2 0.2\n")
    with pytest.raises(ConfigError, match=r"1\.txt: class 58 is none of the HEF's 3"):
        read_truth(tmp_path, tmp_path, [tmp_path / "1.jpg"], (), 3)
    (tmp_path / "labels.csv").write_text("1.jpg,3\n")
    with pytest.raises(ConfigError, match=r"labels\.csv:1: class 3 is none"):
        read_truth(tmp_path / "labels.csv", tmp_path, [tmp_path / "1.jpg"], (), 3)


def test_labels_without_any_object_are_refused(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text("")
    with pytest.raises(ConfigError, match="there is no object in any of 1 files"):
        read_truth(tmp_path, tmp_path, [tmp_path / "1.jpg"], (), 3)


def test_boxes_as_labels_of_a_classifier_are_refused(case: Case) -> None:
    (case.folder / "photos" / "0.txt").write_text("1 0.5 0.5 0.2 0.2\n")
    truth = read_truth(case.folder / "photos", case.folder / "photos", case.photos, LABELS, 5)
    with pytest.raises(ConfigError, match="the labels are boxes"):
        measure(case.compile(), case.photos, truth=truth, probed=0)


def test_broken_pictures_are_left_out_by_name_and_grey_ones_with_transparency_are_not(case: Case) -> None:
    (case.folder / "photos" / "broken.jpg").write_bytes(case.photos[0].read_bytes()[:200])
    subject = case.compile()
    cv2.imwrite(str(case.folder / "photos" / "grey.png"), picture(9)[..., 0])
    cv2.imwrite(str(case.folder / "photos" / "glass.png"), np.dstack([picture(8), picture(7)[..., 0]]))
    report = measure(subject, find_photos(case.folder / "photos"), probed=0)
    assert report.pictures == 6
    (skipped,) = report.skipped
    assert "broken.jpg" in skipped


def test_no_picture_that_can_be_read_is_an_error_that_names_the_first(case: Case) -> None:
    subject = case.compile()
    (case.folder / "bad.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"none of 1 pictures could be read; the first: .*bad\.png"):
        measure(subject, [case.folder / "bad.png"])


def test_layers_are_raised_only_where_few_make_half_of_the_noise(case: Case) -> None:
    report = measure(case.compile(), case.photos, probed=1)
    noisy = replace(report.outputs[0], snr_db=12.0)
    culprit = [LayerNoise(f"conv{i}", "", 20.0, {"out": 10.0 if i == 3 else 30.0}) for i in range(20)]
    spread = [replace(layer, alone_db={"out": 24.0}) for layer in culprit]
    assert [one.name for one in replace(report, outputs=(noisy,), layers=tuple(culprit)).raise_layers] == ["conv3"]
    assert replace(report, outputs=(noisy,), layers=tuple(spread)).raise_layers == ()
    fine = replace(report.outputs[0], snr_db=25.0)
    assert replace(report, outputs=(fine,), layers=tuple(culprit)).raise_layers == ()


def test_the_command_writes_json_that_any_parser_reads_and_exits_with_2_below_10_db(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hef, page = compile_detector(tmp_path), tmp_path / "page.html"
    code = run(["fidelity", str(hef), "--images", str(tmp_path / "photos"), "--html", str(page), "--json"])

    def refuse(word: str) -> None:
        raise AssertionError(word)

    told = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert code == (2 if any(one["flagged"] for one in told["outputs"]) else 0)
    assert {"outputs", "layers", "raise_layers", "agreement", "ladder", "worst_pictures"} <= set(told)
    assert page.read_text().count("<img") == 2 * len(told["worst_pictures"])


def test_an_interrupted_command_writes_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    hef, page = compile_detector(tmp_path), tmp_path / "page.html"
    monkeypatch.setattr("hailstack.fidelity.page.data_uri", interrupt)
    monkeypatch.setattr("hailstack.fidelity.page._facts", interrupt)
    assert run(["fidelity", str(hef), "--images", str(tmp_path / "photos"), "--html", str(page)]) == 130
    assert not page.exists() and not list(tmp_path.glob("*.part*"))
