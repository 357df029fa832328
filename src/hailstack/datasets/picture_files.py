"""Files in folders, found fast and always in the same order."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from hailstack.imaging import IMAGE_SUFFIXES


def find_pictures(folder: Path) -> list[Path]:
    """All pictures in a folder and its subfolders, sorted; hidden files and folders are passed over."""
    return find_files(folder, IMAGE_SUFFIXES)


def find_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """All files with such endings (lower case) in a folder and its subfolders, as :func:`find_pictures`."""
    return list(_files(folder, suffixes, frozenset()))


def plain(path: Path) -> Path:
    """The same for every spelling of a path, without ``..``; a link stays what it is."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve would follow links


def _files(folder: Path, suffixes: Collection[str], above: frozenset[str]) -> Iterator[Path]:
    """In the order of sorted paths. Linked folders are followed, but not back into one that they lie in."""
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        with os.scandir(folder) as entries:
            found = sorted((one.name, one.is_dir()) for one in entries if not one.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name, is_folder in found:
        if is_folder:
            yield from _files(folder / name, suffixes, above | {real})
        elif _suffix(name) in suffixes:
            yield folder / name


def _suffix(name: str) -> str:
    """As ``Path.suffix``, for names by the hundred thousand."""
    stem, dot, end = name.rpartition(".")
    return f".{end.lower()}" if dot and stem else ""
