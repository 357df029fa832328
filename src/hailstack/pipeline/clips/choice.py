"""From a source to the clip that reads it."""

from __future__ import annotations

import threading

from hailstack.pipeline.clips.clip import Clip, Counts
from hailstack.pipeline.clips.live import LiveClip
from hailstack.pipeline.clips.picamera import PicameraClip
from hailstack.pipeline.clips.pictures import PictureClip
from hailstack.pipeline.clips.recordings import RecordingClip
from hailstack.pipeline.sources import Source


def open_clip(source: Source, stop: threading.Event | None = None, counts: Counts | None = None) -> Clip:
    """Open a source.

    Args:
        source: as :func:`hailstack.pipeline.find_sources` gives it.
        stop: set it to end a live source's waiting for its return.
        counts: where a live source notes what it lost.

    Raises:
        MediaError, NotFoundError, MissingExtraError: naming the source.
    """
    stop = stop or threading.Event()
    if source.kind == "image":
        return PictureClip(source)
    if source.kind == "picamera":
        return PicameraClip(source, stop)
    if source.is_live:
        return LiveClip(source, stop, counts or Counts(source))
    return RecordingClip(source)
