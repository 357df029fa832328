from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailstack.cli import run
from hailstack.datasets import Dataset, Objects, open_dataset, split_write
from hailstack.datasets.dealing import Group, deal
from hailstack.datasets.split import Division, SplitOptions, divide
from hailstack.datasets.split_write import (
    finish_moves,
    is_half_moved,
    move,
    write_annotations,
    write_copy,
    write_lists,
)
from hailstack.errors import ConfigError, HailstackError, InputError
from label_sets import box_objects, write_picture

BOX = (0.5, 0.5, 0.25, 0.25)
NAMES = "names: [cat, dog, cow]\n"


def grow(folder: Path, pictures: Mapping[str, tuple[int, ...] | None], first_shade: int = 0) -> Path:
    """A YOLO dataset: picture → classes in it, or None."""
    for shade, (name, classes) in enumerate(pictures.items(), first_shade):
        write_picture(folder / "images" / name, shade)
        label = (folder / "labels" / name).with_suffix(".txt")
        label.parent.mkdir(parents=True, exist_ok=True)
        if classes is not None:
            label.write_text("".join(f"{one} 0.5 0.5 0.25 0.25\n" for one in classes))
    if not (folder / "data.yaml").exists():
        (folder / "data.yaml").write_text(NAMES)
    return folder


def split(folder: Path, **options: object) -> Division:
    return divide(open_dataset(folder), SplitOptions(**options))  # type: ignore[arg-type]


def names(division: Division) -> dict[str, list[str]]:
    return {split: [one.image.name for one in samples] for split, samples in division.splits.items()}


MIXED = {f"{i:03d}.png": ((i % 2,) if i % 10 else (2,)) if i % 7 else () for i in range(60)}


def test_every_class_and_the_negatives_have_their_share(tmp_path: Path) -> None:
    division = split(grow(tmp_path, MIXED), val=0.2, test=0.1)
    assert abs(len(division.splits["val"]) - 12) <= 1
    assert abs(len(division.splits["test"]) - 6) <= 1
    for wanted in ((0,), (1,), (2,), ()):
        every = sum(classes == wanted for classes in MIXED.values())
        for name, share in (("val", 0.2), ("test", 0.1)):
            found = sum(MIXED[one.image.name] == wanted for one in division.splits[name])
            assert abs(found - share * every) <= 1
    assert (division.notes, division.dealt, division.moved) == ((), 60, 0)


def test_the_order_in_which_files_came_does_not_matter(tmp_path: Path) -> None:
    first = names(split(grow(tmp_path / "a", MIXED)))
    shades = dict(zip(MIXED, range(60), strict=True))
    for name in reversed(MIXED):
        grow(tmp_path / "other place", {name: MIXED[name]}, shades[name])
    assert names(split(tmp_path / "other place")) == first
    assert names(split(tmp_path / "a", seed=1)) != first


def test_frames_of_a_video_and_like_photos_stay_together(tmp_path: Path) -> None:
    clips = {f"clip{i}/clip{i}_{k:03d}.png": (0,) for i in range(6) for k in range(5)}
    grow(tmp_path, {**clips, **{f"{i}.png": (1,) for i in range(10)}})
    for i in range(5):
        shutil.copy(tmp_path / "images" / f"{i}.png", tmp_path / "images" / f"{i}_again.png")
        (tmp_path / "labels" / f"{i}_again.txt").write_text("1 0.5 0.5 0.25 0.25\n")
    found = names(split(tmp_path, val=0.3))
    for i in range(6):
        assert {sum(one.startswith(f"clip{i}") for one in found[name]) for name in ("train", "val")} == {0, 5}
    for i in range(5):
        assert {f"{i}.png", f"{i}_again.png"} & set(found["val"]) in (set(), {f"{i}.png", f"{i}_again.png"})
    apart = names(split(tmp_path, val=0.3, grouping="none"))
    assert any(0 < sum(one.startswith(f"clip{i}") for one in apart["val"]) < 5 for i in range(6))


