"""Datasets as COCO keeps them: a JSON file of images, annotations and categories for each split.

Class ids are the file's category ids. What an annotation says beside box, outline and key points stays in its
attributes, ``segmentation`` of crowds (run lengths) among them. An image without annotations has been looked at,
unless the image says ``"reviewed": false``, which is how :mod:`hailstack.datasets.coco_write` marks the others.

The format: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.model import Dataset, Objects, Problem, Rings, Sample
from hailstack.datasets.placing import picture_size
from hailstack.datasets.yolo import UNSPLIT
from hailstack.errors import ConfigError, InputError, NotFoundError

Record: TypeAlias = Mapping[str, Any]
Size: TypeAlias = tuple[int, int]

TOLD = ("image_id", "category_id", "bbox", "keypoints")
"""Keys of an annotation that have a column of their own."""
ID_KEYS = {"images": "id", "annotations": "image_id", "categories": "id"}
PREFIXES = ("instances_", "person_keypoints_", "captions_", "_annotations.coco")
SPLIT_NAMES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
LOOKED_FOR = 20
"""So many pictures of a file tell in which folder they all lie."""


def is_coco(path: Path) -> bool:
    """Whether a path is such a dataset: a JSON file, or a folder with some in it or in ``annotations``."""
    return bool(annotation_files(path)) if path.is_dir() else path.suffix.lower() == ".json"


def read_coco(path: Path) -> Dataset:
    """All splits of a dataset. Broken annotations are passed over and listed in its problems.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: a file is not JSON, or not COCO's; the message names the line or the record.
    """
    files = annotation_files(path) if path.is_dir() else [path]
    problems: list[Problem] = []
    splits: dict[str, tuple[Sample, ...]] = {}
    names: dict[int, str] = {}
    notes: dict[str, Any] = {}
    for file in files:
        split = split_of(file) if path.is_dir() else split_of(path)
        if split in splits:
            problems.append(
                Problem(file, f"passed over: split {split!r} is in another file; name this one to read it")
            )
            continue
        content = read_json(file)
        names |= _names(file, content)
        notes = {key: value for key, value in content.items() if key not in ("images", "annotations")} | notes
        splits[split] = tuple(_samples(file, content, split, problems))
    if not any(splits.values()):
        message = f"{path}: there is no image in this dataset"
        raise ConfigError(message)
    return Dataset(path, names, splits, tuple(problems), "coco", notes)


def read_json(file: Path) -> Mapping[str, Any]:
    """A COCO file as it is.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is not JSON, or has no lists of images and categories.
    """
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError as error:
        message = f"{file}: no such file"
        raise NotFoundError(message) from error
    except json.JSONDecodeError as error:
        message = f"{file}:{error.lineno}: not readable as JSON: {error.msg} (column {error.colno})"
        raise ConfigError(message) from error
    except (UnicodeDecodeError, RecursionError) as error:
        message = f"{file}: not readable as JSON: {error}"
        raise ConfigError(message) from error
    if not _is_coco_content(content):
        message = f"{file}: not a COCO file: it needs lists 'images', 'annotations' and 'categories'"
        raise ConfigError(message)
    for key in ("images", "annotations", "categories"):
        for place, record in enumerate(content[key]):
            if not isinstance(record, dict) or isinstance(record.get(ID_KEYS[key]), (list, dict)):
                message = f"{file}: entry {place} of {key!r} is no record with an {ID_KEYS[key]!r}: {str(record)[:60]}"
                raise ConfigError(message)
    found: Mapping[str, Any] = content
    return found


def _is_coco_content(content: object) -> bool:
    return isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in ("images", "annotations", "categories")
    )


def annotation_files(folder: Path) -> list[Path]:
    """The files of annotations of a folder; boxes first where a split has several kinds."""
    places = ("annotations/*.json", "*/_annotations.coco.json", "_annotations.coco.json", "*.json")
    found = next((files for place in places if (files := sorted(folder.glob(place)))), [])
    files = [file for file in found if not file.name.startswith(("captions_", ".")) and _looks_like_coco(file)]
    return sorted(files, key=lambda file: (not file.name.startswith("instances_"), file))


def _looks_like_coco(file: Path) -> bool:
    """Whether the first key of a file is one of COCO's; the whole may be a gigabyte."""
    with file.open("rb") as stream:
        start = stream.read(200).lstrip(b"\xef\xbb\xbf \t\r\n{")
    return start.startswith((b'"images"', b'"annotations"', b'"categories"', b'"info"', b'"licenses"', b'"type"'))


def split_of(file: Path) -> str:
    """``val`` for ``annotations/instances_val2017.json``, ``valid/_annotations.coco.json``, ``val.json``."""
    stem = file.stem
    for prefix in PREFIXES:
        stem = stem.removeprefix(prefix)
    word = (stem or file.parent.name).rstrip("0123456789").rstrip("_-").lower()
    return SPLIT_NAMES.get(word, UNSPLIT)


def _names(file: Path, content: Record) -> dict[int, str]:
    try:
        return {int(one["id"]): str(one["name"]) for one in content["categories"]}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        message = f"{file}: a category needs a number 'id' and a 'name': {error}"
        raise ConfigError(message) from error


