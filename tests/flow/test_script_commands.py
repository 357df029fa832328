"""``hailstack script lint`` and ``hailstack script write``."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from hailstack.cli import run
from tiny_networks import write_yolov8


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_yolov8(tmp_path_factory.mktemp("model") / "net.onnx")


def test_a_written_script_lints_clean_against_its_network(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "net.alls"
    assert run(["script", "write", str(model), "-o", str(script), "--optimization-level", "2"]) == 0
    assert (tmp_path / "net_nms_config.json").exists()
    assert run(["script", "lint", str(script), "--model", str(model)]) == 0
    assert "net.alls: no errors, no warnings" in capsys.readouterr().out
    assert run(["script", "lint", str(script), "--no-gpu"]) == 2
    assert "write: model_optimization_flavor(optimization_level=1)" in capsys.readouterr().out


def test_a_script_goes_to_standard_output_without_a_name(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["script", "write", str(model), "--no-nms"]) == 0
    assert "normalization1 = normalization(" in capsys.readouterr().out


def test_wrong_lines_are_shown_with_place_and_correction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "a.mscript"
    script.write_text("enable_loose_mode\n")
    assert run(["script", "lint", str(script)]) == 2
    shown = capsys.readouterr().out
    assert f"error: {script}:1:1: 'enable_loose_mode' is no command" in shown
    assert "    write: allocator_param(enable_loose_mode=True)" in shown
    monkeypatch.setattr("sys.stdin", io.StringIO("set_seed(1)\n"))
    assert run(["script", "lint", "-", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["<stdin>"][0]["rule"] == "arguments"


def test_what_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.alls").write_bytes(b"\xff\xfe\x00")
    assert run(["script", "lint", str(tmp_path / "a.alls")]) == 1
    assert run(["script", "lint", str(tmp_path / "b.alls")]) == 1
    assert run(["script", "write", "net.onnx", "--resize", "640"]) == 1
    shown = capsys.readouterr().err
    assert "not a text file" in shown and "no such model script" in shown and "such as 720x1280" in shown
