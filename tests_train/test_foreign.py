"""Weights of Ultralytics, with a stand-in for it: the same file layout, none of its code."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest
import torch

from hailstack.compiler.notes import read_metadata
from hailstack.errors import InputError, MissingExtraError, NotFoundError
from hailstack.training.cards import draw_cards
from hailstack.training.export import ExportOptions, export
from hailstack.training.foreign import is_foreign, load_foreign
from hailstack.training.network import build_network
from hailstack.training.weights import save_weights

STAND_IN = '''
import pathlib, torch
from hailstack.training.decode import decode
from hailstack.training.network import Network, build_network

class DetectionModel(Network):
    """Of the kind that is trained here."""

class OtherModel(torch.nn.Module):
    """Of another kind: its weights have other names."""
    def __init__(self):
        super().__init__()
        self.inner = build_network("yolov8n-tiny", 3)
        self.model = [self.inner.head]
    def forward(self, x):
        boxes, scores = decode(self.inner, self.inner(x))
        return torch.cat([boxes, scores], 1)

def save(kind, path):
    torch.manual_seed(5)
    network = OtherModel() if kind == "other" else DetectionModel("yolov8n-tiny", 3)
    network.names, network.task, network.args = {0: "ant", 1: "bee", 2: "cow"}, "detect", {"imgsz": 64}
    torch.save({"ema": None, "model": network.half(), "license": "AGPL-3.0"}, path)

class YOLO:
    def __init__(self, path):
        self.path = pathlib.Path(path)
    def export(self, format, imgsz, opset):
        network = torch.load(self.path, weights_only=False)["model"].float().eval()
        file = self.path.with_suffix(".onnx")
        torch.onnx.export(
            network, (torch.zeros(1, 3, *imgsz),), file, opset_version=opset, dynamo=False,
            input_names=["images"], output_names=["output0"],
        )
        import onnx
        model = onnx.load(file)
        onnx.helper.set_model_props(model, {"names": str(network.names), "task": "detect", "date": "today"})
        onnx.save(model, file)
'''


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python in which something called Ultralytics is installed."""
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "site" / "ultralytics").mkdir(parents=True)
    (folder / "site" / "ultralytics" / "__init__.py").write_text(STAND_IN)
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={folder / "site"} exec {sys.executable} -W ignore "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def write(python: Path, kind: str, path: Path) -> Path:
    subprocess.run([python, "-c", f"import ultralytics; ultralytics.save({kind!r}, {str(path)!r})"], check=True)
    return path


def test_their_network_of_our_kind_becomes_ours(python: Path, tmp_path: Path) -> None:
    path = write(python, "same", tmp_path / "best.pt")
    assert is_foreign(path)
    made = export(path, tmp_path / "m.onnx", ExportOptions(ultralytics_python=python))
    assert made.parity.ok
    assert (made.model, made.names, made.licence) == ("yolov8n-tiny", ("ant", "bee", "cow"), "AGPL-3.0")
    assert made.outputs["reg_s8"] == (1, 64, 8, 8)
    assert "ultralytics" not in sys.modules


def test_their_network_of_another_kind_is_exported_by_them_and_compared(python: Path, tmp_path: Path) -> None:
    path = write(python, "other", tmp_path / "best.pt")
    options = ExportOptions(ultralytics_python=python, imgsz=(64, 96))
    made = export(path, tmp_path / "m.onnx", options)
    assert made.parity.ok
    assert made.parity.inputs == len(draw_cards())
    assert made.outputs == {"output0": (1, 7, 126)}
    assert made.names == ("ant", "bee", "cow")
    assert "date" not in read_metadata(made.path)


def test_what_is_asked_for_beside_their_export_is_added(python: Path, tmp_path: Path) -> None:
    path = write(python, "other", tmp_path / "best.pt")
    options = ExportOptions(ultralytics_python=python, imgsz=64, nms=True, features="auto", confidence=0.01)
    made = export(path, tmp_path / "m.onnx", options)
    assert list(made.outputs) == ["boxes", "features"]
    assert onnxruntime.InferenceSession(made.path).get_outputs()[0].shape == [1, 300, 6]


def test_our_own_files_need_no_other_program(tmp_path: Path) -> None:
    save_weights(tmp_path / "own.pt", build_network("yolov8n-tiny", 2), ("a", "b"), 64)
    assert not is_foreign(tmp_path / "own.pt")


def test_where_theirs_is_missing_or_fails_is_said(python: Path, tmp_path: Path) -> None:
    path = write(python, "same", tmp_path / "best.pt")
    with pytest.raises(NotFoundError, match="there is no such Python"):
        load_foreign(path, tmp_path / "nowhere")
    with pytest.raises(MissingExtraError, match="--ultralytics-python"):
        load_foreign(path, Path(sys.executable))
    torch.save({"ultralytics": 1}, path)
    with pytest.raises(InputError, match="KeyError"):
        load_foreign(path, python)
