"""What is wrong with picture files: looked into on all cores, each file read once."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from hailstack.datasets.likeness import Fingerprint, fingerprint_of, on_all_cores
from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.survey import Listener, Picture
from hailstack.datasets.verify.tree import suffix_of
from hailstack.errors import MediaError
from hailstack.imaging.glance import SUFFIXES, Glance, glance
from hailstack.imaging.jpeg import JPEG_START, find_damage

Depth: TypeAlias = Literal["whole", "header", "none"]
"""How far picture files are looked into: to the end, their first bytes, not at all."""
PROGRESS_STEP = 50


@dataclass(frozen=True, slots=True)
class Look:
    """What one picture file turned out to be."""

    findings: tuple[Finding, ...]
    fingerprint: Fingerprint | None = None
    """None: not asked for, or it cannot be decoded."""


def look_at(pictures: Sequence[Picture], depth: Depth, progress: Listener) -> list[Look]:
    """What each picture file is, in order; nothing for depth ``none``."""
    if depth == "none":
        return []
    looks: list[Look] = []
    for done, look in enumerate(on_all_cores(lambda picture: _look(picture, depth), pictures)):
        if done % PROGRESS_STEP == 0:
            progress("pictures", done, len(pictures))
        looks.append(look)
    progress("pictures", len(pictures), len(pictures))
    return looks


def _look(picture: Picture, depth: Depth) -> Look:
    path = Path(picture.path)
    try:
        with path.open("rb") as stream:
            data = stream.read() if depth == "whole" else b""
            seen = glance(io.BytesIO(data) if data else stream, path.name)
    except MediaError as error:
        return Look((Finding("picture-unreadable", path, str(error).removeprefix(f"{path.name}: ")),))
    except (OSError, ValueError) as error:
        if not os.path.exists(path):  # noqa: PTH110 - False also for what no file can be called
            return Look(())  # told where its name stands
        return Look((Finding("picture-unreadable", path, str(error)),))
    findings = (*_header_findings(picture, path, seen),)
    if depth == "header":
        return Look(findings)
    found, damage = _decode(data, path)
    return Look((*findings, *damage), found)


def _header_findings(picture: Picture, path: Path, seen: Glance) -> Iterator[Finding]:
    if seen.orientation != 1:
        message = f"EXIF orientation {seen.orientation}: stored {seen.width} x {seen.height}, shown turned or mirrored"
        yield Finding("picture-rotated", path, message)
    if suffix_of(path.name) not in SUFFIXES.get(seen.format, ()):
        yield Finding("picture-suffix", path, f"holds {seen.format.upper()}")
    if picture.size is not None and picture.size not in (seen.size, (seen.width, seen.height)):
        told = f"{picture.size[0]} x {picture.size[1]}"
        yield Finding("picture-size", path, f"is {seen.size[0]} x {seen.size[1]}, its label says {told}")


def _decode(data: bytes, path: Path) -> tuple[Fingerprint | None, tuple[Finding, ...]]:
    try:
        found = fingerprint_of(data, path.name)
        reason = find_damage(data) if data.startswith(JPEG_START) else ""
    except MediaError as error:
        found, reason = None, str(error).removeprefix(f"{path.name}: ")
    return found, (Finding("picture-damaged", path, reason),) if reason else ()
