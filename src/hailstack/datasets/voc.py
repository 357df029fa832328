"""Datasets as PASCAL VOC keeps them: an XML file for each picture, ``JPEGImages``, ``Annotations`` and ``ImageSets``.

Coordinates are taken as edges in pixels from 0, as LabelImg and CVAT write them; in PASCAL's own files, which count
pixels from 1, left and upper edges come out one pixel further in. A picture without XML has not been labelled. What an
object says beside name and box (``pose``, ``truncated``, ``difficult``, ``occluded``, ``part`` …) stays in its
attributes: texts, whole numbers, or nested mappings and lists of them.

The format: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from hailstack.datasets.model import Dataset, Objects, Problem, Sample
from hailstack.datasets.picture_files import find_pictures
from hailstack.datasets.placing import picture_size
from hailstack.datasets.sequences import sequence_of
from hailstack.datasets.xml_file import parse_xml
from hailstack.datasets.yolo import SPLITS, UNSPLIT
from hailstack.errors import ConfigError, InputError
from hailstack.imaging import IMAGE_SUFFIXES

LABELMAP = "labelmap.txt"
"""CVAT's list of classes: lines ``name:colour:parts:actions``, and comments."""
CLASS_FILES = ("classes.txt", "labels.txt", LABELMAP)
"""Class names in their order, one a line, as labelling tools keep them."""
CORNERS = ("xmin", "ymin", "xmax", "ymax")
INTEGER = re.compile(r"-?[0-9]{1,18}")
DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+")

Box: TypeAlias = tuple[float, float, float, float]


def is_voc(path: Path) -> bool:
    """Whether a folder is such a dataset: it has ``Annotations``, or pictures with XML files beside them."""
    if not path.is_dir():
        return False
    return (path / "Annotations").is_dir() or any(_has_picture(file) for file in sorted(path.glob("*.xml"))[:5])


def read_voc(path: Path, *, listed: bool = True) -> Dataset:
    """All splits of a dataset. Broken objects are passed over and listed in its problems with file and line.

    Class ids are places in ``classes.txt`` if there is one, else in the names sorted.

    Args:
        listed: take the splits from ``ImageSets``, if there are any; else all pictures are one split.

    Raises:
        ConfigError: there is no picture, or a list is no text file.
    """
    labels = path / "Annotations" if (path / "Annotations").is_dir() else path
    pictures = {_stem(file, folder): file for folder in picture_folders(path) for file in find_pictures(folder)}
    problems: list[Problem] = []
    splits = {
        split: [_Labelled.read(picture, labels / f"{stem}.xml", problems) for stem, picture in found]
        for split, found in _splits(path, pictures, problems, listed=listed).items()
    }
    if not any(splits.values()):
        message = f"{path}: there is no picture in this dataset"
        raise ConfigError(message)
    names = _names(path, {name for found in splits.values() for one in found for name in one.names})
    ids = {name: class_id for class_id, name in enumerate(names)}
    samples = {split: tuple(one.sample(ids) for one in found) for split, found in splits.items()}
    return Dataset(path, dict(enumerate(names)), samples, tuple(problems), "voc")


def _has_picture(label: Path) -> bool:
    return any(label.with_suffix(suffix).exists() for suffix in IMAGE_SUFFIXES)


def picture_folders(path: Path) -> list[Path]:
    named = [path / name for name in ("JPEGImages", "images") if (path / name).is_dir()]
    return named[:1] or [path]


def _stem(picture: Path, folder: Path) -> str:
    return picture.relative_to(folder).with_suffix("").as_posix()


def _splits(
    path: Path, pictures: Mapping[str, Path], problems: list[Problem], *, listed: bool
) -> Mapping[str, list[tuple[str, Path]]]:
    """As ``ImageSets/Main`` lists them."""
    lists = {split: path / "ImageSets" / "Main" / f"{split}.txt" for split in SPLITS if listed}
    found = {split: _listed(file, pictures, problems) for split, file in lists.items() if file.is_file()}
    return found or {UNSPLIT: sorted(pictures.items())}


def _listed(file: Path, pictures: Mapping[str, Path], problems: list[Problem]) -> list[tuple[str, Path]]:
    found = []
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        message = f"{file}: not a text file that lists pictures"
        raise ConfigError(message) from error
    for number, line in enumerate(lines, 1):
        stem = line if line in pictures else line.strip()
        if stem in pictures:
            found.append((stem, pictures[stem]))
        elif stem:
            problems.append(Problem(file, f"there is no picture {stem!r}", number))
    return found


def _names(path: Path, used: set[str]) -> list[str]:
    """The listed names in their order, then those that are not listed."""
    listed = [name for name in listed_names(path) if name in used or name != "background"]
    return [*listed, *sorted(used - set(listed))]


def listed_names(path: Path) -> list[str]:
    """The class names that a file in the dataset's folder lists, in their order; none if there is no such file.

    Raises:
        ConfigError: it is no text file.
    """
    file = next((path / name for name in CLASS_FILES if (path / name).is_file()), None)
    if file is None:
        return []
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        message = f"{file}: not a text file that lists class names"
        raise ConfigError(message) from error
    if file.name == LABELMAP:
        lines = [line.split(":")[0] for line in lines if not line.startswith("#")]
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


