"""What is to be measured."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from hailstack.errors import InputError

What: TypeAlias = Literal["hw", "latency", "stream", "e2e"]
"""``hw``: the device alone, its queue kept full, nothing converted. ``latency``: one frame at a time. ``stream``:
pictures in, real values out. ``e2e``: from the file to the result."""

WHATS: tuple[What, ...] = get_args(What)


@dataclass(frozen=True, slots=True)
class Load:
    """When frames come."""

    rate: float | None = None
    """Frames a second, whether the device keeps up or not; None: the next one as soon as there is room."""

    @staticmethod
    def parse(text: str) -> Load:
        """``closed`` or ``open:RATE``.

        Raises:
            InputError: it is neither.
        """
        if text == "closed":
            return Load()
        found = re.fullmatch(r"open:(\d+(?:\.\d+)?)", text)
        if found is None or not float(found[1]):
            message = f"--load {text}: closed, or open: with frames a second, for example open:30"
            raise InputError(message)
        return Load(float(found[1]))

    def __str__(self) -> str:
        return "closed" if self.rate is None else f"open:{self.rate:g}"


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that is measured."""

    what: What
    batch_size: int = 1
    depth: int | None = None
    """Frames in flight; None: as ``hailstack run`` has it."""
    workers: int = 1
    """Streams at the same time, each in a thread of its own, on one device."""

    @property
    def name(self) -> str:
        parts = [self.what, *([f"batch {self.batch_size}"] if self.batch_size > 1 else [])]
        parts += [f"depth {self.depth}"] if self.depth is not None and self.what != "latency" else []
        return ", ".join([*parts, *([f"{self.workers} workers"] if self.workers > 1 else [])])


@dataclass(frozen=True, slots=True)
class Plan:
    """A model, and all points at which it is measured.

    Raises:
        InputError: what is asked for contradicts itself.
    """

    hef: str
    whats: Sequence[What] = ()
    """Empty: all for which there is what they need."""
    source: str | None = None
    """A picture or video."""
    seconds: float = 5.0
    iterations: int | None = None
    """Frames to measure; None: as many as ``seconds`` hold."""
    warm_up: int = 20
    """Frames before, which do not count."""
    load: Load = Load()
    batch_sizes: Sequence[int] = (1,)
    depths: Sequence[int | None] = (None,)
    workers: Sequence[int] = (1,)

    def __post_init__(self) -> None:
        numbers = [*self.batch_sizes, *(depth for depth in self.depths if depth is not None), *self.workers]
        few = self.iterations is not None and self.iterations < 2
        if min(numbers) < 1 or not 0 < self.seconds < math.inf or self.warm_up < 0 or few:
            raise InputError("batch sizes, depths, workers and seconds are positive, and iterations at least 2")
        if "e2e" in self.whats and self.source is None:
            raise InputError("--mode e2e needs --image or --video: what shall be read?")
        if "e2e" in self.whats and self.load.rate is not None:
            raise InputError("--mode e2e reads as fast as it can: --load open does not apply to it")
        if tuple(self.whats) == ("latency",) and self.load.rate is not None:
            raise InputError("--mode latency takes one frame at a time: --load open does not apply to it")

    def points(self) -> Iterator[Point]:
        """All of them; one frame at a time is the same at every depth, and a pipeline has one stream."""
        given = self.whats or [what for what in WHATS if what != "e2e" or (self.source and self.load.rate is None)]
        seen: set[Point] = set()
        for what, batch, depth, workers in itertools.product(given, self.batch_sizes, self.depths, self.workers):
            if what == "latency":
                point = Point(what, 1, 1)
            else:
                point = Point(what, batch, depth, 1 if what == "e2e" else workers)
            if point not in seen:
                seen.add(point)
                yield point
