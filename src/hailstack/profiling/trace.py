"""What happened when: the spans and counters of a run as columns, the same facts behind every table and picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.profiling.stages import rank
from hailstack.profiling.table import StageTimes, stage_times

Span: TypeAlias = tuple[str, int, int, int, str | None]
"""Stage, begin and end in ns, frame, virtual track: as recorded."""
Sample: TypeAlias = tuple[str, int, float]
"""Counter, time in ns, value: as recorded."""
Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Track:
    """Whose time it was: a thread, or for something that is none, such as the device, a name alone."""

    name: str
    thread_id: int | None = None
    """The operating system's number of the thread."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Spans by their beginnings. Row ``i`` of every column belongs to span ``i``."""

    stage: Integers
    """``(n,)``: index into :attr:`Trace.stages`."""
    track: Integers
    """``(n,)``: index into :attr:`Trace.tracks`."""
    begin_ns: Integers
    """``(n,)``: monotonic clock."""
    end_ns: Integers
    frame: Integers
    """``(n,)``: running number of the frame, -1 for none."""

    def __len__(self) -> int:
        return len(self.stage)

    @property
    def duration_ns(self) -> Integers:
        return self.end_ns - self.begin_ns

    def where(self, chosen: NDArray[np.bool_]) -> Spans:
        """The rows that are chosen."""
        columns = (self.stage, self.track, self.begin_ns, self.end_ns, self.frame)
        return Spans(*(column[chosen] for column in columns))


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """Frames by their numbers, with the beginning of their first span and the end of their last."""

    frame: Integers
    begin_ns: Integers
    end_ns: Integers

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def duration_ns(self) -> Integers:
        return self.end_ns - self.begin_ns


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What one counter showed, in the order of time."""

    time_ns: Integers
    """``(n,)``: the clock of the spans."""
    value: NDArray[np.float64]
    """``(n,)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A run as it was recorded."""

    stages: tuple[str, ...]
    """In the order of a frame's way."""
    tracks: tuple[Track, ...]
    spans: Spans
    counters: Mapping[str, Series] = field(default_factory=dict)
    dropped: int = 0
    """Spans that were not kept, because the run was too long."""

    def of_stage(self, stage: str) -> Spans:
        """The spans of one stage; none if there is no such stage."""
        index = self.stages.index(stage) if stage in self.stages else -1
        return self.spans.where(self.spans.stage == index)

    def of_track(self, index: int) -> Spans:
        """The spans of one track."""
        return self.spans.where(self.spans.track == index)

    def table(self) -> list[StageTimes]:
        """One row a stage, in the order of a frame's way, and a last one, ``total``: from the first beginning of a
        frame to its last end, with all that it waited between."""
        rows = [stage_times(stage, self.of_stage(stage).duration_ns) for stage in self.stages]
        lives = self.lives()
        return [*rows, stage_times("total", lives.duration_ns)] if len(lives) else rows

    def lives(self) -> Lives:
        """From when to when each frame was on its way."""
        spans = self.spans.where(self.spans.frame >= 0)
        order = np.argsort(spans.frame, kind="stable")
        frame, first = np.unique(spans.frame[order], return_index=True)
        if not len(frame):
            return Lives(*np.zeros((3, 0), np.int64))
        begin = np.minimum.reduceat(spans.begin_ns[order], first)
        return Lives(frame, begin, np.maximum.reduceat(spans.end_ns[order], first))

    @property
    def frames(self) -> int:
        """How many frames left a span."""
        return len(self.lives())

    @property
    def window_ns(self) -> tuple[int, int]:
        """From the first beginning to the last end; (0, 0) of an empty trace."""
        if not len(self.spans):
            return 0, 0
        return int(self.spans.begin_ns.min()), int(self.spans.end_ns.max())


def assemble(lanes: Iterable[tuple[Track, Sequence[Span], Sequence[Sample]]], dropped: int = 0) -> Trace:
    """A trace of what several threads have recorded."""
    recorded = list(lanes)
    stages = tuple(sorted({span[0] for _, spans, _ in recorded for span in spans}, key=rank))
    tracks: dict[Track, int] = {}
    tables = [_table(thread, spans, stages, tracks) for thread, spans, _ in recorded if spans]
    table = np.concatenate(tables, axis=1) if tables else np.zeros((5, 0), np.int64)
    # Of two that begin together, the longer one holds the shorter one.
    table = table[:, np.lexsort((-table[3], table[2]))]
    counters = _series([sample for _, _, counted in recorded for sample in counted])
    return Trace(stages, tuple(tracks), Spans(*table), counters, dropped)


def _table(thread: Track, spans: Sequence[Span], stages: tuple[str, ...], tracks: dict[Track, int]) -> Integers:
    """``(5, n)``: stage, track, begin, end, frame. Tracks that are new get the next number."""
    names, begins, ends, frames, virtual = zip(*spans, strict=True)
    number = {stage: index for index, stage in enumerate(stages)}
    owner = {name: thread if name is None else Track(name) for name in dict.fromkeys(virtual)}
    place = {name: tracks.setdefault(track, len(tracks)) for name, track in owner.items()}
    columns: list[Any] = [[number[name] for name in names], [place[name] for name in virtual], begins, ends, frames]
    return np.array([np.array(column, np.int64) for column in columns])


def _series(samples: list[Sample]) -> dict[str, Series]:
    collected: dict[str, list[tuple[int, float]]] = {}
    for counter, time_ns, value in sorted(samples, key=lambda one: one[1]):
        collected.setdefault(counter, []).append((time_ns, value))
    return {counter: _one_series(points) for counter, points in sorted(collected.items())}


def _one_series(points: list[tuple[int, float]]) -> Series:
    times: Any = [time_ns for time_ns, _ in points]
    return Series(np.array(times, np.int64), np.array([value for _, value in points], np.float64))
