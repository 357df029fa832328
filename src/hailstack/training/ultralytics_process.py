"""Starting Ultralytics in its own Python, and reading how far it is."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hailstack.errors import InputError, MissingExtraError, NotFoundError
from hailstack.training.folder import Row
from hailstack.training.options import Progress, Tick

COLUMNS: Mapping[str, str] = {
    "epoch": "epoch",
    "time_s": "time",
    "lr": "lr/pg0",
    "train/box": "train/box_loss",
    "train/cls": "train/cls_loss",
    "train/dfl": "train/dfl_loss",
    "val/box": "val/box_loss",
    "val/cls": "val/cls_loss",
    "val/dfl": "val/dfl_loss",
    "mAP50": "metrics/mAP50(B)",
    "mAP50-95": "metrics/mAP50-95(B)",
}
"""Our columns → those of its table."""

COMMAND_LINE = "from ultralytics.cfg import entrypoint\nentrypoint()\n"

LEASH = """
import os, sys, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
"""
"""It ends when its standard input does, so that it does not outlive us, however we end. The input is read without a
buffer: Python cannot end while a thread waits in one."""

OFFLINE = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
LAST_LINES = 12
POLL_S = 0.5


def find_python(wanted: Path | None) -> Path:
    """The Python in which Ultralytics is installed.

    Raises:
        NotFoundError: there is no such program.
        MissingExtraError: Ultralytics is not installed in it.
    """
    found = shutil.which(wanted or sys.executable)
    if found is None:
        message = f"{wanted}: there is no such Python"
        raise NotFoundError(message)
    probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('ultralytics') is None)"
    if subprocess.run([found, "-c", probe], capture_output=True, check=False).returncode:
        message = (
            f"{found}: Ultralytics is not installed there; pip install ultralytics into a Python of your choice and "
            "name it with --ultralytics-python. It is under AGPL-3.0 and no part of Hailstack"
        )
        raise MissingExtraError(message)
    return Path(found).absolute()


def run_there(python: Path, arguments: Sequence[str], place: Path, program: str = COMMAND_LINE) -> None:
    """Run a program in that Python to its end; what it says lies in ``log.txt`` in ``place``.

    Raises:
        InputError: it failed; the message has its last lines.
    """
    place.mkdir(parents=True, exist_ok=True)
    log = place / "log.txt"
    own = {"YOLO_CONFIG_DIR": str(place), "PYTHONUNBUFFERED": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    with log.open("ab") as said:
        child = subprocess.Popen(
            [str(python), "-c", LEASH + program, *arguments],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=kept | OFFLINE | own,
            cwd=place,
        )
        try:
            code = child.wait()
        finally:
            child.kill()
            child.wait()
            if child.stdin is not None:
                child.stdin.close()
    if code:
        lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()
        told = "\n".join(line for line in lines if line.strip()).splitlines()[-LAST_LINES:]
        message = f"Ultralytics failed with exit code {code}; the whole story is in {log}:\n" + "\n".join(told)
        raise InputError(message)


def read_rows(table: Path) -> list[Row]:
    """Its table of results by our columns; empty if there is none yet.

    Raises:
        InputError: it lacks a column.
    """
    if not table.exists():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        lines = [{key.strip(): value for key, value in line.items()} for line in csv.DictReader(file)]
    try:
        return [{ours: float(line[theirs]) for ours, theirs in COLUMNS.items()} for line in lines]
    except (KeyError, ValueError, TypeError) as error:
        message = f"{table}: is not Ultralytics' table of results as it is known here: {error}"
        raise InputError(message) from error


@contextmanager
def watching(table: Path, epochs: int, progress: Progress) -> Iterator[None]:
    """Within: each new row of the table is told."""
    over = threading.Event()
    known = len(_whole_rows(table))

    def watch() -> None:
        told = known
        while not over.wait(POLL_S):
            rows = _whole_rows(table)
            for row in rows[told:]:
                progress(_tick(row, epochs))
            told = max(told, len(rows))

    thread = threading.Thread(target=watch, name="results of Ultralytics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _whole_rows(table: Path) -> list[Row]:
    """Nothing while the table is being written."""
    try:
        return read_rows(table)
    except InputError:
        return []


def _tick(row: Row, epochs: int) -> Tick:
    losses = {part: row[f"train/{part}"] for part in ("box", "cls", "dfl")}
    return Tick(int(row["epoch"]), epochs, 1, 1, losses, {name: row[name] for name in ("mAP50", "mAP50-95")})
