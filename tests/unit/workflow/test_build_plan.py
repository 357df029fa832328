"""Build files: read with their defaults; what is wrong is named by file, key and value."""

from __future__ import annotations

from pathlib import Path

import pytest

from hailstack.cli import run
from hailstack.errors import ConfigError, InputError, NotFoundError
from hailstack.workflow.plan import read_plan, write_template


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for name in ("photos", "a"):
        (tmp_path / name).mkdir()
    return tmp_path / "field.yaml"


def test_a_short_plan_has_the_defaults_of_the_commands(file: Path) -> None:
    file.write_text("data: photos\n")
    plan = read_plan(file)
    assert plan.data == file.parent / "photos"
    assert plan.output == file.parent / "field-build"
    assert plan.split == "keep"
    assert (plan.train.model, plan.train.epochs) == ("yolov8n", 100)
    assert plan.compile.quantisation.level == 1


def test_what_a_plan_says_is_heard(file: Path) -> None:
    file.with_name("start.pt").write_text("")
    file.write_text(
        "data: photos\noutput: out\nsplit: {val: 0.2, seed: 3}\n"
        "train: {model: yolov8n-tiny, imgsz: 160, augment: {mosaic: 0.5}, weights: start.pt,\n"
        "  ultralytics_python: own/bin/python}\n"
        "compile: {target: hailo8, level: 2, wide_layers: [conv3]}\n"
    )
    plan = read_plan(file)
    assert plan.split != "keep"
    assert (plan.split.val, plan.split.seed) == (0.2, 3)
    assert (plan.train.imgsz, plan.train.augment.mosaic) == (160, 0.5)
    assert plan.train.weights == file.parent / "start.pt"
    assert plan.train.ultralytics_python == file.parent / "own" / "bin" / "python"
    assert (plan.compile.target, plan.compile.quantisation.level) == ("hailo8", 2)
    assert plan.compile.quantisation.wide_layers == ("conv3",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("output: out", "data: Field required"),
        ("- data", "a build file has keys such as 'data'"),
        ("data: a\nfrob: 1", "frob: Extra inputs are not permitted (it is 1)"),
        ("data: a\nsplit: {vall: 0.2}", "split: 'vall' is no key here; known are val, test, seed, grouping"),
        ("data: a\nsplit: half", "split: a section with keys is wanted, not 'half'"),
        ("data: a\ntrain: {epochs: three}", "train.epochs: Input should be a valid integer"),
        ("data: a\ntrain: {imgsz: 100}", "imgsz is 100, it must be a multiple of 32, for example 96 or 128"),
        ("data: a\ntrain: {name: mine}", "train: 'name' is no key here"),
        ("data: a\ncompile: {level: 7}", "compile.level: Input should be 0, 1, 2, 3 or 4 (it is 7)"),
        ("data: a\ncompile: {target: hailo9}", "compile.target: Input should be 'hailo8', 'hailo8l'"),
        ("data: a\nverify: {ignore: [box-tinny]}", "verify.ignore: 'box-tinny' is no kind of finding; known are "),
        ("data: a\nexport: {opset: 5}", "export.opset: Input should be greater than or equal to 11"),
        ("data: a\ncheck: {min_map50: 80}", "check.min_map50: Input should be less than or equal to 1 (it is 80)"),
    ],
)
def test_a_wrong_key_or_value_is_named(file: Path, text: str, complaint: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_plan(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert complaint in str(caught.value)


def test_no_file_says_how_to_begin(file: Path) -> None:
    with pytest.raises(NotFoundError, match="hailstack build --new"):
        read_plan(file)


def test_photos_that_are_not_there_are_told_before_anything_is_made(file: Path) -> None:
    file.write_text("data: nowhere\n")
    with pytest.raises(NotFoundError, match=r"field\.yaml: data: there is nothing at .*nowhere"):
        read_plan(file)


def test_weights_that_are_not_there_are_told_before_anything_is_made(file: Path) -> None:
    file.write_text("data: photos\ntrain: {weights: start.pt}\n")
    with pytest.raises(NotFoundError, match=r"train\.weights: there is no file .*start\.pt"):
        read_plan(file)


def test_an_output_that_is_a_file_is_told(file: Path) -> None:
    file.write_text("data: photos\noutput: field.yaml\n")
    with pytest.raises(ConfigError, match=r"output: .* is a file"):
        read_plan(file)


@pytest.mark.parametrize("data", ["photos", "photos/data.yaml"])
def test_an_output_that_is_the_folder_of_the_photos_is_told(file: Path, data: str) -> None:
    (file.parent / "photos" / "data.yaml").write_text("")
    file.write_text(f"data: {data}\noutput: a/../photos\n")
    with pytest.raises(ConfigError, match=r"output: .* is the folder of the photos themselves"):
        read_plan(file)


def test_the_template_is_a_plan(file: Path) -> None:
    photos = file.parent / "somewhere" / "photos: no #1"
    photos.mkdir(parents=True)
    write_template(file, photos)
    plan = read_plan(file)
    assert plan.data.resolve() == photos
    assert plan.check.min_map50 == 0.8
    with pytest.raises(InputError, match="is there already"):
        write_template(file, photos)


def test_a_new_plan_is_of_photos_that_are_there_and_says_how_to_go_on(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["build", "--new", str(file), "--data", str(file.parent / "nowhere")]) == 1
    assert "nowhere: there is nothing" in capsys.readouterr().err
    assert not file.exists()
    assert run(["build", "--new", str(file), "--data", str(file.parent / "photos")]) == 0
    assert f"then: hailstack build {file}" in capsys.readouterr().out
