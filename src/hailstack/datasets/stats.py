"""What is in a dataset, in figures: classes, sizes and places of boxes, light."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.model import Dataset, Objects, Sample
from hailstack.datasets.yolo import unlisted_samples
from hailstack.errors import MediaError
from hailstack.imaging.glance import glance, grey_thumbnail

SIZES_PX = (32, 96)
"""Limits between small, medium and large objects, in pixels of the network's input (as COCO has it)."""
SIZE_NAMES = ("small", "medium", "large")
GRID = 48
"""Cells of the heat map, each way."""
LOOKED_AT = 2000
"""Pictures that are opened at most, evenly over all."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class SplitCount:
    """Pictures of one split."""

    pictures: int
    unlabelled: int
    negatives: int
    """Looked at, and nothing in them."""
    objects: int


@dataclass(frozen=True, slots=True)
class ClassCount:
    """One class."""

    class_id: int
    name: str
    objects: int
    pictures: Mapping[str, int]
    """Split → pictures that have it."""
    sizes: Mapping[str, int]
    """``small``, ``medium``, ``large`` → objects, of those whose picture's size is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Stats:
    """Figures of a dataset."""

    dataset: Dataset
    imgsz: int
    """Pixels of the network's input, which the longer side of a picture is fitted to."""
    splits: Mapping[str, SplitCount]
    classes: tuple[ClassCount, ...]
    """Most objects first."""
    sides_px: NDArray[np.float64]
    """``(n, 2)``: width and height of boxes as the network sees them."""
    heat: NDArray[np.float64]
    """``(48, 48)``: share of all objects that cover this place of their picture."""
    picture_sizes: Mapping[tuple[int, int], int]
    """Width and height in pixels → pictures."""
    brightness: NDArray[np.float64]
    """Mean grey level 0..255 of the pictures that were opened."""
    unreadable: tuple[str, ...]
    """Pictures that could not be opened, and why."""
    unlisted: int = 0
    """Pictures in the dataset's folders that are in no split."""

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        side = np.sqrt(self.sides_px.prod(axis=1))
        return {
            "dataset": str(self.dataset.source),
            "kind": self.dataset.kind,
            "splits": {name: _fields(one) for name, one in self.splits.items()},
            "classes": [_fields(one) for one in self.classes],
            "imgsz": self.imgsz,
            "box_side_px": _quantiles(side),
            "picture_sizes": {f"{w}x{h}": count for (w, h), count in self.picture_sizes.items()},
            "brightness": _quantiles(self.brightness),
            "heat": self.heat.round(6).tolist(),
            "unlisted": self.unlisted,
            "unreadable": list(self.unreadable),
            "problems": [str(problem) for problem in self.dataset.problems],
        }


def measure(
    dataset: Dataset, imgsz: int = 640, progress: Callable[[int, int], None] = lambda done, total: None
) -> Stats:
    """The figures of a dataset. Labels are counted all; pictures are opened up to 2,000, evenly over all.

    Args:
        imgsz: the network's input in pixels, for sizes of boxes.
        progress: told how many pictures have been opened, of how many.
    """
    samples = list(dataset.samples)
    looks, unreadable = _look(evenly(samples, LOOKED_AT), progress)
    sized = [(one, one.size or (looks[one].size if one in looks else None)) for one in samples]
    scales = [(one.objects, _scale(size, imgsz)) for one, size in sized if one.objects is not None and size]
    sides = [_sides(objects) * scale for objects, scale in scales]
    labelled = [one.objects for one in samples if one.objects is not None and len(one.objects)]
    return Stats(
        dataset,
        imgsz,
        {name: _count(found) for name, found in dataset.splits.items()},
        _classes(dataset, [objects for objects, _ in scales], sides),
        np.concatenate([np.zeros((0, 2)), *sides]),
        _heat(np.concatenate([np.zeros((0, 4)), *(objects.relative_xyxy for objects in labelled)])),
        dict(Counter(size for _, size in sized if size is not None).most_common()),
        np.array([look.brightness for look in looks.values()]),
        unreadable,
        len(unlisted_samples(dataset)) if dataset.kind == "yolo" else 0,
    )


