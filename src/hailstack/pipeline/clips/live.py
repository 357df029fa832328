"""Cameras and streams: they have no end, and come back after a loss."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from fractions import Fraction

from hailstack.errors import MediaError
from hailstack.imaging.live import LiveVideo
from hailstack.pipeline.clips.clip import ClipFacts, Counts
from hailstack.pipeline.clips.media import medium_of, scaled_size
from hailstack.pipeline.clips.selection import Selection
from hailstack.pipeline.sources import Source
from hailstack.types import Frame, FrameId

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 8.0
TICK = Fraction(1, 90_000)
"""The clock of network video; finer than any camera's jitter."""
_COMES_BACK = ("rtsp", "camera", "video")
"""Kinds that are opened again: a pipe or a generator that has ended has nothing more to say."""

log = logging.getLogger(__name__)


class LiveClip:
    """A camera, a network stream, or a pipe that shows what happens now; times are Unix time.

    A source that breaks off is opened again after a pause that doubles from half a second to eight, for as long as its
    option ``reconnect`` says. It counts as back with its first frame.

    Args:
        source: what to open; the first time it must succeed.
        stop: set by others to end all waiting here.
        counts: where losses are noted.

    Raises:
        MediaError: it cannot be opened, or was lost and did not come back.
    """

    def __init__(self, source: Source, stop: threading.Event, counts: Counts) -> None:
        self._stop = stop
        self._counts = counts
        self._video = _open(source)
        self.facts = ClipFacts(source, self._video.rate, TICK, None)

    @property
    def began_ns(self) -> int:
        return self._video.began_ns

    def frames(self) -> Iterator[Frame]:
        source = self.facts.source
        selection = Selection(source.options)
        outage: _Outage | None = None
        while not self._stop.is_set():
            lost: MediaError | None = None
            damaged = self._counts.damaged
            try:
                for time_s, image in self._video.frames(selection):
                    outage = None
                    self._counts.damaged = damaged + self._video.damaged
                    yield Frame(FrameId(source.name, selection.number, time_s), image)
            except MediaError as error:
                lost = error
            outage = outage or _Outage(source.options.reconnect)
            if not self._comes_back(lost, outage):
                return

    def _comes_back(self, lost: MediaError | None, outage: _Outage) -> bool:
        """Whether the stream is open again; False if it had come to its end, or somebody wants to stop.

        Raises:
            MediaError: it stayed away.
        """
        source = self.facts.source
        self._video.close()
        if source.kind not in _COMES_BACK or source.options.reconnect == 0:
            if lost is not None:
                raise lost
            return False
        last = lost or MediaError(f"{source.name}: the stream ended")
        log.warning("%s; trying again for %g s", last, source.options.reconnect)
        while outage.is_bearable():
            if self._stop.wait(outage.next_pause()):
                return False
            try:
                self._video = _open(source)
            except MediaError as error:
                last = error
                continue
            self._counts.reconnects += 1
            log.warning("%s: back again", source.name)
            return True
        message = f"{source.name}: lost, and not back within {source.options.reconnect:g} s ({last})"
        raise MediaError(message) from last

    def close(self) -> None:
        self._video.close()


class _Outage:
    """The time since a stream was lost."""

    def __init__(self, patience_s: float) -> None:
        self._since_s = time.monotonic()
        self._patience_s = patience_s
        self._pause_s = FIRST_PAUSE_S / 2

    def is_bearable(self) -> bool:
        return time.monotonic() - self._since_s < self._patience_s

    def next_pause(self) -> float:
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return self._pause_s


def _open(source: Source) -> LiveVideo:
    return LiveVideo(medium_of(source), scaled_size(source))
