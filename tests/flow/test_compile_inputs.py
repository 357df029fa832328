"""What a model's input says about itself reaches the HEF."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hailstack.cli import run as hailstack
from hailstack.imaging import write_image
from tiny_networks import write_classifier


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    write_image(tmp_path / "pictures" / "0.png", picture)
    return tmp_path / "pictures"


def compile_json(model: Path, pictures: Path, *options: str) -> list[str]:
    return ["compile", str(model), "-c", str(pictures), "-o", str(model.with_suffix(".hef")), "--json", *options]


def open_sizes(path: Path) -> Path:
    model = onnx.load(write_classifier(path))
    for axis, name in ((2, "height"), (3, "width")):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    onnx.save(model, path)
    return path


def test_an_open_size_is_given_on_the_command_line(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = open_sizes(tmp_path / "net.onnx")
    assert hailstack(compile_json(model, pictures)) == 1
    assert "--input-shape images=1x3x640x640" in capsys.readouterr().err
    assert hailstack(compile_json(model, pictures, "--input-shape", "images=1x3x32x64")) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["preprocess"]["height"], report["preprocess"]["width"]) == (32, 64)


@pytest.mark.parametrize("shape", ["640x640", "images=1x3xhxw", "images"])
def test_a_shape_that_is_none_is_one_line(
    shape: str, tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hailstack(compile_json(open_sizes(tmp_path / "net.onnx"), pictures, "--input-shape", shape)) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_bytes_are_not_normalised_again(tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = onnx.load(write_classifier(tmp_path / "net.onnx"))
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    for node in model.graph.node:
        node.input[:] = ["real" if name == "images" else name for name in node.input]
    model.graph.node.insert(0, helper.make_node("Cast", ["images"], ["real"], to=TensorProto.FLOAT))
    onnx.save(model, tmp_path / "net.onnx")
    assert hailstack(compile_json(tmp_path / "net.onnx", pictures)) == 0
    assert json.loads(capsys.readouterr().out)["normalisation"] == {"mean": [0] * 3, "std": [1] * 3, "bgr": False}


def test_a_grey_picture_is_refused(tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = '<ir_version: 8, opset_import: ["": 17]> g (float[1,1,8,8] images) => (y) { y = Relu(images) }'
    onnx.save(onnx.parser.parse_model(text), tmp_path / "net.onnx")
    assert hailstack(compile_json(tmp_path / "net.onnx", pictures)) == 1
    assert "'images' takes pictures of 1 channels, not of 3" in capsys.readouterr().err