def size_names(sides_px: NDArray[np.float64]) -> NDArray[np.intp]:
    """``(n,)``: place in :data:`SIZE_NAMES` of boxes with these widths and heights."""
    places: NDArray[np.intp] = np.digitize(np.sqrt(sides_px.prod(axis=1)), SIZES_PX)
    return places


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many, evenly over all."""
    count = min(len(items), most)
    return [items[i * len(items) // count] for i in range(count)]


@dataclass(frozen=True, slots=True)
class _Look:
    size: tuple[int, int]
    brightness: float


def _look(
    samples: Sequence[Sample], progress: Callable[[int, int], None]
) -> tuple[Mapping[Sample, _Look], tuple[str, ...]]:
    found: dict[Sample, _Look] = {}
    unreadable: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (sample, look) in enumerate(zip(samples, pool.map(_look_at, samples), strict=True), 1):
            if isinstance(look, _Look):
                found[sample] = look
            else:
                unreadable.append(look)
            progress(done, len(samples))
    return found, tuple(unreadable)


def _look_at(sample: Sample) -> _Look | str:
    try:
        with sample.image.open("rb") as stream:
            size = glance(stream, str(sample.image)).size
        return _Look(size, float(grey_thumbnail(sample.image.read_bytes(), str(sample.image)).mean()))
    except OSError as error:
        return f"{sample.image}: {error.strerror}"
    except MediaError as error:
        return str(error)


def _scale(size: tuple[int, int], imgsz: int) -> NDArray[np.float64]:
    """Shares → pixels of a network's input that the picture is fitted into."""
    return np.array(size, float) * min(imgsz / size[0], imgsz / size[1])


def _sides(objects: Objects) -> NDArray[np.float64]:
    """Widths and heights as shares of the picture, of what lies within it."""
    boxes = np.clip(objects.relative_xyxy, 0.0, 1.0)
    sides: NDArray[np.float64] = boxes[:, 2:] - boxes[:, :2]
    return np.maximum(sides, 0.0)


def _count(samples: Sequence[Sample]) -> SplitCount:
    labelled = [sample.objects for sample in samples if sample.objects is not None]
    empty = sum(not len(objects) for objects in labelled)
    return SplitCount(len(samples), len(samples) - len(labelled), empty, sum(map(len, labelled)))


def _classes(
    dataset: Dataset, sized: Sequence[Objects], sides: Sequence[NDArray[np.float64]]
) -> tuple[ClassCount, ...]:
    objects, sizes = Counter[int](), Counter[tuple[int, int]]()
    pictures: dict[str, Counter[int]] = {split: Counter() for split in dataset.splits}
    for split, samples in dataset.splits.items():
        for sample in samples:
            found = Counter(sample.objects.class_id.tolist() if sample.objects is not None else ())
            objects.update(found)
            pictures[split].update(found.keys())
    for one, side in zip(sized, sides, strict=True):
        sizes.update(zip(one.class_id.tolist(), size_names(side).tolist(), strict=True))
    ids = sorted(set(dataset.names) | set(objects), key=lambda i: (-objects[i], i))
    return tuple(
        ClassCount(
            i,
            dataset.name(i),
            objects[i],
            {split: found[i] for split, found in pictures.items()},
            {name: sizes[i, place] for place, name in enumerate(SIZE_NAMES)},
        )
        for i in ids
    )


def _heat(boxes: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """How many boxes cover each cell's centre, as a share of all; by sums over corners, whatever their number."""
    cells = np.clip(np.rint(boxes * GRID), 0, GRID).astype(np.intp)
    corners = np.zeros((GRID + 1, GRID + 1))
    for x, y, sign in ((0, 1, 1), (2, 1, -1), (0, 3, -1), (2, 3, 1)):
        np.add.at(corners, (cells[:, y], cells[:, x]), sign)
    covered: NDArray[np.float64] = corners.cumsum(axis=0).cumsum(axis=1)[:GRID, :GRID]
    return covered / max(1, len(boxes))


def _quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    if not len(values):
        return {}
    names = {"min": 0, "p10": 10, "median": 50, "p90": 90, "max": 100}
    return {name: round(float(np.percentile(values, at)), 2) for name, at in names.items()}


def _fields(one: SplitCount | ClassCount) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}
