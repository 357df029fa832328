"""What a network learns from and is measured on: the pictures of a dataset, checked before anything is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets import Dataset, Objects, Sample
from hailstack.datasets.formats import open_dataset
from hailstack.datasets.yolo_write import renumbered, without_crowds
from hailstack.errors import ConfigError, NotFoundError


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture of which it is known what is in it."""

    image: Path
    objects: Objects


@dataclass(frozen=True, slots=True)
class Material:
    """Pictures to learn from and to measure with."""

    source: Path
    names: tuple[str, ...]
    train: tuple[Labelled, ...]
    val: tuple[Labelled, ...]
    unlabelled: int
    """Pictures that were left out because nobody has said what is in them."""
    digest: str
    """Changes with any picture's name or size, with any label, and with the class names."""


def read_material(data: Path) -> Material:
    """The dataset's ``train`` and ``val`` splits, classes numbered from 0 without gaps, crowds left out.

    Raises:
        NotFoundError: there is no such dataset, or it names what is not there.
        ConfigError: a split is missing or empty, no picture has a box, a line of a label file is broken, or a class
            is none of the dataset's; the message names file and line.
    """
    dataset = open_dataset(data)
    if dataset.problems:
        more = len(dataset.problems) - 1
        rest = f" (and {more} more; hailstack data verify lists them)" if more else ""
        message = f"{dataset.problems[0]}{rest}"
        raise ConfigError(message)
    names = _names(dataset)
    ids = {class_id: number for number, class_id in enumerate(names)}
    parts = {split: _labelled(dataset, split, ids) for split in ("train", "val")}
    for split, samples in parts.items():
        if not any(len(one.objects) for one in samples):
            message = (
                f"{dataset.source}: there is no box in any of the {len(samples)} labelled pictures of {split!r}; "
                "hailstack data annotate draws them"
            )
            raise ConfigError(message)
    unlabelled = sum(one.objects is None for split in parts for one in dataset.splits[split])
    told = tuple(names.values())
    return Material(dataset.source, told, parts["train"], parts["val"], unlabelled, _digest(told, parts))


def _labelled(dataset: Dataset, split: str, ids: Mapping[int, int]) -> tuple[Labelled, ...]:
    samples = dataset.splits.get(split, ())
    if not samples:
        there = ", ".join(repr(one) for one, pictures in dataset.splits.items() if pictures) or "none"
        message = f"{dataset.source}: there is no split {split!r} (there is {there}); hailstack data split makes one"
        raise ConfigError(message)
    found = tuple(
        Labelled(one.image, renumbered(without_crowds(one.objects), ids)) for one in samples if one.objects is not None
    )
    if not found:
        message = f"{dataset.source}: none of the {len(samples)} pictures of {split!r} has a label file"
        raise ConfigError(message)
    gone = next((one.image for one in found if not one.image.is_file()), None)
    if gone is not None:
        message = f"{gone}: there is no such picture, but {dataset.source} names it; hailstack data verify lists all"
        raise NotFoundError(message)
    return found


def _names(dataset: Dataset) -> Mapping[int, str]:
    """By class id, ascending, perhaps with gaps, as COCO has them; where the dataset has none, the ids themselves.

    Raises:
        ConfigError: a picture has a class that the dataset does not name.
    """
    if not dataset.names:
        highest = max((_ids(one).max(initial=-1) for one in _samples(dataset)), default=-1)
        return {class_id: str(class_id) for class_id in range(highest + 1)}
    known = np.array(sorted(dataset.names))
    for sample in _samples(dataset):
        strange = np.setdiff1d(_ids(sample), known)
        if strange.size:
            message = (
                f"{sample.label or sample.image}: has class {strange[0]}, but {dataset.source} names "
                f"{len(known)} classes ({known[0]} to {known[-1]})"
            )
            raise ConfigError(message)
    return {class_id: dataset.names[class_id] for class_id in known.tolist()}


def _samples(dataset: Dataset) -> Iterator[Sample]:
    for split in ("train", "val"):
        yield from dataset.splits.get(split, ())


def _ids(sample: Sample) -> NDArray[np.int32]:
    return np.zeros(0, np.int32) if sample.objects is None else sample.objects.class_id


def _digest(names: Sequence[str], parts: Mapping[str, Sequence[Labelled]]) -> str:
    found = hashlib.sha256(repr(tuple(names)).encode())
    for split, samples in parts.items():
        for one in samples:
            found.update(f"{split} {one.image.name} {one.image.stat().st_size}\n".encode())
            found.update(np.ascontiguousarray(one.objects.class_id, np.int32).tobytes())
            found.update(np.ascontiguousarray(one.objects.relative_xyxy, np.float32).tobytes())
    return found.hexdigest()
