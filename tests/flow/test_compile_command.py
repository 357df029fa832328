from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from compile_scoring import Chip

from hailstack.cli import run as hailstack
from hailstack.hef import read_hef
from hailstack.imaging import write_image
from tiny_networks import write_classifier, write_yolov8


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(4):
        picture = np.random.default_rng(i).integers(0, 256, (48, 64, 3), np.uint8)
        write_image(folder / f"{i}.png", picture)
    return folder


def test_compile_writes_a_hef_that_runs(tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, hef = write_yolov8(tmp_path / "field.onnx"), tmp_path / "out.hef"
    assert hailstack(["compile", str(model), "--calibration", str(pictures), "-o", str(hef)]) == 0
    printed = capsys.readouterr()
    assert "field for hailo8l" in printed.out
    assert "field/yolov8_nms_postprocess" in printed.out
    assert printed.err == ""
    boxes, scores, _ = Chip(hef, score_threshold=0.0).boxes(np.zeros((64, 64, 3), np.uint8))
    assert len(boxes) > 0
    assert np.all((scores >= 0) & (scores <= 1))


def test_options_reach_the_file(tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, hef, labels = write_classifier(tmp_path / "net.onnx"), tmp_path / "out.hef", tmp_path / "labels.txt"
    labels.write_text("rose\ntulip\nlily\nlilac\nox-eye daisy\n")
    arguments = ["--calibration", str(pictures), "--output", str(hef), "--target", "hailo8", "--labels", str(labels)]
    arguments += ["--mean", "104,117,123", "--std", "57.5", "--bgr", "--resize", "stretch", "--name", "flowers"]
    assert hailstack(["compile", str(model), *arguments, "--limit", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["network"] == "flowers"
    assert report["normalisation"] == {"mean": [104, 117, 123], "std": [57.5] * 3, "bgr": True}
    assert report["preprocess"]["mode"] == "stretch"
    assert report["calibration"]["count"] == 2
    assert read_hef(hef).architectures[0] == "HAILO8"


def test_a_corrupt_picture_is_reported_and_the_rest_is_used(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "torn.jpg").write_bytes(b"\xff\xd8\xff torn")
    model = write_classifier(tmp_path / "net.onnx")
    assert hailstack(["compile", str(model), "-c", str(pictures), "-o", str(tmp_path / "net.hef")]) == 0
    printed = capsys.readouterr()
    assert "torn.jpg" in printed.err
    assert "4 pictures, 1 left out" in printed.out


@pytest.mark.parametrize(
    ("model", "words"),
    [("absent.onnx", "absent.onnx: no such ONNX file"), ("text.onnx", "text.onnx")],
)
def test_a_model_that_cannot_be_compiled_is_one_line_and_exit_code_1(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str], model: str, words: str
) -> None:
    (tmp_path / "text.onnx").write_text("this is no model")
    hef = tmp_path / "out.hef"
    assert hailstack(["compile", str(tmp_path / model), "-c", str(pictures), "-o", str(hef)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("hailstack: error: ")
    assert words in error
    assert "Traceback" not in error
    assert not hef.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--mean", "a,b"], "--mean is 'a,b'"),
        (["--labels", "absent.txt"], "absent.txt"),
        (["--calibration", "absent"], "absent: no such folder"),
        (["--pad-value", "300"], "pad_value"),
    ],
)
def test_a_wrong_option_is_named(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    model = write_classifier(tmp_path / "net.onnx")
    given = [] if "--calibration" in arguments else ["--calibration", str(pictures)]
    assert hailstack(["compile", str(model), *given, "-o", str(tmp_path / "net.hef"), *arguments]) == 1
    assert words in capsys.readouterr().err
