"""How right two networks are about labelled pictures: COCO's average precision, or the share of right classes."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.model import Objects
from hailstack.errors import MissingExtraError
from hailstack.types import Classes, Detections

SPARED = ("iscrowd", "difficult")
SIZES = ("small", "medium", "large")
"""COCO's: areas below 32², below 96², and above, in pixels of the source picture."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Figures 0..1 by name: ``mAP50-95``, ``mAP50``, ``top-1``, ``top-5``; NaN where there is nothing to find."""

    total: Mapping[str, float]
    by_class: Mapping[int, float]
    """Class id → mAP50-95, or share of pictures that are right."""
    by_size: Mapping[str, float]
    """``small``, ``medium``, ``large`` → mAP50-95; empty for classification."""
    precision: Mapping[int, NDArray[np.float64]] = field(default_factory=dict, compare=False)
    """Class id → ``(101,)`` precision at an IoU of 0.5 for recalls 0, 0.01 … 1; empty for classification."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One picture's size and objects."""

    width: int
    height: int
    objects: Objects


def check_evaluator() -> None:
    """Nothing, if average precision can be measured.

    Raises:
        MissingExtraError: the evaluator is not installed.
    """
    if importlib.util.find_spec("faster_coco_eval") is None:
        message = "average precision needs the COCO evaluator: pip install 'hailstack[eval]'"
        raise MissingExtraError(message)


def is_spared(objects: Objects) -> NDArray[np.bool_]:
    """``(n,)``: objects that need not be found, and boxes on them are no mistakes: COCO's crowds (``iscrowd``), VOC's
    ``difficult`` ones.
    """
    if objects.attributes is None:
        return np.zeros(len(objects), np.bool_)
    return np.array([any(str(one.get(key, 0)) == "1" for key in SPARED) for one in objects.attributes], np.bool_)


def score_detections(found: Sequence[Detections], truth: Sequence[Labelled]) -> Accuracy:
    """COCO's evaluation (faster-coco-eval) of detections in source pixels, one entry a picture.

    Raises:
        MissingExtraError: the evaluator is not installed.
    """
    evaluation = _evaluate(_coco_truth(truth), _coco_results(found), len(truth))
    if evaluation is None:
        nothing = dict.fromkeys({int(i) for one in truth for i in one.objects.class_id}, 0.0)
        return Accuracy({"mAP50-95": 0.0, "mAP50": 0.0}, nothing, dict.fromkeys(SIZES, 0.0))
    precision = evaluation.eval["precision"]  # (IoU, recall, class, area, detections)
    ids = evaluation.params.catIds
    return Accuracy(
        {"mAP50-95": _mean(precision[:, :, :, 0, -1]), "mAP50": _mean(precision[0, :, :, 0, -1])},
        {int(class_id): _mean(precision[:, :, k, 0, -1]) for k, class_id in enumerate(ids)},
        {size: _mean(precision[:, :, :, 1 + k, -1]) for k, size in enumerate(SIZES)},
        {int(class_id): precision[0, :, k, 0, -1].copy() for k, class_id in enumerate(ids)},
    )


def score_classes(found: Sequence[Classes], truth: Sequence[int]) -> Accuracy:
    """Share of pictures whose class is the best, or among the best five."""
    first = np.array(
        [len(one) > 0 and int(one.class_id[0]) == wanted for one, wanted in zip(found, truth, strict=True)]
    )
    five = [wanted in one.class_id[:5] for one, wanted in zip(found, truth, strict=True)]
    wanted = np.array(truth)
    by_class = {int(one): float(first[wanted == one].mean()) for one in np.unique(wanted)}
    return Accuracy({"top-1": float(first.mean()), "top-5": float(np.mean(five))}, by_class, {})


def _mean(precision: Any) -> float:
    """COCO marks what has no truth with -1."""
    known = precision[precision > -1]
    return float(known.mean()) if known.size else float("nan")


def _evaluate(truth: dict[str, Any], results: list[dict[str, Any]], images: int) -> Any:
    check_evaluator()
    from faster_coco_eval import COCO, COCOeval_faster

    if not results:
        return None
    with contextlib.redirect_stdout(io.StringIO()):  # it prints tables of its own
        expected = COCO(truth)
        evaluation = COCOeval_faster(expected, expected.loadRes(results), "bbox")
        evaluation.params.imgIds = list(range(1, images + 1))
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def _coco_truth(truth: Sequence[Labelled]) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for image, one in enumerate(truth, 1):
        boxes, spared = one.objects.to_pixels(one.width, one.height), is_spared(one.objects)
        attributes = one.objects.attributes or ({},) * len(boxes)
        for row, (left, top, right, bottom) in enumerate(boxes.tolist()):
            width, height = right - left, bottom - top
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(one.objects.class_id[row]),
                    "bbox": [left, top, width, height],
                    "area": float(attributes[row].get("area", width * height)),
                    "iscrowd": int(spared[row]),
                }
            )
    images = [{"id": i, "width": one.width, "height": one.height} for i, one in enumerate(truth, 1)]
    categories = [{"id": i, "name": str(i)} for i in sorted({one["category_id"] for one in annotations})]
    return {"images": images, "annotations": annotations, "categories": categories, "info": {}}


def _coco_results(found: Sequence[Detections]) -> list[dict[str, Any]]:
    return [
        {
            "image_id": image,
            "category_id": class_id,
            "bbox": [left, top, right - left, bottom - top],
            "score": score,
        }
        for image, one in enumerate(found, 1)
        for (left, top, right, bottom), class_id, score in zip(
            one.xyxy.tolist(), one.class_id.tolist(), one.score.tolist(), strict=True
        )
    ]
