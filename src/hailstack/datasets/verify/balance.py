"""Whether all classes are there, in all splits, and in fair shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.verify.boxes import judge
from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.survey import Survey

RARE = 1 / 20
"""A class with less than this share of the commonest one's boxes is rare."""


def balance_findings(survey: Survey) -> Iterator[Finding]:
    """All findings about the numbers of boxes of classes."""
    counts = count_boxes(survey)
    total = {class_id: sum(split.get(class_id, 0) for split in counts.values()) for class_id in survey.names}
    if not any(total.values()):
        return
    for class_id, count in total.items():
        if not count:
            yield _find(survey, "class-unused", class_id, "is never used")
    train, val = counts.get("train", {}), counts.get("val", {})
    if train and val:
        for class_id in survey.names:
            there = sum(split.get(class_id, 0) for split in counts.values())
            if there and not train.get(class_id):
                yield _find(survey, "class-not-in-train", class_id, f"has {_boxes(there)}, none in train")
            elif train.get(class_id) and not val.get(class_id):
                message = f"has {_boxes(train[class_id])} in train, none in val: how well it is found cannot be told"
                yield _find(survey, "class-not-in-val", class_id, message)
    yield from _imbalance(survey, {class_id: count for class_id, count in total.items() if count})


def count_boxes(survey: Survey) -> Mapping[str, Mapping[int, int]]:
    """Split → class id → boxes, of those rows that are sound."""
    sound = judge(survey.rows, survey.names)
    fit = sound.geometry & sound.classes
    ids, owners = survey.rows.class_id[fit].astype(np.intp), survey.rows.picture[fit]
    return {split: _counts(ids[_is_in(survey, split)[owners]]) for split in survey.splits}


def _counts(ids: NDArray[np.intp]) -> Mapping[int, int]:
    known, counts = np.unique(ids, return_counts=True)
    return dict(zip(known.tolist(), counts.tolist(), strict=True))


def _is_in(survey: Survey, split: str) -> NDArray[np.bool_]:
    return np.array([split in picture.splits for picture in survey.pictures], bool)


def _imbalance(survey: Survey, total: Mapping[int, int]) -> Iterator[Finding]:
    most = max(total, key=lambda class_id: total[class_id])
    for class_id, count in total.items():
        if count < RARE * total[most]:
            message = f"has {_boxes(count)}, {survey.names[most]!r} has {total[most]}"
            yield _find(survey, "class-imbalance", class_id, message)


def _boxes(count: int) -> str:
    return f"{count} box{'' if count == 1 else 'es'}"


def _find(survey: Survey, code: str, class_id: int, message: str) -> Finding:
    name = f"class {class_id} ({survey.names[class_id]})"
    return Finding(code, survey.source, f"{name} {message}", survey.name_lines.get(class_id))
