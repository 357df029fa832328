"""Where PyTorch is not installed, training says what to install, and everything else works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hailstack.cli import run

WITHOUT = "import sys; sys.modules['torch'] = None; "
"""Python's own way to say that a module cannot be imported."""


def python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WITHOUT + program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", ["weights", "builtin"])
def test_every_module_names_the_extra(module: str) -> None:
    done = python(f"import hailstack.training.{module}")
    assert "MissingExtraError: training needs PyTorch" in done.stderr
    assert "pip install 'hailstack[train]'" in done.stderr


def test_the_command_names_the_extra_and_writes_nothing(tmp_path: Path) -> None:
    words = ["train", str(tmp_path), "--folder", str(tmp_path / "runs")]
    done = python(f"from hailstack.cli import run; sys.exit(run({words!r}))")
    assert done.returncode == 1
    assert done.stderr == (
        "hailstack: error: training needs PyTorch, which is not installed: pip install 'hailstack[train]'\n"
    )
    assert not (tmp_path / "runs").exists()


def test_options_need_no_pytorch() -> None:
    done = python("from hailstack.training.options import TrainOptions; print(TrainOptions().model)")
    assert done.stdout == "yolov8n\n"


def test_the_help_lists_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--help"]) == 0
    said = capsys.readouterr().out
    assert "--resume" in said and "--ultralytics-python" in said
