"""Which pictures of a dataset belong together: frames of one video, copies, photos that look alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from hailstack.datasets.likeness import alike, fingerprints
from hailstack.datasets.model import Sample
from hailstack.errors import MediaError

Grouping: TypeAlias = Literal["auto", "looks", "names", "folders", "none"]
"""What belongs together.

``auto``: frames of a video or series, told by their names, and single photos that look alike; ``looks``: videos that
look alike, too; ``names``: frames of a video or series alone, no picture is opened; ``folders``: what lies in one.
"""
SHOWN = 4
"""Names that a sentence has room for."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """What belongs together."""

    roots: Sequence[int]
    """For each sample the first one that it belongs together with."""
    like_series: Sequence[Sequence[int]] = ()
    """Samples of several series that look alike, and are not kept together for it."""
    unseen: int = 0
    """Pictures that cannot be read."""

    def notes(self, split_of: Mapping[Path, str], pool: Sequence[Sample]) -> list[str]:
        """What people should know of samples in these splits."""
        series = [[pool[i] for i in like if pool[i].group is not None] for like in self.like_series]
        parted = [like for like in series if len({split_of[one.image] for one in like}) > 1]
        apart = {str(one.group) for like in parted for one in like}
        notes = [f"{self.unseen} pictures cannot be read; what they are like is not known"] if self.unseen else []
        if apart:
            notes.append(
                f"{len(apart)} videos of different splits look alike ({listed(sorted(apart))}): if they were cut "
                "from one recording, --group looks keeps them together"
            )
        return notes


def belong_together(
    pool: Sequence[Sample], grouping: Grouping, progress: Callable[[int, int], None] = lambda done, total: None
) -> Belonging:
    """Groups of samples.

    Args:
        progress: told how many pictures have been looked at, of how many.
    """
    names = [_series(sample, grouping) for sample in pool]
    sets = _Sets(len(pool))
    _join_equal(sets, names)
    if grouping not in ("auto", "looks"):
        return Belonging(sets.roots())
    prints = list(fingerprints([sample.image for sample in pool], progress))
    readable = [(i, one) for i, one in enumerate(prints) if not isinstance(one, MediaError)]
    _join_equal(sets, [None if isinstance(one, MediaError) else one.content for one in prints])
    likes = [sorted(readable[i][0] for i in like) for like in alike([one for _, one in readable])]
    for like in likes:
        sets.join(like if grouping == "looks" else _loose(like, names))
    return Belonging(sets.roots(), likes if grouping == "auto" else [], len(pool) - len(readable))


def _series(sample: Sample, grouping: Grouping) -> str | None:
    if grouping == "none":
        return None
    return str(sample.image.parent) if grouping == "folders" else sample.group


def _loose(like: Sequence[int], names: Sequence[str | None]) -> list[int]:
    """The single photos, and one series that they are like: two series with one background stay two."""
    loose = [i for i in like if names[i] is None]
    return [*loose, *[i for i in like if names[i] is not None][:1]] if loose else []


def _join_equal(sets: _Sets, values: Sequence[str | None]) -> None:
    first: dict[str, int] = {}
    for i, value in enumerate(values):
        if value is not None:
            sets.join([first.setdefault(value, i), i])


class _Sets:
    """Numbers from 0 in disjoint sets, each known by its smallest."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def join(self, members: Sequence[int]) -> None:
        roots = sorted({self._root(member) for member in members})
        for root in roots[1:]:
            self._parent[root] = roots[0]

    def roots(self) -> list[int]:
        return [self._root(member) for member in range(len(self._parent))]

    def _root(self, member: int) -> int:
        while (parent := self._parent[member]) != member:
            self._parent[member] = self._parent[parent]
            member = parent
        return member


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, of many the first."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
