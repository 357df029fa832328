"""Video files, decoded and encoded with FFmpeg's libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np

from hailstack.errors import MediaError
from hailstack.files import replacing
from hailstack.imaging.encoders import Encoder, find_encoders
from hailstack.imaging.media import PIXELS, Medium, Pictures, open_media, reason
from hailstack.types import Image

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".wmv", ".flv", ".3gp", ".h264"}
)
"""File name endings that are taken for videos inside a folder, lower case."""

DEFAULT_RATE = Fraction(25)
TICK_S = 1e-6
"""Times this near to each other are the same."""


class VideoFile:
    """A video that is read from its first to its last frame.

    FFmpeg fills what a cut or damaged file lacks with repeated pictures, or ends in silence; here that is an error.

    Args:
        medium: the file, or what else has an end: a pipe, an address on a server.
        size: width and height of the pictures; None: as they are.

    Raises:
        MediaError: it cannot be opened or holds no video.
    """

    def __init__(self, medium: Path | Medium, size: tuple[int, int] | None = None) -> None:
        self._medium = Medium.file(medium) if isinstance(medium, Path) else medium
        self._container = open_media(self._medium)
        self._stream = self._container.streams.video[0]
        # Without this a frame whose end is missing is patched up with pieces of the one before.
        self._stream.codec_context.options = {"err_detect": "explode"}
        self._pictures = Pictures(size)
        self._expected: int | None = self._stream.frames or None
        self._packets = 0
        self._given = 0
        self._last_s = 0.0
        self._is_even = True

    @property
    def rate(self) -> Fraction:
        return Fraction(self._stream.average_rate or self._stream.guessed_rate or DEFAULT_RATE)

    @property
    def time_base(self) -> Fraction:
        return Fraction(self._stream.time_base or 1 / self.rate)

    @property
    def frame_count(self) -> int | None:
        return self._expected

    def frames(
        self,
        wanted: Callable[[float], bool] = lambda time_s: True,
        start_s: float = 0.0,
        end_s: float | None = None,
    ) -> Iterator[tuple[float, Image]]:
        """Seconds since the first frame, and the picture (RGB uint8, upright), for each frame in order of time.

        Args:
            wanted: asked with the time of each frame; only those that it wants are converted and given.
            start_s: frames before are passed over, without being decoded where the file has an index.
            end_s: this frame and later ones are not read.

        Raises:
            MediaError: the file ends too early or is damaged; every frame before that has been given, and the
                message names the first one that is missing.
        """
        origin_s = self._seek(start_s) if start_s else None
        for frame in self._decoded():
            if frame.is_corrupt:
                raise self._broken("its data are damaged")
            origin_s = self._time_of(frame) if origin_s is None else origin_s
            time_s = self._time_of(frame) - origin_s
            if end_s is not None and time_s >= end_s - TICK_S:
                return
            if time_s >= start_s - TICK_S and wanted(time_s):
                yield time_s, self._pictures(frame)
            self._given += 1

    def _seek(self, start_s: float) -> float | None:
        """Go to the last key frame before; the time of the file's first frame, or None if it cannot be done."""
        first = self._stream.start_time
        if first is None or self._medium.address.startswith("pipe:"):
            return None
        try:
            self._container.seek(first + int(start_s / self.time_base), stream=self._stream)
        except av.FFmpegError:
            return None
        self._expected = None
        return float(first * self.time_base)

    def _decoded(self) -> Iterator[Any]:
        """Frames as the decoder gives them; when the data end badly, first those that it still holds."""
        packet: Any = None
        problem = ""
        cause: Exception | None = None
        try:
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt:
                    problem = "the file ends inside it"
                if packet.is_corrupt or not packet.size:
                    break
                self._packets += 1
                for frame in packet.decode():
                    self._is_even &= not self._leaves_gap(self._last_s, frame)
                    self._last_s = self._time_of(frame)
                    yield frame
        except av.FFmpegError as error:
            problem, cause = reason(error, self._medium.timeout_s), error
        tail = self._flush()
        problem = problem or self._missing(tail)
        yield from self._until_gap(tail, packet) if problem else tail
        if problem:
            raise self._broken(problem) from cause

    def _flush(self) -> list[Any]:
        try:
            return list(self._stream.codec_context.decode(None))
        except av.FFmpegError:
            return []

    def _until_gap(self, tail: list[Any], broken: Any) -> Iterator[Any]:
        """The frames of ``tail`` that nothing is missing before: decoders give frames in another order than files."""
        limit = broken.pts if broken is not None and broken.pts is not None else None
        last_s = self._last_s
        for frame in tail:
            is_after = limit is not None and frame.pts is not None and frame.pts >= limit
            if is_after or self._leaves_gap(last_s, frame):
                return
            last_s = self._time_of(frame)
            yield frame

    def _missing(self, tail: list[Any]) -> str:
        """What the file announces and does not hold; empty if all is there or nothing is announced."""
        expected = self._expected
        if expected and self._packets < expected:
            return f"the file ends too early, {expected} frames were announced"
        if not tail and not self._given:
            return "there is no frame in it"
        if not expected and self._is_even and len(list(self._until_gap(tail, None))) < len(tail):
            return "the file ends before it"
        is_alone = len(self._container.streams) == 1
        if not expected and is_alone and self._container.duration:
            last_s = self._time_of(tail[-1]) if tail else self._last_s
            missing_s = (self._container.duration + (self._container.start_time or 0)) / av.time_base - last_s
            if missing_s > 0.5 + 2 / float(self.rate):
                return f"the file ends {missing_s:.1f} s too early"
        return ""

    def _leaves_gap(self, last_s: float, frame: Any) -> bool:
        return self._given > 0 and self._time_of(frame) - last_s > 1.5 / float(self.rate)

    def _time_of(self, frame: Any) -> float:
        return self._given / float(self.rate) if frame.pts is None else float(frame.pts * self.time_base)

    def _broken(self, why: str) -> MediaError:
        if not self._given and not self._medium.address.startswith("file:") and "mp4" in self._container.format.name:
            why = f"{why} (what cannot be rewound must have its index in front; ffmpeg: -movflags faststart)"
        return MediaError(f"{self._medium.name}: frame {self._given} cannot be read: {why}")

    def close(self) -> None:
        self._container.close()


