"""Labels of CVAT: "CVAT for images 1.1", one XML file ``annotations.xml`` of every picture, and the pictures beside.

Boxes and polygons are read; a turned box becomes its outline. An image without shapes has been looked at, unless it
says ``reviewed="false"``, which is how :mod:`hailstack.datasets.cvat_write` marks the others; CVAT itself does not
tell them apart. Tags of an image stay in its attributes; ``occluded``, ``source``, ``z_order``, ``group_id`` and a
shape's own attributes in the object's.

The format: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from hailstack.datasets.coco import SPLIT_NAMES
from hailstack.datasets.model import Dataset, Problem, Sample
from hailstack.datasets.placing import picture_size
from hailstack.datasets.sequences import sequence_of
from hailstack.datasets.shapes import Pictures, Point, Shape, class_ids, to_objects, turned_box
from hailstack.datasets.xml_file import parse_xml
from hailstack.datasets.yolo import UNSPLIT
from hailstack.errors import ConfigError, InputError, NotFoundError

FILE_NAME = "annotations.xml"
KEPT = ("occluded", "source", "z_order", "group_id")
SILENT = {"occluded": "0", "source": "manual", "z_order": "0", "group_id": "0"}
"""Values that say nothing."""


def is_cvat(path: Path) -> bool:
    """Whether a path is such a file, or a folder with ``annotations.xml`` in it."""
    file = path / FILE_NAME if path.is_dir() else path
    if file.suffix.lower() != ".xml" or not file.is_file():
        return False
    with file.open("rb") as stream:
        return b"<annotations" in stream.read(500)


def read_cvat(path: Path) -> Dataset:
    """All pictures of such a file. Shapes that have no place here are passed over and listed in the problems.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is no XML, or names no picture.
    """
    file = path / FILE_NAME if path.is_dir() else path
    root = _root(file)
    problems: list[Problem] = []
    pictures = Pictures(file.parent)
    labelled = [_Labelled(file, element, pictures, problems) for element in root.iter("image")]
    if not labelled:
        message = f"{file}: there is no image in this file"
        raise ConfigError(message)
    listed = [element.text or "" for element in root.iterfind("meta//labels/label/name")]
    ids = class_ids(listed, (shape.name for one in labelled for shape in one.shapes))
    splits: dict[str, list[Sample]] = {}
    for one in labelled:
        splits.setdefault(one.split, []).append(one.sample(ids))
    names = {number: name for name, number in ids.items()}
    return Dataset(path, names, {split: tuple(samples) for split, samples in splits.items()}, tuple(problems), "cvat")


def _root(file: Path) -> Element:
    try:
        return parse_xml(file.read_bytes())
    except FileNotFoundError as error:
        message = f"{file}: no such file"
        raise NotFoundError(message) from error
    except ElementTree.ParseError as error:
        message = f"{file}:{error.position[0]}: not readable as XML: {error}"
        raise ConfigError(message) from error


class _Labelled:
    """One picture and its shapes."""

    def __init__(self, file: Path, element: Element, pictures: Pictures, problems: list[Problem]) -> None:
        name = element.get("name") or ""
        if not name:
            message = f"{file}: image {element.get('id')!r} has no 'name'"
            raise ConfigError(message)
        subset = element.get("subset") or ""
        self._file = file
        self._image = pictures.find(name)
        self._size = _size(file, element, self._image)
        self._is_reviewed = element.get("reviewed") != "false"
        self._tags = [tag.get("label") or "" for tag in element.iterfind("tag")]
        self.split = SPLIT_NAMES.get(subset.lower(), subset) or UNSPLIT
        self.shapes = list(self._read(name, element, problems))

    def sample(self, ids: Mapping[str, int]) -> Sample:
        """With class ids."""
        is_labelled = bool(self.shapes) or self._is_reviewed
        objects = to_objects(self.shapes, self._size, ids) if is_labelled else None
        told = {"tags": self._tags} if self._tags else {}
        return Sample(self._image, objects, self._size, sequence_of(self._image), self._file, told)

    def _read(self, name: str, element: Element, problems: list[Problem]) -> Iterator[Shape]:
        for number, child in enumerate(element, 1):
            if child.tag == "tag":
                continue
            try:
                yield _shape(child)
            except ValueError as error:
                problems.append(Problem(self._file, f"{name}, shape {number} ({child.tag}): {error}"))


def _size(file: Path, element: Element, image: Path) -> tuple[int, int]:
    try:
        width, height = int(element.get("width", "")), int(element.get("height", ""))
    except ValueError:
        width = height = 0
    if width > 0 and height > 0:
        return width, height
    try:
        return picture_size(image)
    except InputError as error:
        message = f"{file}: image {element.get('name')!r} has no width and height, and its picture tells none: {error}"
        raise ConfigError(message) from error


def _shape(element: Element) -> Shape:
    name = (element.get("label") or "").strip()
    if not name:
        raise ValueError("has no label")
    return Shape(name, _points(element), dict(_attributes(element)))


def _points(element: Element) -> list[Point]:
    if element.tag == "box":
        left, top, right, bottom = (_number(element.get(key)) for key in ("xtl", "ytl", "xbr", "ybr"))
        degrees = _number(element.get("rotation", "0"))
        return _turned(left, top, right, bottom, degrees) if degrees else [(left, top), (right, bottom)]
    if element.tag == "polygon":
        pairs = [pair.split(",") for pair in (element.get("points") or "").split(";")]
        if len(pairs) < 3 or any(len(pair) != 2 for pair in pairs):
            raise ValueError("an outline needs three points or more")
        return [(_number(x), _number(y)) for x, y in pairs]
    raise ValueError("is neither a box nor a polygon; passed over")


def _turned(left: float, top: float, right: float, bottom: float, degrees: float) -> list[Point]:
    """CVAT turns about the middle."""
    x, y, width, height = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
    corner = turned_box((x, y), -width / 2, -height / 2, degrees)[2]
    return turned_box(corner, width, height, degrees)


def _number(text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        message = f"{text!r} is no number"
        raise ValueError(message)
    return value


def _attributes(element: Element) -> Iterator[tuple[str, Any]]:
    for key in KEPT:
        value = element.get(key)
        if value is not None and value != SILENT[key]:
            yield key, int(value) if value.isdecimal() else value
    for child in element.iterfind("attribute"):
        yield child.get("name") or "", child.text or ""
