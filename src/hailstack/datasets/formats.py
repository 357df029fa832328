"""One door to every format of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from hailstack.datasets.coco import is_coco, read_coco
from hailstack.datasets.coco_write import write_coco
from hailstack.datasets.cvat import is_cvat, read_cvat
from hailstack.datasets.cvat_write import write_cvat
from hailstack.datasets.labelstudio import is_labelstudio, read_labelstudio
from hailstack.datasets.labelstudio_write import write_labelstudio
from hailstack.datasets.model import Dataset, Objects
from hailstack.datasets.placing import Images
from hailstack.datasets.voc import is_voc, read_voc
from hailstack.datasets.voc_write import write_voc
from hailstack.datasets.yolo import is_yolo, read_names, read_pictures, read_yolo
from hailstack.datasets.yolo_write import dense_ids, write_yolo
from hailstack.errors import ConfigError, NotFoundError

Format: TypeAlias = Literal["yolo", "coco", "voc", "cvat", "labelstudio"]

WRITERS: Mapping[Format, Callable[[Dataset, Path, Images, Callable[[], None]], Path]] = {
    "yolo": write_yolo,
    "coco": write_coco,
    "voc": write_voc,
    "cvat": write_cvat,
    "labelstudio": write_labelstudio,
}


def open_dataset(path: Path, labels: Path | None = None, names: Path | None = None) -> Dataset:
    """The dataset at a path, whatever its format; ``kind`` says which it is.

    A folder of pictures without labels is one, too: all its samples are unlabelled.

    Args:
        labels: a folder of YOLO label files for a folder of pictures, if they lie elsewhere.
        names: a text file of class names, one a line, for labels that have none.

    Raises:
        NotFoundError: there is nothing at the path, or the dataset names what is not there.
        ConfigError: it is no dataset, or a file of it makes no sense; the message names file and line or key.
        MissingExtraError: PyYAML is not installed and a YAML file is to be read.
    """
    if not path.exists():
        message = f"{path}: no such file or folder"
        raise NotFoundError(message)
    dataset = _open(path, labels)
    return dataset if names is None else replace(dataset, names=read_names(names))


def _open(path: Path, labels: Path | None) -> Dataset:
    if labels is not None:
        if not (path.is_dir() and labels.is_dir()):
            message = f"{path} and {labels}: labels that lie elsewhere are a folder for a folder of pictures"
            raise ConfigError(message)
        return read_pictures(path, labels)
    if is_yolo(path):
        return read_yolo(path)
    if is_cvat(path):
        return read_cvat(path)
    if is_labelstudio(path):
        return read_labelstudio(path)
    if is_voc(path):
        return read_voc(path)
    if is_coco(path):
        return read_coco(path)
    if path.is_dir():
        return read_pictures(path)
    message = (
        f"{path}: not a dataset: a YOLO data.yaml, a COCO or Label Studio .json, a CVAT .xml, or a folder of one of "
        "these, of VOC, or of pictures"
    )
    raise ConfigError(message)


def write_dataset(
    dataset: Dataset,
    folder: Path,
    kind: Format,
    images: Images = "copy",
    progress: Callable[[], None] = lambda: None,
) -> Path:
    """A new dataset in a new folder, whole or not at all: the path that :func:`open_dataset` takes.

    Args:
        images: copy the pictures, link them, or write labels alone (``none``).
        progress: called for each picture.

    Raises:
        InputError: there is something in ``folder`` already, or it cannot be written.
        NotFoundError: a picture is not there.
        ConfigError: a split has a name that the format has no place for.
    """
    return WRITERS[kind](dataset, folder, images, progress)


def losses(dataset: Dataset, kind: Format) -> tuple[str, ...]:
    """What a format has no place for, and what becomes of it, for people."""
    found: Counter[str] = Counter()
    for sample in dataset.samples:
        if sample.objects is not None:
            found.update(_lost(sample.objects, kind))
    said = [f"{count} {what}" for what, count in sorted(found.items())]
    ids = dense_ids(dataset)
    if kind != "coco" and any(old != new for old, new in ids.items()):
        said.append(f"class ids with gaps are numbered from 0 to {len(ids) - 1}")
    return tuple(said)


def _lost(objects: Objects, kind: Format) -> Iterator[str]:
    attributes = objects.attributes or ()
    if kind == "yolo":
        yield from ("crowds (iscrowd) left out" for one in attributes if one.get("iscrowd"))
        yield from ("objects lose what is said beside: " + _keys(one) for one in attributes if _keys(one))
        if objects.keypoints is not None:
            yield from ("outlines left out: lines of key points have none" for one in objects.polygons or () if one)
        else:
            yield from ("outlines of several parts joined by seams" for one in objects.polygons or () if len(one) > 1)
    if kind in ("cvat", "labelstudio"):
        yield from ("outlines of several parts joined by seams" for one in objects.polygons or () if len(one) > 1)
    if kind == "voc":
        yield from ("outlines left out" for one in objects.polygons or () if one)
    if kind in ("voc", "cvat", "labelstudio"):
        yield from ("run-length masks left out" for one in attributes if "segmentation" in one)
        if objects.keypoints is not None:
            yield from ("objects lose their key points" for _ in range(len(objects)))


def _keys(one: Mapping[str, Any]) -> str:
    """Beside what is counted anew when a file is written, and what says nothing."""
    counted = ("id", "area", "iscrowd", "num_keypoints")
    return ", ".join(key for key, value in one.items() if key not in counted and value not in (0, "", "Unspecified"))
