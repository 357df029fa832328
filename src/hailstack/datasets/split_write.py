"""Splits written down: as lists beside the pictures, as a new dataset, or by moving the pictures into folders."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from hailstack.datasets.formats import Format, write_dataset
from hailstack.datasets.model import Dataset
from hailstack.datasets.placing import Images, free_name
from hailstack.datasets.sequences import name_in_sequence
from hailstack.datasets.split import SPLITS, Division
from hailstack.datasets.yolo import label_file
from hailstack.datasets.yolo_write import change_data_yaml, write_list
from hailstack.errors import ConfigError, InputError
from hailstack.files import replacing, unwritable

JOURNAL = ".hailstack-moves.json"
"""What is to be moved where, as long as that is not done."""


def write_lists(dataset: Dataset, division: Division) -> list[Path]:
    """The lists, written beside the pictures; no picture moves.

    YOLO: ``train.txt``, ``val.txt`` … and their names in ``data.yaml``. VOC: ``ImageSets/Main``.

    Raises:
        InputError: the format has no lists, or a file cannot be written.
    """
    if dataset.kind not in ("yolo", "pictures", "voc"):
        message = f"{dataset.source}: {dataset.kind} has no lists of pictures; name a new folder with --copy or --link"
        raise InputError(message)
    folder = dataset.folder if dataset.kind != "voc" else dataset.folder / "ImageSets" / "Main"
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for split, samples in division.splits.items():
        file = folder / f"{split}.txt"
        if not samples:
            file.unlink(missing_ok=True)
            continue
        if dataset.kind == "voc":
            root = dataset.folder / "JPEGImages"
            _write_stems(file, [sample.image.relative_to(root.absolute()) for sample in samples])
        else:
            write_list(file, [sample.image for sample in samples])
        written.append(file)
    if dataset.kind != "voc":
        named = {split: f"{split}.txt" if division.splits[split] else None for split in SPLITS}
        written.append(change_data_yaml(dataset.source, dataset.names, {"path": None, **named}))
    return written


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


def move(dataset: Dataset, division: Division) -> Path:
    """The same YOLO dataset, whose pictures and labels lie in ``images/SPLIT`` and ``labels/SPLIT`` now.

    What is to be done is written down first: interrupted, it is finished by :func:`finish_moves`.

    Raises:
        InputError: it is no YOLO dataset, or a file cannot be moved.
    """
    if dataset.kind not in ("yolo", "pictures"):
        message = f"{dataset.source}: only the pictures of YOLO datasets are moved; name a new folder with --copy"
        raise InputError(message)
    folder = dataset.folder.absolute()
    moves = _moves(folder, division)
    names = {str(class_id): name for class_id, name in dataset.names.items()}
    splits = {split: f"images/{split}" if division.splits[split] else None for split in SPLITS}
    plan = {
        "yaml": str(dataset.source.absolute()),
        "moves": [[str(old), str(new)] for old, new in moves.items()],
        "names": names,
        "splits": splits,
    }
    with replacing(folder / JOURNAL) as partial:
        partial.write_text(json.dumps(plan, ensure_ascii=False), encoding="utf-8")
    finish_moves(folder)
    return dataset.source


def finish_moves(folder: Path) -> int:
    """Do what an interrupted :func:`move` has left; how many files were moved.

    Raises:
        ConfigError: the plan cannot be read.
        InputError: a file cannot be moved.
    """
    journal = folder / JOURNAL
    if not journal.is_file():
        return 0
    try:
        plan = json.loads(journal.read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"{journal}: not the plan of an interrupted split: {error}"
        raise ConfigError(message) from error
    done = sum(_move(Path(old), Path(new)) for old, new in plan["moves"])
    names = {int(class_id): name for class_id, name in plan["names"].items()}
    change_data_yaml(Path(plan["yaml"]), names, {"path": None, **plan["splits"]})
    for split in SPLITS:
        (folder / f"{split}.txt").unlink(missing_ok=True)
    journal.unlink()
    return done


def _write_stems(file: Path, pictures: list[Path]) -> None:
    with replacing(file) as partial:
        partial.write_text("".join(f"{one.with_suffix('').as_posix()}\n" for one in pictures), encoding="utf-8")


def _moves(folder: Path, division: Division) -> Mapping[Path, Path]:
    """Old place → new place of each picture and label that is not in its split's folder; labels first."""
    moves: dict[Path, Path] = {}
    for split, samples in division.splits.items():
        home, used = folder / "images" / split, set[str]()
        names = {sample.image: _name_below(folder, sample.image) for sample in samples}
        for sample in samples:
            place = home / free_name(name_in_sequence(names[sample.image], sample.group), used)
            if place != sample.image:
                label = label_file(sample.image)
                moves |= {label: label_file(place)} if label.is_file() else {}
                moves[sample.image] = place
    return moves


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
        os.replace(old, new)  # noqa: PTH105 - over a half of an earlier attempt
    except OSError as error:
        raise unwritable(new, error) from error
    return True
