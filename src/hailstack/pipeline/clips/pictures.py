"""One picture as a source."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException

from hailstack.errors import MediaError, NotFoundError
from hailstack.imaging.files import decode_image, read_image
from hailstack.imaging.raster import resize
from hailstack.pipeline.addresses import request_to
from hailstack.pipeline.clips.clip import ClipFacts
from hailstack.pipeline.sources import Source
from hailstack.types import Frame, FrameId, Image

LARGEST_BYTES = 1 << 28
GONE = (404, 410)


class PictureClip:
    """A picture in a file or on a server: one frame at time 0.

    Raises:
        NotFoundError: it is not there.
        MediaError: it cannot be read or decoded.
    """

    began_ns = 0

    def __init__(self, source: Source) -> None:
        self.facts = ClipFacts(source)
        self._image = _read(source)

    def frames(self) -> Iterator[Frame]:
        yield Frame(FrameId(self.facts.source.name, 0, 0.0, is_still=True), self._image)

    def close(self) -> None:
        pass


def _read(source: Source) -> Image:
    image = read_image(source.path) if source.path is not None else decode_image(_download(source), source.name)
    if source.options.size is None:
        return image
    width, height = source.options.size
    return resize(image, height, width, "area" if height < image.shape[0] else "linear")


def _download(source: Source) -> bytes:
    try:
        with urllib.request.urlopen(request_to(source.uri), timeout=source.options.timeout) as answer:
            data: bytes = answer.read(LARGEST_BYTES)
            left: int | None = answer.length
    except urllib.error.HTTPError as error:
        message = f"{source.name}: the server answers {error.code} {error.reason}"
        raise (NotFoundError if error.code in GONE else MediaError)(message) from error
    except (OSError, ValueError, HTTPException) as error:
        message = f"{source.name}: cannot be fetched: {getattr(error, 'reason', None) or error}"
        raise MediaError(message) from error
    if left or len(data) == LARGEST_BYTES:
        message = f"{source.name}: only {len(data)} bytes came"
        raise MediaError(message)
    return data
