"""What is wrong with boxes and classes, whatever format they came in; all rows of a dataset at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.survey import Rows, Survey

TOLERANCE = 2e-6
"""Shares are written with six decimals: an edge may come out this far beyond the picture's."""
ROUNDING = 2e-3
"""An edge may be cut that reaches out no farther, about a pixel of 640: it was rounded."""
PIXELS = 2.0
"""A share beyond this is none."""
TINY = 1e-3
"""A side shorter than this is less than a pixel of a network's input of 640."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Which rows can be judged further; ``(n,)`` each."""

    geometry: NDArray[np.bool_]
    """A box with an area."""
    classes: NDArray[np.bool_]
    """A class that is one."""


def judge(rows: Rows, names: Collection[int]) -> Sound:
    """The rows that are good enough to count and compare; ``names`` are the ids of classes, none: unknown."""
    finite = np.isfinite(rows.xywh).all(axis=1)
    ids = rows.class_id
    known = np.isin(ids, np.array(list(names), float)) if names else np.isfinite(ids) & (ids == np.floor(ids))
    plausible = np.asarray(finite & (np.abs(rows.xywh) <= PIXELS).all(axis=1))
    sides = np.where(plausible[:, None], rows.xywh[:, 2:], 0.0)
    area = (sides > 0).all(axis=1) & (sides.prod(axis=1) > 0)  # the smallest numbers have a product of 0
    return Sound(np.asarray(area), np.asarray(known & (ids >= 0)))


def box_findings(survey: Survey) -> Iterator[Finding]:
    """All findings about single boxes, each row in at most one of them."""
    rows = survey.rows
    if not len(rows):
        return
    centre, size = rows.xywh[:, :2], rows.xywh[:, 2:]
    rest = np.isfinite(rows.xywh).all(axis=1) & np.isfinite(rows.class_id)
    yield from survey.findings_of_rows("line-not-finite", ~rest, "class {c:g}, box {x:g} {y:g} {w:g} {h:g}")
    checks = (
        ("line-pixels", (np.abs(rows.xywh) > PIXELS).any(axis=1), "{x:g} {y:g} {w:g} {h:g} are no shares 0..1"),
        ("box-inverted", (size < 0).any(axis=1), "its size is {w:g} x {h:g}"),
        ("box-zero", (size == 0).any(axis=1), "its size is {w:g} x {h:g}"),
        ("box-centre-outside", ((centre < 0) | (centre > 1)).any(axis=1), "its centre is at {x:g}, {y:g}"),
        ("box-tiny", (size < TINY).any(axis=1), "its size is {w:g} x {h:g} of the picture"),
    )
    for code, wrong, message in checks:
        yield from survey.findings_of_rows(code, rest & wrong, message)
        rest &= ~wrong
    yield from _edges(survey, rest)


def overhang(xywh: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(n,)``: how far each box reaches beyond the picture at most, in shares; below 0 if it does not."""
    centre, half = xywh[:, :2], xywh[:, 2:] / 2
    reach: NDArray[np.float64] = np.concatenate([half - centre, centre + half - 1], axis=1).max(axis=1)
    return reach


def _edges(survey: Survey, rest: NDArray[np.bool_]) -> Iterator[Finding]:
    reach = np.full(len(rest), -np.inf)
    reach[rest] = overhang(survey.rows.xywh[rest])
    fixable = (reach <= ROUNDING) & ~survey.rows.outline & (survey.kind == "yolo")
    for row in np.flatnonzero(rest & (reach > TOLERANCE)).tolist():
        message = f"reaches {reach[row]:.2g} of the picture beyond its edge"
        yield survey.finding_of_row("box-edge-outside", row, message, is_fixable=bool(fixable[row]))


def class_findings(survey: Survey) -> Iterator[Finding]:
    """All findings about the classes of single boxes."""
    ids = survey.rows.class_id
    finite = np.isfinite(ids)
    fraction = finite & (ids != np.floor(ids))
    negative = finite & ~fraction & (ids < 0)
    known = np.isin(ids, np.array(list(survey.names), float)) if survey.names else np.ones(len(ids), bool)
    yield from survey.findings_of_rows("class-fraction", fraction, "class {c:g}")
    yield from survey.findings_of_rows("class-negative", negative, "class {c:g}")
    unknown = finite & ~fraction & ~negative & ~known
    yield from survey.findings_of_rows("class-unknown", unknown, f"class {{c:g}} of {len(survey.names)} names")


def mixed_findings(survey: Survey) -> Iterator[Finding]:
    """Outlines among boxes, or boxes among outlines: whichever are fewer."""
    outlines = survey.rows.outline
    count = int(outlines.sum())
    if not 0 < count < len(outlines):
        return
    are_few = count <= len(outlines) - count
    message = "an outline; most lines are boxes" if are_few else "a box; most lines are outlines"
    yield from survey.findings_of_rows("line-mixed", outlines if are_few else ~outlines, message)
