from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hailstack.datasets import Dataset, Objects, open_dataset
from hailstack.datasets.formats import write_dataset
from hailstack.datasets.stats import GRID, measure
from hailstack.datasets.stats_page import make_page, write_page
from label_sets import box_objects, dataset_of, write_picture


def example(folder: Path) -> Dataset:
    """Pictures of 64 x 48: at 640 pixels everything is ten times as large."""
    pictures = {
        "a.png": box_objects([(0, (0.5, 0.5, 0.25, 0.5)), (1, (0.25, 0.25, 0.03125, 0.0625))]),
        "b.png": box_objects([(0, (1.0, 0.5, 0.5, 0.5))]),
        "c.png": Objects.empty(),
        "d.png": None,
    }
    return dataset_of(folder / "in", {"train": pictures, "val": {"e.png": box_objects([(0, (0.5, 0.5, 1, 1))])}})


def test_pictures_and_classes_are_counted_by_split(tmp_path: Path) -> None:
    found = measure(open_dataset(write_dataset(example(tmp_path), tmp_path / "set", "yolo"))).to_json()
    assert found["splits"] == {
        "train": {"pictures": 4, "unlabelled": 1, "negatives": 1, "objects": 3},
        "val": {"pictures": 1, "unlabelled": 0, "negatives": 0, "objects": 1},
    }
    cat, dog = found["classes"]
    assert (cat["name"], cat["objects"], cat["pictures"]) == ("cat", 3, {"train": 2, "val": 1})
    assert (dog["name"], dog["objects"], dog["pictures"]) == ("dog", 1, {"train": 1, "val": 0})
    assert cat["sizes"] == {"small": 0, "medium": 0, "large": 3}
    assert dog["sizes"] == {"small": 1, "medium": 0, "large": 0}
    assert found["picture_sizes"] == {"64x48": 5}
    assert 100 < found["brightness"]["median"] < 160
    json.dumps(found)


def test_boxes_are_measured_as_the_network_sees_them_and_within_the_picture(tmp_path: Path) -> None:
    stats = measure(example(tmp_path), imgsz=320)
    np.testing.assert_allclose(stats.sides_px, [[80, 120], [10, 15], [80, 120], [320, 240]])


def test_the_heat_map_says_how_many_boxes_cover_a_place(tmp_path: Path) -> None:
    heat = measure(example(tmp_path)).heat
    assert heat[GRID // 2, GRID // 2] == 0.5  # the first and the last
    assert heat[GRID // 2, GRID - 1] == 0.5  # the one that leaves the picture, and the last
    assert heat[0, 0] == 0.25


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"nothing")
    stats = measure(open_dataset(tmp_path))
    assert ["b.png" in reason for reason in stats.unreadable] == [True]
    assert len(stats.brightness) == 1
    make_page(stats)


def test_the_page_shows_names_as_they_are_and_needs_nothing_beside_it(tmp_path: Path) -> None:
    dataset = example(tmp_path)
    named = Dataset(dataset.source, {0: "<Löwe & Co>", 1: "dog", 2: "unused"}, dataset.splits)
    write_page(measure(named), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "0 &lt;Löwe &amp; Co&gt;" in page
    assert "Of 1 classes there is no object: unused." in page
    assert 'src="data:' in page
    assert "http" not in page.replace("http://www.w3.org", "")


@pytest.mark.shared
def test_coco_photos_have_figures(shared: Path) -> None:
    folder = shared / "images"
    dataset = open_dataset(folder / "coco_val", folder / "coco_val_labels", shared / "labels" / "coco_80.txt")
    found = measure(dataset)
    assert sum(one.objects for one in found.classes) == 291
    assert found.classes[0].name == "person"
