"""What is to be said about a set that exists already."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from hailstack.compiler.calibration.arrays import open_array
from hailstack.compiler.calibration.choose import Choice, drop_duplicates, pairwise
from hailstack.compiler.calibration.findings import Finding, find_faults, left_out, worst_first
from hailstack.compiler.calibration.frames import Progress, check_sets
from hailstack.compiler.calibration.plan import Plan
from hailstack.compiler.calibration.report import CalibrationReport
from hailstack.compiler.calibration.score import score
from hailstack.compiler.calibration.sources import find_origin
from hailstack.compiler.calibration.survey import Survey, survey
from hailstack.errors import InputError
from hailstack.imaging import Preprocess


def check_set(path: str | Path, plan: Plan | None = None, progress: Progress | None = None) -> CalibrationReport:
    """What is right and wrong with an ``.npz`` or ``.npy`` set.

    Args:
        plan: the preprocessing that it should have, and deployment pictures to compare with.

    Raises:
        NotFoundError, InputError: it is not there, is no file of frames, or was made with another preprocessing.
    """
    start = time.perf_counter()
    file = Path(path)
    array = open_array(file)
    plan = plan or Plan(made_with(file))
    if look := array.looks_normalised():
        return CalibrationReport(plan.preprocess, array.count, (Finding("normalised", "error", look),))
    origin = find_origin([path]).thinned(plan.candidates)
    check_sets(origin, plan.preprocess)
    if progress is not None:
        progress("survey", 0, array.count)
    seen = survey(origin, plan.preprocess, embed=plan.embed, progress=progress)
    table = pairwise(seen.descriptors)
    rows = tuple(range(len(seen)))
    choice = Choice(rows, len(rows) - len(drop_duplicates(table)))
    scores = score(seen, table, rows, {}, plan.deployment())
    found = [
        *find_faults(seen.descriptors, scores, decoded=False),
        *_frame_faults(seen, choice),
        *plan.judged(seen.pictures),
    ]
    return CalibrationReport(
        preprocess=plan.preprocess,
        count=array.count,
        findings=worst_first(found),
        seen=seen,
        choice=choice,
        scores=scores,
        seconds={"survey": round(time.perf_counter() - start, 3)},
        size_bytes=file.stat().st_size,
    )


def made_with(path: Path, *, guess: bool = True) -> Preprocess:
    """The preprocessing of an existing set.

    Args:
        guess: for a set that does not say it: its size, stretched.

    Raises:
        InputError: it does not say it, and no guess is wanted.
    """
    array = open_array(path)
    if array.about is not None:
        return Preprocess.from_dict(array.about["preprocess"])
    if not guess:
        message = f"{path}: does not say how its frames were made; say it with --net, or --size and --resize"
        raise InputError(message)
    return Preprocess(array.height, array.width, mode="stretch")


def _frame_faults(seen: Survey, choice: Choice) -> list[Finding]:
    """Remarks about single frames."""
    blank = [seen.pictures[row].name for row in np.flatnonzero(seen.blank)]
    found = list(left_out("blank", "frames are blank", blank, "warning"))
    if choice.duplicates:
        message = f"{choice.duplicates} frames are near-duplicates of earlier ones and add nothing"
        found.append(Finding("duplicates", "note", message))
    return found
