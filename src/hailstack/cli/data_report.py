"""What the commands on datasets show on the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hailstack.datasets import Dataset, Problem

SHOWN = 10
"""Problems that are shown before the rest is counted."""


@contextmanager
def show_count(what: str, total: int | None, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr, moved by calling; nothing when quiet or when stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


@contextmanager
def show_parts(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """As :func:`show_count`, moved by calling with how many are done, of how many."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def warn(problems: Sequence[Problem | str]) -> None:
    """Problems on stderr, of many the first."""
    for problem in problems[:SHOWN]:
        print(f"hailstack: warning: {problem}", file=sys.stderr)
    if len(problems) > SHOWN:
        print(f"hailstack: warning: and {len(problems) - SHOWN} more", file=sys.stderr)


def show(report: Mapping[str, Any], lines: Sequence[str], *, as_json: bool) -> None:
    """The outcome on stdout, for programs or for people."""
    print(json.dumps(report, indent=2, ensure_ascii=False) if as_json else "\n".join(lines))


def counts(dataset: Dataset) -> dict[str, int]:
    """What a dataset holds."""
    samples = list(dataset.samples)
    labelled = [sample.objects for sample in samples if sample.objects is not None]
    return {
        "pictures": len(samples),
        "unlabelled": len(samples) - len(labelled),
        "negatives": sum(not len(objects) for objects in labelled),
        "objects": sum(map(len, labelled)),
        "classes": len(dataset.names),
    }


def summary(dataset: Dataset) -> str:
    """What a dataset holds, in a sentence."""
    found = counts(dataset)
    told = f"{found['pictures']} pictures, {found['objects']} objects of {found['classes']} classes"
    if found["negatives"]:
        told += f", {found['negatives']} with nothing in them"
    if found["unlabelled"]:
        told += f", {found['unlabelled']} not labelled yet"
    return told
