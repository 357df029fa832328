"""The command as a user meets it before any subcommand does its work."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

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
    assert all(name.split()[0] in answer.stdout for name in cli.COMMANDS)


@pytest.mark.parametrize("group", sorted(cli.GROUPS))
def test_a_group_names_its_commands(group: str) -> None:
    answer = hailstack(group, "--help")
    assert answer.returncode == 0
    members = [name.removeprefix(f"{group} ") for name in cli.COMMANDS if name.startswith(f"{group} ")]
    assert members
    assert all(member in answer.stdout for member in members)


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
    answer = hailstack(*name.split(), "--help")
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


def test_what_the_operating_system_refuses_is_no_bug_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> object:
        sys.stdout.write("printed before\n")
        raise PermissionError(13, "Permission denied", "locked")

    monkeypatch.setattr(cli, "build_app", lambda: fail)
    assert cli.run([]) == 1
    assert capsys.readouterr() == ("printed before\n", "hailstack: error: locked: Permission denied\n")


def printing(text: str) -> list[str]:
    """A command line that runs the command with a subcommand that prints."""
    program = f"from hailstack import cli; cli.build_app = lambda: lambda *a, **k: print({text!a}); cli.main([])"
    return [sys.executable, "-c", program]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="only Linux has a file that is always full")
def test_a_full_disk_behind_standard_output_is_said_once() -> None:
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run(printing("x"), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (answer.returncode, answer.stderr) == (1, "hailstack: error: No space left on device\n")


def test_a_name_that_the_terminal_cannot_show_is_shown_escaped() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    answer = subprocess.run(printing("\u2603"), capture_output=True, timeout=60, check=False, env=environment)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, b"\\u2603\n", b"")


def test_closed_streams_are_no_obstacle() -> None:
    command = shlex.join(printing("x"))
    assert subprocess.run(["sh", "-c", f"{command} >&- 2>&-"], timeout=60, check=False).returncode == 0


def test_a_bug_is_an_internal_error_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(cli, "build_app", lambda: fail)
    assert cli.run([]) == 4
    assert "unforeseen" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_stopped_from_outside_clears_up_and_says_how_to_go_on(number: int, code: int) -> None:
    program = """
import time
from hailstack import cli
from hailstack.cli.interruption import hinting

def work(*_, **__):
    try:
        with hinting("the same command goes on"):
            print("at work", flush=True)
            time.sleep(60)
    finally:
        print("cleared up", flush=True)

cli.build_app = lambda: work
cli.main([])
"""
    command = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    assert command.stdout.readline() == "at work\n"
    command.send_signal(number)
    said, told = command.communicate(timeout=60)
    assert (command.returncode, said) == (code, "cleared up\n")
    assert told == "hailstack: interrupted; the same command goes on\n"
