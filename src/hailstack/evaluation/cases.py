"""Pictures on which a network was wrong, ready to be shown."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hailstack.types import Image

SHOWN_MOST = 24
"""Pictures that are shown for each network."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A box on the picture."""

    kind: str
    """What is wrong with it; ``right``: nothing; ``truth``: it is a label."""
    box: Box
    """xyxy in pixels of the picture."""
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One picture and what a network made of it."""

    row: int
    """Which picture."""
    badness: float
    """The worst are shown first; 0: nothing is wrong."""
    kinds: Mapping[str, int]
    """Kind of mistake → how many."""
    marks: tuple[Mark, ...] = ()
    text: str = ""
    images: tuple[tuple[str, Image], ...] = field(default=())
    """Further pictures with what they show."""


@dataclass(slots=True)
class Worst:
    """The worst pictures so far; what is drawn for the others is not kept."""

    kept: list[tuple[float, int, Case]] = field(default_factory=list)

    def wants(self, badness: float) -> bool:
        """Whether a picture as bad as that would be kept."""
        return badness > 0 and (len(self.kept) < SHOWN_MOST or badness > self.kept[0][0])

    def keep(self, case: Case) -> None:
        """Keep it in place of the least bad one."""
        heapq.heappush(self.kept, (case.badness, case.row, case))
        if len(self.kept) > SHOWN_MOST:
            heapq.heappop(self.kept)

    def cases(self, pictures: int) -> Sequence[Case]:
        """A case for each picture; those that were not kept have nothing to show."""
        by_row = {row: case for _, row, case in self.kept}
        return [by_row.get(row, Case(row, 0.0, {})) for row in range(pictures)]


def count_kinds(cases: Sequence[Case]) -> Mapping[str, int]:
    """How often each kind of mistake was made on all pictures, most frequent first."""
    total: Counter[str] = Counter()
    for one in cases:
        total.update(one.kinds)
    return dict(total.most_common())


def worst_rows(cases: Sequence[Sequence[Case]], most: int) -> list[int]:
    """The pictures on which any of the networks was most wrong, at most ``most`` for each, worst first."""
    picked = [sorted((one for one in each if one.badness > 0), key=lambda one: -one.badness)[:most] for each in cases]
    ranked = sorted((one for each in picked for one in each), key=lambda one: -one.badness)
    return list(dict.fromkeys(one.row for one in ranked))
