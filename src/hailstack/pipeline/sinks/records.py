"""Results as plain values.

Every record has

* ``source`` (str): the file, as it was named;
* ``frame`` (int): position in the source, from 0;
* ``time`` (float): capture time in seconds; for recordings since the first frame, for pictures 0;
* ``model`` (str): its name, in a run with several;
* ``width``, ``height`` (int): of the source picture in pixels;

and, by the head that read the outputs,

* ``objects``: by falling score, each with ``class_id`` (int), ``class`` (str: its name, or the id as text), ``score``
  (float, 0 to 1) and ``xyxy`` ([left, top, right, bottom], float pixels of the source picture), and, where the network
  says so,

  * ``keypoints``: [x, y, score] each, in source pixels;
  * ``corners``: the four [x, y] of an oriented box, clockwise, in source pixels;
  * ``region``: the four [x, y] of the turned square for a second network, upper left first as that network sees it;
  * ``then``: what a second network says about the object: a record of one of these kinds, of its own;
  * ``mask``: ``left``, ``top`` (int, source pixels), ``size`` ([height, width]) and ``counts``: lengths of runs of
    pixels outside and inside in turn, column by column, beginning with outside (COCO's uncompressed RLE);

* ``classes``: by falling score, each with ``class_id``, ``class`` and ``score``;
* ``class_map``: for each class in the picture, the largest first, ``class_id``, ``class`` and ``share`` of the pixels
  that the network saw (float, 0 to 1);
* ``depth``: ``unit`` (``m``, ``relative`` for a unit that only the network knows, or ``inverse``, also relative, where
  larger is nearer), ``min``, ``median`` and ``max``;
* ``embedding``: the vector, of length 1; or
* ``tensors``: output name → ``shape``, ``dtype``, ``min``, ``max``, ``mean`` (the values go to files, not here; null
  for what is not a finite number, which JSON cannot say).

A frame that failed has ``source``, ``frame``, ``time`` and ``error``: ``kind`` (the class of
:mod:`hailstack.errors`) and ``message``.

The source picture is the upright one: a turn that a camera noted beside the pixels (EXIF, a video's display matrix)
has been applied, as picture viewers do.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.types import (
    UNSEEN,
    Classes,
    ClassMap,
    DepthMap,
    Detections,
    Embedding,
    Failed,
    Mask,
    Prediction,
    RawTensors,
    Result,
)

SCORE_DIGITS = 6
PIXEL_DIGITS = 3
TIME_DIGITS = 6


def to_record(outcome: Result | Failed) -> dict[str, Any]:
    """What became of one frame as JSON-ready values; see the module for the fields."""
    frame = outcome.id
    record: dict[str, Any] = {
        "source": frame.source,
        "frame": frame.number,
        "time": round(frame.time_s, TIME_DIGITS),
    }
    if outcome.model:
        record["model"] = outcome.model
    if isinstance(outcome, Failed):
        return record | {"error": {"kind": type(outcome.error).__name__, "message": str(outcome.error)}}
    if outcome.image is not None:
        record["width"], record["height"] = outcome.image.shape[1], outcome.image.shape[0]
    return record | _found(outcome.prediction)


def _found(prediction: Prediction) -> dict[str, Any]:
    match prediction:
        case Detections():
            return {"objects": [_object(prediction, index) for index in range(len(prediction))]}
        case Classes():
            return {"classes": [_class(prediction, index) for index in range(len(prediction))]}
        case ClassMap():
            return {"class_map": _shares(prediction)}
        case DepthMap():
            return {"depth": _depth(prediction)}
        case Embedding():
            return {"embedding": [round(value, SCORE_DIGITS) for value in prediction.vector.tolist()]}
        case RawTensors():
            return {"tensors": _tensors(prediction)}


def _class(prediction: Detections | Classes, index: int) -> dict[str, Any]:
    return {
        "class_id": int(prediction.class_id[index]),
        "class": prediction.name(index),
        "score": round(float(prediction.score[index]), SCORE_DIGITS),
    }


def _object(prediction: Detections, index: int) -> dict[str, Any]:
    found = {**_class(prediction, index), "xyxy": _rounded(prediction.xyxy[index])}
    if prediction.keypoints is not None:
        found["keypoints"] = [_rounded(point) for point in prediction.keypoints[index]]
    if prediction.corners is not None:
        found["corners"] = [_rounded(point) for point in prediction.corners[index]]
    if prediction.regions is not None:
        found["region"] = [_rounded(point) for point in prediction.regions[index]]
    if prediction.masks is not None:
        found["mask"] = _mask(prediction.masks[index])
    if prediction.parts is not None and (part := prediction.parts[index]) is not None:
        found["then"] = _found(part)
    return found


def _rounded(values: NDArray[np.float32]) -> list[float]:
    return [round(value, PIXEL_DIGITS) for value in values.tolist()]


def _mask(mask: Mask) -> dict[str, Any]:
    flat = np.concatenate(([False], mask.pixels.T.reshape(-1)))
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(edges, prepend=0, append=flat.size - 1).tolist()
    return {"left": mask.left, "top": mask.top, "size": list(mask.pixels.shape), "counts": counts}


def _shares(prediction: ClassMap) -> list[dict[str, Any]]:
    counts = np.bincount(prediction.class_id.reshape(-1), minlength=UNSEEN + 1)[:UNSEEN]
    seen = max(1, int(counts.sum()))
    return [
        {"class_id": one, "class": prediction.name(one), "share": round(int(counts[one]) / seen, SCORE_DIGITS)}
        for one in np.argsort(-counts, kind="stable").tolist()
        if counts[one]
    ]


def _depth(prediction: DepthMap) -> dict[str, Any]:
    seen = prediction.depth[np.isfinite(prediction.depth)]
    numbers = {"min": seen.min(), "median": np.median(seen), "max": seen.max()} if seen.size else {}
    unit = "m" if prediction.is_metric else "inverse" if prediction.is_inverse else "relative"
    return {"unit": unit, **{key: round(float(value), PIXEL_DIGITS) for key, value in numbers.items()}}


def _tensors(prediction: RawTensors) -> dict[str, Any]:
    return {name: _tensor(np.asarray(tensor)) for name, tensor in prediction.tensors.items()}


def _tensor(tensor: NDArray[Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"shape": list(tensor.shape), "dtype": str(tensor.dtype)}
    if tensor.size:
        numbers = {"min": float(tensor.min()), "max": float(tensor.max()), "mean": float(tensor.mean())}
        facts |= {key: value if isfinite(value) else None for key, value in numbers.items()}
    return facts
