"""What a browser is sent of a picture: pixels as the rest of Hailstack reads them, upright."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from hailstack.errors import NotFoundError
from hailstack.imaging import encode_image, read_image
from hailstack.imaging.files import decode_image
from hailstack.imaging.glance import glance
from hailstack.imaging.raster import resize

SHOWN_AS_THEY_ARE = {"jpeg": "image/jpeg", "mpo": "image/jpeg", "png": "image/png", "webp": "image/webp"}
"""Formats of which a browser shows the very pixels that we read, if there is nothing to turn."""
THUMBNAIL_PX = 256
THUMBNAILS_KEPT = 2000
AT_ONCE = 2
"""So many large pictures are decoded at a time for small ones: a page asks for dozens."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The bytes of a picture, and what they are."""

    data: bytes
    media_type: str


def read_picture(path: Path) -> Sent:
    """The file itself where a browser sees in it what we do, else its pixels as JPEG.

    Raises:
        NotFoundError: it is not there.
        MediaError: it is no picture, or damaged.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        message = f"{path}: no such file"
        raise NotFoundError(message) from error
    image = decode_image(data, str(path))
    look = glance(io.BytesIO(data), str(path))
    if look.orientation == 1 and look.format in SHOWN_AS_THEY_ARE:
        return Sent(data, SHOWN_AS_THEY_ARE[look.format])
    return Sent(encode_image(image, ".jpg"), "image/jpeg")


class Thumbnails:
    """Small pictures, the last ones kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, int], Sent] = OrderedDict()
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def get(self, path: Path) -> Sent:
        """A JPEG of at most 256 pixels.

        Raises:
            NotFoundError, MediaError: as :func:`read_picture`.
        """
        key = path, path.stat().st_mtime_ns if path.exists() else 0
        with self._lock:
            known = self._kept.get(key)
        if known is not None:
            return known
        with self._room:
            made = _shrunk(path)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > THUMBNAILS_KEPT:
                self._kept.popitem(last=False)
        return made


def _shrunk(path: Path) -> Sent:
    image = read_image(path)
    height, width = image.shape[:2]
    scale = min(1.0, THUMBNAIL_PX / max(height, width))
    small = resize(image, max(1, round(height * scale)), max(1, round(width * scale)), "area")
    return Sent(encode_image(small, ".jpg"), "image/jpeg")
