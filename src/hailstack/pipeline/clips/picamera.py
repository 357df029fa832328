"""A camera of a Raspberry Pi, through picamera2."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import Any

import numpy as np

from hailstack.errors import MediaError, MissingExtraError
from hailstack.pipeline.clips.clip import ClipFacts
from hailstack.pipeline.clips.live import TICK
from hailstack.pipeline.clips.selection import Selection
from hailstack.pipeline.sources import Source
from hailstack.types import Frame, FrameId, Image

PIXELS = "BGR888"
"""picamera2 names formats as numbers are written: in memory this is red, green, blue."""
DEFAULT_SIZE = (1280, 720)


class PicameraClip:
    """Frames of ``picamera:N``; times are Unix time, from the sensor's own clock.

    Raises:
        MissingExtraError: picamera2 is not installed.
        MediaError: there is no such camera, or it fails.
    """

    def __init__(self, source: Source, stop: threading.Event) -> None:
        options = source.options
        self._stop = stop
        self.began_ns = 0
        rate = Fraction(options.fps).limit_denominator(1001) if options.fps else None
        self.facts = ClipFacts(source, rate, TICK, None)
        with ExitStack() as undo:
            self._camera = _open(source, undo)
            self._closing = undo.pop_all()

    def frames(self) -> Iterator[Frame]:
        source = self.facts.source
        selection = Selection(source.options)
        while not self._stop.is_set():
            time_s, image = self._capture()
            if selection(time_s):
                yield Frame(FrameId(source.name, selection.number, time_s), image)

    def _capture(self) -> tuple[float, Image]:
        try:
            request = self._camera.capture_request()
        except (RuntimeError, OSError) as error:
            message = f"{self.facts.source.name}: the camera failed: {error}"
            raise MediaError(message) from error
        try:
            self.began_ns = time.perf_counter_ns()
            image = np.ascontiguousarray(request.make_array("main"))
            return _unix_time(request.get_metadata()), image
        finally:
            request.release()

    def close(self) -> None:
        self._closing.close()


def _open(source: Source, undo: ExitStack) -> Any:
    try:
        picamera2 = importlib.import_module("picamera2")
    except ImportError as error:
        message = (
            f"{source.name}: picamera2 is not installed (Raspberry Pi OS: apt install python3-picamera2): {error}"
        )
        raise MissingExtraError(message) from error
    options = source.options
    controls = {"FrameRate": options.fps} if options.fps else {}
    try:
        camera = picamera2.Picamera2(int(source.uri.partition(":")[2]))
        undo.callback(camera.close)
        main = {"size": options.size or DEFAULT_SIZE, "format": PIXELS}
        camera.configure(camera.create_video_configuration(main=main, controls=controls))
        camera.start()
        undo.callback(camera.stop)
    except (RuntimeError, OSError, IndexError) as error:
        message = f"{source.name}: this camera cannot be opened: {error}"
        raise MediaError(message) from error
    return camera


def _unix_time(metadata: dict[str, Any]) -> float:
    """When the sensor began to read the frame; it counts nanoseconds since the machine was started."""
    now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.time() - (now_ns - int(metadata.get("SensorTimestamp", now_ns))) * 1e-9
