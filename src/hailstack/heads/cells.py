"""Detectors that answer in every cell of their maps: from outputs to the objects of a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InferencePipelineError
from hailstack.heads.codings import Coding
from hailstack.heads.levels import Pyramid
from hailstack.heads.nms import MOST_CANDIDATES, strongest, suppress
from hailstack.heads.outputs import NOT_A_NUMBER, Geometry, Outputs
from hailstack.heads.scores import Scores, Strong
from hailstack.types import Detections


@dataclass(frozen=True, slots=True)
class Limits:
    """Which boxes are results."""

    confidence: float = 0.25
    iou: float = 0.7
    """Overlap from which the weaker box of a class goes; 1 or more: all stay."""
    max_objects: int = 300


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Objects in pixels of the network's input, best first."""

    row: NDArray[np.intp]
    """Their boxes' numbers over all levels."""
    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.int32]

    def take(self, index: NDArray[np.intp]) -> Found:
        return Found(self.row[index], self.xyxy[index], self.score[index], self.class_id[index])


@dataclass(frozen=True, slots=True, eq=False)
class CellDetector:
    """Finds boxes: scores first, then the boxes of what is strong enough, then suppression."""

    pyramid: Pyramid
    scores: Scores
    coding: Coding
    limits: Limits

    def find(self, outputs: Outputs) -> Found:
        """The objects of a frame.

        Raises:
            InferencePipelineError: a score or a strong box is not a number.
        """
        found = self.candidates(outputs)
        if self.limits.iou >= 1:
            return found.take(np.arange(min(len(found.row), self.limits.max_objects)))
        return found.take(suppress(found.xyxy, found.class_id, self.limits.iou, self.limits.max_objects))

    def candidates(self, outputs: Outputs) -> Found:
        """The strongest boxes before suppression, best first; equals by their row, then by class."""
        strong = self.strong(outputs)
        numbers = [self.pyramid.real(role, outputs, strong.row) for role in self.coding.roles]
        boxes = self.coding.decode(numbers[0] if len(numbers) == 1 else np.concatenate(numbers, 1), strong.row)
        if not np.isfinite(boxes).all():
            message = f"a box of the outputs is not a number: {NOT_A_NUMBER}"
            raise InferencePipelineError(message)
        best = strongest(strong.score)
        return Found(strong.row[best], boxes[best], strong.score[best], strong.class_id[best])

    def strong(self, outputs: Outputs) -> Strong:
        """What may become an object, by ascending row: at most as many boxes as suppression compares.

        Raises:
            InferencePipelineError: a score is not a number.
        """
        strong = self.scores.find(self.pyramid, outputs, self.limits.confidence)
        return strong if len(strong.row) <= MOST_CANDIDATES else strong.take(np.sort(strongest(strong.score)))


@dataclass(frozen=True, slots=True, eq=False)
class CellHead:
    """Detections of a network whose outputs leave the chip as they are.

    Raises:
        InferencePipelineError: a score or a strong box is not a number.
    """

    detector: CellDetector
    names: tuple[str, ...] = ()

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Detections:
        return self.detections(self.detector.find(outputs), geometry, self.names)

    @staticmethod
    def detections(found: Found, geometry: Geometry, names: tuple[str, ...]) -> Detections:
        """The objects in pixels of the source picture."""
        return Detections(geometry.to_source(found.xyxy), found.score, found.class_id, names)
