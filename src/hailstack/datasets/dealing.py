"""Dealing groups of pictures to splits so that each split gets its share of every class.

Iterative stratification (Sechidis, Tsoumakas and Vlahavas, *On the stratification of multi-label data*, 2011), with
groups in place of single pictures: the rarest class is dealt first, each of its groups to the split that lacks most of
that class. Large groups come first; the order of the rest, and every tie, is decided by hashes of names, so that each
machine deals alike. What is in a split already stays there.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

NOTHING = -1
"""Stands for the class of pictures without objects."""


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures that belong in one split."""

    key: str
    """The same on every machine."""
    pictures: int
    classes: Mapping[int, int]
    """Class → pictures of the group that have it; :data:`NOTHING` for those that have none."""
    split: str | None = None
    """Where it is already."""


@dataclass(slots=True)
class _Need:
    """What a split lacks."""

    wanted: float
    """Pictures in all."""
    pictures: float
    """Pictures that it still lacks."""
    classes: dict[int, float]

    @property
    def is_overfull(self) -> bool:
        """Rare classes may fill a split by half as much again as was asked for."""
        return self.pictures < -0.5 * self.wanted

    def give(self, group: Group) -> None:
        self.pictures -= group.pictures
        for label, count in group.classes.items():
            self.classes[label] -= count


def deal(groups: Sequence[Group], shares: Mapping[str, float], seed: int = 0) -> Mapping[str, str]:
    """The split of each group, by its key.

    Args:
        shares: split → its share of the pictures; they add up to 1.
        seed: another one gives another dealing.
    """
    needs = _needs(groups, shares)
    dealt = {group.key: group.split for group in groups if group.split is not None}
    for group in groups:
        if group.split is not None:
            needs[group.split].give(group)
    left = sorted((group for group in groups if group.split is None), key=lambda one: _order(one, seed))
    for label, having in _rarest_first(left):
        for group in having:
            if group.key not in dealt:
                open_ = [name for name, need in needs.items() if not need.is_overfull]
                split = max(open_ or needs, key=lambda name: (needs[name].classes[label], needs[name].pictures))
                needs[split].give(group)
                dealt[group.key] = split
    return _without_empty(groups, dealt, shares, seed)


def _needs(groups: Sequence[Group], shares: Mapping[str, float]) -> dict[str, _Need]:
    """A class in as many groups as there are splits, or more, is wanted in each of them, however small its share."""
    total, spread = Counter[int](), Counter[int]()
    for group in groups:
        total.update(group.classes)
        spread.update(group.classes.keys())
    needs = {}
    for split, share in shares.items():
        enough = [label for label in total if share and spread[label] >= len(shares)]
        least = {label: total[label] / spread[label] for label in enough}
        wanted = {label: max(share * total[label], least.get(label, 0.0)) for label in total}
        pictures = share * sum(group.pictures for group in groups)
        needs[split] = _Need(pictures, pictures, wanted)
    return needs


def _order(group: Group, seed: int) -> tuple[int, str]:
    return -group.pictures, hashlib.sha256(f"{seed}/{group.key}".encode()).hexdigest()


def _rarest_first(groups: Iterable[Group]) -> list[tuple[int, list[Group]]]:
    """Each class with the groups that have it, in their order."""
    having: dict[int, list[Group]] = {}
    for group in groups:
        for label in group.classes:
            having.setdefault(label, []).append(group)
    return sorted(having.items(), key=lambda one: (sum(group.classes[one[0]] for group in one[1]), one[0]))


def _without_empty(
    groups: Sequence[Group], dealt: Mapping[str, str], shares: Mapping[str, float], seed: int
) -> Mapping[str, str]:
    """Each split that is wanted gets at least the smallest group of the fullest one, if that has two."""
    result = dict(dealt)
    for split, share in shares.items():
        if share <= 0 or split in result.values():
            continue
        fullest = max(shares, key=lambda name: sum(one.pictures for one in groups if result[one.key] == name))
        movable = [one for one in groups if result[one.key] == fullest and one.split is None]
        if len(movable) > 1:
            result[max(movable, key=lambda one: _order(one, seed)).key] = split
    return result
