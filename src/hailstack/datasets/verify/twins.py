"""Boxes of one picture that are the same, or nearly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.verify.boxes import judge
from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.survey import Rows, Survey

SAME = 0.9
"""Boxes that overlap by this much (IoU) are one."""


def twin_findings(survey: Survey) -> Iterator[Finding]:
    """One finding for each box that an earlier one of its picture is the same as, or nearly."""
    told: set[int] = set()
    for first, second in _pairs(survey.rows):
        if second not in told:
            told.add(second)
            yield _finding(survey, first, second)


def _pairs(rows: Rows) -> list[tuple[int, int]]:
    """Pairs of boxes of one picture with an IoU of :data:`SAME` or more, the earlier first.

    Sorted by their centres, each is compared with the next one, the one after it and so on, as long as they are near
    enough: of two such boxes neither is wider than the other over :data:`SAME`, so the centres are near.
    """
    sound = np.flatnonzero(judge(rows, ()).geometry)
    order = sound[np.lexsort((rows.xywh[sound, 0], rows.picture[sound]))]
    picture, xywh = rows.picture[order], rows.xywh[order]
    reach = xywh[:, 2] * (1 / SAME - 1)
    found: list[tuple[int, int]] = []
    here = np.arange(len(order))
    step = 1
    while len(here := here[here + step < len(order)]):
        there = here + step
        near = (picture[here] == picture[there]) & (xywh[there, 0] - xywh[here, 0] <= reach[here])
        here = here[near]
        same = here[_iou(xywh[here], xywh[here + step]) >= SAME]
        found += zip(order[same].tolist(), order[same + step].tolist(), strict=True)
        step += 1
    return sorted((min(pair), max(pair)) for pair in found)


def _iou(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(first[:, :2] - first[:, 2:] / 2, second[:, :2] - second[:, 2:] / 2)
    high = np.minimum(first[:, :2] + first[:, 2:] / 2, second[:, :2] + second[:, 2:] / 2)
    both = np.clip(high - low, 0, None).prod(axis=1)
    ratio: NDArray[np.float64] = both / (first[:, 2:].prod(axis=1) + second[:, 2:].prod(axis=1) - both)
    return ratio


def _finding(survey: Survey, first: int, second: int) -> Finding:
    rows = survey.rows
    other = f"line {rows.line[first]}" if not rows.item else rows.item[first]
    if rows.class_id[first] != rows.class_id[second]:
        message = f"the box of {other}, as class {rows.class_id[second]:g} in place of {rows.class_id[first]:g}"
        return survey.finding_of_row("box-two-classes", second, message)
    if rows.digest[first] == rows.digest[second]:
        message = f"the same as {other}"
        return survey.finding_of_row("line-duplicate", second, message, is_fixable=survey.kind == "yolo")
    return survey.finding_of_row("box-near-identical", second, f"nearly the same as {other}")
