"""Detections as programs see them."""

from __future__ import annotations

from typing import Any

import numpy
from numpy.typing import NDArray

from hailo_platform._profile import PROFILE


class _Box:
    """A box in fractions of the picture, with its score and class."""

    def _fill(self, box: Any, detection: Any) -> None:
        self._y_min, self._x_min, self._y_max, self._x_max = box.y_min, box.x_min, box.y_max, box.x_max
        self._score, self._class_id = detection.score, detection.class_id

    @property
    def y_min(self) -> float:
        """Top."""
        return float(self._y_min)

    @property
    def x_min(self) -> float:
        """Left."""
        return float(self._x_min)

    @property
    def y_max(self) -> float:
        """Bottom."""
        return float(self._y_max)

    @property
    def x_max(self) -> float:
        """Right."""
        return float(self._x_max)

    @property
    def score(self) -> float:
        """0..1."""
        return float(self._score)

    @property
    def class_id(self) -> int:
        """Which class."""
        return int(self._class_id)


class _MaskedBox(_Box):
    _mask: NDArray[numpy.uint8]

    @property
    def mask(self) -> NDArray[numpy.uint8]:
        """One byte a pixel of the box, row by row."""
        return self._mask


if PROFILE.by_score:

    class Detection(_Box):
        """A box with its score and class."""

        def __init__(self, detection: Any) -> None:
            self._fill(detection, detection)


if PROFILE.genai:

    class DetectionWithByteMask(_MaskedBox):
        """A box with its score, class and mask."""

        def __init__(self, raw_output_buffer: NDArray[numpy.uint8], detection: Any) -> None:
            self._fill(detection.box, detection)
            start = detection.mask_offset
            self._mask = numpy.array(raw_output_buffer[start : start + detection.mask_size])

else:

    class DetectionWithByteMask(_MaskedBox):  # type: ignore[no-redef]
        """A box with its score, class and mask."""

        def __init__(self, detection: Any) -> None:
            self._fill(detection.box, detection)
            self._mask = detection.mask()


if not PROFILE.by_score:
    DetectionWithByteMask.__name__ = DetectionWithByteMask.__qualname__ = "HailoDetection"


def make_scored_detection(detection: Any) -> Any:
    """The program's view of a detection of the bindings."""
    return Detection(detection)


def make_masked_detection(raw_output_buffer: NDArray[Any], detection: Any) -> Any:
    """The program's view of a detection with a mask."""
    if PROFILE.genai:
        return DetectionWithByteMask(raw_output_buffer, detection)
    return DetectionWithByteMask(detection)  # type: ignore[call-arg]
