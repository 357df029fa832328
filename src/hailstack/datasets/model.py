"""Pictures with what is in them, whatever format the labels came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """The labelled objects of one picture; row ``i`` of each array belongs to object ``i``."""

    relative_xyxy: NDArray[np.float32]
    """``(n, 4)``: left, top, right, bottom, as shares 0..1 of the picture's width and height."""
    class_id: NDArray[np.int32]
    """``(n,)``."""

    def __len__(self) -> int:
        return len(self.class_id)

    def to_pixels(self, width: int, height: int) -> NDArray[np.float32]:
        """Boxes ``(n, 4)`` in pixels of a picture of that size."""
        scaled: NDArray[np.float32] = self.relative_xyxy * np.array([width, height] * 2, np.float32)
        return scaled


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of a dataset."""

    image: Path
    objects: Objects | None = None
    """None: nobody has labelled it. No objects: somebody has, and there is nothing in it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a dataset that was passed over."""

    path: Path
    message: str
    line: int | None = None
    """From 1."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled pictures in splits."""

    source: Path
    names: Mapping[int, str]
    """Class id → name; empty if the dataset does not say."""
    splits: Mapping[str, tuple[Sample, ...]]
    """``train``, ``val``, ``test`` or what the dataset calls them → samples in an order that never changes."""
    problems: tuple[Problem, ...] = field(default=())

    def name(self, class_id: int) -> str:
        """The name of a class, or its id as text."""
        return self.names.get(class_id, str(class_id))
