"""Results as plain values.

Every record has

* ``source`` (str): the file, as it was named;
* ``frame`` (int): position in the source, from 0;
* ``time`` (float): capture time in seconds; for recordings since the first frame, for pictures 0;
* ``width``, ``height`` (int): of the source picture in pixels;

and, by the head that read the outputs,

* ``objects``: by falling score, each with ``class_id`` (int), ``class`` (str: its name, or the id as text), ``score``
  (float, 0 to 1) and ``xyxy`` ([left, top, right, bottom], float pixels of the source picture); or
* ``classes``: by falling score, each with ``class_id``, ``class`` and ``score``; or
* ``tensors``: output name → ``shape``, ``dtype``, ``min``, ``max``, ``mean`` (the values go to files, not here; null
  for what is not a finite number, which JSON cannot say).

The source picture is the upright one: a turn that a camera noted beside the pixels (EXIF, a video's display matrix)
has been applied, as picture viewers do.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.types import Classes, Detections, RawTensors, Result

SCORE_DIGITS = 6
PIXEL_DIGITS = 3
TIME_DIGITS = 6


def to_record(result: Result) -> dict[str, Any]:
    """One result as JSON-ready values; see the module for the fields."""
    record: dict[str, Any] = {
        "source": result.id.source,
        "frame": result.id.number,
        "time": round(result.id.time_s, TIME_DIGITS),
    }
    if result.image is not None:
        record["width"], record["height"] = result.image.shape[1], result.image.shape[0]
    prediction = result.prediction
    if isinstance(prediction, Detections):
        record["objects"] = [_object(prediction, index) for index in range(len(prediction))]
    elif isinstance(prediction, Classes):
        record["classes"] = [_class(prediction, index) for index in range(len(prediction))]
    else:
        record["tensors"] = _tensors(prediction)
    return record


def _class(prediction: Detections | Classes, index: int) -> dict[str, Any]:
    return {
        "class_id": int(prediction.class_id[index]),
        "class": prediction.name(index),
        "score": round(float(prediction.score[index]), SCORE_DIGITS),
    }


def _object(prediction: Detections, index: int) -> dict[str, Any]:
    xyxy = [round(float(edge), PIXEL_DIGITS) for edge in prediction.xyxy[index]]
    return {**_class(prediction, index), "xyxy": xyxy}


def _tensors(prediction: RawTensors) -> dict[str, Any]:
    return {name: _tensor(np.asarray(tensor)) for name, tensor in prediction.tensors.items()}


def _tensor(tensor: NDArray[Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"shape": list(tensor.shape), "dtype": str(tensor.dtype)}
    if tensor.size:
        numbers = {"min": float(tensor.min()), "max": float(tensor.max()), "mean": float(tensor.mean())}
        facts |= {key: value if isfinite(value) else None for key, value in numbers.items()}
    return facts
