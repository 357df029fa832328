"""From what the user has to a calibration set that stands for all of it, and the truth about how well it does."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.calibration.arrays import open_array
from hailstack.compiler.calibration.choose import MOST_CANDIDATES, Choice, choose, drop_duplicates, pairwise
from hailstack.compiler.calibration.findings import FINETUNE_COUNT, Finding, find_faults, left_out, worst_first
from hailstack.compiler.calibration.frames import Progress, check_sets
from hailstack.compiler.calibration.score import Scores, score
from hailstack.compiler.calibration.sources import (
    DEFAULT_INTERVAL_S,
    Origin,
    Picture,
    find_origin,
    fit_pictures,
    parts_of,
)
from hailstack.compiler.calibration.survey import Embed, Survey, survey
from hailstack.compiler.calibration.write import write_set
from hailstack.errors import ConfigError, InputError
from hailstack.imaging import Preprocess
from hailstack.types import Image

LIKE_COUNT = 1024
"""Deployment pictures that are looked at, at most."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a set is to be."""

    preprocess: Preprocess
    count: int = FINETUNE_COUNT
    """Pictures at most; near-duplicates and unreadable ones make it fewer."""
    split: str | None = None
    """Of datasets; None: ``train`` if there is one."""
    interval_s: float = DEFAULT_INTERVAL_S
    """Between the frames of a video."""
    candidates: int = MOST_CANDIDATES
    """So many pictures are looked at, at most, evenly over all."""
    keep_duplicates: bool = False
    like: tuple[str | Path, ...] = ()
    """Pictures from where the network will work, to compare with."""
    embed: Embed | None = None
    """What a network makes of a frame, to choose by that, too."""

    def __post_init__(self) -> None:
        if self.count < 1:
            message = f"{self.count} calibration pictures are asked for; at least one is needed"
            raise ConfigError(message)
        if not self.count <= self.candidates <= 4 * MOST_CANDIDATES:
            message = (
                f"{self.candidates} candidates for {self.count} pictures; "
                f"there must be as many, and no more than {4 * MOST_CANDIDATES}"
            )
            raise ConfigError(message)


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationReport:
    """One set, written or only looked at."""

    output: Path | None
    count: int
    candidates: int
    """Pictures that it was chosen from."""
    duplicates: int
    blank: int
    skipped: tuple[str, ...]
    preprocess: Mapping[str, object]
    scores: Scores | None
    """None where the frames are no pictures."""
    findings: tuple[Finding, ...]
    digest: str | None = None
    """sha256 of the frames, if they were written."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    size_bytes: int = 0
    pictures: tuple[Picture, ...] = ()
    """The chosen, in order."""
    seen: Survey | None = None
    """All that was looked at."""
    rows: tuple[int, ...] = ()
    """The chosen, as rows of :attr:`seen`."""

    @property
    def is_sound(self) -> bool:
        return all(finding.severity != "error" for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        """The same in plain values, without descriptors."""
        kept = ("count", "candidates", "duplicates", "blank", "skipped", "digest", "seconds", "size_bytes")
        return {
            "output": None if self.output is None else str(self.output),
            **{name: getattr(self, name) for name in kept},
            "preprocess": dict(self.preprocess),
            "scores": None if self.scores is None else asdict(self.scores),
            "findings": [asdict(finding) for finding in self.findings],
            "pictures": [picture.name for picture in self.pictures],
        }


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
    start = time.perf_counter()
    origin = find_origin(sources, split=plan.split, interval_s=plan.interval_s).thinned(plan.candidates)
    check_sets(origin, plan.preprocess)
    _stage(progress, "survey")
    seen = survey(origin, plan.preprocess, embed=plan.embed, progress=progress)
    looked = time.perf_counter()
    _stage(progress, "choose")
    table = pairwise(seen.descriptors)
    choice = _choose(seen, table, plan)
    scores = score(seen, table, choice.rows, origin.names, _look_at_deployment(plan))
    pictures = tuple(seen.pictures[row] for row in choice.rows)
    chosen = time.perf_counter()
    digest = None
    if output is not None:
        _stage(progress, "write")
        facts = {"count": len(pictures), "pictures": [_short(p) for p in pictures], "scores": asdict(scores)}
        digest = write_set(output, _again(pictures, plan.preprocess, progress), len(pictures), plan.preprocess, facts)
    return CalibrationReport(
        output=output,
        count=len(pictures),
        candidates=len(seen),
        duplicates=choice.duplicates,
        blank=int(seen.blank.sum()),
        skipped=seen.skipped,
        preprocess=plan.preprocess.to_dict(),
        scores=scores,
        findings=_findings(origin, seen, choice, scores, plan),
        digest=digest,
        seconds=_seconds(start, looked, chosen),
        size_bytes=0 if output is None else output.stat().st_size,
        pictures=pictures,
        seen=seen,
        rows=choice.rows,
    )


def check_set(path: str | Path, plan: Plan | None = None, progress: Progress | None = None) -> CalibrationReport:
    """What is to be said about an existing ``.npz`` or ``.npy`` set.

    Args:
        plan: the preprocessing that it should have, and deployment pictures to compare with.

    Raises:
        NotFoundError, InputError: it is not there, is no file of frames, or was made with another preprocessing.
    """
    start = time.perf_counter()
    array = open_array(Path(path))
    plan = plan or Plan(made_with(Path(path)))
    if look := array.looks_normalised():
        fault = Finding("normalised", "error", look)
        return CalibrationReport(None, array.count, array.count, 0, 0, (), plan.preprocess.to_dict(), None, (fault,))
    origin = find_origin([path]).thinned(plan.candidates)
    check_sets(origin, plan.preprocess)
    _stage(progress, "survey")
    seen = survey(origin, plan.preprocess, embed=plan.embed, progress=progress)
    table = pairwise(seen.descriptors)
    rows = tuple(range(len(seen)))
    scores = score(seen, table, rows, {}, _look_at_deployment(plan))
    repeated = len(rows) - len(drop_duplicates(table))
    blank = [seen.pictures[row].name for row in np.flatnonzero(seen.blank)]
    found = [*find_faults(seen.descriptors, scores), *left_out("blank", "frames are blank", blank, "warning")]
    if repeated:
        found.append(Finding("duplicates", "note", f"{repeated} frames are near-duplicates of earlier ones"))
    return CalibrationReport(
        output=None,
        count=array.count,
        candidates=len(seen),
        duplicates=repeated,
        blank=len(blank),
        skipped=(),
        preprocess=plan.preprocess.to_dict(),
        scores=scores,
        findings=worst_first(found),
        seconds={"survey": round(time.perf_counter() - start, 3)},
        size_bytes=Path(path).stat().st_size,
        pictures=seen.pictures,
        seen=seen,
        rows=rows,
    )


def made_with(path: Path) -> Preprocess:
    """The preprocessing of an existing set, as far as it says: at least its size."""
    array = open_array(path)
    if array.about is not None:
        return Preprocess.from_dict(array.about["preprocess"])
    return Preprocess(array.height, array.width, mode="stretch")


def _check_output(output: Path | None) -> None:
    if output is not None and output.suffix.lower() != ".npz":
        message = f"{output}: a calibration set is an .npz file"
        raise InputError(message)


def _choose(seen: Survey, table: NDArray[np.uint32], plan: Plan) -> Choice:
    """Among the pictures that are not blank, unless all are."""
    usable = np.flatnonzero(~seen.blank) if not seen.blank.all() else np.arange(len(seen))
    kinds = tuple(seen.kinds[row] for row in usable)
    part = table if len(usable) == len(seen) else table[np.ix_(usable, usable)]
    choice = choose(part, plan.count, kinds, keep_duplicates=plan.keep_duplicates)
    return Choice(tuple(int(usable[row]) for row in choice.rows), choice.duplicates)


def _look_at_deployment(plan: Plan) -> Survey | None:
    if not plan.like:
        return None
    origin = find_origin(plan.like).thinned(LIKE_COUNT)
    check_sets(origin, plan.preprocess)
    return survey(origin, plan.preprocess, embed=plan.embed)


def _again(pictures: Sequence[Picture], preprocess: Preprocess, progress: Progress | None) -> Iterator[Image]:
    """The frames of pictures that were read before."""
    skipped: list[str] = []
    for number, (_, frame, _) in enumerate(fit_pictures(parts_of(pictures), preprocess, skipped.append), 1):
        yield frame
        if progress is not None:
            progress("write", number, len(pictures))


def _findings(origin: Origin, seen: Survey, choice: Choice, scores: Scores, plan: Plan) -> tuple[Finding, ...]:
    blank = [seen.pictures[row].name for row in np.flatnonzero(seen.blank)]
    found = [
        *find_faults(seen.descriptors[list(choice.rows)], scores),
        *left_out("unreadable", "could not be read", seen.skipped, "warning"),
        *left_out("labels", "places in the labels were passed over", origin.problems, "warning"),
        *left_out("blank", "blank pictures were left out", blank),
    ]
    if choice.duplicates and len(choice.rows) < plan.count:
        message = f"{choice.duplicates} near-duplicates were left out, so there are fewer than {plan.count} pictures"
        found.append(Finding("duplicates", "warning", message))
    return worst_first(found)


def _seconds(start: float, looked: float, chosen: float) -> dict[str, float]:
    end = time.perf_counter()
    return {
        "survey": round(looked - start, 3),
        "choose": round(chosen - looked, 3),
        "write": round(end - chosen, 3),
    }


def _short(picture: Picture) -> str:
    """The name without its folder, so that the set's bytes do not depend on where the pictures lie."""
    return picture.path.name if picture.kind == "image" else f"{picture.path.name}#{picture.number}"


def _stage(progress: Progress | None, name: str) -> None:
    if progress is not None:
        progress(name, 0, None)
