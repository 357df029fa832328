"""Pictures opened ahead of their turn, several at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from hailstack.pipeline.clips import Clip, Counts

PICTURES_AHEAD = 4
HANDS = max(1, min(4, (os.cpu_count() or 1) // 2))
"""Decoding a JPEG of a camera takes longer than the NPU takes for its frame, and occupies one core; the rest of a run
needs the others."""


class Ahead:
    """Opens sources in their order; pictures in files are decoded by several threads before anybody asks for them.

    A context manager: leaving it waits for pictures under way and forgets them.

    Args:
        job: the sources, asked for one after the other.
        open_one: opens one; called in any thread.
        hands: how many threads decode; 1: none beside the caller's.
    """

    def __init__(self, job: Sequence[Counts], open_one: Callable[[Counts], Clip], hands: int = HANDS) -> None:
        self._job = job
        self._open = open_one
        self._pool = ThreadPoolExecutor(hands, "hailstack-pictures") if hands > 1 else None
        self._opening: dict[int, Future[Clip]] = {}
        self._next = 0

    def __enter__(self) -> Ahead:
        return self

    def open(self, index: int) -> Clip:
        """The clip of source ``index``; raises what opening it raised."""
        if self._pool is not None:
            self._begin(self._pool, index + PICTURES_AHEAD)
        opening = self._opening.pop(index, None)
        return opening.result() if opening is not None else self._open(self._job[index])

    def _begin(self, pool: ThreadPoolExecutor, end: int) -> None:
        for index in range(self._next, min(end, len(self._job))):
            source = self._job[index].source
            if source.kind == "image" and source.path is not None:
                self._opening[index] = pool.submit(self._open, self._job[index])
            self._next = index + 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
