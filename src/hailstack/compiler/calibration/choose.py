"""Which pictures stand for all: greedy facility location on descriptors, after near-duplicates are dropped.

Each step takes the picture that brings all others nearest to a chosen one, in sum (the k-median objective, greedy
within 63 % of the best gain: Nemhauser, Wolsey and Fisher 1978; evaluated lazily: Minoux 1978). Where objects are
labelled, pictures that show a rare kind of object come first. All arithmetic is in whole numbers, ties go to the
earlier picture: every machine chooses alike.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.calibration.survey import Kind

MOST_CANDIDATES = 8192
"""Distances between all pairs of so many pictures take 256 MiB."""
ALIKE = 1200
"""Pictures closer than this are near-duplicates: frames of a video 0.1 s apart are 0 to 900 apart, a photo and its
strongly compressed copy 400, the most alike two of 90 different photos 7,600, two of them on average 18,000."""
QUOTA_SHARE = 0.5
"""So much of a set may be given to rare kinds of objects before the rest is chosen by looks."""
BLOCK_ROWS = 256


@dataclass(frozen=True, slots=True)
class Choice:
    """Rows of a survey."""

    rows: tuple[int, ...] = ()
    """The chosen, in the order of the source."""
    duplicates: int = 0
    """How many were left out as near-duplicates of an earlier one."""
    alike: int = 0
    """How many of the chosen are near-duplicates, because without them there were too few."""


def distances(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.uint32]:
    """``(n, m)``: how far descriptors are apart, rounded down. In float64 the sums of squares are exact."""
    left, right = first.astype(np.float64), second.astype(np.float64)
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None] - 2.0 * (left @ right.T)
    whole: NDArray[np.uint32] = np.sqrt(squares).astype(np.uint32)
    return whole


def pairwise(descriptors: NDArray[np.int32]) -> NDArray[np.uint32]:
    """``(n, n)`` distances, a block at a time."""
    table = np.empty((len(descriptors), len(descriptors)), np.uint32)
    for start in range(0, len(descriptors), BLOCK_ROWS):
        table[start : start + BLOCK_ROWS] = distances(descriptors[start : start + BLOCK_ROWS], descriptors)
    return table


def choose(
    table: NDArray[np.uint32],
    count: int,
    kinds: Sequence[frozenset[Kind]] = (),
    *,
    keep_duplicates: bool = False,
    fewest: int = 0,
) -> Choice:
    """At most ``count`` rows that stand for all.

    Args:
        table: distances of all pairs.
        kinds: kinds of objects in each picture.
        keep_duplicates: near-duplicates may be chosen, too.
        fewest: with fewer rows than this, near-duplicates fill them up: small things before one sky look alike, and
            still differ where it matters.
    """
    unique = list(range(len(table))) if keep_duplicates else drop_duplicates(table)
    duplicates = len(table) - len(unique)
    if len(unique) <= count:
        wanted = max(len(unique), min(fewest, count, len(table)))
        filled = _fill(table, range(len(table)), unique, wanted)
        return Choice(tuple(sorted(filled)), len(table) - wanted, wanted - len(unique))
    rare = _rare_first(unique, kinds, int(count * QUOTA_SHARE)) if kinds else []
    return Choice(tuple(sorted(_fill(table, unique, rare, count))), duplicates)


def drop_duplicates(table: NDArray[np.uint32]) -> list[int]:
    """The rows that no earlier kept row is alike to."""
    kept: list[int] = []
    dropped = np.zeros(len(table), bool)
    for row in range(len(table)):
        if not dropped[row]:
            kept.append(row)
            dropped |= table[row] < ALIKE
    return kept


def _rare_first(rows: Sequence[int], kinds: Sequence[frozenset[Kind]], most: int) -> list[int]:
    """At most ``most`` rows that give every class, then every kind, its share, as far as there are pictures of it."""
    classes = [frozenset((class_id, -1) for class_id, _ in row_kinds) for row_kinds in kinds]
    chosen: list[int] = []
    for groups in (classes, kinds):
        _fill_quotas(chosen, rows, groups, most)
    return chosen


def _fill_quotas(chosen: list[int], rows: Sequence[int], groups: Sequence[frozenset[Kind]], most: int) -> None:
    """Add rows to ``chosen``, for the rarest group first, evenly over the rows that show it."""
    frequency = Counter(group for row in rows for group in groups[row])
    seen = Counter(group for row in chosen for group in groups[row])
    for group in sorted(frequency, key=lambda group: (frequency[group], group)):
        quota = max(1, most // (2 * len(frequency)))
        free = [row for row in rows if group in groups[row] and row not in chosen]
        missing = max(0, min(quota - seen[group], len(free), most - len(chosen)))
        for i in range(missing):
            row = free[i * len(free) // missing]
            chosen.append(row)
            seen.update(groups[row])


def _fill(table: NDArray[np.uint32], rows: Sequence[int], chosen: list[int], count: int) -> list[int]:
    """``chosen`` and, greedily, what brings every row nearest to a chosen one."""
    far = np.uint32(table.max())
    near = np.full(len(table), far, np.uint32)
    for row in chosen:
        np.minimum(near, table[row], out=near)
    taken = set(chosen)
    heap = [(-_gain(near, table[row]), row) for row in rows if row not in taken]
    heapq.heapify(heap)
    picked = list(chosen)
    while len(picked) < count:
        _, row = heapq.heappop(heap)
        gain = _gain(near, table[row])  # never more than when it was last computed
        if heap and (-gain, row) > heap[0]:
            heapq.heappush(heap, (-gain, row))
            continue
        picked.append(row)
        np.minimum(near, table[row], out=near)
    return picked


def _gain(near: NDArray[np.uint32], column: NDArray[np.uint32]) -> int:
    return int((near - np.minimum(near, column)).sum(dtype=np.int64))
