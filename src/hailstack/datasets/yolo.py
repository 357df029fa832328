"""Datasets as YOLO trainers keep them: ``data.yaml``, or folders ``images`` and ``labels``.

The label of ``a/images/b/c.jpg`` is ``a/labels/b/c.txt``, or ``c.txt`` beside the picture; what is in it says
:mod:`hailstack.datasets.yolo_label`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hailstack.datasets.model import Dataset, Kind, Problem, Sample
from hailstack.datasets.picture_files import find_pictures
from hailstack.datasets.sequences import sequence_of
from hailstack.datasets.yaml_file import read_yaml
from hailstack.datasets.yolo_label import Shape, label_file, parse_labels, read_label, write_label
from hailstack.errors import ConfigError, NotFoundError

SPLITS = ("train", "val", "test")
UNSPLIT = "all"
"""The only split of a dataset that nobody has split yet."""
__all__ = [
    "find_pictures",
    "is_yolo",
    "label_file",
    "read_label",
    "read_list",
    "read_pictures",
    "read_yolo",
    "write_label",
]

YAML_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")


def is_yolo(path: Path) -> bool:
    """Whether a path is such a dataset: a YAML file, or a folder with one, or with ``images`` and ``labels``."""
    if path.is_dir():
        return yaml_in(path) is not None or ((path / "images").is_dir() and (path / "labels").is_dir())
    return path.suffix.lower() in (".yaml", ".yml")


def read_yolo(path: Path) -> Dataset:
    """All splits of a dataset. Broken label lines are passed over and listed in its problems.

    Raises:
        NotFoundError: the YAML file, or a folder or list of pictures that it names, is not there.
        ConfigError: the YAML file is not one, or a key has a value that makes no sense.
        MissingExtraError: PyYAML is not installed.
    """
    file = yaml_in(path) if path.is_dir() else path
    config = {} if file is None else read_yaml(file)
    source = path if file is None else file
    pictures = {name: _split_pictures(source, config, name) for name in SPLITS if config.get(name)}
    pictures = pictures or {UNSPLIT: _unsplit_pictures(source)}
    shape = keypoint_shape(source, config)
    problems: list[Problem] = []
    splits = {name: tuple(_samples(found, shape, problems)) for name, found in pictures.items()}
    if not any(splits.values()):
        message = f"{source}: there is no picture in this dataset"
        raise ConfigError(message)
    notes = {key: config[key] for key in ("kpt_shape", "flip_idx") if key in config}
    names = _names(source, config) if config else _listed_names(path)
    return Dataset(source, names, splits, tuple(problems), "yolo", notes)


def read_pictures(folder: Path, labels: Path | None = None) -> Dataset:
    """All pictures of a folder and its subfolders as one split ``all``, with labels where there are any.

    Args:
        labels: the folder of their label files, in the same subfolders or all in one place; None: where
            :func:`label_file` says.

    Raises:
        ConfigError: there is no picture.
    """
    pictures = find_pictures(folder)
    if not pictures:
        message = f"{folder}: there is no picture in this folder"
        raise ConfigError(message)
    problems: list[Problem] = []
    find = label_file if labels is None else _finder(folder, labels)
    samples = tuple(_samples(pictures, None, problems, find))
    kind: Kind = "yolo" if any(sample.label for sample in samples) else "pictures"
    return Dataset(folder, _listed_names(labels or folder), {UNSPLIT: samples}, tuple(problems), kind)


def _finder(folder: Path, labels: Path) -> Callable[[Path], Path]:
    def find(picture: Path) -> Path:
        nested = (labels / picture.relative_to(folder)).with_suffix(".txt")
        return nested if nested.exists() else labels / f"{picture.stem}.txt"

    return find


def read_names(file: Path) -> Mapping[int, str]:
    """Class names of a text file, one a line, by their place.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is not a text file.
    """
    return dict(enumerate(_lines(file)))


def _listed_names(folder: Path) -> Mapping[int, str]:
    """As labelling tools leave them beside their labels."""
    file = folder / "classes.txt"
    return read_names(file) if file.is_file() else {}


def unlisted_samples(dataset: Dataset) -> list[Sample]:
    """Samples in no split: pictures in the folders of listed ones, and in ``images``, that no list names."""
    listed = {os.path.abspath(sample.image) for sample in dataset.samples}  # noqa: PTH100 - by the hundred thousand
    roots = {_root(sample.image, dataset.folder) for sample in dataset.samples} | {dataset.folder / "images"}
    tops = [root for root in sorted(roots) if not any(other in roots for other in root.parents) and root.is_dir()]
    found = [picture for root in tops for picture in find_pictures(root)]
    new = [picture for picture in found if os.path.abspath(picture) not in listed]  # noqa: PTH100
    return list(_samples(new, keypoint_shape(dataset.source, dataset.notes), []))


def _root(picture: Path, dataset: Path) -> Path:
    """The folder ``images`` of the dataset that a picture is in, else its own."""
    folders = (folder for folder in picture.parents if folder.name == "images" and folder.is_relative_to(dataset))
    return next(folders, picture.parent)


def read_head(path: Path) -> tuple[Mapping[int, str], Shape | None]:
    """Class names and ``kpt_shape`` of a dataset, whether it has pictures yet or not.

    Raises:
        ConfigError: its YAML file is not one, or a key has a value that makes no sense.
        MissingExtraError: PyYAML is not installed.
    """
    file = yaml_in(path) if path.is_dir() else path
    if file is None:
        return _listed_names(path), None
    config = read_yaml(file)
    return _names(file, config), keypoint_shape(file, config)


def known_pictures(path: Path) -> list[Path]:
    """The pictures in a dataset's splits and in its folder ``images``, each once; it may have none yet.

    Raises:
        ConfigError: its YAML file is not one, or a key has a value that makes no sense.
    """
    file = yaml_in(path) if path.is_dir() else path
    config = read_yaml(file) if file is not None and file.exists() else {}
    found = find_pictures((path if path.is_dir() else path.parent) / "images")
    for split in SPLITS:
        with suppress(NotFoundError):  # a split may be named before it is there
            found += _split_pictures(file or path, config, split) if config.get(split) else []
    return list({os.path.abspath(picture): picture for picture in found}.values())  # noqa: PTH100


def _samples(
    pictures: Sequence[Path],
    shape: Shape | None,
    problems: list[Problem],
    find: Callable[[Path], Path] = label_file,
) -> Iterator[Sample]:
    labels = [find(picture) for picture in pictures]
    for picture, label, objects in zip(pictures, labels, parse_labels(labels, shape, problems), strict=True):
        is_there = objects is not None or label.exists()
        yield Sample(picture, objects, group=sequence_of(picture), label=label if is_there else None)


def _unsplit_pictures(source: Path) -> list[Path]:
    folder = (source if source.is_dir() else source.parent) / "images"
    if not folder.is_dir():
        message = (
            f"{source}: a dataset's YAML has keys such as 'train', 'val' and 'names'; no split is named here, "
            "and there is no folder 'images' beside it"
        )
        raise ConfigError(message)
    return find_pictures(folder)


def keypoint_shape(source: Path, config: Mapping[str, Any]) -> Shape | None:
    """``kpt_shape`` of a dataset's YAML.

    Raises:
        ConfigError: it makes no sense.
    """
    shape = config.get("kpt_shape")
    if shape is None:
        return None
    match shape:
        case [int(count), int(numbers)] if count > 0 and numbers in (2, 3):
            return count, numbers
    message = f"{source}: 'kpt_shape' is the number of key points and 2 or 3 numbers each, not {shape!r}"
    raise ConfigError(message)


def yaml_in(folder: Path) -> Path | None:
    """The YAML file of a dataset."""
    return next((folder / name for name in YAML_NAMES if (folder / name).is_file()), None)


def _names(source: Path, config: Mapping[str, Any]) -> Mapping[int, str]:
    names = config.get("names", {})
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(str(key).isdecimal() for key in names):
        message = f"{source}: 'names' must be a list of class names, or class id: name"
        raise ConfigError(message)
    return {int(key): str(name) for key, name in names.items()}


def _split_pictures(file: Path, config: Mapping[str, Any], split: str) -> list[Path]:
    """The pictures of a split: a folder, a list file, or several of them."""
    value = config[split]
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str) for entry in entries):
        message = f"{file}: {split!r} must be a folder, a list file, or a list of them, not {value!r}"
        raise ConfigError(message)
    return [picture for entry in entries for picture in _entry_pictures(file, config, split, entry)]


def _entry_pictures(file: Path, config: Mapping[str, Any], split: str, entry: str) -> Sequence[Path]:
    root = file.parent / str(config.get("path") or "")
    # Exports of some labelling tools write ../train/images although the folders lie beside the file.
    places = [root / entry, file.parent / entry, file.parent / entry.removeprefix("../")]
    for place in places:
        if place.is_dir():
            return find_pictures(place)
        if place.is_file():
            return read_list(place)
    message = f"{file}: {split!r} names {entry!r}, which is not there (looked for {places[0]})"
    raise NotFoundError(message)


def read_list(file: Path) -> list[Path]:
    """The paths in a text file, one a line; relative ones count from its folder. Lines with ``#`` are passed over.

    Raises:
        ConfigError: it is not a text file.
        NotFoundError: there is no such file.
    """
    return [file.parent / line for line in _lines(file) if not line.startswith("#")]


def _lines(file: Path) -> list[str]:
    """Those that are not blank."""
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except FileNotFoundError as error:
        message = f"{file}: no such list"
        raise NotFoundError(message) from error
    except UnicodeDecodeError as error:
        message = f"{file}: a list is a text file"
        raise ConfigError(message) from error
    return [line for line in lines if line]
