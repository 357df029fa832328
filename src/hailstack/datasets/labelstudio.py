"""Labels of Label Studio: its JSON export, a list of tasks, and the pictures beside.

Rectangles and polygons are read; a turned rectangle becomes its outline. A task with an annotation has been looked at,
even if that has no regions; predictions and skipped annotations do not count. Of several annotations the one that is
marked as ground truth is taken, else the last. Class ids are places in ``classes.txt`` if that lies beside the file,
else in the names sorted. Pictures are found by name below the file's folder, with or without what Label Studio puts in
front of names (``/data/local-files/?d=``, ``upload/3/1a2b3c4d-``).

The format: https://labelstud.io/guide/export
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from hailstack.datasets.coco import SPLIT_NAMES
from hailstack.datasets.model import Dataset, Problem, Sample
from hailstack.datasets.placing import picture_size
from hailstack.datasets.sequences import sequence_of
from hailstack.datasets.shapes import Pictures, Point, Shape, class_ids, to_objects, turned_box
from hailstack.datasets.voc import listed_names
from hailstack.datasets.yolo import UNSPLIT
from hailstack.errors import ConfigError, InputError, NotFoundError
from hailstack.imaging import IMAGE_SUFFIXES

FILE_NAME = "tasks.json"
UPLOAD_MARK = re.compile(r"^[0-9a-f]{8}-")
LABEL_KEYS = ("rectanglelabels", "polygonlabels", "labels")
Record: TypeAlias = Mapping[str, Any]


def is_labelstudio(path: Path) -> bool:
    """Whether a path is such a file (JSON that is a list of objects), or a folder with ``tasks.json`` in it."""
    file = path / FILE_NAME if path.is_dir() else path
    if file.suffix.lower() != ".json" or not file.is_file():
        return False
    with file.open("rb") as stream:
        return b"".join(stream.read(200).removeprefix(b"\xef\xbb\xbf").split()).startswith(b"[{")


def read_labelstudio(path: Path) -> Dataset:
    """All tasks of such a file. Regions that have no place here are passed over and listed in the problems.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is no JSON, or no list of tasks with pictures.
    """
    file = path / FILE_NAME if path.is_dir() else path
    problems: list[Problem] = []
    pictures = Pictures(file.parent)
    labelled = [_Labelled(file, number, task, pictures, problems) for number, task in enumerate(_tasks(file), 1)]
    if not labelled:
        message = f"{file}: there is no task in this file"
        raise ConfigError(message)
    ids = class_ids(listed_names(file.parent), (shape.name for one in labelled for shape in one.shapes or ()))
    splits: dict[str, list[Sample]] = {}
    for one in labelled:
        splits.setdefault(one.split, []).append(one.sample(ids))
    names = {number: name for name, number in ids.items()}
    return Dataset(
        path, names, {split: tuple(samples) for split, samples in splits.items()}, tuple(problems), "labelstudio"
    )


def _tasks(file: Path) -> Sequence[Record]:
    try:
        tasks: list[Record] = json.loads(file.read_bytes())
    except FileNotFoundError as error:
        message = f"{file}: no such file"
        raise NotFoundError(message) from error
    except json.JSONDecodeError as error:
        message = f"{file}:{error.lineno}: not readable as JSON: {error.msg} (column {error.colno})"
        raise ConfigError(message) from error
    except (UnicodeDecodeError, RecursionError) as error:
        message = f"{file}: not readable as JSON: {error}"
        raise ConfigError(message) from error
    if not all(isinstance(one, dict) and isinstance(one.get("data"), dict) for one in tasks):
        message = f"{file}: not an export of Label Studio: it needs a list of tasks with 'data' (its format JSON)"
        raise ConfigError(message)
    return tasks


class _Labelled:
    """One picture and what was drawn on it; ``shapes`` None: nobody has looked."""

    def __init__(self, file: Path, number: int, task: Record, pictures: Pictures, problems: list[Problem]) -> None:
        self._file = file
        self._image = _picture(file, task, pictures)
        self._size: tuple[int, int] | None = None
        self._problems = problems
        self._where = f"task {task.get('id', number)} ({self._image.name})"
        split = str(task["data"].get("split") or UNSPLIT)
        self.split = SPLIT_NAMES.get(split.lower(), split)
        self.shapes = self._read(task)

    def sample(self, ids: Mapping[str, int]) -> Sample:
        """With class ids."""
        objects = None if self.shapes is None else to_objects(self.shapes, self._size or (1, 1), ids)
        return Sample(self._image, objects, self._size, sequence_of(self._image), self._file)

    def _read(self, task: Record) -> list[Shape] | None:
        finished = [one for one in self._records(task, "annotations") if not one.get("was_cancelled")]
        if not finished:
            return None
        if len(finished) > 1:
            self._pass_over(f"has {len(finished)} annotations; one is taken")
        best = next((one for one in finished if one.get("ground_truth")), finished[-1])
        regions: dict[str, list[Record]] = {}
        for position, result in enumerate(self._records(best, "result")):
            regions.setdefault(str(result.get("id", position)), []).append(result)
        return [shape for results in regions.values() for shape in self._shapes(results)]

    def _records(self, record: Record, key: str) -> list[Record]:
        found = record.get(key) or []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            message = f"{self._file}: {self._where}: {key!r} is no list of records; export as JSON"
            raise ConfigError(message)
        return found

    def _shapes(self, results: Sequence[Record]) -> Iterator[Shape]:
        """One region: a geometry and a label, in one result or, in older projects, in two."""
        try:
            first = results[0]
            points = _points(first, self._size_of(first))
            names = [name for one in results for key in LABEL_KEYS for name in one.get("value", {}).get(key, ())]
            name = next(iter(dict.fromkeys(map(str, names))), "")
            if not name:
                message = f"a region of type {first.get('type')!r} has no label"
                raise ValueError(message)
            told = (first.get("meta") or {}).get("attributes") or {}
            yield Shape(name, points, told)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._pass_over(str(error))

    def _size_of(self, result: Record) -> tuple[int, int]:
        if self._size is None:
            self._size = self._told_size(result)
        return self._size

    def _told_size(self, result: Record) -> tuple[int, int]:
        width, height = result.get("original_width"), result.get("original_height")
        if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
            return width, height
        try:
            return picture_size(self._image)
        except InputError as error:
            message = f"no original_width and original_height, and the picture tells none: {error}"
            raise ValueError(message) from error

    def _pass_over(self, reason: str) -> None:
        self._problems.append(Problem(self._file, f"{self._where}: {reason}"))


def _points(result: Record, size: tuple[int, int]) -> list[Point]:
    """In pixels; Label Studio counts in percent."""
    value, (width, height) = result["value"], (size[0] / 100, size[1] / 100)
    if result.get("image_rotation"):
        message = f"was drawn on the picture turned by {result['image_rotation']} degrees; passed over"
        raise ValueError(message)
    if "points" in value:
        return [(float(x) * width, float(y) * height) for x, y in value["points"]]
    if not all(key in value for key in ("x", "y", "width", "height")):
        message = f"a region of type {result.get('type')!r} is neither rectangle nor polygon; passed over"
        raise ValueError(message)
    left, top, right, bottom = (float(value[key]) for key in ("x", "y", "width", "height"))
    if value.get("rotation"):
        corner = (left * width, top * height)
        return turned_box(corner, right * width, bottom * height, float(value["rotation"]))
    return [(left * width, top * height), ((left + right) * width, (top + bottom) * height)]


def _picture(file: Path, task: Record, pictures: Pictures) -> Path:
    data: Record = task["data"]
    texts = [value for value in (data.get("image"), *data.values()) if isinstance(value, str)]
    named = [name for text in texts if Path(name := _name(text)).suffix.lower() in IMAGE_SUFFIXES]
    if not named:
        message = f"{file}: task {task.get('id')} names no picture in its 'data'"
        raise ConfigError(message)
    folder, slash, last = named[0].rpartition("/")
    bare = f"{folder}{slash}{UPLOAD_MARK.sub('', last)}"
    return pictures.find(named[0] if named[0] in pictures or bare not in pictures else bare)


def _name(address: str) -> str:
    """The path in what Label Studio stores: a URL, a bucket, a local file, an upload."""
    parts = urlsplit(address)
    local = parse_qs(parts.query).get("d", [""])[0]
    return local or unquote(parts.path)
