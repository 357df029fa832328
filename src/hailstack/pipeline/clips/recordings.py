"""Sources that have a first frame: files, pipes, files on servers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from itertools import count

from hailstack.imaging.video import VideoFile
from hailstack.pipeline.clips.clip import ClipFacts
from hailstack.pipeline.clips.media import medium_of, scaled_size
from hailstack.pipeline.clips.selection import Selection
from hailstack.pipeline.sources import Options, Source
from hailstack.types import Frame, FrameId, Image

log = logging.getLogger(__name__)


class RecordingClip:
    """A video from its first frame, or the part of it that the source's options name; times count from there.

    Raises:
        MediaError: it cannot be opened, or breaks off.
    """

    began_ns = 0

    def __init__(self, source: Source) -> None:
        self._video = _open(source)
        options = source.options
        self.facts = ClipFacts(
            source, _rate(self._video.rate, options), self._video.time_base, _count(self._video.frame_count, options)
        )

    def frames(self) -> Iterator[Frame]:
        """The frames; in a loop a round begins where the one before has ended."""
        source = self.facts.source
        selection = Selection(source.options)
        began_s = 0.0
        for turn in count(1):
            for time_s, image in self._turn(selection, began_s):
                yield Frame(FrameId(source.name, selection.number, time_s), image)
            if selection.number < 0:
                log.warning("%s: it has no frame in the part that is asked for%s", source.name, _part(source.options))
            if turn == source.options.loop or selection.number < 0:
                return
            began_s = selection.last_s + 1.0 / float(self._video.rate) - source.options.start
            self._video.close()
            self._video = _open(source)

    def _turn(self, selection: Selection, began_s: float) -> Iterator[tuple[float, Image]]:
        options = self.facts.source.options
        after = self.facts.source.after
        frames = self._video.frames(
            lambda time_s: selection(began_s + time_s) and selection.number > after, options.start, options.end
        )
        return ((began_s + time_s, image) for time_s, image in frames)

    def close(self) -> None:
        self._video.close()


def _part(options: Options) -> str:
    end = "" if options.end is None else f" to {options.end:g} s"
    return f" (from {options.start:g} s{end})"


def _open(source: Source) -> VideoFile:
    return VideoFile(medium_of(source), scaled_size(source))


def _rate(rate: Fraction, options: Options) -> Fraction:
    """Frames a second that are left of ``rate``."""
    rate = rate / options.stride
    return rate if options.fps is None else min(rate, Fraction(options.fps).limit_denominator(1001))


def _count(frames: int | None, options: Options) -> int | None:
    """How many of so many frames will come, where that can be said beforehand."""
    is_cut = options.start or options.end is not None or options.fps is not None
    return None if frames is None or is_cut or not options.loop else -(-frames * options.loop // options.stride)
