"""Calibration pictures as they pass by, of which a few are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from hailstack.compiler.quantise.pixels import Frame


@dataclass(slots=True)
class Pictures:
    """Passes a stream on and keeps an even sample of it, so that it need not fit into memory.

    Args:
        stream: read once.
        limit: how many are kept; each picture has the same chance (Vitter 1985, algorithm R).
    """

    stream: Iterator[Frame]
    limit: int
    kept: list[Frame] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    """Where in the stream each of those kept was."""
    _seen: int = 0
    _random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        frame = next(self.stream)
        self._seen += 1
        if len(self.kept) < self.limit:
            self.kept.append(frame)
            self.places.append(self._seen - 1)
        else:
            place = int(self._random.integers(self._seen))
            if place < self.limit:
                self.kept[place], self.places[place] = frame, self._seen - 1
        return frame


def sample(frames: Iterable[Frame], limit: int) -> tuple[Frame, ...]:
    """At most ``limit`` of the pictures, each with the same chance."""
    pictures = Pictures(iter(frames), limit)
    for _ in pictures:
        pass
    return tuple(pictures.kept)
