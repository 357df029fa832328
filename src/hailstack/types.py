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

from hailstack.errors import HailstackError

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
    """Position in its source, from 0. Frames that were left out on demand, or that a live source lost, leave holes."""
    time_s: float
    """Capture time. For recordings: seconds since the first frame. For live sources: Unix time."""
    is_still: bool = field(default=False, compare=False)
    """Whether the source is a single picture, whose frames nobody counts."""
    serial: int = field(default=-1, compare=False)
    """Running number over all sources of a run, by which a profile ties a frame's spans together; -1: none."""

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
class Mask:
    """Which pixels of the source picture an object covers."""

    left: int
    """Column of the source picture where ``pixels`` begins."""
    top: int
    pixels: NDArray[np.bool_]
    """``(height, width)``, one for each pixel of the source picture within the object's box."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Objects found in one frame: a box each, and what else the network says about them."""

    xyxy: NDArray[np.float32]
    """``(n, 4)``: left, top, right, bottom, in pixels of the source image."""
    score: NDArray[np.float32]
    """``(n,)`` in 0..1, descending."""
    class_id: NDArray[np.int32]
    """``(n,)``."""
    names: tuple[str, ...] = ()
    """Class names by class id; empty when unknown."""
    keypoints: NDArray[np.float32] | None = None
    """``(n, k, 3)``: x, y in pixels of the source image (which they may leave), score in 0..1."""
    masks: tuple[Mask, ...] | None = None
    """One for each object."""
    corners: NDArray[np.float32] | None = None
    """``(n, 4, 2)``: an oriented box's corners, clockwise, in pixels of the source image; ``xyxy`` encloses it."""
    regions: NDArray[np.float32] | None = None
    """``(n, 4, 2)``: the turned square that a second network looks at, in pixels of the source image: its upper left,
    upper right, lower right and lower left corner as that network sees it. It may leave the picture."""
    skeleton: tuple[tuple[int, int], ...] = ()
    """Pairs of key points that a line joins when they are drawn."""
    parts: tuple[Prediction | None, ...] | None = None
    """What a second network says about each object, in pixels of the source image; None: it was not asked."""

    def __len__(self) -> int:
        return len(self.score)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Detections:
        """Some of the objects: those at the indices ``rows``, in that order, or those where ``rows`` is true."""
        index = np.arange(len(self))[rows]
        return Detections(
            xyxy=self.xyxy[index],
            score=self.score[index],
            class_id=self.class_id[index],
            names=self.names,
            keypoints=None if self.keypoints is None else self.keypoints[index],
            masks=None if self.masks is None else tuple(self.masks[row] for row in index),
            corners=None if self.corners is None else self.corners[index],
            regions=None if self.regions is None else self.regions[index],
            skeleton=self.skeleton,
            parts=None if self.parts is None else tuple(self.parts[row] for row in index),
        )

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


UNSEEN = 255
"""In a :class:`ClassMap`: a pixel that the network was not shown."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassMap:
    """A class for every pixel of the source picture."""

    class_id: NDArray[np.uint8]
    """``(height, width)`` of the source picture; :data:`UNSEEN` where the network's input did not reach."""
    names: tuple[str, ...] = ()

    def name(self, class_id: int) -> str:
        """The name of a class, or its id as text."""
        return self.names[class_id] if class_id < len(self.names) else str(class_id)


@dataclass(frozen=True, slots=True, eq=False)
class DepthMap:
    """How far away every pixel of the source picture is."""

    depth: NDArray[np.float32]
    """``(height, width)`` of the source picture; NaN where the network's input did not reach."""
    is_metric: bool
    """True: metres. False: a unit that only this network knows, perhaps another one in each frame."""
    is_inverse: bool = False
    """Whether larger is nearer, as with MiDaS and its kin; their zero is arbitrary, so that no depth follows."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A frame as a direction in space: frames that show the same have a large scalar product."""

    vector: NDArray[np.float32]
    """``(d,)``, of length 1."""


@dataclass(frozen=True, slots=True, eq=False)
class RawTensors:
    """Outputs of a network that no head was asked to read."""

    tensors: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


Prediction: TypeAlias = Detections | Classes | ClassMap | DepthMap | Embedding | RawTensors
"""What a head makes of one frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One frame's outcome."""

    id: FrameId
    prediction: Prediction
    image: Image | None = None
    """The source picture, when a later stage needs it."""
    model: str = ""
    """Name of the model, where a run has several."""
    taken_ns: int = 0
    """When the run took the frame, on the clock of ``time.perf_counter_ns``; 0: not in a run."""


@dataclass(frozen=True, slots=True, eq=False)
class Failed:
    """One frame that has no result, and why."""

    id: FrameId
    error: HailstackError
    model: str = ""
    """Name of the model, where a run has several."""
