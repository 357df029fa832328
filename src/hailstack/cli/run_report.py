"""What ``hailstack run`` says on standard error while it works, and how it ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hailstack.errors import MediaError
from hailstack.heads import HeadName
from hailstack.pipeline import Job, Source
from hailstack.pipeline.outcome import Outcome
from hailstack.pipeline.job import outputs_of
from hailstack.runtime import ModelFacts

SWITCH_INTERVAL_S = 2e-4
"""With Python's default of 5 ms, one busy thread starves the short calls (resize, submit) of the others."""


class RunReport:
    """Carries out a job with a progress bar (only on a terminal), warnings and a closing line."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("frames", total=None)
        self._warned = 0

    def carry_out(self) -> int:
        """Run the job.

        Returns:
            The exit code: 0, or 128 + the number of the signal that stopped it.

        Raises:
            MediaError: a video could not be read to its end, or nothing could be read at all.
        """
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        with _signals(self._job) as received, self._bar:
            outcome = self._job.run(begin=self._begin, progress=self._progress)
        self._summarise(outcome)
        if outcome.fatal:
            raise _all_in_one([str(failure.error) for failure in outcome.fatal])
        return 128 + received[0] if received else 0

    def _begin(self, head: HeadName, facts: ModelFacts, sources: Sequence[Source]) -> None:
        if head == "raw" and self._job.postprocess == "auto":
            listed = "; ".join(map(str, facts.outputs))
            self._say(f"no head fits the outputs, so they are passed on as they are: {listed}")
        if all(source.kind == "image" for source in sources):
            self._bar.update(self._task, total=len(sources))

    def _progress(self, outcome: Outcome) -> None:
        self._bar.update(self._task, completed=outcome.frames)
        for failure in outcome.failures[self._warned :]:
            if failure.source.kind == "image":
                self._say(f"skipped: {failure.error}")
        self._warned = len(outcome.failures)

    def _summarise(self, outcome: Outcome) -> None:
        if outcome.fatal and not outcome.frames:
            return  # the error says all there is to say
        parts = [f"{outcome.frames} frames in {outcome.seconds:.2f} s ({outcome.fps:.1f} FPS)"]
        if outcome.skipped:
            parts.append(f"{len(outcome.skipped)} skipped")
        if outcome.stopped:
            parts.append("stopped before the end")
        if places := outputs_of(self._job):
            parts.append(f"results in {' and '.join(places)}")
        self._say(", ".join(parts))

    def _say(self, text: str) -> None:
        self._console.print(f"hailstack: {text}", markup=False, soft_wrap=True)


@contextmanager
def _signals(job: Job) -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM end the run after the frames in flight; a second one ends it at once."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        job.stop.set()

    before: dict[int, Any] = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _all_in_one(reasons: list[str]) -> MediaError:
    return MediaError(reasons[0] if len(reasons) == 1 else f"{len(reasons)} sources failed: {'; '.join(reasons)}")
