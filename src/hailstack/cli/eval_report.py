"""Progress and outcome of ``hailstack eval`` on the terminal."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from hailstack.evaluation.evaluate import Progress as Listener
from hailstack.evaluation.report import Evaluation, Judged
from hailstack.evaluation.score import shown

CLASSES_SHOWN = 20
FEW_FIGURES = 2
"""So many have room for their intervals beside them."""


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Listener]:
    """A bar for each network on stderr; nothing when quiet or when stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def listen(title: str, done: int, total: int) -> None:
            if title not in tasks:
                tasks[title] = bar.add_task(title, total=total)
            bar.update(tasks[title], completed=done)

        yield listen


def print_evaluation(found: Evaluation, failed: Sequence[str], page: Path | None, *, as_json: bool) -> None:
    """The outcome on stdout; warnings, and what was demanded and is not met, on stderr."""
    for text in (*(f"left out: {one}" for one in found.skipped), *found.warnings):
        print(f"hailstack: warning: {text}", file=sys.stderr)
    if as_json:
        print(json.dumps({**found.to_json(), "failed": list(failed)}, indent=2))
    else:
        console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
        for line in _heading(found):
            console.print(line, markup=False)
        for table in (_figures(found), *_rows(found), _speeds(found)):
            console.print(table)
        for line in _closing(found, page):
            console.print(line, markup=False)
    for text in failed:
        print(f"hailstack: not met: {text}", file=sys.stderr)


def _heading(found: Evaluation) -> Iterator[str]:
    boxes = f"; boxes from {found.score:g}, one object from IoU {found.iou:g}" if found.task == "detection" else ""
    yield f"{found.data} ({found.split}): {len(found.pictures)} pictures{boxes}"
    for one in found.networks:
        facts = one.facts
        yield f"{facts.title}: {describe_entrance(one)}, {facts.pixels} [{facts.origin}]{describe_alignment(one)}"


def describe_alignment(judged: Judged) -> str:
    """What was done to a depth network's answers before they were compared, in words; nothing for others."""
    aligned = judged.score.notes.get("aligned", "")
    return f"; distances {aligned}" if aligned else ""


def describe_entrance(judged: Judged) -> str:
    """How pictures enter, in words."""
    how = judged.facts.preprocess
    size = f"{how.width}x{how.height}"
    if how.mode == "letterbox":
        return f"letterbox {size}, {how.anchor}, grey {how.pad_value}"
    return f"crop {size} of {how.crop_fraction:g}" if how.mode == "crop" else f"stretch {size}"


def _figures(found: Evaluation) -> Table:
    names = list(found.networks[0].figures)
    table = _table("accuracy, with the interval that 95 % of redrawn sets of pictures lie in", "network")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    if len(found.networks) > 1:
        table.add_column(f"{names[0]} lost", justify="right", no_wrap=True)
    extra = list(found.networks[0].score.notes.get("best_f1", {}))
    for name in extra:
        table.add_column({"confidence": "best F1 at", "f1": "F1"}.get(name, name), justify="right", no_wrap=True)
    for number, one in enumerate(found.networks):
        cells = [_with_interval(one, name, "\n" if len(names) > FEW_FIGURES else " ") for name in names]
        if len(found.networks) > 1:
            cells.append(_lost(one) if number else "")
        best = one.score.notes.get("best_f1", {})
        table.add_row(one.facts.title, *cells, *(f"{best[name]:.3f}" for name in extra))
    return table


def _with_interval(judged: Judged, name: str, between: str) -> str:
    one = judged.figures[name]
    span = f"{between}({one.low:.3f}-{one.high:.3f})" if math.isfinite(one.low) else ""
    return f"{shown(name, one.value)}{span}"


def _lost(judged: Judged) -> str:
    lost = judged.losses[judged.main]
    return f"{lost.value:.4f}" + ("" if lost.certain else " ?")


def _rows(found: Evaluation) -> Iterator[Table]:
    """A table a size and a class: the deciding figure of every network, and the details of a single one."""
    for about, first in found.networks[0].score.rows.items():
        if not first:
            continue
        listed = list(first)
        if about == "class" and len(listed) > CLASSES_SHOWN:
            listed = sorted(listed, key=lambda row: _sorting(next(iter(row.figures.values()))))[:CLASSES_SHOWN]
        main = next(iter(first[0].figures))
        single = len(found.networks) == 1
        title = f"by {about}" + (f", the lowest {CLASSES_SHOWN} of {len(first)}" if len(listed) < len(first) else "")
        table = _table(title if single else f"{main} {title}", about)
        for heading in first[0].figures if single else (one.facts.title for one in found.networks):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in listed:
            pairs = row.figures.items() if single else [(main, value) for value in found.compared(about, row.name)]
            table.add_row(row.name, *(shown(*pair) for pair in pairs))
        yield table


def _sorting(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def _speeds(found: Evaluation) -> Table:
    table = _table("pictures a second in this run: through the network alone, and from file to result", "network")
    for heading in ("alone", "whole", "chip, estimated"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("runs on", no_wrap=True)
    for one in found.networks:
        estimate = "" if one.facts.estimate_fps is None else f"{one.facts.estimate_fps:.0f}"
        rates = (f"{one.speed.network:.1f}", f"{one.speed.whole:.1f}")
        table.add_row(one.facts.title, *rates, estimate, one.facts.runs_on)
    return table


def _closing(found: Evaluation, page: Path | None) -> Iterator[str]:
    yield from found.verdicts
    if len(found.networks) > 1 and not all(one.losses[one.main].certain for one in found.networks[1:]):
        yield "?: may be chance"
    if page is not None:
        yield f"written      {page}"


def _table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column(first, overflow="fold", min_width=8)
    return table
