"""What ``hailstack data verify`` shows."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hailstack.datasets.verify import RULES, Finding, Listener, Verification, verify
from hailstack.datasets.verify.mending import Mend, apply_mends, plan_mends

COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}


@dataclass(frozen=True, slots=True)
class Mending:
    """What ``--fix`` did, or would do."""

    mends: tuple[Mend, ...]
    backup: Path | None
    is_done: bool

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "done": self.is_done,
            "backup": str(self.backup) if self.backup else None,
            "files": [{"path": str(mend.path), "diff": mend.diff} for mend in self.mends],
        }


def mended(path: Path, ignore: Collection[str], progress: Listener, *, dry_run: bool) -> Mending:
    """Mend what is safe to mend in a dataset; nothing in a dry run."""
    found = verify(path, depth="none", ignore=ignore, progress=progress)
    mends = tuple(plan_mends(found.findings))
    folder = path if path.is_dir() else path.parent
    backup = None if dry_run else apply_mends(mends, folder)
    return Mending(mends, backup, is_done=not dry_run)


@contextmanager
def listening(*, quiet: bool) -> Iterator[Listener]:
    """A progress bar on stderr; nothing when quiet or when stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("looking at {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        warnings.catch_warnings(),
        Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar,
    ):
        warnings.filterwarnings("ignore", module="PIL")  # what it thinks of broken EXIF has no file name to it
        task = bar.add_task("files", total=None)
        yield lambda stage, done, total: bar.update(task, description=stage, completed=done, total=total)


def print_verification(found: Verification, mending: Mending | None, *, show: int, as_json: bool) -> None:
    """What was mended, a table of the kinds of findings, the first of each kind, the verdict."""
    if as_json:
        print(json.dumps(found.to_json() | ({} if mending is None else {"mended": mending.to_json()}), indent=2))
        return
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    if mending is not None:
        _print_mending(console, mending)
    console.print(_facts(found), markup=False)
    if found.findings:
        console.print(_table(found))
    for _, group in groupby(found.findings, key=lambda finding: finding.code):
        _print_kind(console, list(group), show)
    console.print(_verdict(found), markup=False)


def _print_mending(console: Console, mending: Mending) -> None:
    for mend in mending.mends:
        console.print(mend.diff, markup=False, end="")
    count = f"{len(mending.mends)} label file{'' if len(mending.mends) == 1 else 's'}"
    if not mending.mends:
        console.print("nothing to mend safely\n")
    elif mending.backup is None:
        console.print(f"would mend {count}; nothing was changed\n", markup=False)
    else:
        console.print(f"mended {count}; as they were: {mending.backup}\n", markup=False)


def _facts(found: Verification) -> str:
    survey = found.survey
    splits = ", ".join(f"{split} {sum(split in one.splits for one in survey.pictures)}" for split in survey.splits)
    counts = f"{len(survey.labels)} label files, {len(survey.rows)} boxes, {len(survey.names)} classes"
    return f"{survey.source} ({survey.kind}): {len(survey.pictures)} pictures ({splits}), {counts}"


def _table(found: Verification) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for heading in ("", "kind", "count", "what"):
        table.add_column(heading, justify="right" if heading == "count" else "left")
    for code, group in groupby(found.findings, key=lambda finding: finding.code):
        rule = RULES[code]
        table.add_row(f"[{COLOURS[rule.severity]}]{rule.severity}[/]", code, str(len(list(group))), rule.what)
    return table


def _print_kind(console: Console, findings: list[Finding], show: int) -> None:
    first = findings[0]
    console.print(f"[{COLOURS[first.severity]}]{first.code}[/]: {RULES[first.code].remedy}")
    for finding in findings[:show]:
        console.print(f"  {finding.place}: {finding.message}", markup=False)
    if len(findings) > show:
        console.print(f"  and {len(findings) - show} more (--show, --json)", markup=False)


def _verdict(found: Verification) -> str:
    if not found.findings:
        return "nothing is wrong"
    counts = ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in found.counts.items())
    mendable = sum(finding.is_fixable for finding in found.findings)
    return f"\n{counts}" + (f"; --fix mends {mendable}" if mendable else "")