class _Labelled:
    """One picture and what its XML file says, with names in place of class ids."""

    def __init__(self, picture: Path, label: Path | None) -> None:
        self._picture = picture
        self._label = label
        self._size: tuple[int, int] | None = None
        self._told: Mapping[str, Any] = {}
        self._boxes: list[Box] = []
        self._attributes: list[Mapping[str, Any]] = []
        self.names: list[str] = []

    @classmethod
    def read(cls, picture: Path, label: Path, problems: list[Problem]) -> _Labelled:
        """What can be read of the file; the picture alone if it is not there or no XML."""
        try:
            text = label.read_bytes()
            root = parse_xml(text)
        except FileNotFoundError:
            return cls(picture, None)
        except OSError as error:
            problems.append(Problem(label, f"cannot be read: {error.strerror}"))
            return cls(picture, label)
        except ElementTree.ParseError as error:
            problems.append(Problem(label, f"not readable as XML: {error}", error.position[0]))
            return cls(picture, label)
        found = cls(picture, label)
        found._take(root, text, problems)
        return found

    def sample(self, ids: Mapping[str, int]) -> Sample:
        """The picture with class ids."""
        if self._size is None:
            return Sample(self._picture, None, None, sequence_of(self._picture), self._label)
        width, height = self._size
        boxes = np.array(self._boxes, float).reshape(-1, 4) / [width, height, width, height]
        class_ids = np.array([ids[name] for name in self.names], np.int32)
        attributes = tuple(self._attributes) if any(self._attributes) else None
        objects = Objects(boxes, class_ids, attributes=attributes)
        return Sample(self._picture, objects, self._size, sequence_of(self._picture), self._label, self._told)

    def _take(self, root: Element, text: bytes, problems: list[Problem]) -> None:
        label = self._label or self._picture
        try:
            self._size = _size_of(root) or picture_size(self._picture)
        except InputError as error:
            problems.append(Problem(label, f"has no size, and its picture tells none: {error}"))
            return
        taken = ("object", "filename", "folder", "path", "size")
        self._told = _children(root, taken)
        for number, element in enumerate(root.iterfind("object")):
            try:
                box, name = _box(element), _name(element)
            except ValueError as error:
                problems.append(Problem(label, str(error), _line(text, number)))
                continue
            self._boxes.append(box)
            self.names.append(name)
            self._attributes.append(_children(element, ("name", "bndbox")))


def _line(text: bytes, number: int) -> int | None:
    """On which line the object of a number begins."""
    starts = [match.start() for match in re.finditer(rb"<object[\s>]", text)]
    return text.count(b"\n", 0, starts[number]) + 1 if number < len(starts) else None


def _size_of(root: Element) -> tuple[int, int] | None:
    try:
        width, height = int(root.findtext("size/width", "")), int(root.findtext("size/height", ""))
    except ValueError:
        return None
    return (width, height) if width > 0 and height > 0 else None


def _name(element: Element) -> str:
    name = (element.findtext("name") or "").strip()
    if not name:
        raise ValueError("an object without a name")
    return name


def _box(element: Element) -> Box:
    texts = [element.findtext(f"bndbox/{corner}") for corner in CORNERS]
    try:
        left, top, right, bottom = (float(text or "") for text in texts)
    except ValueError:
        message = f"an object whose bndbox is not four numbers xmin, ymin, xmax, ymax but {texts}"
        raise ValueError(message) from None
    if not all(map(math.isfinite, (left, top, right, bottom))):
        raise ValueError("an object whose bndbox has a number that is none")
    return left, top, right, bottom


def _children(element: Element, taken: tuple[str, ...]) -> Mapping[str, Any]:
    """Tag → text, number, mapping, or a list of them where a tag comes several times."""
    found: dict[str, list[Any]] = {}
    for child in element:
        if child.tag not in taken:
            found.setdefault(child.tag, []).append(_children(child, ()) if len(child) else _value(child.text))
    return {tag: values[0] if len(values) == 1 else values for tag, values in found.items()}


def _value(text: str | None) -> str | int | float:
    """A number where writing it gives the same text again."""
    plain = (text or "").strip()
    if INTEGER.fullmatch(plain) and str(int(plain)) == plain:
        return int(plain)
    return float(plain) if DECIMAL.fullmatch(plain) and str(float(plain)) == plain else plain


def elements(values: Mapping[str, Any]) -> Iterator[Element]:
    """The elements that :func:`read_voc` makes such a mapping of; what XML has no place for is left out."""
    for tag, value in values.items():
        if re.fullmatch(r"[A-Za-z_][\w.-]*", tag):
            yield from _elements(tag, value)


def _elements(tag: str, value: Any) -> Iterator[Element]:
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _elements(tag, one)
        return
    element = Element(tag)
    if isinstance(value, Mapping):
        element.extend(elements(value))
    else:
        element.text = "" if value is None else str(value)
    yield element
