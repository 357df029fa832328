"""Picture files: whole ones in, whole ones out."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InputError, MediaError, NotFoundError
from hailstack.files import replacing
from hailstack.imaging.jpeg import JPEG_START, find_damage
from hailstack.types import Image

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
"""File name endings that are taken for pictures, lower case."""

PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB\x60\x82"
JPEG_QUALITY = 92


def read_image(path: str | os.PathLike[str]) -> Image:
    """The picture in a file, upright (EXIF applied), RGB uint8 ``(h, w, 3)``.

    Raises:
        NotFoundError: no such file.
        MediaError: it is no picture, ends too early or is damaged. Decoders fill what is missing with grey without a
            word, and a detector would find nothing there; so such a file is refused.
    """
    return decode_image(_read_bytes(Path(path)), str(path))


def decode_image(data: bytes, name: str) -> Image:
    """The picture in the bytes of a file, as :func:`read_image` gives it; ``name`` is for messages.

    Raises:
        MediaError: it is no picture, ends too early or is damaged.
    """
    if reason := _damage(data):
        message = f"{name}: {reason}"
        raise MediaError(message)
    pixels = _decode(data)
    if pixels is None:
        message = f"{name}: not a picture that can be decoded ({len(data)} bytes)"
        raise MediaError(message)
    return cast(Image, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def write_image(path: str | os.PathLike[str], image: Image) -> None:
    """Write a picture; the ending of the name says the format. The file appears whole or not at all.

    Raises:
        InputError: the ending is not a known format, or the file cannot be written.
    """
    target = Path(path)
    data = encode_image(image, target.suffix)
    with replacing(target) as partial:
        partial.write_bytes(data)


def encode_image(image: Image, suffix: str = ".png") -> bytes:
    """The bytes of a picture file in the format that the file name ending (``.png``, ``.jpg`` …) stands for.

    Raises:
        InputError: the ending is not a known format.
    """
    if suffix.lower() not in IMAGE_SUFFIXES:
        known = ", ".join(sorted(IMAGE_SUFFIXES))
        message = f"{suffix or 'no ending'}: not a picture format; use one of {known}"
        raise InputError(message)
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix.lower() in (".jpg", ".jpeg") else []
    _, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    return data.tobytes()


def data_uri(image: Image, suffix: str = ".jpg") -> str:
    """The picture as a ``data:`` address, for pages that need nothing beside themselves.

    Raises:
        InputError: the ending is not a known format.
    """
    kind = "jpeg" if suffix == ".jpg" else suffix.lstrip(".")
    return f"data:image/{kind};base64,{base64.b64encode(encode_image(image, suffix)).decode('ascii')}"


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        message = f"{path}: no such file"
        raise NotFoundError(message) from error
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise MediaError(message) from error


def _decode(data: bytes) -> NDArray[np.uint8] | None:
    if not data:
        return None
    try:
        return cast("NDArray[np.uint8] | None", cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
    except cv2.error:  # for example more pixels than OpenCV is willing to allocate
        return None


def _damage(data: bytes) -> str:
    """What is wrong with a JPEG or PNG; empty if it is whole or of another format."""
    if data.startswith(JPEG_START):
        return find_damage(data)
    if data.startswith(PNG_START) and PNG_END not in data:
        return f"this PNG ends too early, after {len(data)} bytes"
    return ""
