"""Detections as COCO results: what the field's evaluators read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hailstack.errors import InputError
from hailstack.files import replacing
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks.textfile import Placing, TextFile
from hailstack.types import Detections, Result

COCO_GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
"""Category ids of 1..90 that the 80 classes of COCO 2017 leave out."""

COCO_CATEGORIES = tuple(one for one in range(1, 91) if one not in COCO_GAPS)
"""Class id of an 80-class network → category id of COCO's annotation files."""


class CocoSink:
    """Writes one JSON list of ``{image_id, category_id, bbox, score}`` and ``keypoints`` where there are some.

    ``bbox`` is left, top, width, height in pixels of the source picture. The image id is the number in the file's
    name if it is one (``000000000139.jpg`` → 139, as in COCO), else the name without its ending; frames of a video
    have ``_000012`` behind it. Category ids are the network's class ids, or COCO's own 91-id numbering.

    Args:
        target: the file; it gets its name when the run ends, also when it fails.
        coco_ids: write the ids of COCO's annotation files for the 80 COCO classes.

    Raises:
        InputError: the file cannot be made, the network finds no boxes, or has more than the 80 classes.
    """

    def __init__(self, target: str, *, coco_ids: bool = False, placing: Placing = replacing) -> None:
        self._target = target
        self._coco_ids = coco_ids
        self._file = TextFile(target, tail="\n]\n", placing=placing)
        self._separator = "\n" if self._file.began_at <= 1 else ",\n"
        if not self._file.began_at:
            self._file.write("[")

    def begin(self, clip: ClipFacts) -> None:
        pass

    def write(self, result: Result) -> None:
        found = result.prediction
        if not isinstance(found, Detections):
            message = f"coco:{self._target}: COCO results hold boxes, this head gives {type(found).__name__}"
            raise InputError(message)
        image_id = _image_id(result)
        for index in range(len(found)):
            self._file.write(self._separator + json.dumps(self._entry(image_id, found, index)))
            self._separator = ",\n"

    def _entry(self, image_id: int | str, found: Detections, index: int) -> dict[str, Any]:
        left, top, right, bottom = found.xyxy[index].tolist()
        entry: dict[str, Any] = {
            "image_id": image_id,
            "category_id": self._category(int(found.class_id[index])),
            "bbox": [round(one, 2) for one in (left, top, right - left, bottom - top)],
            "score": round(float(found.score[index]), 5),
        }
        if found.keypoints is not None:
            entry["keypoints"] = np.round(found.keypoints[index].astype(float), 2).reshape(-1).tolist()
        return entry

    def _category(self, class_id: int) -> int:
        if not self._coco_ids:
            return class_id
        if class_id >= len(COCO_CATEGORIES):
            message = f"coco:{self._target}: class {class_id} is none of the 80 COCO classes; leave ids=coco out"
            raise InputError(message)
        return COCO_CATEGORIES[class_id]

    def end(self) -> None:
        pass

    def close(self) -> None:
        self._file.close()

    def revoke(self) -> None:
        self._file.revoke()


def _image_id(result: Result) -> int | str:
    stem = Path(result.id.source).stem
    if not result.id.is_still:
        return f"{stem}_{result.id.number:06d}"
    return int(stem) if stem.isdecimal() else stem
