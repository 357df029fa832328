"""Datasets as YOLO trainers keep them: ``data.yaml``, or folders ``images`` and ``labels``.

A label file has one object a line: ``class cx cy w h`` in shares of the picture; a polygon ``class x1 y1 x2 y2 …``
(segments, turned boxes) stands for the box around it; with ``kpt_shape`` in the YAML, what follows a box are key
points. The label of ``a/images/b/c.jpg`` is ``a/labels/b/c.txt``, or ``c.txt`` beside the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.model import Dataset, Objects, Problem, Sample
from hailstack.errors import ConfigError, MissingExtraError, NotFoundError
from hailstack.imaging import IMAGE_SUFFIXES

SPLITS = ("train", "val", "test")
YAML_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")


def is_yolo(path: Path) -> bool:
    """Whether a path is such a dataset: a YAML file, or a folder with one, or with ``images`` and ``labels``."""
    if path.is_dir():
        return _yaml_in(path) is not None or ((path / "images").is_dir() and (path / "labels").is_dir())
    return path.suffix.lower() in (".yaml", ".yml")


def read_yolo(path: Path) -> Dataset:
    """All splits of a dataset. Broken label lines are passed over and listed in its problems.

    Raises:
        NotFoundError: the YAML file, or a folder or list of pictures that it names, is not there.
        ConfigError: the YAML file is not one, or a key has a value that makes no sense.
        MissingExtraError: PyYAML is not installed.
    """
    file = _yaml_in(path) if path.is_dir() else path
    config = {} if file is None else _read_yaml(file)
    source = path if file is None else file
    problems: list[Problem] = []
    reader = _LabelReader(has_keypoints="kpt_shape" in config, problems=problems)
    if file is None:
        splits = {"all": reader.samples(_pictures(path / "images"))}
    else:
        splits = {
            split: reader.samples(_split_pictures(file, config, split))
            for split in SPLITS
            if config.get(split) not in (None, "", [])
        }
    if not any(splits.values()):
        message = f"{source}: there is no picture in this dataset"
        raise ConfigError(message)
    return Dataset(source, _names(source, config), splits, tuple(problems))


def _yaml_in(folder: Path) -> Path | None:
    return next((folder / name for name in YAML_NAMES if (folder / name).is_file()), None)


def _read_yaml(file: Path) -> Mapping[str, Any]:
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError as error:
        message = f"{file}: reading YAML needs PyYAML: pip install 'hailstack[data]'"
        raise MissingExtraError(message) from error
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        message = f"{file}: no such dataset file"
        raise NotFoundError(message) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{file}: not readable as YAML: {error}"
        raise ConfigError(message) from error
    if not isinstance(config, dict) or not any(split in config for split in SPLITS):
        message = (
            f"{file}: a dataset's YAML has keys such as 'path', 'train', 'val' and 'names'; no split is named here"
        )
        raise ConfigError(message)
    return config


def _names(source: Path, config: Mapping[str, Any]) -> Mapping[int, str]:
    names = config.get("names", {})
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(str(key).isdigit() for key in names):
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
            return _pictures(place)
        if place.is_file():
            return read_list(place)
    message = f"{file}: {split!r} names {entry!r}, which is not there (looked for {places[0]})"
    raise NotFoundError(message)


def read_label(file: Path) -> Objects | None:
    """The objects of one label file; None if there is no such file.

    Raises:
        ConfigError: a line is broken; the message names file and line.
    """
    problems: list[Problem] = []
    objects = _LabelReader(has_keypoints=False, problems=problems).read(file)
    if problems:
        raise ConfigError(str(problems[0]))
    return objects


def read_list(file: Path) -> list[Path]:
    """The paths in a text file, one a line; relative ones count from its folder. Lines with ``#`` are passed over.

    Raises:
        ConfigError: it is not a text file.
        NotFoundError: there is no such file.
    """
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except FileNotFoundError as error:
        message = f"{file}: no such list of pictures"
        raise NotFoundError(message) from error
    except UnicodeDecodeError as error:
        message = f"{file}: not a text file that lists pictures"
        raise ConfigError(message) from error
    return [file.parent / line for line in lines if line and not line.startswith("#")]


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())


class _LabelReader:
    """Reads label files and collects what is wrong with them."""

    def __init__(self, *, has_keypoints: bool, problems: list[Problem]) -> None:
        self._has_keypoints = has_keypoints
        self._problems = problems

    def samples(self, pictures: Sequence[Path]) -> tuple[Sample, ...]:
        return tuple(Sample(picture, self._objects(picture)) for picture in pictures)

    def _objects(self, picture: Path) -> Objects | None:
        label = next((place for place in _label_places(picture) if place.exists()), None)
        return None if label is None else self.read(label)

    def read(self, label: Path) -> Objects | None:
        """The objects of a label file; None if it is not there or cannot be read."""
        try:
            text = label.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            self._problems.append(Problem(label, f"cannot be read: {error}"))
            return None
        return self._parse(label, text)

    def _parse(self, label: Path, text: str) -> Objects:
        boxes, ids = [], []
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                class_id, box = self._row(line)
            except ValueError as error:
                self._problems.append(Problem(label, str(error), number))
                continue
            ids.append(class_id)
            boxes.append(box)
        return Objects(np.array(boxes, np.float32).reshape(-1, 4), np.array(ids, np.int32))

    def _row(self, line: str) -> tuple[int, NDArray[np.float64]]:
        words = line.split()
        try:
            values = np.array([float(word) for word in words[1:]])
            class_id = int(float(words[0]))
        except ValueError:
            message = f"{line.strip()[:60]!r} is not a row of numbers"
            raise ValueError(message) from None
        if self._has_keypoints or len(values) == 4:
            box = _from_centre(values[:4])
        elif len(values) >= 6 and len(values) % 2 == 0:
            box = np.hstack([values.reshape(-1, 2).min(axis=0), values.reshape(-1, 2).max(axis=0)])
        else:
            message = f"{1 + len(values)} numbers; a box has 5, a polygon an odd number from 7 on"
            raise ValueError(message)
        return class_id, _checked(class_id, box)


def _from_centre(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(values) < 4:
        raise ValueError("fewer than 5 numbers")
    return np.hstack([values[:2] - values[2:] / 2, values[:2] + values[2:] / 2])


def _checked(class_id: int, box: NDArray[np.float64]) -> NDArray[np.float64]:
    """The box cut to the picture."""
    if class_id < 0:
        message = f"class {class_id} is below 0"
        raise ValueError(message)
    if not np.isfinite(box).all() or box.min() < -1 or box.max() > 2:
        raise ValueError("a box far outside the picture; numbers are shares 0..1 of its width and height, not pixels")
    return np.clip(box, 0.0, 1.0)


def _label_places(picture: Path) -> Iterator[Path]:
    parts = list(picture.parts)
    places = [i for i, part in enumerate(parts[:-1]) if part == "images"]
    if places:
        parts[places[-1]] = "labels"
        yield Path(*parts).with_suffix(".txt")
    yield picture.with_suffix(".txt")
