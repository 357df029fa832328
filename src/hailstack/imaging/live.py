"""Cameras and streams: pictures as they come, each with the time at which it was taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av

from hailstack.errors import MediaError
from hailstack.imaging.media import Medium, Pictures, open_media, reason
from hailstack.types import Image

PLAUSIBLE_S = 60.0
"""A time stamp that is this near to now is Unix time."""
DRIFT = 1e-4
"""How much slower than ours, at most, a camera's clock may run; crystals keep within half of it."""


class LiveVideo:
    """A stream that is read while it happens.

    What cannot be decoded is left out and counted: after a loss on the way the pictures up to the next key frame are
    worth nothing, and the stream goes on.

    Args:
        medium: the camera or address.
        size: width and height of the pictures; None: as they come.

    Raises:
        MediaError: it cannot be opened, or does not answer in time.
    """

    def __init__(self, medium: Medium, size: tuple[int, int] | None = None) -> None:
        self._medium = medium
        self._container = open_media(medium)
        self._stream = self._container.streams.video[0]
        self._pictures = Pictures(size)
        self._clock = CaptureClock()
        self._has_shown = False
        self.damaged = 0
        """Frames that could not be decoded, without those before the first that could."""
        self.began_ns = 0
        """:func:`time.perf_counter_ns` when the data of the newest frame had come and its decoding began."""

    @property
    def rate(self) -> Fraction | None:
        """Frames a second as the stream says; None if it does not."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return Fraction(rate) if rate else None

    def frames(self, wanted: Callable[[float], bool] = lambda time_s: True) -> Iterator[tuple[float, Image]]:
        """Unix time and picture (RGB uint8, upright) of each frame; ends with the stream.

        Args:
            wanted: asked with the time of each frame; only those that it wants are converted and given.

        Raises:
            MediaError: the stream broke off, or nothing came within the time-out.
        """
        try:
            for packet in self._container.demux(self._stream):
                self.began_ns = time.perf_counter_ns()
                for frame in self._decoded(packet):
                    stamp_s = None if frame.pts is None else float(frame.pts * frame.time_base)
                    time_s = self._clock.taken_at(stamp_s, time.time())
                    if wanted(time_s):
                        yield time_s, self._pictures(frame)
        except (av.FFmpegError, OSError) as error:
            message = f"{self._medium.name}: the stream broke off: {reason(error, self._medium.timeout_s)}"
            raise MediaError(message) from error

    def _decoded(self, packet: Any) -> list[Any]:
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            self.damaged += self._has_shown
            return []
        self._has_shown = True
        whole = [frame for frame in frames if not frame.is_corrupt]
        self.damaged += len(frames) - len(whole)
        return whole

    def close(self) -> None:
        self._container.close()


class CaptureClock:
    """Tells when frames were taken, in Unix time, from the stamps of a stream's own clock.

    A frame is never taken after it came, so the shortest way that any frame had is the best guess of the way between
    the two clocks: what was held up in the network or in a queue is dated back by as much.
    """

    def __init__(self) -> None:
        self._way_s: float | None = None
        self._last_s = 0.0

    def taken_at(self, stamp_s: float | None, now_s: float) -> float:
        """Unix time of a frame with this stamp (None: it has none) that came now; never before the frame before."""
        taken_s = now_s if stamp_s is None else self._on_our_clock(stamp_s, now_s)
        self._last_s = max(self._last_s, taken_s)
        return self._last_s

    def _on_our_clock(self, stamp_s: float, now_s: float) -> float:
        if abs(stamp_s - now_s) < PLAUSIBLE_S:
            return stamp_s  # the camera speaks Unix time
        way_s = now_s - stamp_s
        if self._way_s is None or way_s - self._way_s > PLAUSIBLE_S:
            self._way_s = way_s  # a clock that was set anew
        slower_s = max(0.0, now_s - self._last_s) * DRIFT if self._last_s else 0.0
        self._way_s = min(self._way_s + slower_s, way_s)
        return stamp_s + self._way_s
