"""Each fault that people make on the way from training to chip is found at its step, and named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conftest import MEAN, STD, Case, compile_detector
from hailstack.errors import ConfigError, ModelError
from hailstack.fidelity.ladder import Ladder, climb
from hailstack.fidelity.measure import find_photos
from hailstack.fidelity.reference import Original, Recording
from hailstack.fidelity.subject import Subject, open_subject
from tiny_networks import write_classifier, write_yolov8


def ladder(case: Case, subject: Subject, recording: Recording) -> Ladder:
    return climb(subject, case.photos, original=Original(case.model), recording=recording)


def test_a_network_that_was_compiled_as_it_was_trained_holds_on_every_step(case: Case) -> None:
    found = ladder(case, case.compile(), case.recording)
    assert found.parted is None
    assert [rung.name for rung in found.rungs] == ["export", "input", "labels", "folded", "quantised"]


def test_swapped_channels_part_at_the_input(case: Case) -> None:
    found = ladder(case, case.compile(bgr=True, mean=MEAN[::-1], std=STD[::-1]), case.recording).parted
    assert found is not None and found.cause is not None
    assert (found.name, found.cause.kind) == ("input", "channel order")


def test_a_wrong_mean_parts_at_the_input_and_the_right_one_is_told(case: Case) -> None:
    found = ladder(case, case.compile(mean=(0, 0, 0)), case.recording).parted
    assert found is not None and found.cause is not None
    assert (found.name, found.cause.kind) == ("input", "mean or std")
    assert "--mean 123.675,116.28,103.53 --std 58.395,57.12,57.375" in found.cause.text


def test_pixels_that_the_network_normalises_itself_are_found_to_be_normalised_twice(case: Case) -> None:
    raw = case.recording.inputs * np.reshape(STD, (3, 1, 1)) + np.reshape(MEAN, (3, 1, 1))
    found = climb(case.compile(), case.photos, recording=case.recorded(inputs=raw.astype(np.float32))).parted
    assert found is not None and found.cause is not None
    assert (found.name, found.cause.kind) == ("input", "normalised twice")


@pytest.mark.parametrize(("down", "right"), [(1, 0), (0, -1)])
def test_a_letterbox_that_is_off_by_one_pixel_is_told_from_other_faults(case: Case, down: int, right: int) -> None:
    moved = np.roll(case.recording.inputs, (down, right), axis=(2, 3))
    found = climb(case.compile(), case.photos, recording=case.recorded(inputs=moved)).parted
    assert found is not None and found.cause is not None
    assert (found.name, found.cause.kind) == ("input", "shift")
    assert f"{right} pixels to the right of and {down} below" in found.cause.text


def test_a_missing_sigmoid_parts_at_the_export(case: Case) -> None:
    outputs = {"logits": (1 / (1 + np.exp(-case.recording.outputs["logits"]))).astype(np.float32)}
    found = ladder(case, case.compile(), case.recorded(outputs=outputs)).parted
    assert found is not None and found.cause is not None
    assert (found.name, found.cause.kind) == ("export", "sigmoid")


def test_classes_in_another_order_part_at_the_export(case: Case) -> None:
    outputs = {"logits": case.recording.outputs["logits"][..., [1, 0, 2, 4, 3]]}
    found = ladder(case, case.compile(), case.recorded(outputs=outputs)).parted
    assert found is not None and found.cause is not None
    assert (found.name, found.cause.kind) == ("export", "class order")
    assert "class 0 of the reference is 1 here" in found.cause.text


def test_class_names_in_another_order_part_at_the_labels(case: Case) -> None:
    found = ladder(case, case.compile(labels=("tulip", "rose", "poppy", "daisy", "lily")), case.recording).parted
    assert found is not None and found.cause is not None
    assert found.name == "labels"
    assert "class 0 is 'tulip' in the HEF and 'rose' in the reference" in found.cause.text


def test_without_a_reference_the_steps_that_need_one_are_left_out_by_name(case: Case) -> None:
    found = climb(case.compile(), case.photos)
    assert set(found.left_out) == {"export", "input", "labels", "folded", "device"}
    assert [rung.name for rung in found.rungs] == ["quantised"]


def test_a_recording_of_other_pictures_is_refused_by_name(case: Case) -> None:
    with pytest.raises(ConfigError, match=r"no row for 0\.png"):
        climb(case.compile(), case.photos, recording=case.recorded(files=("a", "b", "c", "d")))


def test_sigmoids_that_the_compiler_added_do_not_part_the_folded_step(tmp_path: Path) -> None:
    hef = compile_detector(tmp_path)
    model = Original(tmp_path / "net.onnx")
    found = climb(open_subject(hef), find_photos(tmp_path / "photos"), original=model)
    folded = next(rung for rung in found.rungs if rung.name == "folded")
    assert folded.holds, folded.figure


def test_another_model_than_the_compiled_one_is_said_to_be_one(case: Case, tmp_path: Path) -> None:
    other = Original(write_yolov8(tmp_path / "other.onnx"))
    found = climb(case.compile(), case.photos, original=other)
    assert "another network" in found.left_out["folded"]


def test_a_model_of_another_size_is_refused_with_both_sizes(case: Case, tmp_path: Path) -> None:
    other = Original(write_classifier(tmp_path / "other.onnx", size=32))
    with pytest.raises(ModelError, match=r"takes 1x3x32x32, but was given 1x3x64x64: another network\?"):
        climb(case.compile(), case.photos, original=other)


def test_a_recorded_output_that_the_model_lacks_is_named(case: Case) -> None:
    with pytest.raises(ConfigError, match=r"an output 'scores'; .* has logits"):
        ladder(case, case.compile(), case.recorded(outputs={"scores": case.recording.outputs["logits"]}))


def test_an_output_of_another_size_parts_without_a_guess(case: Case) -> None:
    outputs = {"logits": np.repeat(case.recording.outputs["logits"], 2, axis=-1)}
    found = ladder(case, case.compile(), case.recorded(outputs=outputs)).parted
    assert found is not None and found.cause is None
    assert "has the shape" in found.figure
