"""Writing what Label Studio imports: ``tasks.json``, ``images``, and the labelling interface ``config.xml``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from hailstack.datasets.coco_write import DECIMALS, size_of
from hailstack.datasets.labelstudio import FILE_NAME
from hailstack.datasets.model import Dataset, Objects, Sample
from hailstack.datasets.placing import Images, building, name_samples, place
from hailstack.datasets.yolo import UNSPLIT
from hailstack.datasets.yolo_label import joined
from hailstack.datasets.yolo_write import all_names


def write_labelstudio(
    dataset: Dataset, folder: Path, images: Images = "copy", progress: Callable[[], None] = lambda: None
) -> Path:
    """The folder of a new dataset for Label Studio. Classes go by name; key points have no place in it.

    Pictures are named as local files: ``LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT`` is the folder that holds ``folder``.

    Raises:
        InputError: there is something in ``folder`` already, or it cannot be written.
        NotFoundError: a picture is not there.
        MediaError: a picture whose size the labels do not say is none.
    """
    names, class_names = name_samples(dataset.samples), all_names(dataset)
    tasks: list[dict[str, Any]] = []
    with building(folder) as part:
        for split, samples in dataset.splits.items():
            for sample in samples:
                name = names[sample.image]
                place(sample.image, part / "images" / name, images)
                data = {"image": f"/data/local-files/?d={quote(f'{folder.name}/images/{name}')}"}
                data |= {} if split == UNSPLIT else {"split": split}
                tasks.append({"id": len(tasks) + 1, "data": data, "annotations": _annotations(sample, class_names)})
                progress()
        (part / FILE_NAME).write_text(json.dumps(tasks, indent=1, ensure_ascii=False), encoding="utf-8")
        (part / "classes.txt").write_text("".join(f"{name}\n" for name in class_names.values()), encoding="utf-8")
        _write_config(part / "config.xml", class_names)
    return folder


def _write_config(file: Path, class_names: Mapping[int, str]) -> None:
    view = Element("View")
    SubElement(view, "Image", name="image", value="$image", zoom="true")
    for tag, name in (("RectangleLabels", "label"), ("PolygonLabels", "outline")):
        labels = SubElement(view, tag, name=name, toName="image")
        for class_name in class_names.values():
            SubElement(labels, "Label", value=class_name)
    ElementTree.indent(view)
    ElementTree.ElementTree(view).write(file, encoding="utf-8")


def _annotations(sample: Sample, class_names: Mapping[int, str]) -> list[dict[str, Any]]:
    """None for a picture that nobody has looked at."""
    if sample.objects is None:
        return []
    return [{"result": list(_regions(sample.objects, size_of(sample), class_names)), "was_cancelled": False}]


def _regions(objects: Objects, size: tuple[int, int], class_names: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    for row, class_id in enumerate(objects.class_id.tolist()):
        kind, source, geometry = _geometry(objects, row)
        told = _told(objects, row)
        yield {
            "id": f"r{row}",
            "type": kind,
            "from_name": source,
            "to_name": "image",
            "original_width": size[0],
            "original_height": size[1],
            "image_rotation": 0,
            "value": {**geometry, kind: [class_names[class_id]]},
            **({"meta": {"attributes": told}} if told else {}),
        }


def _told(objects: Objects, row: int) -> dict[str, Any]:
    """What is said beside, without the run lengths of masks."""
    told = objects.attributes[row] if objects.attributes is not None else {}
    return {key: value for key, value in told.items() if key != "segmentation"}


def _geometry(objects: Objects, row: int) -> tuple[str, str, dict[str, Any]]:
    """Kind of region, the control that it belongs to, and where it is, in percent."""
    rings = objects.polygons[row] if objects.polygons is not None else ()
    if rings:
        points = [[_percent(x), _percent(y)] for x, y in joined(rings).tolist()]
        return "polygonlabels", "outline", {"points": points, "closed": True}
    left, top, right, bottom = map(float, objects.relative_xyxy[row])
    place = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return "rectanglelabels", "label", {**{key: _percent(value) for key, value in place.items()}, "rotation": 0}


def _percent(share: float) -> float:
    return round(100 * share, DECIMALS)
