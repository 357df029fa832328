"""Traces in files, of the kind that their ending names."""

from __future__ import annotations

import os
from pathlib import Path

from hailstack.errors import InputError, NotFoundError
from hailstack.files import demand_place, replacing
from hailstack.profiling.chrome import read_chrome, write_chrome
from hailstack.profiling.perfetto import write_perfetto
from hailstack.profiling.perfetto_reader import read_perfetto
from hailstack.profiling.trace import Trace

WRITERS = {".json": write_chrome, ".pftrace": write_perfetto}
READERS = {".json": read_chrome, ".pftrace": read_perfetto}


def write_trace(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write a trace for ui.perfetto.dev: ``.json`` as Chrome's JSON, ``.pftrace`` as Perfetto's protobuf.

    Raises:
        InputError: another ending, or the file cannot be written.
    """
    check_trace_path(path)
    with replacing(Path(path)) as partial:
        WRITERS[_ending(path)](trace, partial)


def read_trace(path: str | os.PathLike[str]) -> Trace:
    """The trace in a file that :func:`write_trace` wrote; of Chrome's JSON also what other programs wrote.

    Raises:
        NotFoundError: there is no such file.
        InputError: another ending, or it holds no trace.
    """
    check_trace_path(path)
    if not Path(path).is_file():
        message = f"{path}: no such file"
        raise NotFoundError(message)
    return READERS[_ending(path)](Path(path))


def check_trace_path(path: str | os.PathLike[str]) -> None:
    """Nothing, if a trace can have this name and place.

    Raises:
        InputError: it cannot have the name, or is a folder.
        NotFoundError: there is no such folder.
    """
    if _ending(path) not in WRITERS:
        message = f"{path}: a trace is a file *.json (Chrome's JSON) or *.pftrace (Perfetto's protobuf)"
        raise InputError(message)
    demand_place(Path(path))


def _ending(path: str | os.PathLike[str]) -> str:
    return Path(path).suffix.lower()
