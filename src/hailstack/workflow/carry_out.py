"""Carrying out steps: only those with something new, and so that an interruption at any point costs nothing done.

A step fills ``.NAME.part`` beside its folder ``NAME``; the folder gets its name when its record says that all is done.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from hailstack.errors import InputError
from hailstack.workflow.record import Record, list_files, read_record, wanted_record
from hailstack.workflow.step import Listener, Step

Reason: TypeAlias = Literal["fresh", "first", "changed", "damaged", "resumed"]
"""Why a step has to be carried out. ``fresh``: it has not, all is as last time. ``first``: it never was. ``changed``:
what it reads, its options or versions are new. ``damaged``: its files are not what it left. ``resumed``: an attempt
was interrupted, and goes on."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be done about a step."""

    reason: Reason
    changes: tuple[str, ...] = ()
    """What is new, by name."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A step that is done."""

    record: Record
    folder: Path
    outlook: Outlook


def look(folder: Path, step: Step) -> Outlook:
    """Whether a step would have to be carried out; nothing is touched."""
    return _outlook(folder, wanted_record(step), step.resumes)


def carry_out(
    folder: Path, step: Step, listener: Listener, begin: Callable[[Step, Outlook], None] = lambda step, outlook: None
) -> Carried:
    """Do a step below ``folder``, or find it done; ``begin`` is told which of both beforehand.

    Raises:
        InputError: something else lies where the step's folder belongs.
        HailstackError: what the step raises; what it had done stays for the next attempt if it can be resumed.
    """
    wanted, place, partial = wanted_record(step), folder / step.name, _partial(folder, step.name)
    outlook = _outlook(folder, wanted, step.resumes)
    begin(step, outlook)
    if outlook.reason != "fresh":
        done = _done(partial, wanted) or _work(step, wanted, partial, outlook, listener)
        _settle(partial, place)
        return Carried(done, place, outlook)
    shutil.rmtree(partial, ignore_errors=True)
    known = read_record(place)
    assert known is not None  # it is fresh
    return Carried(known, place, outlook)


def _partial(folder: Path, name: str) -> Path:
    return folder / f".{name}.part"


def _done(folder: Path, wanted: Record) -> Record | None:
    """The record of a folder that has all that is wanted."""
    record = read_record(folder)
    return record if record is not None and record.key == wanted.key and record.holds(folder) else None


def _outlook(folder: Path, wanted: Record, resumes: bool) -> Outlook:
    place = folder / wanted.step
    if _done(place, wanted):
        return Outlook("fresh")
    begun = read_record(_partial(folder, wanted.step))
    if resumes and begun is not None and begun.key == wanted.key:
        return Outlook("resumed")
    record = read_record(place)
    if record is None and place.exists():
        message = f"{place}: no build made this, so it is not replaced; move it away, or give the build another output"
        raise InputError(message)
    if record is None:
        return Outlook("first")
    return Outlook("changed", record.differences(wanted)) if record.key != wanted.key else Outlook("damaged")


def _work(step: Step, wanted: Record, partial: Path, outlook: Outlook, listener: Listener) -> Record:
    if outlook.reason != "resumed":
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        wanted.write(partial)
    started = time.perf_counter()
    figures = step.run(partial, listener)
    record = replace(
        wanted,
        is_done=True,
        files=list_files(partial),
        figures=figures,
        seconds=round(time.perf_counter() - started, 3),
    )
    record.write(partial)
    return record


def _settle(partial: Path, place: Path) -> None:
    """Give the finished folder its name. Interrupted anywhere, it is found again by its record."""
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    partial.rename(place)
    shutil.rmtree(old, ignore_errors=True)
