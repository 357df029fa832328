"""Whether a JPEG file is whole. Decoders fill what is missing or garbled with grey, without a word."""

from __future__ import annotations

import re

import av

JPEG_START = b"\xff\xd8\xff"

_END_OF_IMAGE = 0xD9
_NOTES = frozenset({*range(0xE0, 0xF0), 0xFE})
"""Application and comment segments."""
_MARKER = re.compile(rb"\xff+[^\x00\xff\x01\xd0-\xd7]", re.DOTALL)
"""A marker that starts a segment: neither a stuffed byte nor a restart inside a scan."""


def find_damage(data: bytes) -> str:
    """What is wrong with a JPEG file; empty if nothing is.

    The coded pixels have no checksum: a single wrong bit may go unnoticed, a garbled stretch is found in nine cases of
    ten.
    """
    picture = _bare(data)
    if picture is None:
        return f"this JPEG ends too early, after {len(data)} bytes"
    # A rare flavour of JPEG that FFmpeg does not know fails both ways, and is not called damaged for that.
    if not _is_decoded(picture, "explode") and _is_decoded(picture, "ignore_err"):
        return "the data of this JPEG are damaged"
    return ""


def _bare(data: bytes) -> bytes | None:
    """The picture without what is noted beside it (EXIF, thumbnails, comments), where cameras are sloppy.

    None if the end marker does not follow the last scan; one inside a thumbnail does not count.
    """
    kept, keep_from, position = bytearray(), 0, 2
    while (marker := _MARKER.search(data, position)) is not None:
        kind = marker.group()[-1]
        if kind == _END_OF_IMAGE:
            return bytes(kept + data[keep_from : marker.end()])
        position = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
        if kind in _NOTES:
            kept += data[keep_from : marker.start()]
            keep_from = position
    return None


def _is_decoded(data: bytes, on_error: str) -> bool:
    """Whether FFmpeg's decoder gets a picture out of it; the pixels themselves are not computed."""
    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.thread_count = 1
    decoder.options = {"err_detect": on_error, "skip_idct": "all"}
    try:
        frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    except (av.FFmpegError, OSError):
        return False
    return bool(frames) and not any(frame.is_corrupt for frame in frames)
