"""The pictures that show a network what it will see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InputError, MediaError, NotFoundError
from hailstack.imaging import IMAGE_SUFFIXES, Preprocess, read_image
from hailstack.types import Image

DEFAULT_LIMIT = 64
"""Pictures used if the user says nothing, as the vendor's compiler takes."""

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with a stage's name, how much of it is done and how much there is (None: not known)."""


@dataclass(frozen=True, slots=True)
class CalibrationSummary:
    """What a network was calibrated with."""

    count: int
    digest: str
    """sha256 of the frames that the network saw, in order."""
    skipped: tuple[str, ...] = ()
    """Files that could not be read, each with the reason."""


@dataclass(slots=True)
class CalibrationFrames:
    """Streams pictures as input frames, one in memory at a time, and keeps count.

    Args:
        pictures: a folder (searched with its subfolders), or RGB pictures.
        preprocess: the same that is used at inference.
        limit: how many at most; from a folder they are taken evenly over all names.
    """

    pictures: Path | Iterable[Image]
    preprocess: Preprocess
    limit: int = DEFAULT_LIMIT
    progress: Progress | None = None
    _count: int = 0
    _skipped: list[str] = field(default_factory=list)
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """uint8 ``(h, w, 3)`` frames; a picture that cannot be read is noted and left out.

        Raises:
            NotFoundError: no such folder.
            InputError: not one picture could be read.
        """
        images, total = self._images()
        for image in images:
            frame = self.preprocess.apply(image)[0]
            self._digest.update(frame.data)
            self._count += 1
            if self.progress is not None:
                self.progress("calibrate", self._count, total)
            yield frame
        if not self._count:
            raise InputError(self._nothing())

    @property
    def summary(self) -> CalibrationSummary:
        """What has been seen so far."""
        return CalibrationSummary(self._count, self._digest.hexdigest(), tuple(self._skipped))

    def _images(self) -> tuple[Iterator[Image], int | None]:
        if not isinstance(self.pictures, Path):
            return (image for image, _ in zip(self.pictures, range(self.limit), strict=False)), None
        files = choose_files(self.pictures, self.limit)
        return self._read(files), len(files)

    def _read(self, files: Iterable[Path]) -> Iterator[Image]:
        for path in files:
            try:
                yield read_image(path)
            except MediaError as error:
                self._skipped.append(str(error))

    def _nothing(self) -> str:
        where = str(self.pictures) if isinstance(self.pictures, Path) else "the calibration set"
        reason = f"; the first of {len(self._skipped)} that failed: {self._skipped[0]}" if self._skipped else ""
        return f"{where}: no picture to calibrate with{reason}"


def choose_files(folder: Path, limit: int) -> tuple[Path, ...]:
    """At most ``limit`` picture files of a folder and its subfolders, evenly over the sorted names.

    Raises:
        NotFoundError: no such folder.
        PermissionError: it may not be read.
    """
    if not folder.is_dir():
        message = f"{folder}: no such folder of calibration pictures"
        raise NotFoundError(message)
    next(folder.iterdir(), None)  # rglob finds nothing in a folder that may not be read, and does not say why
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
    if len(files) <= limit:
        return tuple(files)
    return tuple(files[i * len(files) // limit] for i in range(limit))
