"""The frames that show a network what it will see, one at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from hailstack.compiler.calibration.arrays import open_array
from hailstack.compiler.calibration.sources import Origin, find_origin, fit_pictures, nothing_read
from hailstack.compiler.quantise.pixels import Frame
from hailstack.errors import InputError
from hailstack.imaging import Preprocess
from hailstack.types import Image

FrameT = TypeVar("FrameT", bound=Frame, covariant=True)

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
    """What could not be read, each with the reason."""


@dataclass(slots=True)
class CalibrationFrames(Generic[FrameT]):
    """Streams input frames, one in memory at a time, and keeps count."""

    frames: Iterable[FrameT]
    limit: int
    expected: int | None = None
    """How many there are; None: not known."""
    progress: Progress | None = None
    skipped: list[str] = field(default_factory=list)
    """What could not be read, so far."""
    origin: Origin = field(default_factory=lambda: Origin(()))
    """Where they are looked for, for messages."""
    _count: int = 0
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def __iter__(self) -> Iterator[FrameT]:
        """uint8 ``(h, w, c)`` frames, of several inputs by name; a picture that cannot be read is noted and left out.

        Raises:
            InputError: not one picture could be read, or a file of frames has others than the network takes.
        """
        total = None if self.expected is None else min(self.limit, self.expected)
        for frame, _ in zip(self.frames, range(self.limit), strict=False):
            for array in frame.values() if isinstance(frame, Mapping) else (frame,):
                self._digest.update(array.data)
            self._count += 1
            if self.progress is not None:
                self.progress("calibrate", self._count, total)
            yield frame
        if not self._count:
            raise InputError(nothing_read(self.origin, self.skipped))

    @property
    def summary(self) -> CalibrationSummary:
        """What has been seen so far."""
        return CalibrationSummary(self._count, self._digest.hexdigest(), tuple(self.skipped))


def open_calibration(
    pictures: str | Path | Iterable[Image],
    preprocess: Preprocess,
    limit: int | None = None,
    progress: Progress | None = None,
) -> CalibrationFrames[Image]:
    """Frames to calibrate with, and in the end their ``summary``.

    Args:
        pictures: a folder (with its subfolders), dataset, list, video or picture; an ``.npz`` or ``.npy`` set, whose
            frames are taken as they are; or RGB pictures.
        preprocess: the same that is used at inference.
        limit: how many at most, evenly over all. None: all of a set, 64 of anything else.

    Raises:
        NotFoundError, InputError, ConfigError: naming what is not there or is none; for a set that was made with
            another preprocessing, what differs.
    """
    if not isinstance(pictures, str | Path):
        frames = (preprocess.apply(image)[0] for image in pictures)
        return CalibrationFrames(frames, DEFAULT_LIMIT if limit is None else limit, progress=progress)
    origin = find_origin([pictures])
    check_sets(origin, preprocess)
    is_set = all(part.kind == "array" for part in origin.parts)
    most = limit if limit is not None else origin.expected if is_set else DEFAULT_LIMIT
    thinned, skipped = origin.thinned(most), list[str]()
    frames = (frame for _, frame, _ in fit_pictures(thinned.parts, preprocess, skipped.append))
    return CalibrationFrames(frames, most, thinned.expected, progress, skipped, thinned)


def check_sets(origin: Origin, preprocess: Preprocess) -> None:
    """Refuse files of frames that are not what ``preprocess`` would make.

    Raises:
        InputError: frames of another size, or of another preprocessing (the message names each field), or values
            that are no pixels 0..255.
    """
    for path in dict.fromkeys(part.path for part in origin.parts if part.kind == "array"):
        array = open_array(path)
        if array.channels != preprocess.channels:
            message = f"{path}: frames have {array.channels} channels, the network takes {preprocess.channels}"
            raise InputError(message)
        wanted, made = preprocess.to_dict(), {} if array.about is None else array.about["preprocess"]
        made = {**made, "height": array.height, "width": array.width}
        if reason := _difference(made, wanted):
            message = f"{path}: was made with another preprocessing: {reason}. Make it anew, or ask for the same"
            raise InputError(message)
        if look := array.looks_normalised():
            message = f"{path}: {look}"
            raise InputError(message)


def _difference(made: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    """Each field that differs and matters; empty if none does."""
    if (made["height"], made["width"]) != (wanted["height"], wanted["width"]):
        return f"frames are {made['height']}x{made['width']} in the set and {wanted['height']}x{wanted['width']} here"
    return ", ".join(
        f"{key} is {made[key]} in the set and {value} here"
        for key, value in wanted.items()
        if key in made and made[key] != value and _matters(key, made, wanted)
    )


def _matters(key: str, *settings: Mapping[str, object]) -> bool:
    """Whether a field has any effect: nothing is padded unless letterboxed, and only ``crop`` has a fraction."""
    users = {"pad_value": ("letterbox",), "crop_fraction": ("crop",), "anchor": ("letterbox", "crop")}
    return key not in users or any(setting["mode"] in users[key] for setting in settings)
