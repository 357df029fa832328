"""How well a set stands for what it was chosen from, in figures."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.calibration.choose import ALIKE, distances, drop_duplicates, pairwise
from hailstack.compiler.calibration.descriptors import COLOUR, brightness, colour_swapped
from hailstack.compiler.calibration.survey import SIZE_NAMES, Kind, Survey

RANDOM_DRAWS = 5


@dataclass(frozen=True, slots=True)
class Coverage:
    """1: every picture of the source has its like in the set. 0: the set is no better than the one most central
    picture. Mean distance to the nearest chosen picture, against the mean distance to that central one."""

    chosen: float
    first: float
    """Of as many pictures from the source's start."""
    random: float
    """Of as many pictures drawn by lot, mean of 5 draws."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles 5, 50 and 95 of the pictures' mean brightness, 0..255."""

    low: int
    middle: int
    high: int


@dataclass(frozen=True, slots=True)
class KindCount:
    """Pictures that show a class, in the source and in the set."""

    name: str
    source: int
    chosen: int
    sizes: Mapping[str, int]
    """Chosen pictures with small, medium and large objects of the class."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How the set relates to deployment pictures."""

    gap: float
    """How far a deployment picture is from its nearest in the set, against the smaller of: pictures of the set among
    themselves, deployment pictures among themselves (medians, near-duplicates apart). 1: one world."""
    swapped_gap: float
    """The same by colour alone with the set's red and blue exchanged, against the gap by colour as it is."""
    brightness: Spread
    """Of the deployment pictures."""


@dataclass(frozen=True, slots=True)
class Scores:
    coverage: Coverage
    brightness: Spread
    source_brightness: Spread
    classes: tuple[KindCount, ...] = ()
    likeness: Likeness | None = None


def score(
    seen: Survey,
    table: NDArray[np.uint32],
    rows: Sequence[int],
    names: Mapping[int, str],
    like: Survey | None = None,
) -> Scores:
    """Figures of the chosen ``rows``; ``table`` holds the distances of all pairs, ``like`` deployment pictures."""
    light = brightness(seen.descriptors)
    return Scores(
        coverage=_coverage(table, rows),
        brightness=_spread(light[list(rows)]),
        source_brightness=_spread(light),
        classes=_classes(seen, rows, names),
        likeness=None if like is None else _likeness(seen.descriptors[list(rows)], like),
    )


def _coverage(table: NDArray[np.uint32], rows: Sequence[int]) -> Coverage:
    count, every = len(rows), range(len(table))
    draws = [random.Random(seed).sample(every, count) for seed in range(RANDOM_DRAWS)]
    central = int(table.sum(axis=1, dtype=np.int64).min())

    def covered(some: Sequence[int]) -> float:
        return 1.0 - int(table[:, list(some)].min(axis=1).sum(dtype=np.int64)) / central if central else 1.0

    by_lot = sum(map(covered, draws)) / RANDOM_DRAWS
    return Coverage(round(covered(rows), 4), round(covered(every[:count]), 4), round(by_lot, 4))


def _spread(light: NDArray[np.int32]) -> Spread:
    ordered = np.sort(light)
    return Spread(*(int(ordered[(len(ordered) - 1) * percent // 100]) for percent in (5, 50, 95)))


def _classes(seen: Survey, rows: Sequence[int], names: Mapping[int, str]) -> tuple[KindCount, ...]:
    """Every class that is named or occurs, in order of class ids."""
    everywhere = Counter(class_id for kinds in seen.kinds for class_id in {kind[0] for kind in kinds})
    chosen = Counter(class_id for row in rows for class_id in {kind[0] for kind in seen.kinds[row]})
    sizes: Counter[Kind] = Counter(kind for row in rows for kind in seen.kinds[row])
    if not everywhere:
        return ()
    return tuple(
        KindCount(
            names.get(class_id, str(class_id)),
            everywhere[class_id],
            chosen[class_id],
            {name: sizes[class_id, place] for place, name in enumerate(SIZE_NAMES)},
        )
        for class_id in sorted({*names, *everywhere})
    )


def _likeness(chosen: NDArray[np.int32], like: Survey) -> Likeness:
    own = min(_own_gap(chosen), _own_gap(like.descriptors))
    colours, deployed = chosen[:, COLOUR], like.descriptors[:, COLOUR]
    as_is = max(1.0, _gap(deployed, colours))
    return Likeness(
        gap=round(_gap(like.descriptors, chosen) / own, 2),
        swapped_gap=round(_gap(deployed, colour_swapped(colours)) / as_is, 2),
        brightness=_spread(brightness(like.descriptors)),
    )


def _own_gap(descriptors: NDArray[np.int32]) -> float:
    """Median distance to the nearest other that is no near-duplicate."""
    table = pairwise(descriptors)
    rows = drop_duplicates(table)
    apart = table[np.ix_(rows, rows)]
    np.fill_diagonal(apart, apart.max(initial=ALIKE))
    return max(float(ALIKE), float(np.median(apart.min(axis=1))))


def _gap(some: NDArray[np.int32], others: NDArray[np.int32]) -> float:
    """Median distance of ``some`` to their nearest of ``others``."""
    return float(np.median(distances(some, others).min(axis=1)))
