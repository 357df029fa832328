"""One step of a build: what it reads, what it was asked for, and what it leaves in its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import xxhash

from hailstack.errors import InputError

Figures: TypeAlias = Mapping[str, Any]
"""What a step found out, as JSON has it."""


class Listener(Protocol):
    """Told how far a step is."""

    def __call__(self, stage: str, done: int, total: int | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Step:
    """A function from files to a folder.

    It is carried out again only if what it reads, its options or the versions are others than last time.
    """

    name: str
    reads: Mapping[str, Path | tuple[Path, ...]]
    """What for → a file or folder, or some of them. Contents count, not places."""
    options: Mapping[str, Any]
    """As JSON has it."""
    versions: Mapping[str, str]
    """Program → version."""
    run: Callable[[Path, Listener], Figures]
    """Fills an empty folder; the figures go into the record."""
    skips: Path | None = None
    """A folder that does not count where it lies within what is read: the build's own output."""
    resumes: bool = False
    """Whether what an interrupted attempt left in the folder is of use to the next one."""


def digest(path: Path | tuple[Path, ...], skips: Path | None = None) -> str:
    """A digest of a file's content, or of the names and contents in a folder or a list.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    if isinstance(path, tuple):
        return _of_lines(f"{one.name} {digest(one, skips)}" for one in path)
    try:
        if path.is_file():
            return _of_file(path)
        if not path.is_dir():
            message = f"{path}: no such file or folder"
            raise InputError(message)
        return _of_lines(f"{file.relative_to(path)} {_of_file(file)}" for file in files_in(path, skips))
    except OSError as error:
        message = f"{path}: cannot be read: {error}"
        raise InputError(message) from error


def files_in(folder: Path, skips: Path | None = None) -> Iterator[Path]:
    """All files below a folder in an order that never changes, but hidden ones and those below ``skips``."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or (skips is not None and entry.resolve() == skips):
            continue
        if entry.is_dir():
            yield from files_in(entry, skips)
        else:
            yield entry


def _of_lines(lines: Iterable[str]) -> str:
    hasher = xxhash.xxh3_128()
    for line in lines:
        hasher.update(f"{line}\n".encode())
    return hasher.hexdigest()


def _of_file(file: Path) -> str:
    hasher = xxhash.xxh3_128()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()
