"""Running any program as if a chip were there.

The program gets the drop-in ``hailo_platform`` first on its Python path, a ``hailortcli`` first on its ``PATH`` and
the emulator's settings in one environment variable; so do all processes that it starts.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hailstack.emulator.settings import Settings
from hailstack.errors import InputError, NotFoundError

DROPIN = Path(__file__).parent / "dropin"
"""The folder that holds the stand-ins for the vendor's packages."""

TOOLS = {"hailortcli": "hailstack.emulator.hailortcli"}
"""Commands that every program finds, each with the module that runs it."""

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_FROM_THE_KERNEL = 0x80
_POLL_S = 0.2


class CommandNotFoundError(NotFoundError):
    """The command to emulate for is not there; the exit code is the shell's."""

    exit_code = 127


class CommandNotRunnableError(InputError):
    """The command is there and cannot be run; the exit code is the shell's."""

    exit_code = 126


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended and what its devices did."""

    exit_code: int
    """The program's own; 128 + N when signal N ended it, as shells say it."""
    devices: tuple[Mapping[str, Any], ...]
    """The reports of all devices that its processes released, in that order."""


def launch(
    command: Sequence[str],
    settings: Settings,
    *,
    packages: Sequence[Path] = (),
    tools: Mapping[str, str] | None = None,
) -> Outcome:
    """Run ``command`` with an emulated chip and wait for its end.

    Signals that reach this process alone are passed on. Terminal, standard streams and working directory are those
    of this process.

    Args:
        packages: folders with further packages that the program is to find.
        tools: further commands that it is to find, each with the module that runs it.

    Raises:
        CommandNotFoundError, CommandNotRunnableError: the command could not be started.
        InputError: there is no command, or its Python cannot import Hailstack.
    """
    if not command:
        raise InputError("no command to run: hailstack emulate [OPTIONS] -- COMMAND...")
    with tempfile.TemporaryDirectory(prefix="hailstack-") as folder:
        report = settings.report or Path(folder) / "report.jsonl"
        settings = settings.model_copy(update={"report": report})
        environment = emulated_environment(settings, Path(folder), packages=packages, tools=tools)
        program = _find(command[0], environment)
        _lend_hailstack(program, environment)
        exit_code = _run(program, command, environment)
        return Outcome(exit_code, read_reports(report))


def emulated_environment(
    settings: Settings, folder: Path, *, packages: Sequence[Path] = (), tools: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of a program that is to see the emulated chip.

    Args:
        settings: what the chip is like.
        folder: where ``hailortcli`` and ``tools`` are put; it must live as long as the program.
        packages, tools: as in :func:`launch`.
    """
    environment = dict(os.environ)
    settings.to_environment(environment)
    environment["PATH"] = _joined(str(_write_tools(folder, TOOLS | dict(tools or {}))), environment.get("PATH"))
    ours = os.pathsep.join(map(str, (DROPIN, *packages)))
    environment["PYTHONPATH"] = _joined(ours, environment.get("PYTHONPATH"))
    return environment


def read_reports(path: Path) -> tuple[Mapping[str, Any], ...]:
    """The device reports in the file at ``path``, one JSON object a line; none when it is not there."""
    if not path.is_file():
        return ()
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines if line.strip())


def _joined(first: str, rest: str | None) -> str:
    return os.pathsep.join(part for part in (first, rest) if part)


def _write_tools(folder: Path, modules: Mapping[str, str]) -> Path:
    """The folder with commands that run in this interpreter, whatever Python the program uses."""
    tools = folder / "bin"
    tools.mkdir()
    home = shlex.quote(str(_home()))
    for name, module in modules.items():
        tool = tools / name
        tool.write_text(
            f"#!/bin/sh\nPYTHONPATH={home}${{PYTHONPATH:+:$PYTHONPATH}} exec {shlex.quote(sys.executable)} "
            f'-m {module} "$@"\n',
            encoding="utf-8",
        )
        tool.chmod(0o755)
    return tools


def _home() -> Path:
    """The folder that holds the package ``hailstack``."""
    return Path(__file__).resolve().parents[2]


def _find(name: str, environment: Mapping[str, str]) -> str:
    found = shutil.which(name, path=environment["PATH"])
    if found is not None:
        return found
    if os.sep in name and Path(name).exists():
        message = f"{name} cannot be run: it is a folder or not marked as executable (chmod +x)"
        raise CommandNotRunnableError(message)
    message = f"command not found: {name}"
    raise CommandNotFoundError(message)


def _lend_hailstack(program: str, environment: dict[str, str]) -> None:
    """Let a Python of another environment import Hailstack and what it needs, if it cannot already."""
    python = _interpreter(program, environment)
    if python is None or Path(python).parent == Path(sys.executable).parent or _imports_hailstack(python, environment):
        return
    ours = dict.fromkeys((str(_home()), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    lent = {**environment, "PYTHONPATH": os.pathsep.join((environment["PYTHONPATH"], *ours))}
    if not _imports_hailstack(python, lent):
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        message = (
            f"{python} cannot import hailstack, neither its own nor the one of this Python {version}: "
            f"install it there ({python} -m pip install hailstack)"
        )
        raise InputError(message)
    environment["PYTHONPATH"] = lent["PYTHONPATH"]


def _interpreter(program: str, environment: Mapping[str, str]) -> str | None:
    """The Python that runs ``program``: itself, or the one its first line names."""
    if Path(program).name.startswith("python"):
        return program
    with Path(program).open("rb") as file:
        first = file.readline(256).decode(errors="replace")
    names = [word for word in first[2:].split() if Path(word).name.startswith("python")]
    return shutil.which(names[-1], path=environment["PATH"]) if first.startswith("#!") and names else None


def _imports_hailstack(python: str, environment: Mapping[str, str]) -> bool:
    check = [python, "-c", "import numpy, pydantic, xxhash, onnxruntime, hailstack.emulator.settings"]
    return subprocess.run(check, env=dict(environment), capture_output=True, check=False).returncode == 0


def _run(program: str, command: Sequence[str], environment: Mapping[str, str]) -> int:
    with _held_back(_FORWARDED) as usual:
        try:
            pid = os.posix_spawn(program, list(command), environment, setsigmask=usual)
        except OSError as error:
            message = f"{program} cannot be run: {error.strerror}"
            raise CommandNotRunnableError(message) from error
        return _wait(pid)


@contextmanager
def _held_back(signals: Sequence[signal.Signals]) -> Iterator[set[signal.Signals | int]]:
    """Keep ``signals`` and the one of a child's end pending, so that each can be looked at and passed on."""
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, {*signals, signal.SIGCHLD})
    try:
        yield usual
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)


def _wait(pid: int) -> int:
    waited_for = {*_FORWARDED, signal.SIGCHLD}
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        info = signal.sigtimedwait(waited_for, _POLL_S)
        # What the terminal sends (Ctrl-C) reaches the whole foreground group, the program included.
        if info is not None and info.si_signo != signal.SIGCHLD and info.si_code != _FROM_THE_KERNEL:
            os.kill(pid, info.si_signo)
    while signal.sigtimedwait(waited_for, 0) is not None:
        pass  # was for the program, which is gone
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
