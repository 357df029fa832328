"""Starting the runner in another Python, within limits, and ending it with all that it has started."""

from __future__ import annotations

import codecs
import json
import math
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from hailstack.compiler.vendor.runner import MARK
from hailstack.errors import ConfigError, NotFoundError

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What the compiler may use. None: what this process may."""

    cpus: int | None = None
    memory_gib: float | None = None
    """Address space of each of its processes. With a GPU leave it open: drivers reserve more than they use."""

    def __post_init__(self) -> None:
        if self.cpus is not None and self.cpus < 1:
            message = f"{self.cpus} processors: at least one is needed"
            raise ConfigError(message)
        if self.memory_gib is not None and self.memory_gib <= 0:
            message = f"{self.memory_gib:g} GiB of memory: a number above 0 is needed"
            raise ConfigError(message)

    def processors(self) -> tuple[int, ...]:
        """The processors to run on: no more than this process may, and than its control group grants."""
        allowed = sorted(os.sched_getaffinity(0))
        granted = self.cpus or granted_cpus() or len(allowed)
        return tuple(allowed[: max(1, min(granted, len(allowed)))])

    @property
    def memory_bytes(self) -> int | None:
        return None if self.memory_gib is None else int(self.memory_gib * 2**30)


def granted_cpus(control: Path = Path("/sys/fs/cgroup/cpu.max")) -> int | None:
    """How many processors the control group grants, rounded up; None when it sets no limit."""
    try:
        quota, period = control.read_text().split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else max(1, math.ceil(int(quota) / int(period)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the runner ended."""

    returncode: int
    error: Mapping[str, Any] | None = None
    """Type, module and message of the exception, if it told one."""


def environment(processors: Sequence[int]) -> dict[str, str]:
    """The compiler's environment: not ours to import from, and a ``USER``, without which it does not start."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    kept.setdefault("USER", "hailstack")
    kept["PYTHONUNBUFFERED"] = "1"
    return kept | dict.fromkeys(THREAD_VARIABLES, str(len(processors)))


def find_python(name: Path) -> Path:
    """The whole path of a Python given by path or by name. Links stay: they are what makes a virtual environment.

    Raises:
        NotFoundError: there is no such program.
    """
    found = shutil.which(name)
    if found is None:
        message = f"{name}: there is no such Python"
        raise NotFoundError(message)
    return Path(found).absolute()


def probe(python: Path) -> Mapping[str, Any]:
    """``version`` of the vendor's compiler in ``python``, and whether the machine has a ``gpu``.

    Raises:
        ConfigError: it does not hold the compiler, or that cannot be imported.
    """
    facts: dict[str, Any] = {}
    lines: list[str] = []
    outcome = run_there(python, ["--probe"], Path.cwd(), (), lines.append, facts.update)
    if outcome.returncode or "version" not in facts:
        reason = (outcome.error or {}).get("message") or (lines[-1] if lines else "it said nothing")
        message = (
            f"{python}: the vendor's compiler cannot be used from this Python: {reason}; name one by --dfc-python"
        )
        raise ConfigError(message)
    return facts


def run_there(
    python: Path,
    arguments: Sequence[str],
    folder: Path,
    processors: Sequence[int],
    on_line: Callable[[str], None],
    on_fact: Callable[[Mapping[str, Any]], object],
) -> Outcome:
    """Run the runner with ``python`` in ``folder`` until it ends.

    Args:
        on_line: gets each line of the compiler, without its end.
        on_fact: gets what the runner itself tells. Both may raise; then everything is ended first.
    """
    error: Mapping[str, Any] | None = None
    with as_file(files("hailstack.compiler.vendor") / "runner.py") as script:
        process = _start([str(python), str(script), *arguments], folder, processors)
        try:
            for line in _lines(process):
                if not line.startswith(MARK):
                    on_line(line)
                    continue
                fact = json.loads(line[len(MARK) :])
                error = fact if "error" in fact else error
                on_fact(fact)
            return Outcome(process.wait(), error)
        finally:
            _end(process)


def _start(command: Sequence[str], folder: Path, processors: Sequence[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment(processors),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """What the process says, by lines; a progress bar's carriage returns end lines, too."""
    assert process.stdout is not None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while chunk := os.read(process.stdout.fileno(), 65536):
        *complete, rest = re.split(r"[\r\n]", rest + decoder.decode(chunk))
        yield from (line for line in complete if line)
    if rest:
        yield rest


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started, first kindly."""
    for stop in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, stop)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
            if stop is signal.SIGTERM and not _group_lives(process.pid):
                break
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
