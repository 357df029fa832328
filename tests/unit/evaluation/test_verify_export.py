"""ONNX files as exporters write them, whole and damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from hailstack.errors import InputError, NotFoundError
from hailstack.evaluation.verify import Verification, verify_export
from hailstack.imaging import write_image
from hailstack.training.cards import draw_cards
from hailstack.training.export_nms import RawLevel, embed_nms
from tiny_networks import write_classifier, write_yolov8

QUIET = -6.0
LOUD = 2.0
LEVELS = [RawLevel(f"reg_s{stride}", f"cls_s{stride}", stride, 64 // stride, 64 // stride) for stride in (8, 16, 32)]


def change(
    path: Path, node_output: str, operand: int, edit: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> None:
    """Other weights (1) or another bias (2) for the node that makes a tensor."""
    model = onnx.load(path)
    name = next(node for node in model.graph.node if node_output in node.output).input[operand]
    tensor = next(one for one in model.graph.initializer if one.name == name)
    tensor.CopyFrom(numpy_helper.from_array(edit(numpy_helper.to_array(tensor).copy()), name))
    onnx.save(model, path)


def shaped(path: Path) -> Path:
    """With the shapes of its outputs written down, as exporters do."""
    onnx.save(onnx.shape_inference.infer_shapes(onnx.load(path)), path)
    return path


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    """Raw heads that say little of anything."""
    path = shaped(write_yolov8(tmp_path / "raw.onnx"))
    for level in LEVELS:
        change(path, level.cls, 2, lambda bias: np.full_like(bias, QUIET))
        change(path, level.cls, 1, lambda weights: weights * np.float32(0.1))
    return path


def make_loud(path: Path) -> None:
    change(path, "cls_s16", 2, lambda bias: np.array([QUIET, LOUD, QUIET], np.float32))


def finish(path: Path) -> Path:
    """With boxes that leave finished."""
    made = embed_nms(onnx.load(path), LEVELS, 3, 16, 0.1, 0.7)
    onnx.save(made, path.with_name("finished.onnx"))
    return path.with_name("finished.onnx")


def codes(verification: Verification) -> list[str]:
    return [finding.code for finding in verification.findings if finding.severity == "error"]


def causes(verification: Verification) -> str:
    return "\n".join(finding.message for finding in verification.findings if finding.code == "cause")


@pytest.mark.parametrize("finished", [False, True])
def test_a_sound_detector_finds_nothing_in_black(detector: Path, finished: bool) -> None:
    verification = verify_export(finish(detector) if finished else detector)
    assert verification.ok
    assert verification.kind == ("finished boxes" if finished else "raw heads, 3 levels")
    assert (verification.task, verification.family, verification.classes) == ("detection", "yolov8", 3)
    assert {answer.picture: answer.found for answer in verification.answers}["black"] == 0


@pytest.mark.parametrize("finished", [False, True])
def test_why_something_is_found_in_black_is_said(detector: Path, finished: bool) -> None:
    make_loud(detector)
    verification = verify_export(finish(detector) if finished else detector)
    assert codes(verification) == ["black"]
    assert "the bias of '1' at stride 16 is 2.00, which alone gives 0.881" in causes(verification)
    assert "100% of the cells at stride 16 say '1'" in causes(verification)


def test_decoded_boxes_are_understood(tmp_path: Path) -> None:
    verification = verify_export(shaped(write_yolov8(tmp_path / "net.onnx", tail=True)))
    assert verification.kind == "decoded boxes, before suppression"
    assert verification.classes == 3


def test_scores_that_are_no_probabilities_are_found(detector: Path) -> None:
    model = onnx.load(finish(detector))
    sigmoid = next(node for node in model.graph.node if node.op_type == "Sigmoid" and node.name.startswith("/nms"))
    sigmoid.op_type = "Exp"
    path = detector.with_name("exp.onnx")
    onnx.save(model, path)
    for level in LEVELS:
        change(path, level.cls, 2, lambda bias: np.full_like(bias, LOUD))
    assert "scores" in codes(verify_export(path))


def test_a_classifier_is_asked_what_it_sees(tmp_path: Path) -> None:
    verification = verify_export(shaped(write_classifier(tmp_path / "net.onnx")))
    assert verification.ok
    assert verification.kind == "a classifier's scores"
    assert all(answer.found is None and answer.score is not None for answer in verification.answers)


def test_numbers_that_are_none_are_found(detector: Path) -> None:
    change(detector, "cls_s8", 2, lambda bias: bias * np.float32("nan"))
    assert codes(verify_export(detector)) == ["numbers"]


def test_an_answer_that_is_always_the_same_is_found(detector: Path) -> None:
    first = onnx.load(detector).graph.node[0].output[0]
    change(detector, first, 1, np.zeros_like)
    assert codes(verify_export(detector)) == ["constant"]


def test_names_must_be_as_many_as_classes(detector: Path) -> None:
    model = onnx.load(detector)
    onnx.helper.set_model_props(model, {"names": "{0: 'cat', 1: 'dog'}"})
    onnx.save(model, detector)
    verification = verify_export(detector)
    assert codes(verification) == ["names"]
    assert "2 classes, but the network has 3" in verification.findings[0].message


def test_open_sizes_are_fixed_for_the_look_and_warned_of(detector: Path) -> None:
    model = onnx.load(detector)
    onnx.helper.set_model_props(model, {"imgsz": "[64, 64]"})
    height = model.graph.input[0].type.tensor_type.shape.dim[2]
    height.dim_param = "height"
    onnx.save(model, detector)
    verification = verify_export(detector)
    assert verification.ok
    assert "--input-shape images=1x3x64x64" in next(
        finding.message for finding in verification.findings if finding.code == "dynamic"
    )


def test_real_pictures_are_shown_to_it(detector: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    write_image(photos / "a.png", draw_cards()["scene 1"])
    (photos / "b.png").write_bytes(b"none")
    verification = verify_export(detector, photos)
    assert [answer.picture for answer in verification.answers] == ["black", "a.png"]
    assert len(verification.skipped) == 1


def test_what_cannot_be_verified_is_refused(detector: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such ONNX file"):
        verify_export(tmp_path / "gone.onnx")
    with pytest.raises(InputError, match="confidence is 0"):
        verify_export(detector, confidence=0.0)
