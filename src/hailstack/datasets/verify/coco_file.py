"""COCO files as they are written, damage included."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hailstack.datasets.coco import annotation_files, picture_folder, split_of
from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.naming import class_name_findings, naming_findings
from hailstack.datasets.verify.survey import Listener, Picture, Rows, Survey
from hailstack.datasets.verify.tree import files_below, suffix_of
from hailstack.imaging import IMAGE_SUFFIXES

LISTS = {"images": "image", "annotations": "annotation", "categories": "category"}
"""The lists that a file must have, and what is in them."""
MOST = 10**9
"""No picture has so many pixels a side, no class such an id: Python reads whole numbers of any length."""


@dataclass(slots=True)
class _Gathered:
    """What several files say together."""

    names: dict[int, str] = field(default_factory=dict)
    name_lines: dict[int, int] = field(default_factory=dict)
    pictures: dict[str, tuple[list[str], str, tuple[int, int] | None]] = field(default_factory=dict)
    """Path → splits, file, size."""
    places: dict[str, int] = field(default_factory=dict)
    """Path → its place among the pictures."""
    folders: set[str] = field(default_factory=set)
    picture: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    class_id: list[float] = field(default_factory=list)
    xywh: list[float] = field(default_factory=list)
    digest: list[int] = field(default_factory=list)
    item: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def survey_coco(path: Path, progress: Listener) -> Survey:
    """All that the COCO files of a dataset say."""
    files = annotation_files(path) if path.is_dir() else [path]
    found = _Gathered()
    splits: dict[str, None] = {}
    for done, file in enumerate(files):
        progress("files", done, len(files))
        split = split_of(file)
        splits[split] = None
        _File(file, split, found).read()
    pictures = tuple(Picture(name, tuple(on), file, size) for name, (on, file, size) in found.pictures.items())
    found.findings += naming_findings(pictures, share_labels=False)
    found.findings += _no_json(files)
    if not any(finding.code == "file-syntax" for finding in found.findings):
        found.findings += _unnamed(found)
    source = files[0]
    rows = Rows.of(
        found.picture, found.line, found.class_id, found.xywh, [False] * len(found.line), found.digest, found.item
    )
    names, lines = found.names, found.name_lines
    found.findings += class_name_findings(source, ((one, names[one], lines.get(one)) for one in names))
    return Survey("coco", source, names, lines, tuple(splits), pictures, rows, tuple(found.findings))


class _File:
    """Reads one file into what is gathered."""

    def __init__(self, file: Path, split: str, found: _Gathered) -> None:
        self._file = file
        self._split = split
        self._found = found
        self._images: dict[Any, tuple[str, tuple[int, int]] | None] = {}

    def read(self) -> None:
        try:
            text = self._file.read_bytes().decode("utf-8-sig")
            content = json.loads(text)
        except json.JSONDecodeError as error:
            self._find("file-syntax", f"not readable as JSON: {error.msg} (column {error.colno})", error.lineno)
            return
        except (OSError, UnicodeDecodeError, RecursionError) as error:
            self._find("file-syntax", f"not readable as JSON: {error}")
            return
        missing = [key for key in LISTS if not isinstance(content, dict) or not isinstance(content.get(key), list)]
        if missing:
            self._find("file-syntax", f"not a COCO file: there is no list {missing[0]!r}")
            return
        records = {key: list(self._records(key, content[key], lines_of(text, key, content[key]))) for key in LISTS}
        self._read_categories(records["categories"])
        self._read_images(records["images"])
        for record, line in records["annotations"]:
            self._read_annotation(record, line)

    def _find(self, code: str, message: str, line: int | None = None) -> None:
        self._found.findings.append(Finding(code, self._file, message, line))

    def _records(
        self, key: str, values: Sequence[Any], lines: Sequence[int]
    ) -> Iterator[tuple[Mapping[str, Any], int]]:
        """Those records of a list that have an id, with their lines."""
        seen: set[Any] = set()
        for value, line in zip(values, lines, strict=True):
            number = value.get("id") if isinstance(value, dict) else None
            if not isinstance(value, dict) or not isinstance(number, (int, str)):
                self._find("file-syntax", f"{LISTS[key]}: one without an id", line)
                continue
            if number in seen:
                self._find("id-twice", f"{LISTS[key]} {number} is there twice", line)
            seen.add(number)
            yield value, line

    def _read_categories(self, records: Sequence[tuple[Mapping[str, Any], int]]) -> None:
        for record, line in records:
            class_id, name = record["id"], record.get("name")
            if not isinstance(class_id, int) or abs(class_id) > MOST or not isinstance(name, str):
                self._find("file-syntax", f"category {class_id!r} has no number for an id, or no name", line)
            elif self._found.names.setdefault(class_id, name) != name:
                self._find(
                    "id-twice", f"category {class_id} is {name!r} here, {self._found.names[class_id]!r} before", line
                )
            else:
                self._found.name_lines.setdefault(class_id, line)

    def _read_images(self, records: Sequence[tuple[Mapping[str, Any], int]]) -> None:
        folder = picture_folder(self._file, [record for record, _ in records], self._split)
        self._found.folders.add(str(folder))
        for record, line in records:
            name, size = record.get("file_name"), (record.get("width"), record.get("height"))
            number = record["id"]
            self._images.setdefault(number, None)
            if not isinstance(name, str) or not name:
                self._find("file-syntax", f"image {number!r} has no file_name", line)
            elif not all(isinstance(side, int) and 0 < side < MOST for side in size):
                self._find("picture-size", f"image {number!r} ({name}) has no width and height", line)
            else:
                self._enter(os.path.normpath(folder / name), record, line)

    def _enter(self, path: str, record: Mapping[str, Any], line: int) -> None:
        size = (int(record["width"]), int(record["height"]))
        self._images[record["id"]] = (path, size)
        splits, _, _ = self._found.pictures.setdefault(path, ([], str(self._file), size))
        if self._split in splits:
            self._find("list-twice", f"image {record['id']!r}: {record['file_name']} is named above", line)
        else:
            splits.append(self._split)
        if path not in self._found.places:
            self._found.places[path] = len(self._found.places)
            if not os.path.exists(path):  # noqa: PTH110 - of a hundred thousand
                self._find("picture-missing", f"image {record['id']!r}: {record['file_name']} is not there", line)
        if record.get("reviewed") is False:
            self._find("label-missing", f"image {record['id']!r}: nobody has looked at {record['file_name']}", line)

    def _read_annotation(self, record: Mapping[str, Any], line: int) -> None:
        item, image_id, box = f"annotation {record.get('id')}", record.get("image_id"), record.get("bbox")
        known = not isinstance(image_id, (list, dict)) and image_id in self._images
        image = self._images[image_id] if known else None
        if not known:
            self._find("id-unknown", f"{item}: image_id {image_id!r} is none of the images", line)
        elif not isinstance(box, list) or len(box) != 4:
            self._find("line-fields", f"{item}: bbox is {box!r}, not [left, top, width, height]", line)
        elif not all(map(_is_number, (*box, record.get("category_id")))):
            self._find("line-number", f"{item}: bbox {box} or category_id {record.get('category_id')!r}", line)
        elif image is not None:
            self._take(item, image, record, line)

    def _take(self, item: str, image: tuple[str, tuple[int, int]], record: Mapping[str, Any], line: int) -> None:
        (path, (width, height)), found = image, self._found
        left, top, across, down = map(float, record["bbox"])
        found.picture.append(found.places[path])
        found.line.append(line)
        found.class_id.append(float(record["category_id"]))
        found.xywh += ((left + across / 2) / width, (top + down / 2) / height, across / width, down / height)
        found.digest.append(hash((record["category_id"], left, top, across, down, str(record.get("area")))))
        found.item.append(item)


def _is_number(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) <= MOST)


def lines_of(text: str, key: str, values: Sequence[Any]) -> Sequence[int]:
    """The line on which each element of a list at the top of a JSON text begins, from 1."""
    start = re.search(rf'"{key}"\s*:\s*\[\s*', text)
    if start is None or "\n" not in text:
        return [1] * len(values)
    decoder, position, seen, line, lines = json.JSONDecoder(), start.end(), 0, 1, []
    between = re.compile(r"[\s,]*")
    for _ in values:
        line += text.count("\n", seen, position)
        seen = position
        lines.append(line)
        try:
            _, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError:  # the key stood in some text before: the line of that is near enough
            return [lines[0]] * len(values)
        after = between.match(text, end)
        position = end if after is None else after.end()
    return lines


def _unnamed(found: _Gathered) -> Iterator[Finding]:
    """Pictures among those that are named."""
    for folder in sorted(found.folders):
        for _, entries in files_below(Path(folder)) if Path(folder).is_dir() else ():
            for entry in entries:
                if suffix_of(entry.name) in IMAGE_SUFFIXES and os.path.normpath(entry) not in found.pictures:
                    yield Finding("label-missing", Path(entry), "no file of annotations names it")


def _no_json(files: Sequence[Path]) -> Iterator[Finding]:
    """Files beside those that were read, which might be meant to be some."""
    for file in sorted({other for one in files for other in one.parent.glob("*.json")} - set(files)):
        try:
            json.loads(file.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            yield Finding("file-syntax", file, f"not readable as JSON: {error}", getattr(error, "lineno", None))
