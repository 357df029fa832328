"""Writing COCO datasets: ``annotations/SPLIT.json`` and ``images/SPLIT``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.coco import relative
from hailstack.datasets.model import Dataset, Objects, Rings, Sample
from hailstack.datasets.placing import Images, building, name_pictures, picture_size, place
from hailstack.datasets.yolo_write import all_names, check_splits

DECIMALS = 9
"""Of a pixel: nothing of six decimals of a share is lost, whichever way the seventh is rounded."""


def write_coco(
    dataset: Dataset, folder: Path, images: Images = "copy", progress: Callable[[], None] = lambda: None
) -> Path:
    """The folder of a new COCO dataset; class ids become category ids as they are.

    With ``images="none"`` the pictures stay where they are, and their file names lead there from the folder.

    Raises:
        InputError: there is something in ``folder`` already, or it cannot be written.
        NotFoundError: a picture is not there.
        MediaError: a picture whose size the labels do not say is none.
        ConfigError: a split has a name that readers do not know.
    """
    check_splits(dataset)
    with building(folder) as part:
        (part / "annotations").mkdir()
        for split, samples in dataset.splits.items():
            names = name_pictures(sample.image for sample in samples)
            files = {image: f"images/{split}/{name}" for image, name in names.items()}
            if images == "none":
                files = {image: relative(image, folder) for image in names}
            for image, name in files.items():
                place(image, part / name, images)
                progress()
            content = coco_content(dataset, samples, files)
            (part / "annotations" / f"{split}.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return folder


def coco_content(dataset: Dataset, samples: Sequence[Sample], files: Mapping[Path, str]) -> dict[str, Any]:
    """What stands in the JSON file of a split.

    Args:
        files: picture → its ``file_name``.
    """
    image_ids = _ids([sample.attributes.get("id") for sample in samples])
    images, annotations = [], []
    for sample, image_id in zip(samples, image_ids, strict=True):
        size = size_of(sample)
        images.append(_image(sample, image_id, files[sample.image], size))
        annotations += _annotations(sample.objects or Objects.empty(), image_id, size)
    ids = _ids([one["id"] for one in annotations])
    numbered = [{**one, "id": i} for one, i in zip(annotations, ids, strict=True)]
    other = {key: value for key, value in dataset.notes.items() if key in ("info", "licenses")}
    return {"info": {}, **other, "categories": _categories(dataset), "images": images, "annotations": numbered}


def size_of(sample: Sample) -> tuple[int, int]:
    """Width and height of a sample's picture in pixels.

    Raises:
        NotFoundError: the labels do not say, and the picture is not there.
        MediaError: it is no picture.
    """
    return sample.size or picture_size(sample.image)


def _categories(dataset: Dataset) -> list[dict[str, Any]]:
    known = {one["id"]: one for one in dataset.notes.get("categories", ())}
    return [{**known.get(i, {}), "id": i, "name": name} for i, name in all_names(dataset).items()]


def _image(sample: Sample, image_id: Any, name: str, size: tuple[int, int]) -> dict[str, Any]:
    told = {key: value for key, value in sample.attributes.items() if key != "reviewed"}
    record = {**told, "id": image_id, "file_name": name, "width": size[0], "height": size[1]}
    if sample.group is not None:
        record["group"] = sample.group
    if sample.objects is None:
        record["reviewed"] = False
    return record


def _annotations(objects: Objects, image_id: Any, size: tuple[int, int]) -> list[dict[str, Any]]:
    scale = np.array(size, float)
    boxes = (objects.relative_xyxy * np.tile(scale, 2)).tolist()
    return [
        {
            **_segmentation(objects, row, scale),
            **_keypoints(objects, row, scale),
            "iscrowd": 0,
            "area": _area(objects, row, size),
            "id": None,
            **(objects.attributes[row] if objects.attributes is not None else {}),
            "image_id": image_id,
            "category_id": class_id,
            "bbox": _rounded([left, top, right - left, bottom - top]),
        }
        for row, (class_id, (left, top, right, bottom)) in enumerate(
            zip(objects.class_id.tolist(), boxes, strict=True)
        )
    ]


def _segmentation(objects: Objects, row: int, scale: NDArray[np.float64]) -> dict[str, Any]:
    rings: Rings = objects.polygons[row] if objects.polygons is not None else ()
    return {"segmentation": [_rounded((ring * scale).ravel().tolist()) for ring in rings]}


def _keypoints(objects: Objects, row: int, scale: NDArray[np.float64]) -> dict[str, Any]:
    if objects.keypoints is None:
        return {}
    known = objects.keypoints[row][~np.isnan(objects.keypoints[row, :, 2])]
    if not len(known):
        return {}
    points = [number for x, y, seen in (known * [*scale, 1]).tolist() for number in (*_rounded([x, y]), int(seen))]
    return {"keypoints": points, "num_keypoints": int((known[:, 2] > 0).sum())}


def _area(objects: Objects, row: int, size: tuple[int, int]) -> float:
    """In square pixels: of the outlines, else of the box."""
    width, height = size
    rings: Rings = objects.polygons[row] if objects.polygons is not None else ()
    if rings:
        return round(sum(_ring_area(ring) for ring in rings) * width * height, 2)
    left, top, right, bottom = map(float, objects.relative_xyxy[row])
    return round((right - left) * width * (bottom - top) * height, 2)


def _ring_area(ring: NDArray[np.float64]) -> float:
    """The shoelace formula."""
    x, y = ring.T
    return abs(float(x @ np.roll(y, -1)) - float(y @ np.roll(x, -1))) / 2


def _rounded(numbers: Sequence[float]) -> list[float]:
    return [int(rounded) if (rounded := round(number, DECIMALS)).is_integer() else rounded for number in numbers]


def _ids(given: Sequence[Any]) -> Sequence[Any]:
    """Those of the source if each has one of its own, else 1, 2, 3 …"""
    is_whole = None not in given and len(set(given)) == len(given)
    return given if is_whole else range(1, 1 + len(given))
