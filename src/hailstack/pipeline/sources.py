"""What the user names → the pictures and videos behind it, in an order that never changes.

==================  ==========================================================================
``photo.jpg``       one picture
``clip.mp4``        one video; any file without a picture's ending is taken for one
``folder``          all pictures and videos directly inside, by name
``photos/*.jpg``    what the shell would find (``**`` descends), by path; for shells that do not
==================  ==========================================================================
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from hailstack.errors import InputError, NotFoundError
from hailstack.imaging import IMAGE_SUFFIXES, VIDEO_SUFFIXES

SourceKind: TypeAlias = Literal["image", "video"]
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]+:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read."""

    path: Path
    kind: SourceKind

    @property
    def name(self) -> str:
        return str(self.path)


def find_sources(names: Iterable[str]) -> list[Source]:
    """All files that the names stand for, in the order of the names; inside a folder or pattern, sorted.

    Raises:
        NotFoundError: a file or folder is not there, or a pattern matches nothing.
        InputError: a folder holds no picture and no video; a camera, pipe or network address (not read yet); no name.
    """
    sources = [source for name in names for source in _expand(name)]
    if not sources:
        raise InputError("there is nothing to read: name a picture, a folder, a pattern or a video")
    return sources


def _expand(name: str) -> list[Source]:
    path = Path(name)
    if name and path.is_dir():
        return _folder(path)
    if path.is_file():
        return [_file(path)]
    if name and path.exists():
        message = f"{name}: neither a file nor a folder; pipes and devices are not read by this version"
        raise InputError(message)
    if _SCHEME.match(name):
        message = f"{name}: only pictures, folders, patterns and video files are read by this version"
        raise InputError(message)
    if glob.has_magic(name):
        return _pattern(name)
    message = f"{name or 'an empty name'}: no such file or folder"
    raise NotFoundError(message)


def _folder(folder: Path) -> list[Source]:
    known = IMAGE_SUFFIXES | VIDEO_SUFFIXES
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in known and not path.is_dir())
    if not files:
        message = f"{folder}: there is no picture and no video in this folder"
        raise InputError(message)
    return [_file(path) for path in files]


def _pattern(pattern: str) -> list[Source]:
    found = sorted(Path(hit) for hit in glob.glob(pattern, recursive=True))  # noqa: PTH207 - as the shell writes it
    files = [_file(path) for path in found if path.is_file()]
    if not files:
        message = f"{pattern}: no file matches"
        raise NotFoundError(message)
    return files


def _file(path: Path) -> Source:
    return Source(path, "image" if path.suffix.lower() in IMAGE_SUFFIXES else "video")
