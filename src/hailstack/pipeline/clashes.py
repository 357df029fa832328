"""Outputs of one run that are in each other's way, or in that of what it reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hailstack.errors import InputError

STANDARD_OUTPUT = "-"
ADDRESSES = ("http:", "https:", "mqtt:", "mqtts:", "live:")


def check_clashes(outputs: Iterable[str], read: Iterable[str]) -> None:
    """Nothing, if every output has a place of its own.

    Args:
        outputs: as ``--to`` names them, files by their names.
        read: files that the run reads.

    Raises:
        InputError: naming the output that is named twice, or would overwrite what is read.
    """
    inputs = {Path(one).resolve() for one in read}
    taken: set[tuple[str, Path | str]] = set()
    for output in outputs:
        place = _place(output)
        if place is None:
            continue
        if place in taken:
            message = f"{output}: two outputs have this name; give each its own"
            raise InputError(message)
        if place[1] in inputs:
            message = f"{output}: is read by this run and would be overwritten; name another file"
            raise InputError(message)
        taken.add(place)


def _place(output: str) -> tuple[str, Path | str] | None:
    """What is written, and where; None for what any number may write to: an address, a pipe, ``/dev/null``."""
    if output == STANDARD_OUTPUT:
        return "file", output
    if output == "window" or output.startswith(ADDRESSES):
        return None
    scheme, colon, rest = output.partition(":")
    if colon and scheme == "mot":
        return "mot", Path(rest).resolve()
    name = rest.partition("?")[0] if colon and scheme == "coco" else output
    path = Path(name)
    if path.is_dir() or name.endswith("/"):
        return "folder", path.resolve()
    return None if path.exists() and not path.is_file() else ("file", path.resolve())
