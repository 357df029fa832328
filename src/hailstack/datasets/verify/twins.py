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
MANY = 0.01
"""Such a share of all boxes found at once is very many."""


def twin_findings(survey: Survey) -> Iterator[Finding]:
    """One finding for each box that an earlier one of its picture is the same as, or nearly."""
    return (_finding(survey, first, second) for first, second in _pairs(survey.rows))


def _pairs(rows: Rows) -> list[tuple[int, int]]:
    """Pairs of boxes of one picture with an IoU of :data:`SAME` or more, the earlier first; each box is second once.

    Sorted by their centres, each is compared with the next one, the one after it and so on, as long as they are near
    enough. Where very many are found, those go before it is looked on: a thousand boxes in one place are no million
    pairs.
    """
    sound = np.flatnonzero(judge(rows, ()).geometry)
    order = sound[np.lexsort((rows.xywh[sound, 0], rows.picture[sound]))]
    found: dict[int, int] = {}
    is_done = False
    while not is_done:
        pairs, is_done = _near_pairs(rows, order)
        for first, second in pairs.tolist():
            found.setdefault(second, first)
        order = order[~np.isin(order, pairs[:, 1])]
    return [(first, second) for second, first in sorted(found.items())]


def _near_pairs(rows: Rows, order: NDArray[np.intp]) -> tuple[NDArray[np.intp], bool]:
    """Pairs ``(n, 2)``, and whether these are all.

    Of two such boxes neither is wider than the other over :data:`SAME`, so their centres are near each other.
    """
    picture, xywh = rows.picture[order], rows.xywh[order]
    reach = xywh[:, 2] * (1 / SAME - 1)
    found = [np.zeros((0, 2), np.intp)]
    here, step = np.arange(len(order)), 1
    while len(here := here[here + step < len(order)]) and len(found[-1]) <= MANY * len(order):
        there = here + step
        here = here[(picture[here] == picture[there]) & (xywh[there, 0] - xywh[here, 0] <= reach[here])]
        same = here[_iou(xywh[here], xywh[here + step]) >= SAME]
        found.append(np.sort(np.stack([order[same], order[same + step]], axis=1), axis=1))
        step += 1
    return np.concatenate(found), not len(here)


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
