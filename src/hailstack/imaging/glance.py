"""What a picture file is and roughly shows, without decoding all of it. The only user of Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import MediaError, MissingExtraError

if TYPE_CHECKING:
    from PIL import Image

ORIENTATION = 0x0112
"""EXIF tag: which way a camera was held; 1 is upright, 5 to 8 lie on their side."""
SUFFIXES = {
    "jpeg": (".jpg", ".jpeg"),
    "mpo": (".jpg", ".jpeg"),  # what some cameras and phones put behind a JPEG: a second picture, a depth map
    "png": (".png",),
    "bmp": (".bmp",),
    "webp": (".webp",),
    "tiff": (".tif", ".tiff"),
    "ppm": (".ppm", ".pgm"),
}
"""Format → the file name endings that it goes by."""

DAMAGE = (OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, struct.error, zlib.error)
"""What Pillow's readers raise over bytes that are not what they should be."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What the first bytes of a picture file say."""

    format: str
    """``jpeg``, ``png`` … as in :data:`SUFFIXES`, or another one that Pillow knows."""
    width: int
    height: int
    """Pixels as stored, before :attr:`orientation` is applied."""
    orientation: int = 1
    """EXIF, 1..8."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def glance(stream: BinaryIO, name: str) -> Glance:
    """Format, size and orientation of a picture; no more of its file is read than that takes.

    Args:
        name: for messages.

    Raises:
        MediaError: this is no picture.
        MissingExtraError: Pillow is not installed.
    """
    with _opened(stream, name) as image:
        orientation = int(image.getexif().get(ORIENTATION, 1))
        kind = (image.format or "").lower()
        return Glance(kind, image.width, image.height, orientation if 1 <= orientation <= 8 else 1)


def grey_thumbnail(data: bytes, name: str, side: int = 32) -> NDArray[np.uint8]:
    """The upright picture in grey, squeezed to ``(side, side)``; JPEGs are decoded at a fraction of their size.

    Raises:
        MediaError: this is no picture, or ends too early.
        MissingExtraError: Pillow is not installed.
    """
    from PIL import Image, ImageOps

    with _opened(io.BytesIO(data), name) as image:
        image.draft("L", (2 * side, 2 * side))
        small = image.convert("L").resize((side, side), Image.Resampling.BOX)
        small.getexif()[ORIENTATION] = image.getexif().get(ORIENTATION, 1)
        return np.asarray(ImageOps.exif_transpose(small), np.uint8)


@contextmanager
def _opened(stream: BinaryIO, name: str) -> Iterator[Image.Image]:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        message = f"{name}: looking at picture files needs Pillow: pip install 'hailstack[data]'"
        raise MissingExtraError(message) from error
    try:
        with Image.open(stream) as image:
            yield image
    except UnidentifiedImageError as error:
        message = f"{name}: not a picture that can be decoded ({stream.seek(0, io.SEEK_END)} bytes)"
        raise MediaError(message) from error
    except (*DAMAGE, Image.DecompressionBombError) as error:
        message = f"{name}: not a picture that can be decoded: {error}"
        raise MediaError(message) from error
