"""Following a run of the compiler: its log kept, its lines turned into progress and facts, a dropped level noticed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from hailstack.compiler.calibration.frames import Progress
from hailstack.compiler.vendor.failures import LevelDroppedError
from hailstack.compiler.vendor.job import Stage
from hailstack.compiler.vendor.log import LogEvent, read_line

TAIL = 200
"""Lines kept to explain a failure."""


@dataclass(slots=True)
class Watch:
    """What one run has said so far."""

    log: IO[str]
    progress: Progress | None
    on_done: Callable[[Stage], None]
    """Called with a stage when it is done."""
    requested_level: int | None = None
    refuse_lower: bool = True
    effective_level: int | None = None
    """The optimisation level that the log tells, if it does."""
    contexts: int | None = None
    snr_db: dict[str, float] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    """Steps of the optimisation that were not taken."""
    warnings: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))
    stage: str = ""
    """The one that is being done."""
    _since: float = 0.0

    def line(self, text: str) -> None:
        """One line of the log.

        Raises:
            LevelDroppedError: the compiler falls back to a lower level than was asked for, and that is refused.
        """
        self.log.write(f"{text}\n")
        self.log.flush()
        self.tail.append(text)
        event = read_line(text)
        if event is not None:
            self.kinds.add(event.kind)
            self._event(event)

    def fact(self, fact: Mapping[str, Any]) -> None:
        """What the runner tells between the stages."""
        if "stage" in fact:
            self.stage, self._since = fact["stage"], time.monotonic()
            self._report(0, None)
        elif "done" in fact:
            self.seconds[fact["done"]] = round(time.monotonic() - self._since, 3)
            self.on_done(fact["done"])

    def _report(self, done: int, total: int | None) -> None:
        if self.progress is not None:
            self.progress(self.stage, done, total)

    def _event(self, event: LogEvent) -> None:
        values = event.values
        match event.kind:
            case "bar":
                self._report(int(values["percent"]), 100)
            case "iteration":
                self._report(int(values["iteration"]), None)
            case "snr":
                self.snr_db[values["layer"]] = float(values["snr_db"])
            case "contexts":
                self.contexts = int(values["contexts"])
            case "level":
                self.effective_level = int(values["level"])
            case "level-dropped":
                self._dropped(int(values["level"]), event.text)
            case "skipped":
                self.skipped.append(values["name"])
            case "not-normalised" | "narrow-weights":
                self.warnings.append(event.text)

    def _dropped(self, level: int, text: str) -> None:
        self.effective_level = level
        if self.refuse_lower and self.requested_level is not None and self.requested_level > level:
            message = (
                f"the compiler falls back to optimization level {level}, not {self.requested_level} as asked: {text}. "
                "Give it a GPU and enough pictures, ask for the lower level, or allow it"
            )
            raise LevelDroppedError(message)
        self.warnings.append(text)
