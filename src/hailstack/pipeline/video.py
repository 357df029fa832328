"""Video files, decoded and encoded with FFmpeg's libraries."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np

from hailstack.errors import MediaError
from hailstack.types import Image

DEFAULT_RATE = Fraction(25)
PIXELS = "rgb24"


class VideoFile:
    """A video that is read from its first to its last frame.

    FFmpeg fills what a cut or damaged file lacks with repeated pictures, or ends in silence; here that is an error.

    Raises:
        MediaError: the file cannot be opened or holds no video.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._container = av.open(str(path))
        except (av.FFmpegError, OSError) as error:
            message = f"{path}: not a video that can be opened: {_reason(error)}"
            raise MediaError(message) from error
        if not self._container.streams.video:
            self._container.close()
            message = f"{path}: there is no video in this file"
            raise MediaError(message)
        self._stream = self._container.streams.video[0]
        self._packets = 0
        self._last_s = 0.0

    @property
    def rate(self) -> Fraction:
        return Fraction(self._stream.average_rate or self._stream.guessed_rate or DEFAULT_RATE)

    @property
    def time_base(self) -> Fraction:
        return Fraction(self._stream.time_base or 1 / self.rate)

    @property
    def frame_count(self) -> int | None:
        return self._stream.frames or None

    def frames(self) -> Iterator[tuple[float, Image]]:
        """Seconds since the first frame, and the picture (RGB uint8, upright), for each frame in order of time.

        Raises:
            MediaError: the file ends too early or is damaged; every frame before that has been given, and the
                message names the first one that is missing.
        """
        start: float | None = None
        number = 0
        for frame in self._decoded():
            if frame.is_corrupt:
                raise self._broken(number, "its data are damaged")
            time_s = float(frame.time) if frame.time is not None else number / float(self.rate)
            start = time_s if start is None else start
            self._last_s = time_s - start
            yield self._last_s, _upright(frame)
            number += 1
        self._check_complete(number)

    def _decoded(self) -> Iterator[Any]:
        """Frames as the decoder gives them; when the data end badly, first those it still holds."""
        number = 0
        broken: Exception | None = None
        packets = self._container.demux(self._stream)
        try:
            for packet in packets:
                if packet.is_corrupt:
                    raise av.InvalidDataError(0, "the file ends inside this frame")
                self._packets += packet.size > 0
                for frame in packet.decode():
                    number += 1
                    yield frame
        except av.FFmpegError as error:
            broken = error
        if broken is not None:
            for frame in self._held_back():
                number += 1
                yield frame
            raise self._broken(number, _reason(broken)) from broken

    def _held_back(self) -> list[Any]:
        try:
            return list(self._stream.codec_context.decode(None))
        except av.FFmpegError:
            return []

    def _check_complete(self, number: int) -> None:
        """Containers that say how much they hold must hold it."""
        expected = self._stream.frames
        if number == 0:
            raise self._broken(0, "there is no frame in it")
        if expected and self._packets < expected:
            raise self._broken(number, f"the file ends too early, {expected} frames were announced")
        only_stream = len(self._container.streams) == 1
        if not expected and only_stream and self._container.duration:
            missing_s = self._container.duration / av.time_base - self._last_s
            if missing_s > 0.5 + 2 / float(self.rate):
                raise self._broken(number, f"the file ends {missing_s:.1f} s too early")

    def _broken(self, number: int, reason: str) -> MediaError:
        return MediaError(f"{self._path}: frame {number} cannot be read: {reason}")

    def close(self) -> None:
        self._container.close()


class VideoWriter:
    """Writes an H.264 video; the file appears under its name when it is complete.

    Args:
        path: the ``.mp4`` file.
        rate: frames a second on average.
        time_base: seconds a tick of the clock.
        width, height: of the pictures; odd sizes are padded by one pixel, which H.264 in 4:2:0 needs.
    """

    def __init__(self, path: Path, rate: Fraction, time_base: Fraction, width: int, height: int) -> None:
        self.path = path
        self._partial = path.with_name(f".{path.name}.part")
        self._time_base = time_base
        self._last_tick = -1
        self._size = (height + height % 2, width + width % 2)
        try:
            self._container = av.open(str(self._partial), "w", format="mp4", options={"movflags": "faststart"})
            self._stream = self._container.add_stream("libx264", rate=rate)
        except (av.FFmpegError, OSError) as error:
            message = f"{path}: cannot be written: {_reason(error)}"
            raise MediaError(message) from error
        self._stream.height, self._stream.width = self._size
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"preset": "veryfast", "crf": "21"}
        self._stream.codec_context.time_base = time_base

    def write(self, image: Image, time_s: float) -> None:
        """Append a picture that is shown from ``time_s`` on."""
        frame = av.VideoFrame.from_ndarray(_padded(image, self._size), format=PIXELS)
        self._last_tick = max(self._last_tick + 1, round(time_s / self._time_base))
        frame.pts, frame.time_base = self._last_tick, self._time_base
        self._mux(frame)

    def close(self) -> None:
        """Finish the file and give it its name."""
        self._mux(None)
        try:
            self._container.close()
            self._partial.replace(self.path)
        except (av.FFmpegError, OSError) as error:
            message = f"{self.path}: cannot be written: {_reason(error)}"
            raise MediaError(message) from error

    def _mux(self, frame: Any) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.FFmpegError, OSError) as error:
            message = f"{self.path}: cannot be written: {_reason(error)}"
            raise MediaError(message) from error


def _upright(frame: Any) -> Image:
    """The picture as the camera was held: phones store the turn beside the picture."""
    image = cast(Image, frame.to_ndarray(format=PIXELS))
    quarter_turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image


def _padded(image: Image, size: tuple[int, int]) -> Image:
    missing = (size[0] - image.shape[0], size[1] - image.shape[1])
    if missing == (0, 0):
        return np.ascontiguousarray(image)
    return np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)
