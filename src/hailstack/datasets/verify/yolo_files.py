"""Which pictures a YOLO dataset has and where their labels are, by names of files alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.naming import naming_findings
from hailstack.datasets.verify.survey import Picture
from hailstack.datasets.verify.tree import FOREIGN_SUFFIXES, files_below, stem_of, suffix_of
from hailstack.datasets.verify.yolo_yaml import Yaml
from hailstack.datasets.yolo import UNSPLIT
from hailstack.datasets.yolo_label import label_file
from hailstack.imaging import IMAGE_SUFFIXES

NO_LABELS = frozenset({"classes.txt", "readme.txt", "license.txt", "notes.txt", "obj_names.txt", "labels.txt"})
"""Text files that tools put among labels."""


@dataclass(slots=True)
class _Members:
    """Pictures by path, with the splits they are in, and what was noticed while looking for them."""

    splits: dict[str, list[str]] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    """Folders that are searched."""
    lists: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def add(self, path: str, split: str) -> bool:
        """False: it was there."""
        known = self.splits.setdefault(path, [])
        if split in known:
            return False
        known.append(split)
        return True


def find_files(layout: Yaml, folder: Path) -> tuple[tuple[str, ...], tuple[Picture, ...], list[Finding]]:
    """Names of splits, pictures in a fixed order, and what is wrong with names of files.

    Args:
        folder: where pictures are looked for if no split is named.
    """
    members = _Members()
    if layout.splits:
        for split, entries in layout.splits.items():
            are_there = [_enter(members, layout, split, entry) for entry in entries]
            if all(are_there) and not any(split in on for on in members.splits.values()):
                members.findings.append(layout.find("split-empty", f"{split} has no pictures", split))
    else:
        root = folder / "images" if (folder / "images").is_dir() else folder
        _enter_folder(members, root, UNSPLIT)
        if not members.splits:
            members.findings.append(Finding("split-empty", root, "there is no picture in this folder"))
    labels = _Labels()
    pictures = tuple(Picture(path, tuple(on), labels.of(path)) for path, on in members.splits.items())
    findings = [*members.findings, *_pair_findings(members, pictures, labels)]
    return tuple(layout.splits) or (UNSPLIT,), pictures, findings


def _enter(members: _Members, layout: Yaml, split: str, entry: str) -> bool:
    """All pictures of one folder or list of a split; looked for where the reader of YOLO datasets does.

    Returns:
        Whether it is there.
    """
    assert layout.file is not None
    beside = layout.file.parent
    places = [layout.root / entry, beside / entry, beside / entry.removeprefix("../")]
    place = next((place for place in places if os.path.exists(place)), None)  # noqa: PTH110 - False for what no name can be
    if place is None:
        members.findings.append(layout.find("split-missing", f"{split}: {places[0]} is not there", split))
    elif place.is_dir():
        _enter_folder(members, place, split)
    else:
        _enter_list(members, place, split)
    return place is not None


def _enter_folder(members: _Members, folder: Path, split: str) -> None:
    folder = Path(os.path.normpath(folder))
    members.folders.append(str(folder))
    for _, entries in files_below(folder):
        for entry in entries:
            suffix = suffix_of(entry.name)
            if suffix in FOREIGN_SUFFIXES:
                members.findings.append(Finding("picture-format", Path(entry), f"{suffix} is passed over"))
            elif suffix in IMAGE_SUFFIXES and entry.is_symlink() and not os.path.exists(entry):  # noqa: PTH110
                message = f"points to {os.readlink(entry)}, which is not there"  # noqa: PTH115
                members.findings.append(Finding("link-broken", Path(entry), message))
            elif suffix in IMAGE_SUFFIXES:
                members.add(entry.path, split)


def _enter_list(members: _Members, file: Path, split: str) -> None:
    members.lists.add(str(file))
    try:
        lines = file.read_bytes().decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        members.findings.append(Finding("file-syntax", file, f"not a text file that lists pictures: {error}"))
        return
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        path = os.path.normpath(file.parent / name)
        if not os.path.exists(path):  # noqa: PTH110 - of a hundred thousand lines
            members.findings.append(Finding("list-missing", file, f"{name} is not there", number))
        elif not members.add(path, split):
            members.findings.append(Finding("list-twice", file, f"{name} is named above", number))


class _Labels:
    """Where labels are; each folder is listed once."""

    def __init__(self) -> None:
        self._homes: dict[str, tuple[str, ...]] = {}
        self._files: dict[str, frozenset[str]] = {}

    def of(self, picture: str) -> str | None:
        """The label file of a picture; None if there is none."""
        folder, _, name = picture.rpartition("/")
        label = f"{stem_of(name)}.txt"
        for home in self.homes(folder):
            if label in self.files(home):
                return f"{home}/{label}"
        return None

    def homes(self, folder: str) -> tuple[str, ...]:
        """Folders where the labels of a folder's pictures may lie."""
        if folder not in self._homes:
            first = str(label_file(Path(folder, "any picture.jpg")).parent)
            self._homes[folder] = tuple(dict.fromkeys((first, folder)))
        return self._homes[folder]

    def files(self, folder: str) -> frozenset[str]:
        """The label files in a folder."""
        if folder not in self._files:
            try:
                self._files[folder] = frozenset(name for name in os.listdir(folder) if name.endswith(".txt"))  # noqa: PTH208
            except OSError:
                self._files[folder] = frozenset()
        return self._files[folder]


