"""Growing a YOLO dataset: pictures and labels are copied in, each whole; what is there already is not added twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import xxhash

from hailstack.datasets.claim import claimed
from hailstack.datasets.incoming import Incoming, Source
from hailstack.datasets.model import Objects
from hailstack.datasets.picture_files import find_files
from hailstack.datasets.placing import bare, free_name
from hailstack.datasets.yolo import is_yolo, known_pictures, label_file, read_head
from hailstack.datasets.yolo_label import Shape, label_lines, parse_label, write_label
from hailstack.datasets.yolo_write import change_data_yaml, renumbered, without_crowds
from hailstack.errors import ConfigError, InputError, MediaError
from hailstack.files import replacing
from hailstack.imaging import IMAGE_SUFFIXES

SHOWN = 12
"""Class names that a line has room for."""
HALF = re.compile(r"\..+\.[0-9a-f]{8}\.part")
"""What :func:`~hailstack.files.replacing` calls a file that is not whole yet."""


@dataclass(slots=True)
class Added:
    """What adding did."""

    folder: Path
    pictures: int = 0
    labelled: int = 0
    """Of the pictures: with objects."""
    negatives: int = 0
    """Of the pictures: looked at, and nothing in them."""
    objects: int = 0
    duplicates: int = 0
    """Pictures that were there already."""
    labels_taken: int = 0
    """Of the duplicates: nobody had labelled the one that was there; now it has these labels."""
    labels_kept: int = 0
    """Of the duplicates: the one that was there is labelled otherwise, and stays so."""
    renamed: int = 0
    """Pictures whose name was taken by another one."""
    results: int = 0
    """Pictures with boxes drawn into them, left out."""
    left_out: list[str] = field(default_factory=list)
    """What could not be read, and why."""
    names: dict[int, str] = field(default_factory=dict)
    """Class id → name afterwards."""

    @property
    def unlabelled(self) -> int:
        return self.pictures - self.labelled - self.negatives

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "folder": str(self.folder), "unlabelled": self.unlabelled}

    def lines(self) -> list[str]:
        """For people."""
        parts = [(self.labelled, f"with {self.objects} objects"), (self.negatives, "with nothing in them")]
        parts.append((self.unlabelled, "not labelled"))
        kinds = ", ".join(f"{count} {what}" for count, what in parts if count)
        said = [f"{self.folder}: {self.pictures} pictures added{': ' if kinds else ''}{kinds}"]
        if self.duplicates:
            taken = f", {self.labels_taken} of them took the new labels" if self.labels_taken else ""
            said.append(f"  {self.duplicates} were there already{taken}")
        if self.labels_kept:
            said.append(f"  {self.labels_kept} of them are labelled otherwise in {self.folder}; that stays as it is")
        if self.renamed:
            said.append(f"  {self.renamed} were renamed, for other pictures have their names")
        if self.results:
            said.append(f"  {self.results} left out: a detector has drawn into them (result_ in their names)")
        if self.left_out:
            said.append(f"  {len(self.left_out)} left out: cannot be read")
        names = [*self.names.values()]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return [*said, f"  classes: {', '.join(names[:SHOWN]) or 'none yet'}{more}"]


def add_pictures(sources: Iterable[Source], dataset: Path, progress: Callable[[], None] = lambda: None) -> Added:
    """Copy what the sources hold into a YOLO dataset, new or grown.

    Classes go by name: a new name gets the next free id. A picture without labels stays without: no empty label file
    is written that would say that somebody has looked. Interrupted and called again, it goes on.

    Args:
        dataset: its folder or ``data.yaml``; a folder that is not there is made.

    Raises:
        InputError: the folder holds something else, cannot be written, or is open in another process.
        ConfigError: a class has no name.
    """
    folder = Collection.make_folder(dataset)
    with claimed(folder):
        _clear(folder / "images")
        return _add_all(sources, Collection.open(dataset), progress)


def _clear(images: Path) -> None:
    """Take away halves of pictures that an earlier one has left who was killed."""
    for part in images.rglob(".*.part"):
        if HALF.fullmatch(part.name):
            part.unlink(missing_ok=True)


def _add_all(sources: Iterable[Source], collection: Collection, progress: Callable[[], None]) -> Added:
    report = Added(collection.folder)
    for source in sources:
        ids = collection.ids_for(source)
        report.results += source.results
        for picture in source.pictures():
            if isinstance(picture, MediaError):
                report.left_out.append(str(picture))
            else:
                _count(report, collection, picture, ids)
            progress()
    report.names = dict(collection.names)
    return report


def _count(report: Added, collection: Collection, picture: Incoming, ids: Mapping[int, int]) -> None:
    objects = None if picture.objects is None else renumbered(without_crowds(picture.objects), ids)
    there = collection.find(picture.data)
    if there is not None:
        report.duplicates += 1
        is_taken = collection.label(there, objects)
        report.labels_taken += is_taken
        report.labels_kept += not is_taken and collection.is_otherwise(there, objects)
        return
    place = collection.add(picture)
    collection.label(place, objects)
    report.pictures += 1
    report.renamed += place != collection.images / picture.name
    if objects is not None:
        report.labelled += len(objects) > 0
        report.negatives += len(objects) == 0
        report.objects += len(objects)


class Collection:
    """A YOLO dataset that grows."""

    def __init__(self, path: Path, names: Mapping[int, str], keypoints: Shape | None) -> None:
        self._path = path
        self.folder = folder = path if path.is_dir() else path.parent
        self.images = folder / "images"
        self.names = dict(names)
        self._keypoints = keypoints
        pictures = known_pictures(path)
        names_in = {self.images: IMAGE_SUFFIXES, folder / "labels": frozenset({".txt"})}
        found = ((file, root) for root, suffixes in names_in.items() for file in find_files(root, suffixes))
        self._used = {bare(PurePosixPath(file.relative_to(root))) for file, root in found}
        """Names of labels without a picture, too: a new picture of that name would take them for its own."""
        self._is_new = not pictures
        self._by_size: dict[int, list[Path]] = {}
        self._hashes: dict[Path, bytes] = {}
        for picture in pictures:
            self._by_size.setdefault(picture.stat().st_size, []).append(picture)

    @staticmethod
    def make_folder(path: Path) -> Path:
        """The folder of a dataset, which is made if it is not there.

        Raises:
            InputError: it holds something else.
        """
        folder = path.parent if path.suffix.lower() in (".yaml", ".yml") else path
        if folder.exists() and not folder.is_dir():
            message = f"{folder}: a dataset is a folder, or its data.yaml"
            raise InputError(message)
        if folder.is_dir() and any(folder.iterdir()) and not is_yolo(folder):
            message = f"{folder}: is no YOLO dataset (data.yaml, images, labels); name one, or a new folder"
            raise InputError(message)
        (folder / "images").mkdir(parents=True, exist_ok=True)
        (folder / "labels").mkdir(exist_ok=True)
        return folder

    @classmethod
    def open(cls, path: Path) -> Collection:
        """The dataset at a path; an empty one if there is nothing yet."""
        return cls(path, *(read_head(path) if path.exists() else ({}, None)))

    def ids_for(self, source: Source) -> Mapping[int, int]:
        """A source's class ids → this dataset's. New names are written down before any label uses them.

        Raises:
            ConfigError: it has classes without names, and so has not this dataset.
        """
        names = source.names or self._own_names(source)
        known = {name: class_id for class_id, name in self.names.items()}
        wanted = [i for i in sorted(names) if names[i] not in known and (not self.names or i in source.used)]
        first = max(self.names, default=-1) + 1
        self.names |= {first + place: names[i] for place, i in enumerate(wanted)}
        if self._is_new and self._keypoints is None:
            self._keypoints = source.keypoints
        notes = {} if self._keypoints is None else {"kpt_shape": list(self._keypoints)}
        change_data_yaml(self._path, self.names, notes)
        known = {name: class_id for class_id, name in self.names.items()}
        return {class_id: known[names[class_id]] for class_id in source.used}

    def _own_names(self, source: Source) -> Mapping[int, str]:
        """Labels without names mean this dataset's."""
        unknown = sorted(source.used - set(self.names))
        if unknown:
            message = f"{source.path}: class {unknown[0]} has no name, there or in {self.folder}: say --names FILE"
            raise ConfigError(message)
        return self.names

    def find(self, data: bytes) -> Path | None:
        """The picture with these bytes."""
        like = self._by_size.get(len(data), ())
        wanted = xxhash.xxh3_128_digest(data) if like else b""
        return next((picture for picture in like if self._hash(picture) == wanted), None)

    def _hash(self, picture: Path) -> bytes:
        if picture not in self._hashes:
            self._hashes[picture] = xxhash.xxh3_128_digest(picture.read_bytes())
        return self._hashes[picture]

    def add(self, picture: Incoming) -> Path:
        """Where the picture lies now."""
        place = self.images / free_name(picture.name, self._used)
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing(place) as partial:
            partial.write_bytes(picture.data)
        self._by_size.setdefault(len(picture.data), []).append(place)
        return place

    def label(self, picture: Path, objects: Objects | None) -> bool:
        """Label a picture that nobody has labelled; whether that was done."""
        file = label_file(picture)
        if objects is None or file.exists():
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        write_label(file, objects, self._keypoints)
        return True

    def is_otherwise(self, picture: Path, objects: Objects | None) -> bool:
        """Whether a picture is labelled with other objects than these."""
        there = parse_label(label_file(picture), self._keypoints, [])
        if objects is None or there is None:
            return False
        return sorted(label_lines(there, self._keypoints)) != sorted(label_lines(objects, self._keypoints))
