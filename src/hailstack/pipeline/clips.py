"""Sources that have been opened: frames with their place and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from hailstack.imaging import read_image
from hailstack.imaging.video import VideoFile
from hailstack.pipeline.sources import Source
from hailstack.types import Frame, FrameId, Image


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What is known of a source once it is open."""

    source: Source
    rate: Fraction | None = None
    """Frames a second on average; None for pictures."""
    time_base: Fraction | None = None
    """Seconds a tick of the video's clock: capture times are whole multiples of it."""
    frame_count: int | None = 1
    """How many frames there should be; None if the file does not say."""


class Clip(Protocol):
    """An open source."""

    @property
    def facts(self) -> ClipFacts: ...
    def frames(self) -> Iterator[Frame]: ...
    def close(self) -> None: ...


def open_clip(source: Source) -> Clip:
    """Open a source.

    Raises:
        MediaError, NotFoundError: naming the file.
    """
    return ImageClip(source) if source.kind == "image" else VideoClip(source)


class ImageClip:
    """A picture: one frame at time 0."""

    def __init__(self, source: Source) -> None:
        self.facts = ClipFacts(source)
        self._image: Image = read_image(source.path)

    def frames(self) -> Iterator[Frame]:
        yield Frame(FrameId(self.facts.source.name, 0, 0.0, is_still=True), self._image)

    def close(self) -> None:
        pass


class VideoClip:
    """A video file; times count from its first frame."""

    def __init__(self, source: Source) -> None:
        self._video = VideoFile(source.path)
        count = self._video.frame_count
        self.facts = ClipFacts(source, self._video.rate, self._video.time_base, count)

    def frames(self) -> Iterator[Frame]:
        for number, (time_s, image) in enumerate(self._video.frames()):
            yield Frame(FrameId(self.facts.source.name, number, time_s), image)

    def close(self) -> None:
        self._video.close()
