"""What FFmpeg's libraries open and decode: files, pipes, servers, cameras."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from hailstack.errors import MediaError
from hailstack.types import Image

PIXELS = "rgb24"


@dataclass(frozen=True, slots=True)
class Medium:
    """Something with moving pictures, and how it is opened."""

    address: str
    """As FFmpeg writes it: ``file:clip.mp4``, ``pipe:0``, ``rtsp://host/path``, ``/dev/video0``."""
    name: str
    """As the user named it, for messages."""
    format: str | None = None
    """FFmpeg's name of a container or device; None: recognised from the content."""
    options: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    """Give up after so many seconds without data; None: never."""

    @staticmethod
    def file(path: Path) -> Medium:
        """A file on disk, whatever its name looks like."""
        return Medium(f"file:{path}", str(path))


def open_media(medium: Medium) -> Any:
    """An open PyAV container with at least one video stream.

    Raises:
        MediaError: it cannot be opened, does not answer in time, or holds no video.
    """
    began_s = time.monotonic()
    try:
        container = av.open(
            medium.address, format=medium.format, options=dict(medium.options), timeout=medium.timeout_s
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        cannot = "not a video that can be opened" if medium.address.startswith("file:") else "cannot be opened"
        is_late = medium.timeout_s is not None and time.monotonic() - began_s >= medium.timeout_s
        why = f"nothing came for {medium.timeout_s:g} s" if is_late else reason(error)
        message = f"{medium.name}: {cannot}: {why}"
        raise MediaError(message) from error
    if container.streams.video:
        return container
    container.close()
    message = f"{medium.name}: there is no video in it"
    raise MediaError(message)


def reason(error: BaseException, timeout_s: float | None = None) -> str:
    """What FFmpeg complains of, in words."""
    if isinstance(error, av.error.ExitError) and timeout_s is not None:
        return f"nothing came for {timeout_s:g} s"
    return getattr(error, "strerror", None) or str(error)


class Pictures:
    """Makes RGB pictures of decoded frames, upright: phones store the turn beside the picture.

    One converter for all frames of a stream: setting one up costs three times what it does for a frame of 960x540,
    and its threads cost more than they save.

    Args:
        size: width and height of the pictures; None: as they come.
    """

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        self._size = size
        self._converter = VideoReformatter()

    def __call__(self, frame: Any) -> Image:
        quarter_turns = round(frame.rotation / 90) % 4
        width, height = self._size or (None, None)
        if quarter_turns % 2:
            width, height = height, width
        converted = self._converter.reformat(frame, width=width, height=height, format=PIXELS, threads=1)
        # Rows of other widths than FFmpeg likes have gaps between them.
        return np.ascontiguousarray(np.rot90(converted.to_ndarray(), quarter_turns))
