"""One run of a program under ``hailstack emulate``, watched from outside."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from catalogue import Program, Request, Server
from checkout import SetupError

Files: TypeAlias = Callable[[str], Path]
"""Gives the file of ``data:NAME`` or ``model:NAME``."""

_POLL_S = 0.2
_READY_S = 60.0
_GRACE_S = 30.0


@dataclass(slots=True)
class Run:
    """What a program did."""

    exit_code: int = -1
    output: str = ""
    seconds: float = 0.0
    frames: int = 0
    """Frames that the emulated devices computed."""
    faults: list[str] = field(default_factory=list)
    """Wrong answers of a server, or a run that did not end."""


def play(program: Program, command: Sequence[str], folder: Path, files: Files) -> Run:
    """Run ``command`` in ``folder`` to its end, or to the end of the requests if it serves.

    Raises:
        SetupError: a command that the program needs is not on this machine.
    """
    for tool in (*program.tools, *(("xvfb-run",) if program.display else ())):
        if shutil.which(tool) is None:
            message = f"{program.name} needs the command {tool}"
            raise SetupError(message)
    log = folder.with_name("output.txt")
    report = folder.with_name("devices.jsonl")
    run = Run()
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*_wrapped(program, report), *command],
            cwd=folder / program.folder,
            env=_environment(program, folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _watch(program, process, run, files)
        finally:
            _end_group(process)
    run.exit_code = process.returncode
    run.seconds = time.monotonic() - began
    run.output = log.read_text(encoding="utf-8", errors="replace")
    run.frames = _frames(report)
    return run


def _wrapped(program: Program, report: Path) -> list[str]:
    screen = ["xvfb-run", "--auto-servernum"] if program.display else []
    chip = ["--profile", program.profile, "--chip", program.chip, "--report", str(report)]
    return [*screen, sys.executable, "-m", "hailstack", "emulate", *chip, *program.emulate]


def _environment(program: Program, folder: Path) -> Mapping[str, str]:
    extra = {name: value.format(work=folder) for name, value in (program.environment or {}).items()}
    return {**os.environ, "PYTHONUNBUFFERED": "1", "MPLBACKEND": "Agg", **extra}


def _watch(program: Program, process: subprocess.Popen[bytes], run: Run, files: Files) -> None:
    if program.server is not None:
        _ask_all(program.server, process, run, files)
    elif program.stop_after_s:
        _wait(process, program.stop_after_s, lambda: _interrupt(process, "SIGINT"))
    _wait(process, program.timeout_s, lambda: run.faults.append(f"did not end within {program.timeout_s:g} s"))


def _wait(process: subprocess.Popen[bytes], seconds: float, late: Callable[[], None]) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        late()


def _interrupt(process: subprocess.Popen[bytes], name: str) -> None:
    """Send a signal to the program and what it started, once: the launcher would pass its own on to them."""
    if process.poll() is not None:
        return
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(ProcessLookupError):
            pid = int(folder.name)
            if pid != process.pid and os.getpgid(pid) == process.pid:
                os.kill(pid, signal.Signals[name])


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """No process of the program outlives its run."""
    for name in ("SIGTERM", "SIGKILL"):
        if process.poll() is not None:
            break
        os.killpg(process.pid, signal.Signals[name])
        _wait(process, _GRACE_S, lambda: None)


def _ask_all(server: Server, process: subprocess.Popen[bytes], run: Run, files: Files) -> None:
    base = f"http://127.0.0.1:{server.port}"
    if not _answers(base, process):
        run.faults.append(f"nothing answered at port {server.port} within {_READY_S:g} s")
    else:
        run.faults += [fault for request in server.requests if (fault := _ask(base, request, files))]
    _interrupt(process, server.stop)


def _answers(base: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(base, timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(_POLL_S)
        else:
            return True
    return False


def _ask(base: str, request: Request, files: Files) -> str:
    """What is wrong with the answer, or nothing."""
    from verdict import found

    body, kind = _body(request, files)
    headers = {"Content-Type": kind} if kind else {}
    asked = urllib.request.Request(base + request.path, data=body, headers=headers, method=request.method)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            status, text = answer.status, answer.read(request.limit or None)
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except OSError as error:
        return f"{request.method} {request.path}: {error}"
    shown = text.decode(errors="replace")
    if status != request.status or not found(request.answer, shown):
        return f"{request.method} {request.path}: status {status}, {shown[:300]!r} lacks {request.answer!r}"
    return ""


def _body(request: Request, files: Files) -> tuple[bytes | None, str | None]:
    if request.form is not None:
        return _multipart(request.form, files)
    if request.send is not None:
        return files(request.send).read_bytes(), request.content_type
    return (None if request.text is None else request.text.encode()), request.content_type


def _multipart(form: Mapping[str, str], files: Files) -> tuple[bytes, str]:
    border = uuid.uuid4().hex
    body = b""
    for field_name, value in form.items():
        disposition = f'Content-Disposition: form-data; name="{field_name}"'
        content = value.encode()
        if value.startswith(("data:", "model:")):
            path = files(value)
            disposition += f'; filename="{path.name}"\r\nContent-Type: application/octet-stream'
            content = path.read_bytes()
        body += f"--{border}\r\n{disposition}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{border}--\r\n".encode(), f"multipart/form-data; boundary={border}"


def _frames(report: Path) -> int:
    if not report.is_file():
        return 0
    lines = report.read_text(encoding="utf-8").splitlines()
    return sum(int(json.loads(line).get("frames", 0)) for line in lines if line.strip())