def _samples(file: Path, content: Record, split: str, problems: list[Problem]) -> Iterator[Sample]:
    by_image: dict[Any, list[Record]] = {}
    for annotation in content["annotations"]:
        by_image.setdefault(annotation.get("image_id"), []).append(annotation)
    points = _point_count(content)
    folder = picture_folder(file, content["images"], split)
    for record in content["images"]:
        image, annotations = _image_path(file, folder, record), by_image.pop(record.get("id"), [])
        size = _size(file, image, record)
        found = Objects.empty()
        if annotations:
            found = _Annotations(file, size, points, problems).objects(annotations)
        is_labelled = bool(annotations) or record.get("reviewed") is not False
        told = {key: value for key, value in record.items() if key not in ("file_name", "width", "height", "group")}
        yield Sample(image, found if is_labelled else None, size, _group(record), file, told)
    for image_id, lost in by_image.items():
        ids = ", ".join(str(one.get("id")) for one in lost[:3])
        problems.append(Problem(file, f"annotation {ids}: image_id {image_id!r} is none of the images"))


def _point_count(content: Record) -> int:
    """Of the category or annotation with most key points."""
    names = (one.get("keypoints") for one in content["categories"])
    numbers = (one.get("keypoints") for one in content["annotations"])
    counts = [len(one) for one in names if isinstance(one, list)]
    return max([*counts, *(len(one) // 3 for one in numbers if isinstance(one, list))], default=0)


def _image_path(file: Path, folder: Path, record: Record) -> Path:
    name = record.get("file_name")
    if not isinstance(name, str) or not name:
        message = f"{file}: image {record.get('id')!r} has no 'file_name'"
        raise ConfigError(message)
    return folder / name


def _group(record: Record) -> str | None:
    group = record.get("group", record.get("video_id"))
    return None if group is None else str(group)


def _size(file: Path, image: Path, record: Record) -> Size:
    """As the file says; else as the picture does."""
    width, height = record.get("width"), record.get("height")
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return width, height
    try:
        return picture_size(image)
    except InputError as error:
        message = f"{file}: image {record.get('id')!r} has no width and height, and its picture tells none: {error}"
        raise ConfigError(message) from error


def picture_folder(file: Path, images: Sequence[Record], split: str) -> Path:
    """The first folder that has one of the pictures, of those that tools and people use."""
    stem = file.stem
    for prefix in PREFIXES:
        stem = stem.removeprefix(prefix)
    root = file.parent.parent if file.parent.name == "annotations" else file.parent
    below = ["", "images", f"images/{split}", f"images/{stem}", stem, split, "data", "JPEGImages"]
    places = [*(root / name for name in below), file.parent]
    names = [str(one.get("file_name")) for one in images[:LOOKED_FOR]]
    return next((place for place in places if any(_is_file(place / name) for name in names)), root)


def _is_file(path: Path) -> bool:
    """False also for what is too long for a name."""
    return os.path.isfile(path)  # noqa: PTH113


class _Annotations:
    """Reads the annotations of one image."""

    def __init__(self, file: Path, size: Size, points: int, problems: list[Problem]) -> None:
        self._file = file
        self._scale = np.array(size, float)
        self._points = points
        self._problems = problems

    def objects(self, annotations: Iterable[Record]) -> Objects:
        """What can be read of them."""
        kept: list[tuple[Record, int, Sequence[float], Rings, NDArray[np.float64]]] = []
        for one in annotations:
            try:
                rings = self._rings(one)
                kept.append((one, _class_id(one), self._box(one, rings), rings, self._keypoints(one)))
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                self._problems.append(Problem(self._file, f"annotation {one.get('id')}: {_told(error)}"))
        if not kept:
            return Objects.empty()
        records, ids, boxes, outlines, points = zip(*kept, strict=True)
        return Objects(
            np.array(boxes, float).reshape(-1, 4),
            np.array(ids, np.int32),
            outlines if any(outlines) else None,
            np.stack(points) if self._points else None,
            tuple(map(_attributes, records)),
        )

    def _box(self, one: Record, rings: Rings) -> Sequence[float]:
        if one.get("bbox") is None and rings:
            points = np.concatenate(rings)
            return [*points.min(axis=0), *points.max(axis=0)]
        given = one["bbox"]
        if not isinstance(given, list) or len(given) != 4:
            raise ValueError("'bbox' is not four numbers x, y, width, height")
        left, top, width, height = map(float, given)
        if not all(map(math.isfinite, (left, top, width, height))):
            raise ValueError("a number of 'bbox' is none")
        x, y = self._scale.tolist()
        return [left / x, top / y, (left + width) / x, (top + height) / y]

    def _rings(self, one: Record) -> Rings:
        given = one.get("segmentation")
        if not isinstance(given, list):
            return ()
        if any(not isinstance(ring, list) or len(ring) < 6 or len(ring) % 2 for ring in given):
            raise ValueError("an outline of 'segmentation' needs an even count of 6 numbers or more")
        return tuple(np.array(ring, float).reshape(-1, 2) / self._scale for ring in given)

    def _keypoints(self, one: Record) -> NDArray[np.float64]:
        points = np.full((self._points, 3), np.nan)
        if one.get("keypoints"):
            given = np.array(one["keypoints"], float).reshape(-1, 3) / [*self._scale, 1]
            points[: len(given)] = given
        return points


def _class_id(one: Record) -> int:
    class_id = int(one["category_id"])
    if not 0 <= class_id < 2**31:
        message = f"category_id {class_id} is no class"
        raise ValueError(message)
    return class_id


def _attributes(one: Record) -> Record:
    outlined = isinstance(one.get("segmentation"), list)
    return {key: value for key, value in one.items() if key not in TOLD and not (outlined and key == "segmentation")}


def _told(error: Exception) -> str:
    return f"has no {error}" if isinstance(error, KeyError) else str(error)


def relative(picture: Path, folder: Path) -> str:
    """The way from a folder to a picture, as COCO writes file names."""
    return Path(os.path.relpath(picture.absolute(), folder.absolute())).as_posix()
