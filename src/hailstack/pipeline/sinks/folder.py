"""Annotated pictures and videos in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from hailstack.errors import InputError
from hailstack.files import replacing
from hailstack.imaging import draw, write_image
from hailstack.imaging.video import DEFAULT_RATE, VideoWriter
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sources import Source
from hailstack.types import Image, RawTensors, Result

KEPT_SUFFIXES = {".jpg", ".jpeg", ".png"}


class FolderSink:
    """Writes ``NAME.jpg`` for ``NAME.jpg``, ``NAME.mp4`` (H.264) for a video, ``NAME.npz`` for raw outputs.

    Names that occur twice get a number. Every file appears under its name when it is complete; after a failure a
    video holds the frames before it.

    Args:
        folder: made if it is not there.
        sources: what will be read: none of it may be overwritten.

    Raises:
        InputError: the folder cannot be made, or a source lies in it under a name that will be written.
    """

    def __init__(self, folder: str, sources: Sequence[Source]) -> None:
        self.folder = Path(folder)
        self._taken: set[str] = set()
        self._protected = {source.path.resolve() for source in sources}
        self._clip: ClipFacts | None = None
        self._stem = ""
        self._video: VideoWriter | None = None
        self.written = 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"{folder}: this folder cannot be made: {error.strerror}"
            raise InputError(message) from error

    def begin(self, clip: ClipFacts) -> None:
        self._clip = clip
        self._stem = self._free_stem(clip.source)

    def write(self, result: Result) -> None:
        if self._clip is None or result.image is None:
            return
        if isinstance(result.prediction, RawTensors):
            self._write_tensors(result, result.prediction)
        elif self._clip.source.kind == "image":
            write_image(self._target(_picture_suffix(self._clip.source)), draw(result.image, result.prediction))
            self.written += 1
        else:
            self._write_video(result, draw(result.image, result.prediction))

    def end(self) -> None:
        video, self._video, self._clip = self._video, None, None
        if video is not None:
            video.close()
            self.written += 1

    def close(self) -> None:
        self.end()

    def _write_video(self, result: Result, image: Image) -> None:
        if self._video is None:
            self._video = self._open_video(image)
        self._video.write(image, result.id.time_s)

    def _open_video(self, image: Image) -> VideoWriter:
        rate = (self._clip.rate if self._clip else None) or DEFAULT_RATE
        time_base = (self._clip.time_base if self._clip else None) or Fraction(1) / rate
        return VideoWriter(self._target(".mp4"), rate, time_base, image.shape[1], image.shape[0])

    def _write_tensors(self, result: Result, raw: RawTensors) -> None:
        is_video = self._clip is not None and self._clip.source.kind == "video"
        target = self._target(f"_{result.id.number:06d}.npz" if is_video else ".npz")
        arrays: dict[str, Any] = {name.replace("/", "."): np.asarray(value) for name, value in raw.tensors.items()}
        with replacing(target) as partial, partial.open("wb") as stream:
            np.savez(stream, **arrays)
        self.written += 1

    def _target(self, suffix: str) -> Path:
        target = self.folder / f"{self._stem}{suffix}"
        if target.resolve() in self._protected:
            message = f"{target}: --output would overwrite this source; name another folder"
            raise InputError(message)
        return target

    def _free_stem(self, source: Source) -> str:
        """The source's base name, with a number if another source of the run has taken it."""
        suffix = _picture_suffix(source) if source.kind == "image" else ".mp4"
        stem = source.path.stem
        number = 1
        while (name := f"{stem}{suffix}".casefold()) in self._taken:
            number += 1
            stem = f"{source.path.stem}-{number}"
        self._taken.add(name)
        return stem


def _picture_suffix(source: Source) -> str:
    suffix = source.path.suffix
    return suffix if suffix.lower() in KEPT_SUFFIXES else ".png"