def test_pictures_that_come_later_move_nothing(tmp_path: Path) -> None:
    first = split(grow(tmp_path, MIXED))
    write_lists(open_dataset(tmp_path), first)
    grow(tmp_path, {f"later {i}.png": (i % 2,) for i in range(40)}, 100)
    second = split(tmp_path)
    before, after = names(first), names(second)
    assert (second.moved, second.dealt) == (0, 40)
    assert set(before["val"]) <= set(after["val"])
    assert set(before["train"]) <= set(after["train"])
    assert len(after["val"]) == 15
    write_lists(open_dataset(tmp_path), second)
    assert names(split(tmp_path)) == after


def test_a_video_that_was_in_two_splits_goes_to_where_most_of_it_is(tmp_path: Path) -> None:
    grow(tmp_path, {f"clip/clip_{k}.png": (0,) for k in range(5)} | {f"{i}.png": (0,) for i in range(8)})
    lists = {"train": ["clip/clip_0", "clip/clip_1", "clip/clip_2", "0", "1", "2", "3", "4"]}
    lists["val"] = ["clip/clip_3", "clip/clip_4", "5", "6", "7"]
    for name, stems in lists.items():
        (tmp_path / f"{name}.txt").write_text("".join(f"./images/{stem}.png\n" for stem in stems))
    (tmp_path / "data.yaml").write_text(NAMES + "train: train.txt\nval: val.txt\n")
    division = split(tmp_path)
    assert (division.moved, division.dealt) == (2, 0)
    assert names(division)["val"] == ["5.png", "6.png", "7.png"]


def test_what_is_kept_for_the_test_stays_there(tmp_path: Path) -> None:
    write_lists(open_dataset(grow(tmp_path, MIXED)), split(tmp_path, test=0.2))
    kept = names(split(tmp_path))["test"]
    assert len(kept) == 12
    assert names(split(tmp_path, seed=9))["test"] == kept


def test_what_is_like_a_picture_kept_for_the_test_does_not_become_training_material(tmp_path: Path) -> None:
    write_lists(open_dataset(grow(tmp_path, MIXED)), split(tmp_path, test=0.2))
    kept = split(tmp_path).splits["test"][0].image
    shutil.copy(kept, kept.with_name("copy.png"))
    (tmp_path / "labels" / "copy.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    assert "copy.png" in names(split(tmp_path))["test"]


def test_unlabelled_pictures_are_in_no_split(tmp_path: Path) -> None:
    division = split(grow(tmp_path, MIXED | {"new.png": None}))
    assert [one.image.name for one in division.unlabelled] == ["new.png"]
    assert "new.png" not in {name for found in names(division).values() for name in found}


def test_lists_are_what_trainers_read_and_move_nothing(tmp_path: Path) -> None:
    grow(tmp_path, MIXED)
    before = {file: file.stat().st_ino for file in tmp_path.rglob("*.png")}
    write_lists(open_dataset(tmp_path), split(tmp_path))
    assert {file: file.stat().st_ino for file in tmp_path.rglob("*.png")} == before
    assert (tmp_path / "data.yaml").read_text() == NAMES + "train: train.txt\nval: val.txt\n"
    assert (tmp_path / "val.txt").read_text().startswith("./images/0")
    dataset = open_dataset(tmp_path)
    assert {name: len(samples) for name, samples in dataset.splits.items()} == {"train": 51, "val": 9}
    assert all(sample.objects is not None for sample in dataset.samples)


@pytest.mark.parametrize("images", ["copy", "link"])
def test_a_copy_has_folders_for_splits(tmp_path: Path, images: split_write.Images) -> None:
    grow(tmp_path / "in", MIXED)
    division = split(tmp_path / "in")
    write_copy(open_dataset(tmp_path / "in"), division, tmp_path / "out", images)
    dataset = open_dataset(tmp_path / "out")
    assert {k: [s.image.name for s in v] for k, v in dataset.splits.items()} == {
        k: v for k, v in names(division).items() if v
    }
    assert (tmp_path / "out" / "images" / "val").is_dir()
    assert not (tmp_path / "in" / "val.txt").exists()


def test_frames_keep_their_names_where_a_split_has_but_one_video(tmp_path: Path) -> None:
    grow(tmp_path / "in", {f"clip{i}/clip{i}_{k}.png": (0,) for i in range(2) for k in range(3)})
    write_copy(open_dataset(tmp_path / "in"), split(tmp_path / "in", val=0.5), tmp_path / "out", "copy")
    places = {
        sample.image.relative_to(tmp_path / "out" / "images") for sample in open_dataset(tmp_path / "out").samples
    }
    assert {Path(*place.parts[1:]) for place in places} == {
        Path(f"clip{i}/clip{i}_{k}.png") for i in range(2) for k in range(3)
    }


def contents(dataset: Dataset) -> Counter[tuple[bytes, int]]:
    return Counter((one.image.read_bytes(), len(one.objects or ())) for one in dataset.samples)


def test_moved_pictures_take_their_labels_along_even_if_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path, MIXED | {"a/x.png": (1,), "b/x.png": (2,)})
    dataset = open_dataset(tmp_path)
    before, division = contents(dataset), split(tmp_path, seed=4)
    steps = iter(range(37))

    def interrupted(old: Path, new: Path) -> bool:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return real(old, new)

    real = split_write._move
    monkeypatch.setattr(split_write, "_move", interrupted)
    with pytest.raises(KeyboardInterrupt):
        move(dataset, division)
    monkeypatch.undo()
    assert finish_moves(tmp_path) > 0
    moved = open_dataset(tmp_path)
    assert contents(moved) == before
    assert {name: len(samples) for name, samples in moved.splits.items()} == {
        name: len(samples) for name, samples in division.splits.items() if samples
    }
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == ["a", "b", "train", "val"]
    assert finish_moves(tmp_path) == 0
    again = split(tmp_path)
    assert (again.moved, again.dealt) == (0, 0)
    move(moved, again)
    assert contents(open_dataset(tmp_path)) == before


