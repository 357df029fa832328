"""Which frame goes on where, and which spans fit into one line of a picture: what trace viewers want to be told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.profiling.trace import Trace, Track


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """The way of each frame from span to span."""

    has_before: NDArray[np.bool_]
    """``(n,)``: whether the span's frame comes from an earlier span."""
    has_after: NDArray[np.bool_]
    """``(n,)``: whether it goes on to a later one."""


def flows(trace: Trace) -> Flows:
    """Which spans continue a frame, and which hand it on."""
    frame = trace.spans.frame
    order = np.argsort(frame, kind="stable")  # spans lie by their beginnings already
    follows = np.zeros(len(frame), bool)
    follows[1:] = (frame[order][1:] == frame[order][:-1]) & (frame[order][1:] >= 0)
    before, after = np.zeros((2, len(frame)), bool)
    before[order] = follows
    after[order] = np.append(follows[1:], False)
    return Flows(before, after)


def lines(trace: Trace) -> tuple[list[Track], NDArray[np.int64]]:
    """Tracks on which spans lie apart or within each other, as viewers need it.

    Returns:
        The tracks, of which some are second lines (``device 2``) of a track whose spans overlap, and the index of
        each span's line.
    """
    found: list[Track] = list(trace.tracks)
    of_span = trace.spans.track.copy()
    for index, track in enumerate(trace.tracks):
        rows = np.flatnonzero(trace.spans.track == index)
        levels = _levels(trace.spans.begin_ns[rows].tolist(), trace.spans.end_ns[rows].tolist())
        for level in range(1, max(levels, default=0) + 1):
            found.append(Track(f"{track.name} {level + 1}"))
            of_span[rows[np.array(levels) == level]] = len(found) - 1
    return found, of_span


def _levels(begins: list[int], ends: list[int]) -> list[int]:
    """The first line for each span on which it lies apart from the others or within one; beginnings ascend."""
    open_spans: list[list[int]] = []
    chosen: list[int] = []
    for begin, end in zip(begins, ends, strict=True):
        level = 0
        while level < len(open_spans) and not _fits(open_spans[level], begin, end):
            level += 1
        if level == len(open_spans):
            open_spans.append([])
        open_spans[level].append(end)
        chosen.append(level)
    return chosen


def _fits(holding: list[int], begin: int, end: int) -> bool:
    while holding and holding[-1] <= begin:
        holding.pop()
    return not holding or end <= holding[-1]