class VideoWriter:
    """Writes an H.264 video, with the machine's own encoder where there is one (:mod:`hailstack.imaging.encoders`).

    The file appears under its name when it is complete.

    Args:
        path: the ``.mp4`` file.
        rate: frames a second on average.
        time_base: seconds a tick of the clock.
        width, height: of the pictures; odd sizes are padded by one pixel, which H.264 in 4:2:0 needs.
        placing: from the file to a name to write to.
    """

    def __init__(
        self,
        path: Path,
        rate: Fraction,
        time_base: Fraction,
        width: int,
        height: int,
        placing: Callable[[Path], AbstractContextManager[Path]] = replacing,
    ) -> None:
        self.path = path
        self._time_base = time_base
        self._last_tick = -1
        self._size = (height + height % 2, width + width % 2)
        with ExitStack() as undo:
            partial = undo.enter_context(placing(path))
            self._open(partial, rate)
            self._place = undo.pop_all()

    def _open(self, partial: Path, rate: Fraction) -> None:
        *hardware, software = find_encoders()
        if not any(self._starts(partial, rate, encoder) for encoder in hardware):
            with self._told():
                self._start(partial, rate, software)

    def _starts(self, partial: Path, rate: Fraction, encoder: Encoder) -> bool:
        """Whether an encoder takes the job: many refuse a size or are used by somebody else."""
        try:
            self._start(partial, rate, encoder)
        except (av.FFmpegError, ValueError):
            return False
        return True

    def _start(self, partial: Path, rate: Fraction, encoder: Encoder) -> None:
        with ExitStack() as undo:
            self._container = av.open(str(partial), "w", format="mp4", options=mp4_options(self._time_base))
            undo.callback(self._container.close)
            self._stream = cast(Any, self._container.add_stream(encoder.name, rate=rate))
            self._stream.height, self._stream.width = self._size
            self._stream.pix_fmt = "yuv420p"
            self._stream.options = dict(encoder.options)
            if encoder.bit_rate is not None:
                self._stream.bit_rate = encoder.bit_rate
            self._stream.codec_context.time_base = self._time_base
            self._container.start_encoding()
            undo.pop_all()

    def write(self, image: Image, time_s: float) -> None:
        """Append a picture that is shown from ``time_s`` on."""
        frame = av.VideoFrame.from_ndarray(_padded(image, self._size), format=PIXELS)
        self._last_tick = max(self._last_tick + 1, round(time_s / self._time_base))
        frame.pts, frame.time_base = self._last_tick, self._time_base
        self._mux(frame)

    def close(self) -> None:
        """Finish the file and give it its name; if it cannot be finished, nothing of it stays."""
        with self._place, self._told():
            try:
                self._mux(None)
            finally:
                self._container.close()

    def _mux(self, frame: Any) -> None:
        with self._told():
            self._container.mux(self._stream.encode(frame))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what FFmpeg says into an error that names the file."""
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            message = f"{self.path}: cannot be written: {reason(error)}"
            raise MediaError(message) from error


def mp4_options(time_base: Fraction) -> dict[str, str]:
    """For FFmpeg's writer of MP4: the index in front, and a clock that says exactly when the first frame is shown.

    FFmpeg's own choice for what lies before the first frame is whole milliseconds.
    """
    ticks = time_base.denominator
    return {"movflags": "faststart", "movie_timescale": str(ticks * -(-1000 // ticks))}


def _padded(image: Image, size: tuple[int, int]) -> Image:
    missing = (size[0] - image.shape[0], size[1] - image.shape[1])
    if missing == (0, 0):
        return np.ascontiguousarray(image)
    return np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
