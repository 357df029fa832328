"""Labels of the pictures that fidelity is measured on."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hailstack.datasets import Objects, read_label
from hailstack.errors import ConfigError, NotFoundError


@dataclass(frozen=True, slots=True)
class Truth:
    """What is in each picture, by file name: objects, or one class."""

    objects: Mapping[str, Objects]
    class_ids: Mapping[str, int]


def read_truth(path: Path, photos: Sequence[Path], names: Sequence[str]) -> Truth:
    """Read labels: a folder of YOLO text files named like the pictures, or a CSV file ``picture,class``.

    Args:
        photos: the pictures; those without a label are left out of accuracy.
        names: class names, for CSV files that have names instead of ids.

    Raises:
        NotFoundError: there is no such file or folder.
        ConfigError: no picture has a label, or a class is unknown.
    """
    if path.is_dir():
        found = {photo.name: read_label(path / f"{photo.stem}.txt") for photo in photos}
        truth = Truth({name: one for name, one in found.items() if one is not None}, {})
    elif path.is_file():
        truth = Truth({}, _read_classes(path, {photo.name for photo in photos}, names))
    else:
        message = f"{path}: no such labels: a folder of YOLO text files, or a CSV file picture,class"
        raise NotFoundError(message)
    if not truth.objects and not truth.class_ids:
        message = f"{path}: has no label for any of the {len(photos)} pictures"
        raise ConfigError(message)
    return truth


def _read_classes(path: Path, wanted: set[str], names: Sequence[str]) -> dict[str, int]:
    places = {name: i for i, name in enumerate(names)}
    found: dict[str, int] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.reader(file), 1):
            if len(row) < 2 or Path(row[0].strip()).name not in wanted:
                continue
            word = row[1].strip()
            if word not in places and not word.isdigit():
                message = f"{path}:{number}: class {word!r} is neither a class id nor one of the HEF's class names"
                raise ConfigError(message)
            found[Path(row[0].strip()).name] = places[word] if word in places else int(word)
    return found
