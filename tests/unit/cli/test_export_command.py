from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from hailstack.cli import run
from tiny_networks import write_classifier, write_depth, write_yolov8


def test_a_sound_file_ends_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_classifier(tmp_path / "net.onnx")
    onnx.save(onnx.shape_inference.infer_shapes(onnx.load(path)), path)
    assert run(["export", "verify", str(path)]) == 0
    said = capsys.readouterr().out
    assert "a classifier's scores: classification, 5 classes" in said
    assert said.rstrip().endswith("sound")


def test_what_is_found_in_black_and_why_is_printed_for_people_and_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_yolov8(tmp_path / "net.onnx")
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    name = next(node for node in model.graph.node if "cls_s8" in node.output).input[2]
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    bias.CopyFrom(numpy_helper.from_array(np.full(3, 3.0, np.float32), name))
    onnx.save(model, path)
    assert run(["export", "verify", str(path)]) == 2
    said = capsys.readouterr().out
    assert "objects in a black picture" in said
    assert "stride 8 is 3.00, which alone gives 0.953" in said
    assert run(["export", "verify", str(path), "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert answer["findings"][0]["code"] == "black"


def test_limits_that_nothing_heeds_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "best.pt", "-o", str(tmp_path / "m.onnx"), "--conf", "0.5"]) == 1
    assert "--conf and --iou are built in with --nms" in capsys.readouterr().err


def test_a_network_that_draws_maps_is_not_said_to_have_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_depth(tmp_path / "net.onnx")
    run(["export", "verify", str(path)])
    said = capsys.readouterr().out
    assert "head       depth estimation: depth_estimation\n" in said
    assert "best score" not in said


@pytest.mark.parametrize("size", ["big", "1x2x3", "0"])
def test_sizes_that_are_none_are_refused(size: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "best.pt", "-o", str(tmp_path / "m.onnx"), "--imgsz", size]) == 1
    assert "--imgsz" in capsys.readouterr().err
