"""The nouns that travel between rooms: frames and what was found in them.

All boxes are ``xyxy`` in pixels of the source image. Collections are struct-of-arrays: row ``i`` of every array
belongs to object ``i``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""``(height, width, 3)`` uint8, RGB."""

Tensors: TypeAlias = Mapping[str, NDArray[np.generic]]
"""Output name → array, as a network gives them for one frame."""


@dataclass(frozen=True, slots=True)
class FrameId:
    """Which frame of which source a record belongs to."""

    source: str
    """The source as the user named it: a path, ``camera:0``, an URL."""
    number: int
    """Position in its source, from 0, without holes."""
    time_s: float
    """Capture time. For recordings: seconds since the first frame. For live sources: Unix time."""
    is_still: bool = field(default=False, compare=False)
    """Whether the source is a single picture, whose frames nobody counts."""

    @property
    def place(self) -> str:
        """For people: the source, and the frame where there are several."""
        return self.source if self.is_still else f"{self.source} frame {self.number}"


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture with the place and time it comes from."""

    id: FrameId
    image: Image


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes found in one frame."""

    xyxy: NDArray[np.float32]
    """``(n, 4)``: left, top, right, bottom, in pixels of the source image."""
    score: NDArray[np.float32]
    """``(n,)`` in 0..1, descending."""
    class_id: NDArray[np.int32]
    """``(n,)``."""
    names: tuple[str, ...] = ()
    """Class names by class id; empty when unknown."""

    def __len__(self) -> int:
        return len(self.score)

    @staticmethod
    def empty(names: tuple[str, ...] = ()) -> Detections:
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), names)

    def name(self, index: int) -> str:
        """The class name of object ``index``, or its class id as text."""
        class_id = int(self.class_id[index])
        return self.names[class_id] if class_id < len(self.names) else str(class_id)


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """The most probable classes of one frame, best first."""

    class_id: NDArray[np.int32]
    """``(k,)``."""
    score: NDArray[np.float32]
    """``(k,)`` probabilities, descending."""
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.score)

    def name(self, index: int) -> str:
        class_id = int(self.class_id[index])
        return self.names[class_id] if class_id < len(self.names) else str(class_id)


@dataclass(frozen=True, slots=True, eq=False)
class RawTensors:
    """Outputs of a network that no head was asked to read."""

    tensors: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


Prediction: TypeAlias = Detections | Classes | RawTensors
"""What a head makes of one frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One frame's outcome."""

    id: FrameId
    prediction: Prediction
    image: Image | None = None
    """The source picture, when a later stage needs it."""
