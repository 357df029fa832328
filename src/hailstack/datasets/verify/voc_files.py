"""PASCAL VOC datasets as they are written, damage included."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from hailstack.datasets.placing import picture_size
from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.naming import class_name_findings, naming_findings
from hailstack.datasets.verify.survey import Listener, Picture, Rows, Survey
from hailstack.datasets.verify.tree import files_below, stem_of, suffix_of
from hailstack.datasets.voc import CORNERS, listed_names, picture_folders
from hailstack.datasets.xml_file import parse_xml
from hailstack.datasets.yolo import SPLITS, UNSPLIT
from hailstack.errors import ConfigError, InputError
from hailstack.imaging import IMAGE_SUFFIXES

PROGRESS_STEP = 200
MOST = 10**9
"""No picture has so many pixels a side: Python reads whole numbers of any length."""
OBJECT = re.compile(rb"<object[\s>]")


@dataclass(slots=True)
class _Gathered:
    """Objects while they are collected, with names in place of class ids."""

    picture: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    xywh: list[float] = field(default_factory=list)
    digest: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def survey_voc(path: Path, progress: Listener) -> Survey:
    """All that the XML files and lists of a dataset say."""
    labels = path / "Annotations" if (path / "Annotations").is_dir() else path
    found = _Gathered()
    paths = {stem_of(os.path.relpath(name, folder)): name for folder in picture_folders(path) for name in _in(folder)}
    members = _members(path, paths, found.findings)
    sizes: dict[str, tuple[int, int] | None] = {}
    for index, stem in enumerate(members):
        if index % PROGRESS_STEP == 0:
            progress("labels", index, len(members))
        sizes[stem] = _read_label(found, labels / f"{stem}.xml", Path(paths[stem]), index)
    pictures = tuple(
        Picture(paths[stem], splits, str(labels / f"{stem}.xml"), sizes[stem]) for stem, splits in members.items()
    )
    found.findings += _orphans(labels, paths)
    found.findings += naming_findings([*pictures, *_hidden(path, paths)], share_labels=True)
    return _survey(path, pictures, found)


def _in(folder: Path) -> Iterator[str]:
    for _, entries in files_below(folder):
        yield from (entry.path for entry in entries if suffix_of(entry.name) in IMAGE_SUFFIXES)


def _hidden(path: Path, paths: Mapping[str, str]) -> Iterator[Picture]:
    """Pictures that another one of the same name hides."""
    shown = set(paths.values())
    return (Picture(name, (), None) for folder in picture_folders(path) for name in _in(folder) if name not in shown)


def _members(path: Path, paths: Mapping[str, str], findings: list[Finding]) -> Mapping[str, tuple[str, ...]]:
    """Stem → splits, as ``ImageSets/Main`` lists them."""
    lists = {split: path / "ImageSets" / "Main" / f"{split}.txt" for split in SPLITS}
    members: dict[str, list[str]] = {}
    for split, file in lists.items():
        if not file.is_file():
            continue
        for number, line in enumerate(file.read_text("utf-8-sig", "replace").splitlines(), 1):
            stem = line if line in paths else line.strip()
            if stem and stem not in paths:
                findings.append(Finding("list-missing", file, f"{stem} is not there", number))
            elif stem and split in members.setdefault(stem, []):
                findings.append(Finding("list-twice", file, f"{stem} is named above", number))
            elif stem:
                members[stem].append(split)
    return {stem: tuple(splits) for stem, splits in members.items()} or dict.fromkeys(paths, (UNSPLIT,))


def _read_label(found: _Gathered, label: Path, picture: Path, index: int) -> tuple[int, int] | None:
    """Gather the objects of one file.

    Returns:
        The picture's size, if the file says.
    """
    try:
        data = label.read_bytes()
        root = parse_xml(data)
    except FileNotFoundError:
        found.findings.append(Finding("label-missing", picture, f"there is no {label}"))
        return None
    except OSError as error:
        found.findings.append(Finding("text-unreadable", label, error.strerror or str(error)))
        return None
    except ElementTree.ParseError as error:
        found.findings.append(Finding("file-syntax", label, f"not readable as XML: {error}", error.position[0]))
        return None
    told = (root.findtext("filename") or "").strip()
    if told and PureWindowsPath(told).stem != label.stem:  # which knows both kinds of slashes
        found.findings.append(Finding("file-name-wrong", label, f"names {told}", _line(data, data.find(b"<filename"))))
    size = _size(root)
    try:
        scale = size or picture_size(picture)
    except InputError:
        return size  # what is wrong with the picture is told where pictures are looked at
    starts = [match.start() for match in OBJECT.finditer(data)]
    objects = root.findall("object")
    for number, element in enumerate(objects):
        line = _line(data, starts[number]) if len(starts) == len(objects) else 1
        _read_object(found, element, label, line, index, scale)
    return size


def _line(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, max(position, 0)) + 1


def _size(root: Element) -> tuple[int, int] | None:
    try:
        width, height = int(root.findtext("size/width", "")), int(root.findtext("size/height", ""))
    except ValueError:
        return None
    return (width, height) if 0 < width < MOST and 0 < height < MOST else None


def _read_object(
    found: _Gathered, element: Element, label: Path, line: int, index: int, scale: tuple[int, int]
) -> None:
    name = (element.findtext("name") or "").strip()
    corners = [element.findtext(f"bndbox/{corner}") for corner in CORNERS]
    if not name or None in corners:
        what = "a name" if not name else "a bndbox of xmin, ymin, xmax and ymax"
        found.findings.append(Finding("line-fields", label, f"an object without {what}", line))
        return
    try:
        left, top, right, bottom = (float(corner or "") for corner in corners)
    except ValueError:
        found.findings.append(Finding("line-number", label, f"bndbox is {corners}", line))
        return
    (width, height) = scale
    found.picture.append(index)
    found.line.append(line)
    found.name.append(name)
    found.xywh += (
        (left + right) / 2 / width,
        (top + bottom) / 2 / height,
        (right - left) / width,
        (bottom - top) / height,
    )
    found.digest.append(hash((name, left, top, right, bottom)))


def _orphans(labels: Path, paths: Mapping[str, str]) -> Iterator[Finding]:
    for _, entries in files_below(labels):
        for entry in entries:
            if suffix_of(entry.name) == ".xml" and stem_of(os.path.relpath(entry, labels)) not in paths:
                yield Finding("label-orphan", Path(entry), "there is no picture of this name")


def _listed(path: Path, found: _Gathered) -> list[str]:
    try:
        used = set(found.name)
        return [name for name in listed_names(path) if name in used or name != "background"]
    except ConfigError as error:
        found.findings.append(Finding("file-syntax", path, str(error)))
        return []


def _survey(path: Path, pictures: Sequence[Picture], found: _Gathered) -> Survey:
    listed = _listed(path, found)
    unlisted = set(found.name) - set(listed)
    names = [*listed, *sorted(unlisted)]
    if listed:
        for row, name in enumerate(found.name):
            if name in unlisted:
                label = Path(pictures[found.picture[row]].label or "")
                message = f"{name!r} is not among the {len(listed)} listed names"
                found.findings.append(Finding("class-unknown", label, message, found.line[row]))
    found.findings += class_name_findings(path, ((class_id, name, None) for class_id, name in enumerate(names)))
    ids = {name: class_id for class_id, name in enumerate(names)}
    class_ids = [ids[name] for name in found.name]
    outlines = [False] * len(class_ids)
    rows = Rows.of(found.picture, found.line, class_ids, found.xywh, outlines, found.digest)
    splits = tuple(split for split in (*SPLITS, UNSPLIT) if any(split in one.splits for one in pictures))
    return Survey("voc", path, dict(enumerate(names)), {}, splits, tuple(pictures), rows, tuple(found.findings))
