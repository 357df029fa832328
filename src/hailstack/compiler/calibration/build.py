"""From what the user has to a calibration set that stands for all of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.calibration.choose import Choice, choose, pairwise
from hailstack.compiler.calibration.findings import Finding, find_faults, left_out, worst_first
from hailstack.compiler.calibration.frames import DEFAULT_LIMIT, Progress, check_sets
from hailstack.compiler.calibration.plan import Plan
from hailstack.compiler.calibration.report import CalibrationReport
from hailstack.compiler.calibration.score import Scores, score
from hailstack.compiler.calibration.sources import Origin, Picture, find_origin, fit_pictures, parts_of
from hailstack.compiler.calibration.survey import Survey, survey
from hailstack.compiler.calibration.write import write_set
from hailstack.errors import InputError
from hailstack.files import demand_place
from hailstack.imaging import Preprocess
from hailstack.types import Image


def build_calibration(
    sources: Iterable[str | Path], output: Path | None, plan: Plan, progress: Progress | None = None
) -> CalibrationReport:
    """Choose a set from ``sources``, write it to ``output`` (None: only score it), and say what it is worth.

    The pictures are read twice: once to look at them, once to write the chosen ones. Memory holds one picture, and for
    n candidates their n x n distances in 4 bytes each.

    Raises:
        NotFoundError, InputError, ConfigError: naming the source that is not there, is none, or has other frames.
    """
    _check_output(output)
    marks = [time.perf_counter()]
    origin = find_origin(sources, split=plan.split, interval_s=plan.interval_s).thinned(plan.candidates)
    check_sets(origin, plan.preprocess)
    _stage(progress, "survey")
    seen = survey(origin, plan.preprocess, embed=plan.embed, progress=progress)
    marks.append(time.perf_counter())
    _stage(progress, "choose")
    table = pairwise(seen.descriptors)
    choice = _choose(seen, table, plan)
    scores = score(seen, table, choice.rows, origin.names, plan.deployment())
    marks.append(time.perf_counter())
    digest = None if output is None else _write(output, seen, choice, scores, plan.preprocess, progress)
    marks.append(time.perf_counter())
    stages = zip(("survey", "choose", "write"), np.diff(marks).tolist(), strict=True)
    return CalibrationReport(
        preprocess=plan.preprocess,
        count=len(choice.rows),
        findings=_findings(origin, seen, choice, scores, plan),
        seen=seen,
        choice=choice,
        scores=scores,
        output=output,
        digest=digest,
        seconds={stage: round(spent, 3) for stage, spent in stages},
        size_bytes=0 if output is None else output.stat().st_size,
    )


def _check_output(output: Path | None) -> None:
    """Before the long work starts."""
    if output is None:
        return
    if output.suffix.lower() != ".npz":
        message = f"{output}: a calibration set is an .npz file"
        raise InputError(message)
    demand_place(output)


def _choose(seen: Survey, table: NDArray[np.uint32], plan: Plan) -> Choice:
    """Among the pictures that are not blank, unless all are."""
    usable = np.flatnonzero(~seen.blank) if not seen.blank.all() else np.arange(len(seen))
    kinds = tuple(seen.kinds[row] for row in usable)
    part = table if len(usable) == len(seen) else table[np.ix_(usable, usable)]
    choice = choose(part, plan.count, kinds, keep_duplicates=plan.keep_duplicates, fewest=DEFAULT_LIMIT)
    return replace(choice, rows=tuple(int(usable[row]) for row in choice.rows))


def _write(
    output: Path, seen: Survey, choice: Choice, scores: Scores, preprocess: Preprocess, progress: Progress | None
) -> str:
    pictures = [seen.pictures[row] for row in choice.rows]
    facts = {"count": len(pictures), "pictures": [_short(picture) for picture in pictures], "scores": asdict(scores)}
    _stage(progress, "write")
    return write_set(output, _again(pictures, preprocess, progress), len(pictures), preprocess, facts)


def _again(pictures: Sequence[Picture], preprocess: Preprocess, progress: Progress | None) -> Iterator[Image]:
    """The frames of pictures that were read before."""
    skipped: list[str] = []
    for number, (_, frame, _) in enumerate(fit_pictures(parts_of(pictures), preprocess, skipped.append), 1):
        yield frame
        if progress is not None:
            progress("write", number, len(pictures))


def _short(picture: Picture) -> str:
    """The name without its folder, so that the set's bytes do not depend on where the pictures lie."""
    return picture.path.name if picture.kind == "image" else f"{picture.path.name}#{picture.number}"


def _findings(origin: Origin, seen: Survey, choice: Choice, scores: Scores, plan: Plan) -> tuple[Finding, ...]:
    blank = [seen.pictures[row].name for row in np.flatnonzero(seen.blank)]
    found = [
        *find_faults(seen.descriptors[list(choice.rows)], scores, decoded=not origin.has_sets),
        *left_out("unreadable", "could not be read", seen.skipped, "warning"),
        *left_out("labels", "places in the labels were passed over", origin.problems, "warning"),
        *left_out("blank", "blank pictures were left out", blank),
        *plan.judged([seen.pictures[row] for row in choice.rows]),
    ]
    if choice.alike:
        message = f"{choice.alike} of the {len(choice.rows)} are near-duplicates, for there are too few that differ"
        found.append(Finding("duplicates", "warning", message))
    elif choice.duplicates and len(choice.rows) < plan.count:
        message = f"{choice.duplicates} near-duplicates were left out, so there are fewer than {plan.count} pictures"
        found.append(Finding("duplicates", "warning", message))
    return worst_first(found)


def _stage(progress: Progress | None, name: str) -> None:
    if progress is not None:
        progress(name, 0, None)
