"""Progress and outcome of ``hailstack build`` on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hailstack.workflow.build import Built
from hailstack.workflow.carry_out import Carried, Outlook
from hailstack.workflow.road import REFUSED
from hailstack.workflow.step import Step

WIDTH = 12
"""Of a step's name."""


class BuildReport:
    """A line for each step on stderr, and a bar below them where stderr is a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        silent = quiet or not self._console.is_terminal
        self._bar = Progress(*columns, console=self._console, transient=True, disable=silent)
        self._task = self._bar.add_task("", total=None)
        self._step = ""

    def __enter__(self) -> BuildReport:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, step: Step, outlook: Outlook) -> None:
        self._step = step.name
        if outlook.reason != "fresh":
            self._console.print(f"{step.name:{WIDTH}} {_why(outlook)} …", markup=False)
        self._bar.reset(self._task, total=None, description=step.name)

    def listen(self, stage: str, done: int, total: int | None) -> None:
        self._bar.update(self._task, description=f"{self._step}: {stage}", completed=done, total=total)

    def end(self, carried: Carried) -> None:
        record = carried.record
        how = "as before" if carried.outlook.reason == "fresh" else f"{record.seconds:.1f} s"
        figures = ", ".join(f"{name} {_shown(value)}" for name, value in record.figures.items() if name != REFUSED)
        self._console.print(f"{record.step:{WIDTH}} {how}: {figures}", markup=False)

    def print_outcome(self, built: Built, *, as_json: bool) -> None:
        """Where everything is, on stdout."""
        if as_json:
            steps = [{**asdict(one.record), "folder": str(one.folder), **asdict(one.outlook)} for one in built.steps]
            print(json.dumps({"hef": str(built.hef), "page": str(built.page), "steps": steps}, indent=2))
        else:
            print(f"HEF:  {built.hef}\npage: {built.page}")


def print_preview(steps: Iterable[tuple[Step, Outlook | None]], *, as_json: bool) -> None:
    """What a build would do, a line a step."""
    found = [(step.name, outlook) for step, outlook in steps]
    if as_json:
        print(
            json.dumps([{"step": name, **(asdict(one) if one else {"reason": None})} for name, one in found], indent=2)
        )
        return
    for name, outlook in found:
        print(f"{name:{WIDTH}} {_why(outlook) if outlook else 'after those before it'}")


def _why(outlook: Outlook) -> str:
    return {
        "fresh": "as before",
        "first": "to be done",
        "changed": f"again: {', '.join(outlook.changes)} changed",
        "damaged": "again: its files are not as it left them",
        "resumed": "goes on where it was interrupted",
    }[outlook.reason]


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{len(value)}" if isinstance(value, list) else str(value)
