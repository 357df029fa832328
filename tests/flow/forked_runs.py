"""Whole ``hailstack`` commands in processes of their own, forked from one that has imported everything already."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

PRELOADED = ["hailstack.cli.run_report", "hailstack.emulator.install", "onnxruntime", "av"]


@dataclass(frozen=True, slots=True)
class Ended:
    """What is left of a command."""

    code: int
    """The exit code; below 0: the signal that killed it."""
    said: str
    """Standard error."""
    threads: list[str]
    """Threads that were still there when the command had returned; empty if it was killed."""
    children: list[int]
    """Processes that it left."""


@dataclass(frozen=True, slots=True)
class Running:
    """A command under way."""

    process: BaseProcess
    folder: Path

    def wait(self, timeout_s: float = 60) -> Ended:
        self.process.join(timeout_s)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            message = f"still there after {timeout_s} s; it said: {self._read('stderr')}"
            raise AssertionError(message)
        after = json.loads(self._read("after") or "[[], []]")
        return Ended(self.process.exitcode, self._read("stderr"), *after)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Until something is so; fails if the command ends before."""
        while not is_so():
            assert self.process.is_alive(), self._read("stderr")
            time.sleep(0.005)

    def _read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""


def start(
    folder: Path,
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    largest_file: int | None = None,
) -> Running:
    """Start ``hailstack ARGUMENTS``.

    Args:
        folder: where its standard output (``stdout``) and standard error (``stderr``) go.
        largest_file: bytes at which files are full, as a disk may be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    words = [str(one) for one in arguments]
    process = context.Process(
        target=_carry_out, args=(folder, words, {**os.environ, **(environment or {})}, largest_file)
    )
    process.start()
    return Running(process, folder)


def _carry_out(folder: Path, words: list[str], environment: dict[str, str], largest_file: int | None) -> None:
    os.environ.clear()
    os.environ.update(environment)
    _redirect(folder / "stdout", 1)
    _redirect(folder / "stderr", 2)
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    from hailstack.cli import run

    code = run(words)
    if largest_file is None:
        threads = [one.name for one in threading.enumerate() if one is not threading.main_thread()]
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        (folder / "after").write_text(json.dumps([threads, children]))
    sys.exit(code)


def _redirect(path: Path, descriptor: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, descriptor)
    os.close(file)