def test_nothing_is_moved_over_anything(tmp_path: Path) -> None:
    grow(tmp_path, {"a.png": (0,), "b.png": (1,), "c.png": (2,), "d.png": (0,)})
    move(open_dataset(tmp_path), split(tmp_path, val=0.5, grouping="none"))
    there = next(iter(open_dataset(tmp_path).splits["train"])).image
    grow(tmp_path, {"a.png": (1, 1), "b.png": (2, 2), "c.png": (0, 0), "d.png": (1, 2, 0)}, 10)
    nobodys = write_picture(there.parent / "z.png", 20)  # nobody has labelled it
    grow(tmp_path, {"z.png": (1, 0)}, 30)
    division = split(tmp_path, seed=3)
    before = contents(replace(open_dataset(tmp_path), splits=division.splits))
    assert sum(before.values()) == 9
    move(open_dataset(tmp_path), division)
    assert contents(open_dataset(tmp_path)) == before + Counter([(nobodys.read_bytes(), 0)])


def test_an_interrupted_move_is_finished_where_the_dataset_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path / "old", MIXED)
    before = contents(open_dataset(tmp_path / "old"))
    with monkeypatch.context() as patched:
        patched.setattr(split_write, "change_data_yaml", interrupted)
        with pytest.raises(KeyboardInterrupt):
            move(open_dataset(tmp_path / "old"), split(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")
    assert run(["data", "split", str(tmp_path / "new"), "--dry-run"]) == 1
    assert is_half_moved(tmp_path / "new")
    finish_moves(tmp_path / "new")
    assert contents(open_dataset(tmp_path / "new")) == before
    assert not (tmp_path / "old").exists()


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_plan_of_moves_that_is_none_is_named(tmp_path: Path) -> None:
    grow(tmp_path, MIXED)
    (tmp_path / split_write.JOURNAL).write_text('{"moves": 3}')
    with pytest.raises(ConfigError, match=r"hailstack-moves\.json: not the plan"):
        finish_moves(tmp_path)


def test_labels_that_are_called_like_a_split_are_no_lists(tmp_path: Path) -> None:
    names_ = [f"{i}.png" for i in range(8)]
    for shade, name in enumerate([*names_, "test.png", "all.png"]):
        write_picture(tmp_path / name, shade)
        (tmp_path / name).with_suffix(".txt").write_text("0 0.5 0.5 0.25 0.25\n")
    labels = {file: file.read_text() for file in tmp_path.glob("*.txt")}
    with pytest.raises(InputError, match=r"test\.txt: is the label of a picture"):
        write_lists(open_dataset(tmp_path), split(tmp_path, test=0.2))
    write_lists(open_dataset(tmp_path), split(tmp_path))
    assert {file: file.read_text() for file in labels} == labels
    assert {k: len(v) for k, v in open_dataset(tmp_path).splits.items()} == {"train": 9, "val": 1}


def test_a_split_that_goes_takes_no_label_of_its_name_along(tmp_path: Path) -> None:
    for shade, name in enumerate(["a.png", "b.png", "test.png", "kept/c.png"]):
        write_picture(tmp_path / name, shade)
        (tmp_path / name).with_suffix(".txt").write_text("0 0.5 0.5 0.25 0.25\n")
    (tmp_path / "kept" / "c.txt").unlink()  # so that nothing of the test split is labelled
    (tmp_path / "list.txt").write_text("./a.png\n./b.png\n./test.png\n")
    (tmp_path / "data.yaml").write_text("train: list.txt\ntest: kept\nnames: [cat]\n")
    write_lists(open_dataset(tmp_path), split(tmp_path))
    assert set(open_dataset(tmp_path).splits) == {"train", "val"}
    assert (tmp_path / "test.txt").read_text() == "0 0.5 0.5 0.25 0.25\n"


def test_a_name_that_no_list_can_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    grow(tmp_path, {**MIXED, "a\u2028b.png": (0,)})
    with pytest.raises(InputError, match="a line end in a name breaks lists"):
        write_lists(open_dataset(tmp_path), split(tmp_path))
    assert not list(tmp_path.glob("*.txt"))


def test_lists_of_splits_that_are_no_more_go_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(tmp_path, MIXED)
    write_lists(open_dataset(tmp_path), split(tmp_path, test=0.2))
    dataset = open_dataset(tmp_path)
    without = {"train": (*dataset.splits["train"], *dataset.splits["test"]), "val": dataset.splits["val"], "test": ()}
    division = replace(split(tmp_path), splits=without)
    with monkeypatch.context() as patched:
        patched.setattr(split_write, "change_data_yaml", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_lists(dataset, division)
    assert set(open_dataset(tmp_path).splits) == {"train", "val", "test"}
    write_lists(dataset, division)
    assert set(open_dataset(tmp_path).splits) == {"train", "val"}
    assert not (tmp_path / "test.txt").exists()


def test_coco_gets_a_file_for_each_split_and_its_pictures_stay(tmp_path: Path) -> None:
    coco = split_write.write_dataset(open_dataset(grow(tmp_path / "in", MIXED)), tmp_path / "coco", "coco")
    before = sorted(coco.rglob("*"))
    division = split(coco)
    write_annotations(open_dataset(coco), division, tmp_path / "split")
    assert sorted(path.name for path in (tmp_path / "split").rglob("*.*")) == ["train.json", "val.json"]
    found = open_dataset(tmp_path / "split")
    assert names(division) == {"test": [], **{k: [s.image.name for s in v] for k, v in found.splits.items()}}
    assert contents(found) == contents(open_dataset(coco))
    assert sorted(coco.rglob("*")) == before
    assert (split(tmp_path / "split").moved, split(tmp_path / "split").dealt) == (0, 0)
    with pytest.raises(InputError, match="--annotations is for COCO"):
        write_annotations(open_dataset(tmp_path / "in"), split(tmp_path / "in"), tmp_path / "other")


def test_labels_of_yolo_beside_a_coco_file_are_none_of_it(tmp_path: Path) -> None:
    coco = split_write.write_dataset(open_dataset(grow(tmp_path / "in", MIXED)), tmp_path / "coco", "coco")
    write_picture(coco / "images" / "all" / "new.png", 99)
    (coco / "labels" / "all").mkdir(parents=True)
    (coco / "labels" / "all" / "new.txt").write_text("2 0.5 0.5 0.25 0.25\n")
    division = split(coco / "annotations" / "all.json")
    assert (division.dealt, division.unlabelled) == (60, ())


def test_voc_gets_its_own_lists(tmp_path: Path) -> None:
    write_copy(open_dataset(grow(tmp_path / "in", MIXED)), split(tmp_path / "in"), tmp_path / "yolo", "link")
    voc = split_write.write_dataset(open_dataset(grow(tmp_path / "in", {})), tmp_path / "voc", "voc")
    division = split(voc)
    write_lists(open_dataset(voc), division)
    assert {k: len(v) for k, v in open_dataset(voc).splits.items()} == {"train": 51, "val": 9}
    shutil.copy(voc / "JPEGImages" / "000.png", voc / "JPEGImages" / "new.png")
    shutil.copy(voc / "Annotations" / "001.xml", voc / "Annotations" / "new.xml")
    assert split(voc).dealt == 1
    coco = split_write.write_dataset(open_dataset(voc), tmp_path / "coco", "coco")
    with pytest.raises(InputError, match="coco has no lists"):
        write_lists(open_dataset(coco), split(coco))


@pytest.mark.parametrize("pictures", ["images", "."])
def test_voc_is_split_wherever_its_pictures_lie_and_however_its_path_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: str
) -> None:
    voc = split_write.write_dataset(open_dataset(grow(tmp_path / "in", MIXED)), tmp_path / "voc", "voc")
    (tmp_path / "flat" / pictures).mkdir(parents=True)
    for file in [*(voc / "JPEGImages").iterdir(), *(voc / "Annotations").iterdir()]:
        place = pictures if file.suffix == ".png" or pictures == "." else "Annotations"
        (tmp_path / "flat" / place).mkdir(exist_ok=True)
        file.rename(tmp_path / "flat" / place / file.name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for path in (tmp_path / "flat", Path("../flat")):
        write_lists(open_dataset(path), split(path))
        assert {k: len(v) for k, v in open_dataset(path).splits.items()} == {"train": 51, "val": 9}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"val": 1.0}, "shares of the pictures"),
        ({"val": 0.0}, "shares of the pictures"),
        ({"val": 0.6, "test": 0.5}, "shares of the pictures"),
        ({"grouping": "folders"}, "belong together"),
    ],
)
def test_what_cannot_be_split_is_said(tmp_path: Path, options: dict[str, object], said: str) -> None:
    with pytest.raises(HailstackError, match=said):
        split(grow(tmp_path, MIXED), **options)


