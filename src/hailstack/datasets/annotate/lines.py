"""Lines of a label file, which are at once what people edit, what is sent, and what is on disk.

A line is known by its text. An edit names the line as its author saw it and the line that is to stand there; so edits
of different lines come together whatever their order, an edit that arrives twice does no harm, and two edits of one
line are noticed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_LINE = 20_000
MOST_LINES = 5_000
HIGHEST_CLASS = 9_999


@dataclass(frozen=True, slots=True)
class Edit:
    """``was`` None: a new line. ``now`` None: the line goes."""

    was: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two people changed one line. No box is lost: both lines are kept, and who came second may choose."""

    was: str
    mine: str | None
    """What the edit wanted there; None: to remove it."""
    theirs: str | None
    """What somebody else had made of it; None: it was removed."""


def split_lines(text: str) -> tuple[str, ...]:
    """The lines of a label file, without what surrounds them; empty ones left out."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def join_lines(lines: Sequence[str]) -> str:
    """The text of a label file."""
    return "".join(f"{line}\n" for line in lines)


def problem(line: str) -> str:
    """Why a line cannot stand in a label file; empty if it can.

    What the page draws lies in the picture and has an area. What it finds may not, and must survive being removed and
    brought back: here a line only needs a class and finite numbers.
    """
    if len(line) > LONGEST_LINE:
        return f"is longer than {LONGEST_LINE} characters"
    try:
        class_id, *values = map(float, line.split())
    except ValueError:
        return "is no row of numbers"
    if not class_id.is_integer() or not 0 <= class_id <= HIGHEST_CLASS:
        return f"begins with no class number (0 to {HIGHEST_CLASS})"
    if not all(map(math.isfinite, values)) or len(values) < 4:
        return "has fewer than 5 numbers, or some that are not finite"
    return ""


def class_of(line: str) -> int | None:
    """The class of a line; None if it begins with none."""
    try:
        return int(float(line.split()[0]))
    except (ValueError, OverflowError, IndexError):
        return None


class Sheet:
    """The lines of one picture under people's hands. What has become of lines that are gone is remembered."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)
        self._fate: dict[str, str | None] = {}

    def apply(self, edits: Sequence[Edit], *, keep: bool = True) -> tuple[Conflict, ...]:
        """Carry out edits, order kept, new lines at the end; what clashed with others' edits.

        An edit whose result is there already changes nothing. Where an edit finds that its line is gone, its new line
        is added beside what others did (``keep``), or left out, as taking back one's own edits should.
        """
        found = [self._apply(edit, keep) for edit in edits]
        return tuple(conflict for conflict in found if conflict is not None)

    def _apply(self, edit: Edit, keep: bool) -> Conflict | None:
        if edit.was is None or edit.was in self.lines:
            self._replace(edit)
            return None
        fate = self._later(edit.was)
        theirs = fate[-1] if fate and fate[-1] in self.lines else None
        was_done = edit.now in fate or edit.now in self.lines or (edit.now is None and theirs is None)
        if not keep or was_done:
            return None
        if edit.now is not None:
            self.lines.append(edit.now)
        return Conflict(edit.was, edit.now, theirs)

    def _replace(self, edit: Edit) -> None:
        if edit.was == edit.now or (edit.was is None and edit.now in self.lines):
            return
        place = len(self.lines) if edit.was is None else self.lines.index(edit.was)
        self.lines[place : place + (edit.was is not None)] = [edit.now] if edit.now is not None else []
        if edit.was is not None:
            self._fate[edit.was] = edit.now

    def _later(self, line: str) -> list[str]:
        """What a line that is gone has become, step by step, up to one that is there."""
        steps: list[str] = []
        step = self._fate.get(line)
        while step is not None and step not in steps:
            steps.append(step)
            step = None if step in self.lines else self._fate.get(step)
        return steps


def merge(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> tuple[str, ...]:
    """Both changes to ``base``, line by line: what either added is there, what either removed is gone.

    The order is that of ``mine``; what only ``theirs`` has follows.
    """
    counts = [Counter(lines) for lines in (base, mine, theirs)]
    wanted = {line: _agreed(*(count[line] for count in counts)) for line in (*mine, *theirs)}
    merged = []
    for line in (*mine, *theirs):
        if wanted[line] > 0:
            wanted[line] -= 1
            merged.append(line)
    return tuple(merged)


def _agreed(base: int, mine: int, theirs: int) -> int:
    """How often a line is to be there."""
    if mine == base:
        return theirs
    return mine if theirs == base else max(mine, theirs)
