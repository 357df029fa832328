"""Files of large folders, listed quickly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

FOREIGN_SUFFIXES = frozenset({".gif", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".psd", ".dng", ".cr2", ".nef"})
"""Pictures that neither trainers nor this house read."""


def files_below(folder: Path) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Each folder at and below ``folder``, sorted, with its files; hidden ones are passed over.

    Links to folders are followed, each folder once: a link to a folder above would lead round for ever.
    """
    seen: set[tuple[int, int]] = set()
    rest = [str(folder)]
    while rest:
        place = rest.pop()
        status = os.stat(place)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(place) as found:
            entries = sorted((one for one in found if not one.name.startswith(".")), key=lambda one: one.name)
        yield place, [entry for entry in entries if not entry.is_dir()]
        rest += [entry.path for entry in reversed(entries) if entry.is_dir()]


def suffix_of(name: str) -> str:
    """The ending of a file name in lower case, with its dot; empty if there is none."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - asked of a hundred thousand names


def stem_of(path: str) -> str:
    """A path without its ending."""
    return os.path.splitext(path)[0]  # noqa: PTH122
