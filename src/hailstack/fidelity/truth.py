"""Labels of the pictures that fidelity is measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hailstack.datasets import Objects, read_label
from hailstack.datasets.class_list import read_class_list
from hailstack.errors import ConfigError, NotFoundError


@dataclass(frozen=True, slots=True)
class Truth:
    """What is in each picture, by its path: objects, or one class."""

    objects: Mapping[Path, Objects]
    class_ids: Mapping[Path, int]

    def __contains__(self, photo: Path) -> bool:
        return photo in self.objects or photo in self.class_ids


def read_truth(path: Path, folder: Path, photos: Sequence[Path], names: Sequence[str], classes: int) -> Truth:
    """Read labels: a folder of YOLO text files named like the pictures, or a CSV file ``picture,class``.

    Args:
        folder: that of the pictures; files of labels may lie in the same subfolders, or all in one place.
        photos: the pictures; those without a label are left out of accuracy.
        names: class names, for CSV files that have names instead of ids.
        classes: how many the HEF knows; 0: that is not known.

    Raises:
        NotFoundError: there is no such file or folder.
        ConfigError: no picture has a label, nothing is labelled, or a class is unknown.
    """
    if path.is_dir():
        found = {photo: _read_objects(path, photo.relative_to(folder), classes) for photo in photos}
        truth = Truth({photo: one for photo, one in found.items() if one is not None}, {})
    elif path.is_file():
        truth = Truth({}, _read_classes(path, folder, photos, names, classes))
    else:
        message = f"{path}: no such labels: a folder of YOLO text files, or a CSV file picture,class"
        raise NotFoundError(message)
    if not truth.objects and not truth.class_ids:
        message = f"{path}: has no label for any of the {len(photos)} pictures"
        raise ConfigError(message)
    if not truth.class_ids and not any(map(len, truth.objects.values())):
        message = f"{path}: there is no object in any of {len(truth.objects)} files of labels"
        raise ConfigError(message)
    return truth


def _read_objects(path: Path, photo: Path, classes: int) -> Objects | None:
    beside = path / photo.with_suffix(".txt")
    file = beside if beside.is_file() else path / f"{photo.stem}.txt"
    objects = read_label(file)
    if objects is not None and classes:
        _check_class(int(objects.class_id.max(initial=0)), classes, str(file))
    return objects


def _check_class(class_id: int, classes: int, where: str) -> None:
    if class_id >= classes:
        message = f"{where}: class {class_id} is none of the HEF's {classes} (0 to {classes - 1}): other labels?"
        raise ConfigError(message)


def _read_classes(
    path: Path, folder: Path, photos: Sequence[Path], names: Sequence[str], classes: int
) -> dict[Path, int]:
    wanted = {photo.name: photo for photo in photos} | {str(photo.relative_to(folder)): photo for photo in photos}
    found: dict[Path, int] = {}
    for listed in read_class_list(path):
        if listed.picture not in wanted:
            continue
        class_id = listed.class_id(names)
        if classes:
            _check_class(class_id, classes, listed.where)
        found[wanted[listed.picture]] = class_id
    return found
