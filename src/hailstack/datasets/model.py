"""Pictures with what is in them, whatever format the labels came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["yolo", "coco", "voc", "cvat", "labelstudio", "pictures"]
"""How labels are written down; ``pictures``: there are none yet."""

Rings: TypeAlias = tuple[NDArray[np.float64], ...]
"""The outlines of one object: ``(m, 2)`` each, x and y as shares of the picture; none: only its box is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """The labelled objects of one picture; row ``i`` of each column belongs to object ``i``.

    Numbers are kept as the labels have them: a box may lie partly outside the picture. ``to_pixels`` cuts it.
    """

    relative_xyxy: NDArray[np.floating[Any]]
    """``(n, 4)``: left, top, right, bottom, as shares 0..1 of the picture's width and height."""
    class_id: NDArray[np.int32]
    """``(n,)``."""
    polygons: tuple[Rings, ...] | None = None
    """Outlines of each object; None: of none of them."""
    keypoints: NDArray[np.float64] | None = None
    """``(n, k, 3)``: x, y as shares, visibility 0 (not labelled), 1 (hidden), 2; NaN where an object has none."""
    attributes: tuple[Mapping[str, Any], ...] | None = None
    """What else the labels say of each object, by the names of their format: ``iscrowd``, ``difficult``, ``pose`` …"""

    def __len__(self) -> int:
        return len(self.class_id)

    @staticmethod
    def empty() -> Objects:
        """Somebody looked, and there is nothing."""
        return Objects(np.zeros((0, 4)), np.zeros(0, np.int32))

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Objects:
        """Some of the objects: those at the indices ``rows``, in that order, or those where ``rows`` is true."""
        index = np.arange(len(self))[rows]
        return Objects(
            self.relative_xyxy[index],
            self.class_id[index],
            None if self.polygons is None else tuple(self.polygons[row] for row in index),
            None if self.keypoints is None else self.keypoints[index],
            None if self.attributes is None else tuple(self.attributes[row] for row in index),
        )

    def to_pixels(self, width: int, height: int) -> NDArray[np.float32]:
        """Boxes ``(n, 4)`` in pixels of a picture of that size, cut to it."""
        scaled: NDArray[np.float32] = np.clip(self.relative_xyxy, 0.0, 1.0) * np.array([width, height] * 2)
        return scaled.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of a dataset."""

    image: Path
    objects: Objects | None = None
    """None: nobody has labelled it. No objects: somebody has, and there is nothing in it."""
    size: tuple[int, int] | None = None
    """Width and height in pixels, if the labels say; ``imaging`` reads it from the picture otherwise."""
    group: str | None = None
    """Pictures of one group (a video, a series) show nearly the same and belong in one split."""
    label: Path | None = None
    """The file that holds its labels; None: there is none."""
    attributes: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """What else the labels say of the picture, by the names of their format."""


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
    kind: Kind = "yolo"
    """The format that it was read from."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What the format says beside, for a writer that has a place for it: key points' names, licences, authors."""

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.source if self.source.is_dir() else self.source.parent

    @property
    def samples(self) -> Iterator[Sample]:
        """All pictures, split after split; one that is in two splits comes twice."""
        return (sample for samples in self.splits.values() for sample in samples)

    def name(self, class_id: int) -> str:
        """The name of a class, or its id as text."""
        return self.names.get(class_id, str(class_id))
