"""What a model's input says about itself reaches the HEF."""

from __future__ import annotations

import json
import subprocess
import sys
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


def test_a_grey_picture_is_made_of_a_colour_photo(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = '<ir_version: 8, opset_import: ["": 17]> g (float[1,1,8,8] images) => (y) { y = Relu(images) }'
    onnx.save(onnx.parser.parse_model(text), tmp_path / "net.onnx")
    assert hailstack(compile_json(tmp_path / "net.onnx", pictures)) == 0
    assert json.loads(capsys.readouterr().out)["preprocess"]["colour"] == "GREY"


PROGRAM = """
import sys
import numpy as np
from hailo_platform import HEF, ConfigureParams, FormatType, HailoStreamInterface, InferVStreams, InputVStreamParams
from hailo_platform import OutputVStreamParams, VDevice

hef, inputs = HEF(sys.argv[1]), np.load(sys.argv[2])
with VDevice() as device:
    group = device.configure(hef, ConfigureParams.create_from_hef(hef, interface=HailoStreamInterface.PCIe))[0]
    taken = InputVStreamParams.make(group, format_type=FormatType.FLOAT32)
    given = OutputVStreamParams.make(group, format_type=FormatType.FLOAT32)
    names = {info.name: info.shape for info in hef.get_input_vstream_infos()}
    rows = {name: inputs[name.replace("/", "_")].reshape(1, *shape) for name, shape in names.items()}
    with group.activate(), InferVStreams(group, taken, given) as infer:
        np.savez(sys.argv[3], *infer.infer({name: row.astype(np.float32) for name, row in rows.items()}).values())
"""


def test_a_program_feeds_several_inputs_by_name(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """<ir_version: 8, opset_import: ["": 17]>
        g (float[1,3,8,8] photo, float[1,16,8,8] map) => (y) { s = ReduceMean <axes=[1]> (map) y = Mul(photo, s) }"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "net.onnx")
    random = np.random.default_rng(0)
    maps = random.normal(3, 1, (4, 8, 8, 16)).astype(np.float32)
    np.save(tmp_path / "maps.npy", maps)
    for i in range(3):
        write_image(pictures / f"{i + 1}.png", random.integers(0, 256, (8, 8, 3), np.uint8))
    command = ["compile", str(tmp_path / "net.onnx"), "-c", f"photo={pictures}", "-c", f"map={tmp_path / 'maps.npy'}"]
    assert hailstack([*command, "-o", str(tmp_path / "net.hef"), "--head", "raw"]) == 0
    assert "input_layer2   8x8x16" in capsys.readouterr().out
    photo = random.integers(0, 256, (8, 8, 3))
    np.savez(tmp_path / "in.npz", net_input_layer1=photo, net_input_layer2=maps[0])
    (tmp_path / "program.py").write_text(PROGRAM)
    files = [str(tmp_path / name) for name in ("program.py", "net.hef", "in.npz", "out.npz")]
    subprocess.run([sys.executable, "-m", "hailstack", "emulate", "--", sys.executable, *files], check=True)
    wanted = photo / 255 * maps[0].mean(axis=2, keepdims=True)
    found = np.load(tmp_path / "out.npz")["arr_0"].reshape(8, 8, 3)
    assert np.abs(found - wanted).mean() < 0.02 * wanted.max()


def test_several_sources_without_names_are_refused(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hailstack(compile_json(write_classifier(tmp_path / "net.onnx"), pictures, "-c", str(pictures))) == 1
    assert "each needs the name of its input, NAME=SOURCE" in capsys.readouterr().err
