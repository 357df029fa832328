"""Objects as people draw them in labelling tools: named boxes and outlines in pixels, on pictures named by a path."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.model import Objects
from hailstack.datasets.yolo import find_pictures

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """One object."""

    name: str
    """Its class."""
    points: Sequence[Point]
    """In pixels: two opposite corners of a box, or three and more of an outline."""
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_box(self) -> bool:
        return len(self.points) == 2


def turned_box(corner: Point, width: float, height: float, degrees: float) -> list[Point]:
    """The corners of a box that is turned clockwise about its first corner, in pixels."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    sides = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
    return [(corner[0] + x * cos - y * sin, corner[1] + x * sin + y * cos) for x, y in sides]


def to_objects(shapes: Sequence[Shape], size: tuple[int, int], ids: Mapping[str, int]) -> Objects:
    """The shapes of a picture with class ids, in shares of the picture.

    Args:
        size: width and height of the picture in pixels.
        ids: class name → id.
    """
    outlines = [np.array(shape.points, np.float64).reshape(-1, 2) / size for shape in shapes]
    boxes = [_around(shape, outline) for shape, outline in zip(shapes, outlines, strict=True)]
    rings = tuple(() if shape.is_box else (outline,) for shape, outline in zip(shapes, outlines, strict=True))
    attributes = tuple(shape.attributes for shape in shapes)
    return Objects(
        np.array(boxes, np.float64).reshape(-1, 4),
        np.array([ids[shape.name] for shape in shapes], np.int32),
        polygons=rings if any(rings) else None,
        attributes=attributes if any(attributes) else None,
    )


def _around(shape: Shape, outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """The corners of a box as they are: where they are exchanged, that is for others to find."""
    return outline.ravel() if shape.is_box else np.hstack([outline.min(axis=0), outline.max(axis=0)])


def class_ids(listed: Iterable[str], used: Iterable[str]) -> Mapping[str, int]:
    """Class name → id: places in a list, then names that are in use without being listed, sorted."""
    names = list(dict.fromkeys(listed))
    return {name: number for number, name in enumerate([*names, *sorted(set(used) - set(names))])}


class Pictures:
    """The pictures below a folder, found by the paths that a labelling tool gave them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_end: dict[str, list[Path]] = {}
        for picture in find_pictures(folder):
            self._by_end.setdefault(picture.name, []).append(picture)

    def find(self, name: str) -> Path:
        """The picture that a path means: the one that has most of its folders; below the folder if there is none."""
        wanted = PurePosixPath(name.replace("\\", "/"))
        found = self._by_end.get(wanted.name, [])
        if not found:
            return self._folder.joinpath(*(part for part in wanted.parts if part not in ("..", "/")))
        return max(found, key=lambda picture: _common_end(picture.parts, wanted.parts))

    def __contains__(self, name: str) -> bool:
        return os.path.basename(name) in self._by_end  # noqa: PTH119 - a name from elsewhere, no path of ours


def _common_end(first: Sequence[str], second: Sequence[str]) -> int:
    pairs = zip(reversed(first), reversed(second), strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))
