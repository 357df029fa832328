"""What cannot be trained on is said before anything is trained, with what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hailstack.datasets.formats import open_dataset, write_dataset
from hailstack.datasets.yolo_write import renumbered
from hailstack.errors import ConfigError, NotFoundError
from hailstack.training.material import read_material
from hailstack.training.options import Augmentation, TrainOptions


@pytest.fixture
def copy(few_shapes: Path, tmp_path: Path) -> Path:
    return shutil.copytree(few_shapes.parent, tmp_path / "data")


def test_pictures_of_both_splits_are_taken_with_their_names(few_shapes: Path) -> None:
    material = read_material(few_shapes)
    assert (len(material.train), len(material.val), material.unlabelled) == (9, 4, 0)
    assert material.names == ("disc", "square", "triangle")


def test_a_picture_without_a_label_file_is_left_out_and_counted(copy: Path) -> None:
    (copy / "labels" / "train" / "0003.txt").unlink()
    material = read_material(copy)
    assert (len(material.train), material.unlabelled) == (8, 1)


def test_a_picture_that_is_listed_and_not_there_is_told_before_anything_is_trained(copy: Path) -> None:
    listed = sorted((copy / "images" / "val").iterdir())
    (copy / "val.txt").write_text("".join(f"{picture}\n" for picture in listed))
    (copy / "data.yaml").write_text((copy / "data.yaml").read_text().replace("val: images/val", "val: val.txt"))
    listed[-1].unlink()
    with pytest.raises(
        NotFoundError, match=rf"{listed[-1].name}: there is no such picture, but .*data\.yaml names it"
    ):
        read_material(copy)


def test_an_empty_label_file_means_nothing_is_there(copy: Path) -> None:
    (copy / "labels" / "train" / "0003.txt").write_text("")
    assert len(read_material(copy).train) == 9


def test_classes_of_coco_are_numbered_from_zero(few_shapes: Path, tmp_path: Path) -> None:
    dataset = open_dataset(few_shapes)
    moved = {
        split: tuple(replace(one, objects=renumbered(one.objects, {0: 1, 1: 4, 2: 9})) for one in samples)
        for split, samples in dataset.splits.items()
        if all(one.objects is not None for one in samples)
    }
    names = {1: "disc", 4: "square", 9: "triangle"}
    coco = write_dataset(replace(dataset, names=names, splits=moved), tmp_path / "coco", "coco", images="link")
    material, before = read_material(coco), read_material(few_shapes)
    assert material.names == before.names
    for one, other in zip(material.train, before.train, strict=True):
        assert one.objects.class_id.tolist() == other.objects.class_id.tolist()


def without_val(copy: Path) -> None:
    text = (copy / "data.yaml").read_text()
    (copy / "data.yaml").write_text(text.replace("val: images/val\n", ""))


def without_boxes(copy: Path) -> None:
    for label in (copy / "labels" / "train").iterdir():
        label.write_text("")


def without_labels(copy: Path) -> None:
    shutil.rmtree(copy / "labels" / "val")


def with_a_strange_class(copy: Path) -> None:
    (copy / "labels" / "train" / "0002.txt").write_text("7 0.5 0.5 0.2 0.2\n")


def with_a_broken_line(copy: Path) -> None:
    (copy / "labels" / "val" / "0001.txt").write_text("0 0.5 0.5 0.2 0.2\n1 0.5 0.5\n")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (without_val, r"data\.yaml: there is no split 'val' \(there is 'train'\); hailstack data split"),
        (
            without_boxes,
            r"data\.yaml: there is no box in any of the 9 labelled pictures of 'train'; hailstack data an",
        ),
        (without_labels, r"data\.yaml: none of the 4 pictures of 'val' has a label file"),
        (with_a_strange_class, r"0002\.txt: has class 7, but .*data\.yaml names 3 classes \(0 to 2\)"),
        (with_a_broken_line, r"0001\.txt:2: .*numbers"),
    ],
)
def test_what_is_wrong_with_a_dataset_is_said(copy: Path, damage: Callable[[Path], None], told: str) -> None:
    damage(copy)
    with pytest.raises(ConfigError, match=told):
        read_material(copy)


def test_a_dataset_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"none"):
        read_material(tmp_path / "none")


def test_any_change_of_a_label_changes_the_digest(copy: Path) -> None:
    before = read_material(copy).digest
    assert read_material(copy).digest == before
    label = copy / "labels" / "train" / "0000.txt"
    label.write_text(label.read_text() + "1 0.5 0.5 0.1 0.1\n")
    assert read_material(copy).digest != before


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        ({"imgsz": 100}, "imgsz is 100, it must be a multiple of 32, for example 96 or 128"),
        ({"epochs": 0}, "epochs is 0, it must be at least 1"),
        ({"lr": 0.0}, "lr is 0.0, it must be above 0"),
        ({"name": "a/b"}, "name is 'a/b', it must be the name of a folder"),
        ({"optimizer": "Adam"}, "optimizer is 'Adam', it must be AdamW or SGD"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(wishes: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        TrainOptions(**wishes)  # type: ignore[arg-type]


def test_a_variation_that_makes_no_sense_is_named() -> None:
    with pytest.raises(ConfigError, match=r"mosaic is 2"):
        Augmentation(mosaic=2)
