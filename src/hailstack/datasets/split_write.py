"""Splits written down: as lists beside the pictures, as a new dataset, or by moving the pictures into folders."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from hailstack.datasets.claim import claimed
from hailstack.datasets.formats import Format, write_dataset
from hailstack.datasets.model import Dataset
from hailstack.datasets.picture_files import find_files, plain
from hailstack.datasets.placing import Images, bare, free_name
from hailstack.datasets.sequences import name_in_sequence
from hailstack.datasets.split import SPLITS, Division
from hailstack.datasets.voc import picture_folders
from hailstack.datasets.yolo import label_file
from hailstack.datasets.yolo_write import change_data_yaml, write_list
from hailstack.errors import ConfigError, InputError
from hailstack.files import replacing, unwritable
from hailstack.imaging import IMAGE_SUFFIXES

JOURNAL = ".hailstack-moves.json"
"""What is to be moved where, as long as that is not done."""


def write_lists(dataset: Dataset, division: Division) -> list[Path]:
    """The lists, written beside the pictures; no picture moves.

    YOLO: ``train.txt``, ``val.txt`` … and their names in ``data.yaml``. VOC: ``ImageSets/Main``.

    Raises:
        InputError: the format has no lists, a picture's label lies where a list is to be, or a file cannot be written.
    """
    if dataset.kind not in ("yolo", "voc"):
        more = "; --annotations writes a file for each split and leaves the pictures" if dataset.kind == "coco" else ""
        message = (
            f"{dataset.source}: {dataset.kind} has no lists of pictures; --copy and --link write a new folder{more}"
        )
        raise InputError(message)
    folder = dataset.folder if dataset.kind != "voc" else dataset.folder / "ImageSets" / "Main"
    folder.mkdir(parents=True, exist_ok=True)
    written, stale = [], _stale_lists(dataset, division, folder)
    for split, samples in division.splits.items():
        file = folder / f"{split}.txt"
        if not samples:
            continue
        if dataset.kind == "voc":
            root = plain(picture_folders(dataset.folder)[0])
            _write_stems(file, [sample.image.relative_to(root) for sample in samples])
        else:
            write_list(file, [sample.image for sample in samples])
        written.append(file)
    if dataset.kind != "voc":
        named = {split: f"{split}.txt" if division.splits[split] else None for split in SPLITS}
        written.append(change_data_yaml(dataset.source, dataset.names, {"path": None, **named}))
    for file in stale:  # last: a data.yaml that names what is gone could not be read
        file.unlink(missing_ok=True)
    return written


def _stale_lists(dataset: Dataset, division: Division, folder: Path) -> list[Path]:
    """Lists of splits that are no more.

    Raises:
        InputError: a list is to be written where the label of a picture is, or a picture's name does not fit a line.
    """
    labels = _labels(division)
    for split, samples in division.splits.items():
        file = folder / f"{split}.txt"
        for sample in samples:
            if len(str(sample.image).splitlines()) > 1:
                message = f"{str(sample.image)!r}: a line end in a name breaks lists; rename it, or say --copy"
                raise InputError(message)
        if samples and plain(file) in labels:
            message = (
                f"{file}: is the label of a picture, and would be the list of {split}; rename both, or say --copy"
            )
            raise InputError(message)
    gone = [folder / f"{split}.txt" for split in SPLITS if split in dataset.splits and not division.splits[split]]
    return [file for file in gone if plain(file) not in labels]


def _labels(division: Division) -> set[Path]:
    every = [*division.unlabelled, *(one for samples in division.splits.values() for one in samples)]
    return {plain(one.label) for one in every if one.label is not None}


def write_copy(
    dataset: Dataset,
    division: Division,
    folder: Path,
    images: Images,
    progress: Callable[[], None] = lambda: None,
) -> Path:
    """A new dataset of the same format (YOLO, COCO, VOC; else YOLO) with a folder for each split.

    Raises:
        InputError: there is something in ``folder`` already, or it cannot be written.
    """
    kind: Format = dataset.kind if dataset.kind in ("coco", "voc") else "yolo"
    splits = {split: samples for split, samples in division.splits.items() if samples}
    return write_dataset(replace(dataset, names=division.names, splits=splits), folder, kind, images, progress)


def write_annotations(dataset: Dataset, division: Division, folder: Path) -> Path:
    """A new folder with a COCO file for each split, whose ``file_name`` lead to the pictures, which stay.

    Raises:
        InputError: the dataset is not COCO, there is something in ``folder`` already, or it cannot be written.
    """
    if dataset.kind != "coco":
        message = f"{dataset.source}: --annotations is for COCO; of {dataset.kind} say --copy or --link, or nothing"
        raise InputError(message)
    return write_copy(dataset, division, folder, "none")


def move(dataset: Dataset, division: Division) -> Path:
    """The same YOLO dataset, whose pictures and labels lie in ``images/SPLIT`` and ``labels/SPLIT`` now.

    What is to be done is written down first: interrupted, it is finished by :func:`finish_moves`.

    Raises:
        InputError: it is no YOLO dataset, another process has it open, or a file cannot be moved.
    """
    if dataset.kind != "yolo":
        message = f"{dataset.source}: only the pictures of YOLO datasets are moved; name a new folder with --copy"
        raise InputError(message)
    folder = plain(dataset.folder)
    lists = {folder / f"{split}.txt" for split in SPLITS if split in dataset.splits} - _labels(division)
    plan = {
        "yaml": "" if dataset.source.is_dir() else dataset.source.name,
        "moves": [[_below(folder, old), _below(folder, new)] for old, new in _moves(folder, division).items()],
        "names": {str(class_id): name for class_id, name in dataset.names.items()},
        "splits": {split: f"images/{split}" if division.splits[split] else None for split in SPLITS},
        "lists": sorted(file.name for file in lists),
    }
    with claimed(folder):
        with replacing(folder / JOURNAL) as partial:
            partial.write_text(json.dumps(plan, ensure_ascii=False), encoding="utf-8")
        _finish(folder)
    return dataset.source


def is_half_moved(folder: Path) -> bool:
    """Whether a :func:`move` in this folder was interrupted."""
    return (folder / JOURNAL).is_file()


def finish_moves(folder: Path) -> int:
    """Do what an interrupted :func:`move` has left; how many files were moved.

    Raises:
        ConfigError: the plan cannot be read.
        InputError: another process has the dataset open, or a file cannot be moved.
    """
    if not is_half_moved(folder):
        return 0
    with claimed(folder):
        return _finish(folder)


def _finish(folder: Path) -> int:
    journal = folder / JOURNAL
    try:
        plan = json.loads(journal.read_text(encoding="utf-8"))
        moves = [(folder / old, folder / new) for old, new in plan["moves"]]
        names = {int(class_id): str(name) for class_id, name in plan["names"].items()}
        yaml, splits, lists = folder / plan["yaml"], dict(plan["splits"]), [folder / name for name in plan["lists"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{journal}: not the plan of an interrupted split ({error}); mend it, or take it away"
        raise ConfigError(message) from error
    done = sum(_move(old, new) for old, new in moves)
    change_data_yaml(yaml, names, {"path": None, **splits})
    for file in lists:
        file.unlink(missing_ok=True)
    journal.unlink()
    return done


def _below(folder: Path, file: Path) -> str:
    """A path that still leads there when the folder has another name."""
    return str(file.relative_to(folder) if file.is_relative_to(folder) else file)


def _write_stems(file: Path, pictures: list[Path]) -> None:
    with replacing(file) as partial:
        partial.write_text("".join(f"{one.with_suffix('').as_posix()}\n" for one in pictures), encoding="utf-8")


def _moves(folder: Path, division: Division) -> Mapping[Path, Path]:
    """Old place → new place of each picture and label that is not in its split's folder; labels first.

    No new place is one where a file lies now, whether that is to go away or not.
    """
    moves: dict[Path, Path] = {}
    for split, samples in division.splits.items():
        home = folder / "images" / split
        used = _names_in(home, IMAGE_SUFFIXES) | _names_in(folder / "labels" / split, {".txt"})
        for sample in samples:
            if not sample.image.is_relative_to(home):
                name = name_in_sequence(_name_below(folder, sample.image), sample.group)
                place, label = home / free_name(name, used), label_file(sample.image)
                moves |= {label: label_file(place)} if label.is_file() else {}
                moves[sample.image] = place
    return moves


def _names_in(folder: Path, suffixes: Collection[str]) -> set[str]:
    return {bare(PurePosixPath(file.relative_to(folder))) for file in find_files(folder, suffixes)}


def _name_below(folder: Path, picture: Path) -> PurePosixPath:
    """A picture's name without the folders that are the format's."""
    for root in (folder / "images", folder):
        if picture.is_relative_to(root):
            parts = picture.relative_to(root).parts
            return PurePosixPath(*(parts[1:] if len(parts) > 1 and parts[0] in SPLITS else parts))
    return PurePosixPath(picture.name)


def _move(old: Path, new: Path) -> bool:
    """Whether there was anything left to move."""
    try:
        if not old.exists():
            return False
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(old, new)  # from another file system, too; over a half of an earlier attempt
    except OSError as error:
        raise unwritable(new, error) from error
    return True