def test_nothing_labelled_is_nothing_to_split(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not one picture is labelled"):
        split(grow(tmp_path, {"a.png": None}))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.dictionaries(st.integers(0, 4), st.integers(1, 5), min_size=1, max_size=3)),
        min_size=2,
        max_size=40,
    ),
    st.sampled_from([{"train": 0.85, "val": 0.15}, {"train": 0.7, "val": 0.2, "test": 0.1}]),
    st.integers(0, 3),
)
def test_all_groups_are_dealt_and_no_split_is_empty(
    rows: list[tuple[int, dict[int, int]]], shares: dict[str, float], seed: int
) -> None:
    groups = [Group(str(i), pictures, classes) for i, (pictures, classes) in enumerate(rows)]
    dealt = deal(groups, shares, seed)
    assert set(dealt) == {group.key for group in groups}
    assert dealt == deal(groups[::-1], shares, seed)
    assert len(set(dealt.values())) == min(len(groups), len(shares))
    settled = [Group(one.key, one.pictures, one.classes, dealt[one.key]) for one in groups]
    assert deal([*settled, Group("new", 1, {0: 1})], shares, seed).items() >= dealt.items()


def test_an_object_is_an_object(tmp_path: Path) -> None:
    """The builder of these tests writes what the reader reads."""
    grow(tmp_path, {"a.png": (1, 2)})
    objects = next(iter(open_dataset(tmp_path).samples)).objects
    assert isinstance(objects, Objects)
    assert objects.relative_xyxy.tolist() == box_objects([(1, BOX), (2, BOX)]).relative_xyxy.tolist()
