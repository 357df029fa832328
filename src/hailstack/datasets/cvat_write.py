"""Writing what CVAT imports as "CVAT 1.1": ``annotations.xml`` and ``images``, which a ZIP holds as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from hailstack.datasets.coco_write import DECIMALS, size_of
from hailstack.datasets.cvat import FILE_NAME, KEPT, SILENT
from hailstack.datasets.model import Dataset, Objects, Sample
from hailstack.datasets.placing import Images, building, name_samples, place
from hailstack.datasets.yolo import UNSPLIT
from hailstack.datasets.yolo_label import joined
from hailstack.datasets.yolo_write import all_names

PLAIN = (str, int, float)
SUBSETS = {"train": "Train", "val": "Validation", "test": "Test"}
"""As CVAT calls them."""


def write_cvat(
    dataset: Dataset, folder: Path, images: Images = "copy", progress: Callable[[], None] = lambda: None
) -> Path:
    """The folder of a new dataset for CVAT. Classes go by name; key points have no place in it.

    Raises:
        InputError: there is something in ``folder`` already, or it cannot be written.
        NotFoundError: a picture is not there.
        MediaError: a picture whose size the labels do not say is none.
    """
    names, class_names = name_samples(dataset.samples), all_names(dataset)
    root = Element("annotations")
    SubElement(root, "version").text = "1.1"
    root.append(_meta(dataset, class_names))
    with building(folder) as part:
        for split, samples in dataset.splits.items():
            for sample in samples:
                place(sample.image, part / "images" / names[sample.image], images)
                subset = {} if split == UNSPLIT else {"subset": SUBSETS.get(split, split)}
                root.append(_image(len(root) - 2, sample, names[sample.image], subset, class_names))
                progress()
        ElementTree.indent(root)
        ElementTree.ElementTree(root).write(part / FILE_NAME, encoding="utf-8", xml_declaration=True)
    return folder


def _meta(dataset: Dataset, class_names: Mapping[int, str]) -> Element:
    meta = Element("meta")
    task = SubElement(meta, "task")
    SubElement(task, "name").text = dataset.folder.name
    SubElement(task, "mode").text = "annotation"
    labels = SubElement(task, "labels")
    for name in class_names.values():
        label = SubElement(labels, "label")
        SubElement(label, "name").text = name
        SubElement(label, "attributes")
    return meta


def _image(
    number: int, sample: Sample, name: PurePosixPath, subset: Mapping[str, str], class_names: Mapping[int, str]
) -> Element:
    width, height = size_of(sample)
    facts = {"id": str(number), "name": str(name), **subset, "width": str(width), "height": str(height)}
    if sample.objects is None:
        return Element("image", {**facts, "reviewed": "false"})
    image = Element("image", facts)
    for tag in sample.attributes.get("tags", ()):
        SubElement(image, "tag", label=str(tag), source="manual")
    image.extend(_shapes(sample.objects, (width, height), class_names))
    return image


def _shapes(objects: Objects, size: tuple[int, int], class_names: Mapping[int, str]) -> Iterator[Element]:
    for row, class_id in enumerate(objects.class_id.tolist()):
        told: Mapping[str, Any] = objects.attributes[row] if objects.attributes is not None else {}
        kept = {key: str(told.get(key, silent)) for key, silent in SILENT.items() if key != "group_id" or key in told}
        tag, geometry = _geometry(objects, row, size)
        shape = Element(tag, {"label": class_names[class_id], **kept, **geometry})
        for key, value in told.items():
            if key not in KEPT and isinstance(value, PLAIN):
                SubElement(shape, "attribute", name=key).text = str(value)
        yield shape


def _geometry(objects: Objects, row: int, size: tuple[int, int]) -> tuple[str, Mapping[str, str]]:
    rings = objects.polygons[row] if objects.polygons is not None else ()
    if rings:
        points = (joined(rings) * size).tolist()
        return "polygon", {"points": ";".join(f"{_text(x)},{_text(y)}" for x, y in points)}
    corners = zip(("xtl", "ytl", "xbr", "ybr"), objects.relative_xyxy[row].tolist(), (*size, *size), strict=True)
    return "box", {key: _text(share * scale) for key, share, scale in corners}


def _text(value: float) -> str:
    return f"{round(value, DECIMALS):.{DECIMALS}f}".rstrip("0").rstrip(".")
