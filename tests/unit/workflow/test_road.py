"""What the steps of a plan read: all that decides about the outcome, wherever it lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hailstack.errors import ConfigError
from hailstack.imaging import write_image
from hailstack.workflow.plan import BuildPlan
from hailstack.workflow.record import wanted_record
from hailstack.workflow.road import Road
from hailstack.workflow.step import Step


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A dataset whose file lies beside its pictures' folder."""
    for split in ("train", "val"):
        write_picture(tmp_path / "photos" / "images" / split / "a.png", 0)
        labels = tmp_path / "photos" / "labels" / split
        labels.mkdir(parents=True)
        (labels / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "plans").mkdir()
    file = tmp_path / "plans" / "data.yaml"
    file.write_text("path: ../photos\ntrain: images/train\nval: images/val\nnames: [flower]\n")
    return file


def write_picture(path: Path, grey: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, np.full((8, 8, 3), grey, np.uint8))


def step(data: Path, name: str, **sections: Any) -> Step:
    plan = BuildPlan(data=data, output=data.parent / "out", **sections)
    return next(one for one in Road(plan).steps() if one.name == name)


@pytest.mark.parametrize("name", ["verify", "dataset"])
def test_pictures_and_labels_outside_the_datasets_own_folder_count(data: Path, name: str) -> None:
    seen = [wanted_record(step(data, name)).key]
    write_picture(data.parents[1] / "photos" / "images" / "val" / "a.png", 255)
    seen.append(wanted_record(step(data, name)).key)
    (data.parents[1] / "photos" / "labels" / "train" / "a.txt").write_text("0 0.5 0.5 0.3 0.3\n")
    seen.append(wanted_record(step(data, name)).key)
    assert len(set(seen)) == 3
    assert wanted_record(step(data, name)).key == seen[-1]


def test_weights_to_start_from_count_by_what_is_in_them_not_by_where_they_lie(data: Path, tmp_path: Path) -> None:
    places = tmp_path / "first.pt", tmp_path / "moved.pt"
    first, moved = (step(data, "train", train={"weights": place}) for place in places)
    assert places[0] in first.reads.values()
    assert first.options == moved.options


def test_a_split_to_check_on_that_is_not_there_is_told_before_anything_is_trained(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.yaml: no picture is in 'test'; say in the plan how to split"):
        step(data, "dataset", check={"split": "test"}).run(tmp_path, lambda stage, done, total: None)
