from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailstack.datasets import is_yolo, read_yolo
from hailstack.errors import ConfigError, NotFoundError


def write_dataset(
    folder: Path, labels: dict[str, str | None], *, yaml: str = "train: images\nnames: [cat, dog]\n"
) -> Path:
    for name, text in labels.items():
        picture = folder / "images" / f"{name}.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.touch()
        if text is not None:
            label = folder / "labels" / f"{name}.txt"
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text(text)
    (folder / "data.yaml").write_text(yaml)
    return folder / "data.yaml"


def test_pictures_come_with_their_boxes(tmp_path: Path) -> None:
    dataset = read_yolo(write_dataset(tmp_path, {"b/1": "1 0.5 0.5 0.2 0.4\n0 0.1 0.1 0.2 0.2\n", "a": "", "c": None}))
    empty, boxed, unlabelled = dataset.splits["train"]
    assert [sample.image.name for sample in dataset.splits["train"]] == ["a.jpg", "1.jpg", "c.jpg"]
    assert boxed.objects is not None
    np.testing.assert_allclose(boxed.objects.relative_xyxy, [[0.4, 0.3, 0.6, 0.7], [0, 0, 0.2, 0.2]], atol=1e-6)
    np.testing.assert_allclose(boxed.objects.to_pixels(100, 50)[0], [40, 15, 60, 35], atol=1e-4)
    assert [dataset.name(class_id) for class_id in boxed.objects.class_id] == ["dog", "cat"]
    assert empty.objects is not None
    assert len(empty.objects) == 0
    assert unlabelled.objects is None


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(*[st.floats(0.01, 0.99) for _ in range(2)], *[st.floats(0.001, 1.0) for _ in range(2)]), max_size=8
    )
)
def test_boxes_are_kept_as_they_are_and_cut_to_the_picture_in_pixels(
    tmp_path_factory: pytest.TempPathFactory, boxes: list[tuple[float, ...]]
) -> None:
    text = "".join(f"0 {' '.join(map(str, box))}\n" for box in boxes)
    dataset = read_yolo(write_dataset(tmp_path_factory.mktemp("yolo"), {"a": text}))
    objects = dataset.splits["train"][0].objects
    assert objects is not None
    assert len(objects) == len(boxes)
    x, y, width, height = np.array(boxes).reshape(-1, 4).T
    given = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)
    np.testing.assert_allclose(objects.relative_xyxy, given, atol=1e-12)
    np.testing.assert_allclose(objects.to_pixels(200, 100), np.clip(given, 0, 1) * [200, 100, 200, 100], atol=1e-4)


def test_a_polygon_stands_for_the_box_around_it(tmp_path: Path) -> None:
    dataset = read_yolo(write_dataset(tmp_path, {"a": "0 0.2 0.3 0.6 0.3 0.4 0.9\n"}))
    objects = dataset.splits["train"][0].objects
    assert objects is not None
    np.testing.assert_allclose(objects.relative_xyxy, [[0.2, 0.3, 0.6, 0.9]], atol=1e-6)


def test_key_points_follow_a_box_if_the_dataset_says_so(tmp_path: Path) -> None:
    yaml = "train: images\nkpt_shape: [1, 3]\nnames: {0: person}\n"
    dataset = read_yolo(write_dataset(tmp_path, {"a": "0 0.5 0.5 0.2 0.4 0.9 0.9 2\n"}, yaml=yaml))
    objects = dataset.splits["train"][0].objects
    assert objects is not None
    np.testing.assert_allclose(objects.relative_xyxy, [[0.4, 0.3, 0.6, 0.7]], atol=1e-6)


def test_broken_lines_are_passed_over_and_named(tmp_path: Path) -> None:
    text = "0 0.5 0.5 0.2 0.2\n0 0.5\ncat 0.1 0.1 0.1 0.1\n0 320 240 64 64\n-1 0.5 0.5 0.1 0.1\n"
    dataset = read_yolo(write_dataset(tmp_path, {"a": text}))
    objects = dataset.splits["train"][0].objects
    assert objects is not None
    assert len(objects) == 1
    assert [problem.line for problem in dataset.problems] == [2, 3, 4, 5]
    assert "not pixels" in str(dataset.problems[2])
    assert str(dataset.problems[0]).startswith(str(tmp_path / "labels" / "a.txt") + ":2:")


def test_splits_may_be_folders_lists_and_several(tmp_path: Path) -> None:
    yaml = "path: .\ntrain: [images/day, images/night]\nval: val.txt\ntest:\nnames: []\n"
    file = write_dataset(tmp_path, {"day/1": None, "night/2": None, "other/3": None}, yaml=yaml)
    (tmp_path / "val.txt").write_text("./images/other/3.jpg\n")
    splits = read_yolo(file).splits
    assert {name: [s.image.stem for s in samples] for name, samples in splits.items()} == {
        "train": ["1", "2"],
        "val": ["3"],
    }


def test_exports_that_count_from_beside_the_folder_are_found(tmp_path: Path) -> None:
    file = write_dataset(tmp_path / "set", {"a": None}, yaml="train: ../images\nnames: [x]\n")
    assert len(read_yolo(file).splits["train"]) == 1


def test_two_folders_without_a_yaml_are_a_dataset(tmp_path: Path) -> None:
    write_dataset(tmp_path, {"a": "7 0.5 0.5 0.1 0.1\n"}).unlink()
    assert is_yolo(tmp_path)
    dataset = read_yolo(tmp_path)
    assert dataset.name(7) == "7"
    assert len(dataset.splits["all"]) == 1


def test_a_yaml_without_splits_is_one_that_nobody_has_split(tmp_path: Path) -> None:
    file = write_dataset(tmp_path, {"a": None}, yaml="names: [x]\n")
    assert [len(samples) for samples in read_yolo(file).splits.values()] == [1]
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match=r"data\.yaml.*no split"):
        read_yolo(file)


@pytest.mark.parametrize(
    ("yaml", "error", "said"),
    [
        ("train: nowhere\nnames: [x]\n", NotFoundError, "'train' names 'nowhere'"),
        ("- 1\n- 2\n", ConfigError, "no split"),
        ("train: {a: b}\n", ConfigError, "must be a folder"),
        ("train: images\nnames: cat\n", ConfigError, "'names'"),
        ("train: [\n", ConfigError, "not readable as YAML"),
    ],
)
def test_what_is_wrong_with_a_yaml_file_is_said(tmp_path: Path, yaml: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=rf"data\.yaml.*{said}"):
        read_yolo(write_dataset(tmp_path, {"a": None}, yaml=yaml))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"absent\.yaml"):
        read_yolo(tmp_path / "absent.yaml")
