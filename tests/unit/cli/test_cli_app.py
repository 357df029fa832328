"""The command as a user meets it before any subcommand does its work."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hailstack import cli
from hailstack.errors import CheckFailedError, DeviceError, HailstackError, InputError


def hailstack(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hailstack", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_help_names_every_command() -> None:
    answer = hailstack("--help")
    assert answer.returncode == 0
    assert all(name in answer.stdout for name in cli.COMMANDS)


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from hailstack.cli import run; run(['--help']);"
        "print([m for m in ('numpy', 'onnx', 'onnxruntime', 'cv2', 'av', 'pydantic') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_refused_with_a_suggestion() -> None:
    answer = hailstack("inspekt")
    assert answer.returncode == 1
    assert "inspect" in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    answer = hailstack(name, "--help")
    assert answer.returncode == 0
    assert f"hailstack {name}" in answer.stdout


@pytest.mark.parametrize(
    ("error", "code"),
    [(InputError("no"), 1), (CheckFailedError("no"), 2), (DeviceError("no"), 3), (HailstackError("no"), 4)],
)
def test_each_kind_of_error_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: HailstackError, code: int
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise error

    monkeypatch.setattr(cli, "build_app", lambda: fail)
    assert cli.run([]) == code
    assert capsys.readouterr().err == "hailstack: error: no\n"


def test_a_bug_is_an_internal_error_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(cli, "build_app", lambda: fail)
    assert cli.run([]) == 4
    assert "unforeseen" in capsys.readouterr().err
