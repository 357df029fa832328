"""Outputs as they are, for a reader outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hailstack.heads.detection import flatten
from hailstack.heads.outputs import Geometry, Outputs
from hailstack.types import RawTensors


@dataclass(frozen=True, slots=True)
class RawHead:
    """Copies of all outputs. NMS by class becomes one ``(n, 6)`` array: y_min, x_min, y_max, x_max, score, class."""

    def __call__(self, outputs: Outputs, geometry: Geometry) -> RawTensors:
        tensors = {}
        for name, value in outputs.items():
            if isinstance(value, np.ndarray):
                tensors[name] = value.copy()
            else:
                boxes, class_ids = flatten(value)
                tensors[name] = np.column_stack([boxes, class_ids.astype(np.float32)])
        return RawTensors(tensors)
