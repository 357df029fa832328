"""Pictures that are there twice, or nearly, within a split and across splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.likeness import ALIKE, Fingerprint, alike, count_bits
from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.survey import Picture

NAMED = 3
"""So many of a group are named."""


@dataclass(frozen=True, slots=True)
class Known:
    """A picture that could be decoded."""

    picture: Picture
    fingerprint: Fingerprint
    rank: int
    """The number of its first split."""


def copy_findings(
    pictures: Sequence[Picture], prints: Sequence[Fingerprint | None], splits: Sequence[str]
) -> Iterator[Finding]:
    """All findings about pictures that are the same or alike. A picture is told of once, as a copy or as alike."""
    known = [
        Known(picture, one, min(splits.index(split) for split in picture.splits))
        for picture, one in zip(pictures, prints, strict=True)
        if one is not None
    ]
    firsts: list[Known] = []
    same: defaultdict[str, list[Known]] = defaultdict(list)
    for one in known:
        same[one.fingerprint.content].append(one)
    for copies in same.values():
        first, *others = sorted(copies, key=lambda one: (one.rank, one.picture.path))
        firsts.append(first)
        for one in others:
            yield _copy(first, one)
    groups = alike([one.fingerprint for one in firsts])
    for group in groups:
        yield from _alike([firsts[index] for index in sorted(group)])


def _copy(first: Known, one: Known) -> Finding:
    place = Path(one.picture.path)
    if first.rank == one.rank:
        return Finding("picture-duplicate", place, f"the same file as {first.picture.path}")
    where = f"{first.picture.path}, which is in {first.picture.splits[0]}"
    return Finding("leak-exact", place, f"is in {one.picture.splits[0]}, and the same file as {where}")


def _alike(group: Sequence[Known]) -> Iterator[Finding]:
    """One finding for each picture that is like one of an earlier split; one for all others of a split together."""
    ranks = np.array([one.rank for one in group])
    looks = np.array([one.fingerprint.look for one in group], np.uint64)
    for rank in np.unique(ranks).tolist():
        members = np.flatnonzero(ranks == rank)
        leaks = set()
        for row in members.tolist():
            nearest = _nearest(looks, np.flatnonzero(ranks < rank), row)
            if nearest is not None:
                leaks.add(row)
                yield _leak(group[nearest], group[row])
        rest = [group[row] for row in members.tolist() if row not in leaks]
        if len(rest) > 1:
            yield _series(rest)


def _nearest(looks: NDArray[np.uint64], others: NDArray[np.intp], row: int) -> int | None:
    """The most alike of the others, if it is alike at all."""
    if not len(others):
        return None
    distances = count_bits(looks[others] ^ looks[row])
    best = int(distances.argmin())
    return int(others[best]) if distances[best] <= ALIKE else None


def _leak(first: Known, one: Known) -> Finding:
    where = f"{first.picture.path}, which is in {first.picture.splits[0]}"
    message = f"is in {one.picture.splits[0]}, and nearly the same as {where}"
    return Finding("leak-alike", Path(one.picture.path), message)


def _series(rest: Sequence[Known]) -> Finding:
    first, *others = sorted(rest, key=lambda one: one.picture.path)
    named = ", ".join(Path(one.picture.path).name for one in others[:NAMED])
    more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return Finding("picture-alike", Path(first.picture.path), f"nearly the same as {named}{more}")
