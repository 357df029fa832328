"""What ``hailstack run`` says on standard error while it works, and how it ends."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hailstack.cli.run_profile import RunProfile
from hailstack.errors import HailstackError, MediaError
from hailstack.pipeline import Job
from hailstack.pipeline.clips import Counts
from hailstack.pipeline.job import Start, outputs_of
from hailstack.pipeline.outcome import Outcome
from hailstack.pipeline.summary import check_summary_path, summary_of, write_summary
from hailstack.pipeline.tally import Tally

SWITCH_INTERVAL_S = 2e-4
"""With Python's default of 5 ms, one busy thread starves the short calls (resize, submit) of the others."""


class RunReport:
    """Carries out a job with a progress bar (only on a terminal), warnings and a closing line.

    Args:
        summary: file for the run in numbers.

    Raises:
        InputError: the summary cannot be a file of this name.
    """

    def __init__(self, job: Job, profile: RunProfile, summary: str | None = None) -> None:
        if summary is not None:
            check_summary_path(summary, [one.removeprefix("mot:") for one in (job.output, *job.to) if one])
        self._job = job
        self._profile = profile
        self._summary_path = summary
        self._outcome: Outcome | None = None
        self._console = Console(stderr=True, highlight=False, emoji=False)  # "queue:a" is no emoji
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
        self._several = False

    def carry_out(self) -> int:
        """Run the job.

        Returns:
            The exit code: 0, or 128 + the number of the signal that stopped it.

        Raises:
            MediaError: a video could not be read to its end, or nothing could be read at all.
        """
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        try:
            with _signals(self._job) as received, self._bar, _logged(self._say):
                outcome = self._job.run(begin=self._begin, progress=self._progress, finished=self._finished)
        finally:  # most wanted of a run that went wrong
            self._conclude(sys.exc_info()[1])
        self._summarise(outcome)
        if outcome.fatal:
            raise _all_in_one([str(failure.error) for failure in outcome.fatal])
        return 128 + received[0] if received else 0

    def _begin(self, start: Start) -> None:
        self._profile.begin()
        self._several = len(start.sources) > 1
        for net in start.nets:
            if net.head_name == "raw" and net.is_free:
                listed = "; ".join(map(str, net.facts.outputs))
                whose = f"{net.name}: " if len(start.nets) > 1 else ""
                self._say(f"{whose}no head fits the outputs, so they are passed on as they are: {listed}")
            if net.depths is not None:
                self._say(f"depth {net.depths.chosen}, from frames in flight: frames a second {net.depths}")
        if start.behind is not None:
            self._say(f"going on behind {start.behind}")
        if all(source.kind == "image" for source in start.sources):
            self._bar.update(self._task, total=len(start.sources))

    def _progress(self, outcome: Outcome) -> None:
        if not self._bar.disable:
            self._bar.update(self._task, completed=outcome.frames)
        for failure in outcome.failures[self._warned :]:
            if failure.source.kind == "image" and self._several:  # of a single one, the error that ends the run tells
                self._say(f"skipped: {failure.error}")
        self._warned = len(outcome.failures)

    def _finished(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def _conclude(self, error: BaseException | None) -> None:
        """Profile and summary; what ended the run counts more than that one of them cannot be written."""
        if error is None and self._outcome is not None and self._outcome.fatal:
            error = _all_in_one([str(failure.error) for failure in self._outcome.fatal])
        try:
            self._profile.tell(self._tell)
        except HailstackError as trouble:
            self._complain(trouble, error)
        try:
            self._write_summary(error)
        except HailstackError as trouble:
            self._complain(trouble, error)

    def _complain(self, trouble: HailstackError, error: BaseException | None) -> None:
        if error is None:
            raise trouble
        self._say(str(trouble))

    def _write_summary(self, error: BaseException | None) -> None:
        if self._summary_path is None or self._outcome is None:
            return
        write_summary(self._summary_path, summary_of(self._outcome, Path(self._job.net).stem, error))

    def _summarise(self, outcome: Outcome) -> None:
        if outcome.fatal and not outcome.frames:
            return  # the error says all there is to say
        what = "results" if outcome.parts else "frames"
        parts = [f"{outcome.frames} {what} in {outcome.seconds:.2f} s ({outcome.fps:.1f} FPS)", *_losses(outcome)]
        if outcome.stopped:
            parts.append("stopped before the end")
        if outcome.stopped and self._job.resume:
            parts.append("the same command goes on from here")
        elif places := outputs_of(self._job):
            parts.append(f"results in {' and '.join(places)}")
        self._say(", ".join(parts))
        for line in _lines_of_models(outcome) if outcome.parts else _lines_of_sources(outcome):
            self._say(line)

    def _tell(self, text: str) -> None:
        """Text of several lines, as it is."""
        self._console.print(text, markup=False, soft_wrap=True)

    def _say(self, text: str) -> None:
        self._console.print(f"hailstack: {text}", markup=False, soft_wrap=True)


def _losses(outcome: Outcome) -> list[str]:
    """What did not go as it should, for the closing line."""
    parts = [f"{len(outcome.skipped)} skipped"] if outcome.skipped else []
    if outcome.failed:
        parts.append(f"{len(outcome.failed)} failed")
    if outcome.dropped:
        parts.append(f"{outcome.dropped} dropped")
    if outcome.retried:
        parts.append(f"tried again {', '.join(f'{count} x {kind}' for kind, count in outcome.retried.items())}")
    if outcome.reopened:
        parts.append(f"device opened anew {outcome.reopened} times")
    by_model = bool(outcome.parts)
    parts += [f"{count.source.name}: {told}" for count in outcome.sources if (told := _of_source(count, by_model))]
    for sink in outcome.sinks:
        if sink.dropped:
            parts.append(f"{sink.name} missed {sink.dropped}")
        if sink.waited_s > outcome.seconds / 100:
            parts.append(f"waited {sink.waited_s:.2f} s for {sink.name}")
    return parts


def _lines_of_sources(outcome: Outcome) -> list[str]:
    """Rates of sources that were read at the same time; where there is but one, the first line says it."""
    beside = {count.source.name for count in outcome.sources if count.source.has_own_turns}
    shown = [tally for tally in outcome.tallies if tally.source in beside]
    return [_rate(tally.source, tally, outcome.seconds) for tally in shown] if len(shown) > 1 else []


def _lines_of_models(outcome: Outcome) -> list[str]:
    """What each network did and had of the device, and its sources where it has several."""
    lines = []
    for part in outcome.parts:
        told = [f"{part.frames} results ({part.frames / max(outcome.seconds, 1e-9):.1f} FPS)"]
        told += [f"{len(part.failed)} failed"] * bool(part.failed)
        if part.device is not None:
            share = part.device.busy_s / max(outcome.seconds, 1e-9)
            told.append(f"{share:.0%} of the device's time, {part.device.mean_wait_ms:.1f} ms waiting for it")
        lines.append(f"  {part.model}: {', '.join(told)}")
        if len(part.tallies) > 1:
            lines += [_rate(f"    {tally.source}", tally, outcome.seconds) for tally in part.tallies]
    for chain in outcome.chains:
        median_ms = chain.latency.percentile_ms(50)
        if median_ms is not None:
            lines.append(f"  {chain.model}, with what comes behind it: {median_ms:.1f} ms a frame (median)")
    return lines


def _rate(name: str, tally: Tally, seconds: float) -> str:
    told = [f"{tally.results} results ({tally.results / max(seconds, 1e-9):.1f} FPS)"]
    told += [f"{tally.failed} failed"] * bool(tally.failed)
    told += [f"{tally.dropped} too old"] * bool(tally.dropped)
    return f"{name}: {', '.join(told)}"


def _of_source(count: Counts, by_model: bool) -> str:
    """What a source lost before its frames got here; what was too old is told ``by_model`` further below."""
    facts = {
        "too old": 0 if by_model else count.dropped,
        "damaged": count.damaged,
        "times back again": count.reconnects,
    }
    return ", ".join(f"{number} {what}" for what, number in facts.items() if number)


@contextmanager
def _logged(say: Callable[[str], None]) -> Iterator[None]:
    """Warnings of the package (a frame left out, tried again, a sink that failed) are said."""
    handler = _Saying(say)
    logger = logging.getLogger("hailstack")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Saying(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())


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
