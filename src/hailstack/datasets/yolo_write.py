"""Writing YOLO datasets: ``images/SPLIT``, ``labels/SPLIT`` and ``data.yaml``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hailstack.datasets.model import Dataset, Objects, Sample
from hailstack.datasets.placing import Images, building, name_samples, place
from hailstack.datasets.yaml_file import change_yaml, read_yaml
from hailstack.datasets.yolo import SPLITS, UNSPLIT, keypoint_shape, read_head, yaml_in
from hailstack.datasets.yolo_label import Shape, write_label
from hailstack.errors import ConfigError
from hailstack.files import replacing


def write_yolo(
    dataset: Dataset, folder: Path, images: Images = "copy", progress: Callable[[], None] = lambda: None
) -> Path:
    """The ``data.yaml`` of a new YOLO dataset.

    Class ids that leave gaps are numbered anew from 0, in their order; crowds (``iscrowd``) are left out, for a
    trainer would take them for single objects.

    Raises:
        InputError: there is something in ``folder`` already, or it cannot be written.
        NotFoundError: a picture is not there.
        ConfigError: a split has a name that the format does not know.
    """
    check_splits(dataset)
    ids = dense_ids(dataset)
    with building(folder) as part:
        for split, samples in dataset.splits.items():
            _write_split(
                part, "" if split == UNSPLIT else split, samples, ids, keypoint_shape_of(dataset), images, progress
            )
        names = {ids[class_id]: name for class_id, name in all_names(dataset).items()}
        splits = {split: f"images/{split}" for split in dataset.splits if split != UNSPLIT}
        notes = {"kpt_shape": list(keypoint_shape_of(dataset) or ()), **dataset.notes}
        write_data_yaml(part, names, splits, {key: notes[key] for key in ("kpt_shape", "flip_idx") if notes.get(key)})
    return folder / "data.yaml"


def write_data_yaml(
    folder: Path, names: Mapping[int, str], splits: Mapping[str, str], notes: Mapping[str, Any] | None = None
) -> Path:
    """The ``data.yaml`` of a folder, new or changed; what else is in an old one stays.

    Args:
        names: class id → name.
        splits: split → folder or list of pictures, relative to ``folder``.
        notes: further keys.

    Raises:
        InputError: it cannot be written.
        MissingExtraError: PyYAML is not installed.
    """
    stale = {split: None for split in SPLITS if split not in splits}
    return change_data_yaml(folder, names, {**stale, **splits, **(notes or {})})


def change_data_yaml(path: Path, names: Mapping[int, str], values: Mapping[str, Any]) -> Path:
    """The YAML file of a dataset, new or changed: the names and these keys; None takes a key out. The rest stays.

    Args:
        path: the file, or the dataset's folder.
    """
    file = (yaml_in(path) or path / "data.yaml") if path.is_dir() else path
    told: dict[str, Any] = {"names": dict(sorted(names.items()))}
    if file.exists():
        count = {"nc": len(names)} if "nc" in read_yaml(file) else {}
        told = {} if read_head(file)[0] == names else told | count
    change_yaml(file, {**values, **told})
    return file


def write_list(file: Path, pictures: Iterable[Path]) -> None:
    """A list of pictures, one a line, relative to the list's folder where they lie below it."""
    root = file.absolute().parent
    lines = (
        f"./{picture.absolute().relative_to(root).as_posix()}"
        if picture.absolute().is_relative_to(root)
        else str(picture.absolute())
        for picture in pictures
    )
    with replacing(file) as partial:
        partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def all_names(dataset: Dataset) -> Mapping[int, str]:
    """Class id → name, classes that are labelled but have no name included."""
    used = {int(i) for sample in dataset.samples if sample.objects is not None for i in sample.objects.class_id}
    named = dataset.names or {class_id: str(class_id) for class_id in range(max(used, default=-1) + 1)}
    return {class_id: named.get(class_id, str(class_id)) for class_id in sorted(used | set(named))}


def dense_ids(dataset: Dataset) -> Mapping[int, int]:
    """Class id → its number from 0 on without gaps; the same where there are none."""
    return {class_id: number for number, class_id in enumerate(all_names(dataset))}


def without_crowds(objects: Objects) -> Objects:
    """What is labelled one by one."""
    if objects.attributes is None:
        return objects
    return objects.take(np.array([not one.get("iscrowd") for one in objects.attributes], bool))


def _write_split(
    folder: Path,
    split: str,
    samples: Sequence[Sample],
    ids: Mapping[int, int],
    shape: Shape | None,
    images: Images,
    progress: Callable[[], None],
) -> None:
    names = name_samples(samples)
    (folder / "images" / split).mkdir(parents=True, exist_ok=True)
    for sample in samples:
        name = names[sample.image]
        place(sample.image, folder / "images" / split / name, images)
        if sample.objects is not None:
            label = (folder / "labels" / split / name).with_suffix(".txt")
            label.parent.mkdir(parents=True, exist_ok=True)
            write_label(label, renumbered(without_crowds(sample.objects), ids), shape)
        progress()


def renumbered(objects: Objects, ids: Mapping[int, int]) -> Objects:
    """The same objects with other class ids."""
    numbers = np.array([ids[class_id] for class_id in objects.class_id.tolist()], np.int32)
    return replace(objects, class_id=numbers)


def keypoint_shape_of(dataset: Dataset) -> Shape | None:
    """How many key points, and numbers of each, its objects have; None: none."""
    known = keypoint_shape(dataset.source, dataset.notes)
    if known is not None:
        return known
    counts = [s.objects.keypoints.shape[1] for s in dataset.samples if s.objects and s.objects.keypoints is not None]
    return (max(counts), 3) if counts else None


def check_splits(dataset: Dataset) -> None:
    """Nothing, if a reader of YOLO, COCO and VOC will find all splits again: they are folders or files of these names.

    Raises:
        ConfigError: a split has a name of its own.
    """
    for split in dataset.splits:
        if split not in (*SPLITS, UNSPLIT):
            message = (
                f"{dataset.source}: {split!r} is none of {', '.join(SPLITS)}, which formats know; rename it there"
            )
            raise ConfigError(message)
