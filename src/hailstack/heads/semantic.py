"""A class for every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InputError
from hailstack.heads.area import Area
from hailstack.heads.outputs import Geometry, OutputFacts, Outputs
from hailstack.heads.settings import HeadSettings
from hailstack.heads.values import Values, check_finite
from hailstack.types import UNSEEN, ClassMap

MASK_NAMES = ("background", "foreground")
HALF = 0.5
"""Probability from which a pixel belongs to the foreground."""


@dataclass(frozen=True, slots=True, eq=False)
class SemanticHead:
    """The class of each pixel of the source picture, that of the cell it lies in.

    ``scores``: the class with the highest score, the first of equals; integers are compared as they are delivered.
    ``ids``: the network or the runtime has chosen already. ``mask``: one probability, foreground from 0.5 on.

    Raises:
        InferencePipelineError: a score is not a number.
    """

    values: Values
    holds: Literal["scores", "ids", "mask"]
    input_hw: tuple[int, int]
    names: tuple[str, ...] = ()

    def __call__(self, outputs: Outputs, geometry: Geometry) -> ClassMap:
        delivered = np.asarray(outputs[self.values.output])
        check_finite(self.values.output, delivered)
        cells = self._classes(delivered if delivered.ndim == 3 else delivered[..., None])
        area = Area.of(geometry, self.input_hw, cells.shape)
        return ClassMap(area.nearest(cells, UNSEEN), self.names)

    def _classes(self, delivered: NDArray[Any]) -> NDArray[np.uint8]:
        if self.holds == "scores":
            return np.asarray(delivered.argmax(axis=2), np.uint8)
        if self.holds == "ids":
            return np.asarray(delivered[..., 0], np.uint8)
        return np.asarray(delivered[..., 0] >= self.values.least(HALF), np.uint8)


def bind_semantic(outputs: Sequence[OutputFacts], settings: HeadSettings) -> SemanticHead | None:
    """The head for the only map among the outputs, or None.

    A map with one channel holds class ids if there are several classes (or, where the HEF does not say, if its
    integers stand for whole numbers), else a probability.

    Raises:
        InputError: more classes than a class map can tell apart.
    """
    if len(outputs) != 1 or outputs[0].kind != "tensor" or len(outputs[0].shape) not in (2, 3):
        return None
    output = outputs[0]
    if max(output.shape[:2]) < 2:
        return None
    channels = output.shape[2] if len(output.shape) == 3 else 1
    classes = int(settings.facts.get("classes") or 0) or (channels if channels > 1 else 0)
    if max(channels, classes) >= UNSEEN:
        message = f"{max(channels, classes)} classes; up to {UNSEEN - 1} can be told apart in a class map"
        raise InputError(message)
    if channels > 1:
        holds: Literal["scores", "ids", "mask"] = "scores"
    else:
        holds = "ids" if classes > 1 or (not classes and output.scale == 1) else "mask"
    names = settings.names or (MASK_NAMES if holds == "mask" else ())
    if classes or holds == "mask":
        settings.check_names(2 if holds == "mask" else classes)
    squashed = holds == "mask" and settings.facts.get("scores") == "logits"
    values = Values.of(output, "sigmoid" if squashed else "")
    return SemanticHead(values, holds, (settings.input_height, settings.input_width), names)
