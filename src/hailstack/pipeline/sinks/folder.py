"""Annotated pictures and videos in a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hailstack.errors import InputError
from hailstack.files import replacing
from hailstack.imaging import draw, write_image
from hailstack.imaging.video import DEFAULT_RATE, VideoWriter
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks.stems import Stems, make_folder
from hailstack.pipeline.sources import Source
from hailstack.types import Image, RawTensors, Result

KEPT_SUFFIXES = {".jpg", ".jpeg", ".png"}


class Video(Protocol):
    """What pictures are appended to."""

    def write(self, image: Image, time_s: float) -> None: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class _Open:
    """A source that has begun and not ended."""

    clip: ClipFacts
    stem: str
    video: Video | None = None
    begin_s: float = 0.0
    """What is time 0 in the video: of live sources the first frame's."""

    @property
    def is_picture(self) -> bool:
        return self.clip.source.kind == "image"


class FolderSink:
    """Writes ``NAME.jpg`` for ``NAME.jpg``, ``NAME.mp4`` (H.264) for a video or camera, ``NAME.npz`` for raw
    outputs.

    Names that occur twice get a number. Every file appears under its name when it is complete; after a failure a
    video holds the frames before it.

    Args:
        folder: made if it is not there.
        sources: what will be read: none of it may be overwritten.
        video: opens what videos are written with; called as :class:`hailstack.imaging.video.VideoWriter`.
        begun: sources whose files an earlier run has written.

    Raises:
        InputError: the folder cannot be made, or a source lies in it under a name that will be written.
    """

    def __init__(
        self,
        folder: str,
        sources: Sequence[Source],
        video: Callable[[Path, Fraction, Fraction, int, int], Video] = VideoWriter,
        begun: Sequence[Source] = (),
    ) -> None:
        self.folder = make_folder(folder)
        self._stems = Stems()
        self._protected = {source.path.resolve() for source in sources if source.path is not None}
        self._open: dict[str, _Open] = {}
        self._writer = video
        self.written = 0
        for source in begun:
            self._free_stem(source)

    def begin(self, clip: ClipFacts) -> None:
        self._open[clip.source.name] = _Open(clip, self._free_stem(clip.source))

    def write(self, result: Result) -> None:
        one = self._open.get(result.id.source)
        if one is None or result.image is None:
            return
        if isinstance(result.prediction, RawTensors):
            self._write_tensors(one, result, result.prediction)
        elif one.is_picture:
            target = self._target(one, _picture_suffix(one.clip.source))
            write_image(target, draw(result.image, result.prediction))
            self.written += 1
        else:
            self._write_video(one, result, draw(result.image, result.prediction))

    def end(self) -> None:
        with ExitStack() as closing:
            for one in self._open.values():
                if one.video is not None:
                    closing.callback(one.video.close)
                    self.written += 1
            self._open.clear()

    def close(self) -> None:
        self.end()

    def _write_video(self, one: _Open, result: Result, image: Image) -> None:
        if one.video is None:
            one.video = self._open_video(one, image)
            one.begin_s = result.id.time_s if one.clip.source.is_live else 0.0
        one.video.write(image, result.id.time_s - one.begin_s)

    def _open_video(self, one: _Open, image: Image) -> Video:
        rate = one.clip.rate or DEFAULT_RATE
        time_base = one.clip.time_base or Fraction(1) / rate
        return self._writer(self._target(one, ".mp4"), rate, time_base, image.shape[1], image.shape[0])

    def _write_tensors(self, one: _Open, result: Result, raw: RawTensors) -> None:
        target = self._target(one, ".npz" if one.is_picture else f"_{result.id.number:06d}.npz")
        arrays: dict[str, Any] = {name.replace("/", "."): np.asarray(value) for name, value in raw.tensors.items()}
        with replacing(target) as partial, partial.open("wb") as stream:
            np.savez(stream, **arrays)
        self.written += 1

    def _target(self, one: _Open, suffix: str) -> Path:
        target = self.folder / f"{one.stem}{suffix}"
        if target.resolve() in self._protected:
            message = f"{target}: --output would overwrite this source; name another folder"
            raise InputError(message)
        return target

    def _free_stem(self, source: Source) -> str:
        suffix = _picture_suffix(source) if source.kind == "image" else ".mp4"
        return self._stems.take(source, suffix)


def _picture_suffix(source: Source) -> str:
    suffix = source.suffix
    return suffix if suffix.lower() in KEPT_SUFFIXES else ".png"
