"""The pre-flight check as someone meets it who wonders whether a network will run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hailstack.cli import run
from hailstack.compiler.preflight.check import check_model
from hailstack.compiler.preflight.chips import CHIPS
from hailstack.errors import ConfigError
from tiny_networks import NetworkWriter, write_classifier, write_yolov8


def write_awkward(path: Path) -> Path:
    """A classifier with three things in its middle that the chip has no layer for."""
    net = NetworkWriter()
    x = net.conv("images", 3, 8, stride=2)
    x = net.add("Mul", x, net.add("Sin", x))
    x = net.add("Where", net.add("Greater", x, net.constant(np.float32(0))), x, net.constant(np.float32(1)))
    x = net.add("Resize", x, "", net.constant(np.array([1, 1, 2, 2], np.float32)), mode="cubic")
    x = net.conv(x, 8, 16)
    x = net.add("Flatten", net.add("GlobalAveragePool", x))
    weights = net.constant(net.random.normal(size=(16, 5)).astype(np.float32))
    return net.save(path, [net.add("Gemm", x, weights)])


def test_every_offender_is_named_at_once(tmp_path: Path) -> None:
    report = check_model(write_awkward(tmp_path / "net.onnx"))
    assert [finding.operator for finding in report.offenders] == ["Sin", "Greater", "Where", "Resize"]
    assert [finding.node for finding in report.offenders] == ["Sin_1", "Greater_3", "Where_4", "Resize_5"]
    assert all(finding.reason and finding.remedy for finding in report.offenders)
    assert report.offenders[-1].reason == "it is cubic"
    assert not report.passed


def test_operators_behind_the_cut_do_not_count(tmp_path: Path) -> None:
    report = check_model(write_yolov8(tmp_path / "net.onnx"))
    assert (report.task, report.head) == ("detection", "yolov8")
    assert not report.offenders
    assert report.passed
    assert "Softmax" not in report.operators


def attend(net: NetworkWriter, order: list[int]) -> Path | str:
    x = net.add("Reshape", net.conv("images", 3, 24, stride=2), net.constant(np.array([1, 1024, 3, 2, 4])))
    x = net.add("Transpose", x, perm=order)
    q, k, v = (
        net.add("Squeeze", part, net.constant(np.array([0]))) for part in net.add("Split", x, outputs=3, axis=0)
    )
    scores = net.add("Softmax", net.add("MatMul", q, net.add("Transpose", k, perm=[0, 1, 3, 2])), axis=-1)
    return net.conv(net.add("MatMul", scores, v), 2, 4)


def test_queries_keys_and_values_may_be_parted_in_five_dimensions(tmp_path: Path) -> None:
    net = NetworkWriter()
    report = check_model(net.save(tmp_path / "net.onnx", [attend(net, [2, 0, 3, 1, 4])]))
    assert not report.offenders
    assert report.traits.attention == 1
    assert report.chips[0].asked.contexts > 1
    needs = {need.name: need.over for need in report.chips[0].needs}
    assert needs["products of activations"]


def test_other_work_in_five_dimensions_is_refused(tmp_path: Path) -> None:
    net = NetworkWriter()
    x = net.add("Reshape", net.conv("images", 3, 8), net.constant(np.array([1, 2, 4, 64, 64])))
    x = net.add("Transpose", x, perm=[0, 4, 1, 2, 3])
    x = net.add("Reshape", x, net.constant(np.array([1, 64, 8, 64])))
    report = check_model(net.save(tmp_path / "net.onnx", [net.conv(x, 64, 4)]))
    assert [finding.operator for finding in report.offenders] == ["Reshape", "Transpose", "Reshape"]
    assert "5 dimensions" in report.offenders[0].reason


def test_a_shuffle_of_channels_is_a_layer(tmp_path: Path) -> None:
    net = NetworkWriter()
    x = net.add("Reshape", net.conv("images", 3, 8), net.constant(np.array([1, 2, 4, 64, 64])))
    x = net.add("Transpose", x, perm=[0, 2, 1, 3, 4])
    x = net.add("Reshape", x, net.constant(np.array([1, 8, 64, 64])))
    assert not check_model(net.save(tmp_path / "net.onnx", [net.conv(x, 8, 4)])).offenders


def test_deep_networks_are_told_by_how_much_they_overflow(tmp_path: Path) -> None:
    net, x = NetworkWriter(), "images"
    for i in range(90):
        x = net.add("Relu", net.conv(x, 3 if i == 0 else 4, 4))
    x = net.add("Flatten", net.add("GlobalAveragePool", x))
    path = net.save(tmp_path / "deep.onnx", [net.add("Gemm", x, net.constant(np.ones((4, 5), np.float32)))])
    chip = check_model(path, "hailo8l").chips[0]
    controllers = next(resource for resource in chip.resources if resource.name == "layer controllers")
    assert (controllers.needed, controllers.available, controllers.over) == (91, 64, 27)
    layers = next(need for need in chip.needs if need.name == "layers with weights")
    assert (layers.value, layers.limit, layers.over) == (91, 53, 38)
    changes = [option.change for option in chip.advice]
    assert any("layers with weights instead of 91" in change for change in changes)
    assert all(option.estimate.fps > chip.asked.fps for option in chip.advice)


def test_the_five_resources_and_wide_subclusters_are_counted(tmp_path: Path) -> None:
    chip = check_model(write_classifier(tmp_path / "net.onnx"), "hailo8").chips[0]
    assert {resource.name: resource.available for resource in chip.resources} == {
        "layer controllers": 128,
        "sub-clusters": 512,
        "activation units": 160,
        "input aligners": 256,
        "L3 memory units": 1024,
    }
    assert not any(resource.over for resource in chip.resources)
    assert chip.wide_subclusters == 4 * chip.resources[1].needed


def test_all_chips_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_yolov8(tmp_path / "net.onnx")
    assert run(["check", str(path), "--target", "all", "--link", "pi5", "--batch", "4", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [chip["chip"] for chip in answer["chips"]] == list(CHIPS)
    assert {chip["chip"]: chip["link"] for chip in answer["chips"]}["hailo15h"] is None
    assert answer["passed"]


def test_the_verdict_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(write_yolov8(tmp_path / "net.onnx"))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("verdict    runs on a hailo8l, in ")


def test_a_network_that_will_not_compile_ends_with_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(write_awkward(tmp_path / "net.onnx"))]) == 2
    said = capsys.readouterr().out
    assert said.startswith("verdict    will not compile: the chip does not take 4 nodes")
    assert all(node in said for node in ("Sin_1", "Greater_3", "Where_4", "Resize_5"))


def test_a_wrong_file_or_family_is_an_input_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(tmp_path / "none.onnx")]) == 1
    assert "none.onnx" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"'abc'.*yolov8"):
        check_model(write_yolov8(tmp_path / "net.onnx"), family="abc")
