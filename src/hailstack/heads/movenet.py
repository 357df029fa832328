"""One person's 17 key points from heat maps: MoveNet single pose.

Source: the published network (Apache-2.0), whose last operators do this on the host; its constants are those below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hailstack.heads.outputs import Geometry, OutputFacts, Outputs
from hailstack.heads.points import BODY, BODY_POINTS
from hailstack.heads.settings import HeadSettings
from hailstack.heads.values import Values
from hailstack.types import Detections

SOFTENING = 1.8
"""Cells that are added to a distance before it divides a score."""
SURE = 0.2
"""Score from which a key point counts for the box, as in the network's own crop of the next frame."""
CONFIDENCE = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class MoveNetHead:
    """The person nearest the middle, or nobody: key points, the box around the sure ones, the mean of the scores.

    The cell where heat, divided by the distance from the middle, is highest is the person's centre. There the network
    says where each key point roughly is; the highest heat of that point, divided by the distance from there, is its
    cell; there the network says where in the cell.

    Raises:
        InferencePipelineError: a value is not a number.
    """

    heat: Values
    centre: Values
    distances: Values
    offsets: Values
    grid: tuple[int, int]
    input_hw: tuple[int, int]
    confidence: float = CONFIDENCE
    names: tuple[str, ...] = ("person",)

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Detections:
        points, score = self._points(outputs)
        cell = np.array(self.input_hw, np.float64) / self.grid
        inside = (points * cell)[:, ::-1]
        placed = geometry.points_to_source(inside)
        sure = score >= SURE
        kept = inside[sure] if sure.any() else inside
        person = Detections(
            geometry.to_source(np.concatenate([kept.min(axis=0), kept.max(axis=0)])[None]),
            score.mean(keepdims=True),
            np.zeros(1, np.int32),
            self.names,
            keypoints=np.column_stack([placed, score])[None].astype(np.float32),
            skeleton=BODY,
        )
        return person.take(person.score >= self.confidence)

    def _points(self, outputs: Outputs) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Rows and columns of the key points in cells ``(17, 2)``, and their scores."""
        rows, columns = self.grid
        heat = self.heat.real(np.asarray(outputs[self.heat.output])).reshape(-1, BODY_POINTS)
        centre = self.centre.real(np.asarray(outputs[self.centre.output])).reshape(-1)
        places = np.stack(np.divmod(np.arange(rows * columns), columns), 1).astype(np.float32)
        person = int((centre / _distance(places, (rows / 2, columns / 2))).argmax())
        rough = places[person] + self._pairs(self.distances, outputs, person)
        cell = (heat / _distance(places[:, None], rough)).argmax(axis=0)
        every = np.arange(BODY_POINTS)
        fine = self._pairs(self.offsets, outputs, cell)[every, every]
        return places[cell] + fine, heat[cell, every]

    def _pairs(self, values: Values, outputs: Outputs, cell: int | NDArray[np.intp]) -> NDArray[np.float32]:
        """What a map says in some cells: rows and columns of each point, ``(..., 17, 2)``."""
        numbers = np.asarray(outputs[values.output]).reshape(-1, BODY_POINTS, 2)
        return values.real(numbers[cell])


def _distance(places: NDArray[np.float32], point: ArrayLike) -> NDArray[np.float32]:
    apart = places - np.asarray(point, np.float32)
    return np.asarray(np.sqrt((apart * apart).sum(axis=-1)) + np.float32(SOFTENING))


def bind_movenet(outputs: Sequence[OutputFacts], settings: HeadSettings) -> MoveNetHead | None:
    """The head for MoveNet's four maps of one grid: 17 heats, one heat of centres, and twice 17 pairs.

    Of the pairs, distances reach farther where that is known, and else come first.
    """
    by_channels: dict[int, list[OutputFacts]] = {}
    for one in outputs:
        by_channels.setdefault(one.shape[-1], []).append(one)
    counts = {channels: len(ones) for channels, ones in by_channels.items()}
    if counts != {BODY_POINTS: 1, 1: 1, 2 * BODY_POINTS: 2} or len({one.shape[:-1] for one in outputs}) > 1:
        return None
    if len(outputs[0].shape) != 3:
        return None
    pairs = sorted(by_channels[2 * BODY_POINTS], key=lambda one: -one.reach)
    (heat,), (centre,) = by_channels[BODY_POINTS], by_channels[1]
    settings.check_names(1)
    rows, columns = heat.shape[:2]
    probable = heat.is_probability or settings.facts.get("scores") == "probabilities"
    return MoveNetHead(
        Values.of(heat, "" if probable else "sigmoid"),
        Values.of(centre, "" if probable else "sigmoid"),
        Values.of(pairs[0]),
        Values.of(pairs[1]),
        (rows, columns),
        (settings.input_height, settings.input_width),
        CONFIDENCE if settings.confidence is None else settings.confidence,
        settings.names or ("person",),
    )
