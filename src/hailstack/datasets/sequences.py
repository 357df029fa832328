"""Which pictures come from one video or series, told from their names, so that every tool that copies files keeps it.

A frame of ``clip.mp4`` lies at ``clip/clip_000120.jpg``: a folder, and names that begin with the folder's. Copies that
some services make of a picture (``photo_jpg.rf.4ad1….jpg``) are one series, too.
"""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath

COPY_MARK = ".rf."


def sequence_of(picture: PurePath) -> str | None:
    """The name of a picture's series; None if it is a picture of its own."""
    *_, folder, name = ("", *picture.parts[-2:])
    if folder and name.startswith(f"{folder}_"):
        return folder
    stem, mark, _ = name.partition(COPY_MARK)
    return stem if mark else None


def name_in_sequence(name: PurePosixPath, group: str | None) -> PurePosixPath:
    """``name``, changed so that :func:`sequence_of` finds the group."""
    if group is None or sequence_of(name) == group:
        return name
    series = "".join(letter if letter.isalnum() or letter in "-. " else "-" for letter in group).strip(". ") or "group"
    return PurePosixPath(series) / f"{series}_{name.name.removeprefix(f'{series}_')}"


def frame_name(clip: str, number: int) -> PurePosixPath:
    """Where a frame of a video lies."""
    return PurePosixPath(clip) / f"{clip}_{number:06d}.jpg"
