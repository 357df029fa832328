"""Whether a run shows what a person would look for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from catalogue import Expectation, Program
from play import Run


def judge(program: Program, run: Run, folder: Path) -> list[str]:
    """What is wrong with ``run``, in sentences; nothing if all is as it should be.

    Args:
        folder: the program's checkout after the run.
    """
    faults = list(run.faults)
    codes = program.server.exit_codes if program.server else program.exit_codes
    if run.exit_code not in codes:
        faults.append(f"exit code {run.exit_code}")
    if run.frames < program.frames and not program.compiles:
        faults.append(f"the emulated device computed {run.frames} frames, not {program.frames}")
    if not program.tracebacks and found("^Traceback", run.output):
        faults.append("it printed a traceback")
    return faults + [fault for expectation in program.expect for fault in _unmet(expectation, run, folder)]


def found(pattern: str, text: str, at_least: int = 1) -> bool:
    """Whether ``pattern`` is in ``text`` so many times."""
    return sum(1 for _ in re.finditer(pattern, text, re.MULTILINE)) >= at_least


def _unmet(expectation: Expectation, run: Run, folder: Path) -> list[str]:
    faults = []
    if expectation.output is not None and not found(expectation.output, run.output, expectation.at_least):
        faults.append(f"the output lacks {expectation.output!r} (at least {expectation.at_least} times)")
    if expectation.file is not None:
        faults += _unmet_files(expectation, sorted(folder.glob(expectation.file)))
    return faults


def _unmet_files(expectation: Expectation, files: Sequence[Path]) -> list[str]:
    if len(files) < expectation.at_least:
        return [f"{len(files)} files {expectation.file}, not {expectation.at_least}"]
    return [f"{path.name}: {fault}" for path in files if (fault := _unlike(expectation, path))]


def _unlike(expectation: Expectation, path: Path) -> str:
    try:
        KINDS[expectation.kind](path)
    except (OSError, ValueError) as error:
        return f"is no {expectation.kind} ({error})"
    if expectation.matches is None or found(expectation.matches, path.read_text(encoding="utf-8", errors="replace")):
        return ""
    return f"lacks {expectation.matches!r}"


def _read_any(path: Path) -> None:
    if not path.stat().st_size:
        raise ValueError("empty")


def _read_json(path: Path) -> None:
    json.loads(path.read_text(encoding="utf-8"))


def _read_picture(path: Path) -> None:
    from hailstack.imaging import read_image

    image = read_image(path)
    if image.min() == image.max():
        raise ValueError("all pixels are the same")


def _read_video(path: Path) -> None:
    import av

    with av.open(str(path)) as video:
        if not any(True for _ in video.decode(video=0)):
            raise ValueError("no frames")


def _read_hef(path: Path) -> None:
    from hailstack.hef import read_hef

    if not read_hef(path).emulated:
        raise ValueError("no emulated chip runs it")


KINDS: Mapping[str, Callable[[Path], None]] = {
    "any": _read_any,
    "hef": _read_hef,
    "json": _read_json,
    "picture": _read_picture,
    "video": _read_video,
}
