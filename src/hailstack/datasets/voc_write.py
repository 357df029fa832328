"""Writing PASCAL VOC datasets: ``JPEGImages``, ``Annotations``, ``ImageSets/Main`` and ``classes.txt``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from hailstack.datasets.coco_write import DECIMALS, size_of
from hailstack.datasets.model import Dataset, Objects, Sample
from hailstack.datasets.placing import Images, building, name_samples, place
from hailstack.datasets.voc import CORNERS, elements
from hailstack.datasets.yolo import UNSPLIT
from hailstack.datasets.yolo_write import all_names, check_splits

OBJECT_DEFAULTS: Mapping[str, Any] = {"pose": "Unspecified", "truncated": 0, "difficult": 0}
"""What every object of the format has."""
NOT_VOC = ("segmentation",)
"""Attributes of other formats that would be pages of numbers."""


def write_voc(
    dataset: Dataset, folder: Path, images: Images = "copy", progress: Callable[[], None] = lambda: None
) -> Path:
    """The folder of a new VOC dataset. Classes go by name; outlines and key points have no place in it.

    Raises:
        InputError: there is something in ``folder`` already, or it cannot be written.
        NotFoundError: a picture is not there.
        MediaError: a picture whose size the labels do not say is none.
        ConfigError: a split has a name that readers do not know.
    """
    check_splits(dataset)
    class_names = all_names(dataset)
    names = name_samples(dataset.samples)
    with building(folder) as part:
        for sample in {sample.image: sample for sample in dataset.samples}.values():
            name = names[sample.image]
            place(sample.image, part / "JPEGImages" / name, images)
            if sample.objects is not None:
                _write_label((part / "Annotations" / name).with_suffix(".xml"), sample, name, class_names)
            progress()
        _write_lists(part, dataset, names)
        lines = "".join(f"{name}\n" for name in class_names.values())
        (part / "classes.txt").write_text(lines, encoding="utf-8")
    return folder


def _write_lists(folder: Path, dataset: Dataset, names: Mapping[Path, PurePosixPath]) -> None:
    lists = folder / "ImageSets" / "Main"
    (folder / "Annotations").mkdir(exist_ok=True)
    lists.mkdir(parents=True)
    for split, samples in dataset.splits.items():
        if split != UNSPLIT:
            lines = (f"{names[sample.image].with_suffix('')}\n" for sample in samples)
            (lists / f"{split}.txt").write_text("".join(lines), encoding="utf-8")


def _write_label(file: Path, sample: Sample, name: PurePosixPath, class_names: Mapping[int, str]) -> None:
    width, height = size_of(sample)
    told = {key: value for key, value in sample.attributes.items() if key not in ("id", "reviewed")}
    depth = {"width": width, "height": height, "depth": 3}
    root = Element("annotation")
    root.extend(elements({"folder": "JPEGImages", "filename": str(name), "size": depth, **told}))
    objects = sample.objects or Objects.empty()
    for row, class_id in enumerate(objects.class_id.tolist()):
        root.append(_object(objects, row, class_names[class_id], (width, height)))
    ElementTree.indent(root, "\t")
    file.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(file, encoding="utf-8")


def _object(objects: Objects, row: int, name: str, size: tuple[int, int]) -> Element:
    attributes = objects.attributes[row] if objects.attributes is not None else {}
    element = Element("object")
    SubElement(element, "name").text = name
    element.extend(elements({k: v for k, v in {**OBJECT_DEFAULTS, **attributes}.items() if k not in NOT_VOC}))
    box = SubElement(element, "bndbox")
    for corner, share, scale in zip(CORNERS, objects.relative_xyxy[row].tolist(), (*size, *size), strict=True):
        SubElement(box, corner).text = f"{round(share * scale, DECIMALS):.{DECIMALS}f}".rstrip("0").rstrip(".")
    return element
