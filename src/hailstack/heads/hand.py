"""A hand's 21 points in the turned square around its palm: MediaPipe's hand landmarks.

Source: MediaPipe (Apache-2.0), graph ``hand_landmark_cpu``. The outputs are, in this order, the points in pixels of
the input, whether there is a hand, whether it is a right one, and the points in metres (not given on).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hailstack.heads.outputs import OutputFacts, Outputs
from hailstack.heads.settings import HeadSettings
from hailstack.heads.values import Values
from hailstack.types import Detections

POINTS = 21
"""Wrist, then four of each finger from the root to the tip: thumb, index, middle, ring, little finger."""

SKELETON = (
    *((0, 1), (1, 2), (2, 3), (3, 4)),
    *((0, 5), (5, 6), (6, 7), (7, 8)),
    *((5, 9), (9, 10), (10, 11), (11, 12)),
    *((9, 13), (13, 14), (14, 15), (15, 16)),
    *((13, 17), (0, 17), (17, 18), (18, 19), (19, 20)),
)
NAMES = ("left", "right")
CONFIDENCE = 0.5


class Place(Protocol):
    """Where the network's input lies in the source picture; it may be turned."""

    @property
    def source_width(self) -> int: ...
    @property
    def source_height(self) -> int: ...
    def points_to_source(self, points: ArrayLike) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True, eq=False)
class HandHead:
    """One object, or none: the box around the 21 points, ``left`` or ``right``, and the points.

    Left and right are those of a picture that is not mirrored. The score of the points is that there is a hand.

    Raises:
        InferencePipelineError: a value is not a number.
    """

    points: Values
    presence: Values
    side: Values | None
    confidence: float = CONFIDENCE
    names: tuple[str, ...] = NAMES

    def __call__(self, outputs: Outputs, geometry: Place) -> Detections:
        score = _number(self.presence, outputs)
        inside = self.points.real(np.asarray(outputs[self.points.output])).reshape(POINTS, 3)[:, :2]
        points = geometry.points_to_source(inside)
        is_right = self.side is not None and _number(self.side, outputs) >= 0.5
        limit = np.array([geometry.source_width, geometry.source_height] * 2)
        box = np.clip(np.concatenate([points.min(axis=0), points.max(axis=0)]), 0, limit)
        hand = Detections(
            box[None].astype(np.float32),
            np.array([score], np.float32),
            np.array([int(is_right)], np.int32),
            self.names,
            keypoints=np.column_stack([points, np.full(POINTS, score, np.float32)])[None],
            skeleton=SKELETON,
        )
        return hand.take(hand.score >= self.confidence)


def bind_hand(outputs: Sequence[OutputFacts], settings: HeadSettings) -> HandHead | None:
    """The head for hand landmarks, or None if the outputs are not those: 21 points (x, y, z) and one or two scores.

    Of two sets of points the one in pixels reaches farther, where that is known; else it is the first. The first
    score says whether there is a hand, the second which one. Outputs are in the network's order.
    """
    sizes = [prod(one.shape) for one in outputs]
    places = [one for one, size in zip(outputs, sizes, strict=True) if size == 3 * POINTS]
    scores = [one for one, size in zip(outputs, sizes, strict=True) if size == 1]
    if len(places) not in (1, 2) or len(scores) not in (1, 2) or len(places) + len(scores) != len(outputs):
        return None
    settings.check_names(len(NAMES))
    return HandHead(
        Values.of(max(places, key=lambda one: one.reach)),
        Values.of(scores[0]),
        Values.of(scores[1]) if len(scores) == 2 else None,
        CONFIDENCE if settings.confidence is None else settings.confidence,
        settings.names or NAMES,
    )


def _number(values: Values, outputs: Outputs) -> float:
    return float(values.real(np.asarray(outputs[values.output])).reshape(-1)[0])
