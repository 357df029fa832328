"""How FFmpeg opens each kind of source."""

from __future__ import annotations

import os
from collections.abc import Mapping

from hailstack.errors import MediaError
from hailstack.imaging.media import Medium
from hailstack.pipeline.sources import Options, Source

ASKS_DEVICE = ("camera",)
"""Kinds whose size is chosen by the device, not by scaling."""


def medium_of(source: Source) -> Medium:
    """What to open, with the options that the source names.

    Raises:
        MediaError: standard input is asked for and is a terminal.
    """
    options, name = source.options, source.name
    rest = source.uri.partition(":")[2]
    if source.path is not None:
        return Medium(f"file:{source.path}", name, options.format, _raw_options(options))
    if source.kind == "stdin":
        if os.isatty(0):
            raise MediaError("-: standard input is a terminal; pipe something into this command")
        return Medium("pipe:0", name, options.format, _raw_options(options))
    if source.kind == "camera":
        device = f"/dev/video{rest}" if rest.isdecimal() else rest
        return Medium(device, name, "v4l2", _camera_options(options))
    if source.kind == "lavfi":
        return Medium(f"{rest},realtime", name, "lavfi")
    wanted = _rtsp_options(options) if source.kind == "rtsp" else _raw_options(options)
    return Medium(source.uri, name, options.format, wanted, options.timeout)


def scaled_size(source: Source) -> tuple[int, int] | None:
    """The size to which pictures have to be scaled here; None where nobody asks or the device does it."""
    is_given = source.kind in ASKS_DEVICE or source.options.format == "rawvideo"
    return None if is_given else source.options.size


def _rtsp_options(options: Options) -> Mapping[str, str]:
    """The first frame is shown when it comes; FFmpeg would collect two seconds' first to reckon their rate."""
    return {"rtsp_transport": options.transport, "fpsprobesize": "0"}


def _camera_options(options: Options) -> Mapping[str, str]:
    """For FFmpeg's Video4Linux device; ``timestamps=abs`` makes its clock Unix time."""
    return {
        "timestamps": "abs",
        **({"video_size": _size(options.size)} if options.size else {}),
        **({"framerate": f"{options.fps:g}"} if options.fps else {}),
        **({"input_format": options.format} if options.format else {}),
        **({"pixel_format": options.pixels} if options.pixels else {}),
    }


def _raw_options(options: Options) -> Mapping[str, str]:
    if options.format != "rawvideo":
        return {}
    return {
        **({"video_size": _size(options.size)} if options.size else {}),
        **({"framerate": f"{options.fps:g}"} if options.fps else {}),
        **({"pixel_format": options.pixels} if options.pixels else {}),
    }


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