def _pair_findings(members: _Members, pictures: Sequence[Picture], labels: _Labels) -> Iterator[Finding]:
    yield from _unlabelled(pictures, labels)
    yield from _orphans(members, pictures, labels)
    yield from naming_findings(pictures, share_labels=True)


def _unlabelled(pictures: Sequence[Picture], labels: _Labels) -> Iterator[Finding]:
    for picture in pictures:
        if picture.label is None:
            home = labels.homes(picture.path.rpartition("/")[0])[0]
            name = Path(picture.path).with_suffix(".txt").name
            yield Finding("label-missing", Path(picture.path), f"there is no {home}/{name}")


def _orphans(members: _Members, pictures: Sequence[Picture], labels: _Labels) -> Iterator[Finding]:
    """Labels in folders where pictures' labels are, and below the counterparts of searched folders."""
    owned, others = {picture.label for picture in pictures}, _Others()
    places = {home for folder in {p.path.rpartition("/")[0] for p in pictures} for home in labels.homes(folder)}
    for folder in members.folders:
        for home in labels.homes(folder):
            places |= {place for place, _ in files_below(Path(home))} if Path(home).is_dir() else set()
    for place in sorted(places):
        for name in sorted(labels.files(place)):
            path = f"{place}/{name}"
            if path in owned or name.lower() in NO_LABELS or path in members.lists:
                continue
            if picture := others.of(path):
                yield Finding("picture-unlisted", Path(picture), f"is labelled in {path}")
            else:
                yield Finding("label-orphan", Path(path), "there is no picture of this name")


class _Others:
    """Pictures that no split names, by their labels; each folder is listed once."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, str]] = {}

    def of(self, label: str) -> str | None:
        """The picture beside a label, or in ``images`` for one in ``labels``."""
        place, _, name = label.rpartition("/")
        before, labels, after = f"/{place}/".rpartition("/labels/")
        apart = f"{before}/images/{after}"[1:].rstrip("/") if labels else place
        found = ((folder, self._in(folder).get(stem_of(name))) for folder in (place, apart))
        return next((f"{folder}/{picture}" for folder, picture in found if picture), None)

    def _in(self, folder: str) -> dict[str, str]:
        if folder not in self._names:
            names = os.listdir(folder) if os.path.isdir(folder) else []  # noqa: PTH112, PTH208
            self._names[folder] = {stem_of(one): one for one in names if suffix_of(one) in IMAGE_SUFFIXES}
        return self._names[folder]
