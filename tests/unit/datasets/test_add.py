from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from hailstack.datasets import open_dataset, read_label
from hailstack.datasets.add import Added, add_pictures
from hailstack.datasets.formats import write_dataset
from hailstack.datasets.incoming import find_sources
from hailstack.errors import ConfigError, InputError, NotFoundError
from label_sets import box_objects, dataset_of, write_picture


def add(to: Path, *paths: Path, stride: int = 1, labels: Path | None = None, names: Path | None = None) -> Added:
    return add_pictures(find_sources(paths, stride, labels, names), to)


def files(folder: Path) -> list[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if not path.parts[0].startswith("."))


def write_clip(file: Path, frames: int = 6, rows: Sequence[str] | None = None) -> Path:
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(frames):
            image = np.random.default_rng(shade).integers(0, 255, (48, 64, 3)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    if rows is not None:
        text = "\n".join(["frame,label,x,y,width,height", *rows])
        file.with_name(f"{file.stem}_LABELS.csv").write_text(text + "\n")
    return file


def test_photos_are_copied_and_stay_unlabelled(tmp_path: Path) -> None:
    for name in ("a.png", "day 2/ü.jpg", "result_a.png"):
        write_picture(tmp_path / "captured" / name, len(name))
    done = add(tmp_path / "set", tmp_path / "captured")
    assert files(tmp_path / "set") == ["data.yaml", "images/a.png", "images/day 2/ü.jpg"]
    assert (done.pictures, done.unlabelled, done.results) == (2, 2, 1)
    assert all(sample.objects is None for sample in open_dataset(tmp_path / "set").samples)


def test_what_is_there_is_not_added_twice_under_any_name(tmp_path: Path) -> None:
    photo = write_picture(tmp_path / "one" / "a.png", 1)
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "copy.png").write_bytes(photo.read_bytes())
    write_picture(tmp_path / "two" / "a.png", 2)
    done = add(tmp_path / "set", tmp_path / "one", tmp_path / "two")
    again = add(tmp_path / "set", tmp_path / "two")
    assert (done.pictures, done.duplicates, done.renamed) == (2, 1, 1)
    assert (again.pictures, again.duplicates) == (0, 2)
    assert files(tmp_path / "set" / "images") == ["a.png", "a_2.png"]


def test_a_picture_that_nobody_had_labelled_takes_labels_and_one_with_labels_keeps_its_own(tmp_path: Path) -> None:
    first = dataset_of(tmp_path / "in", {"train": {"a.png": None, "b.png": box_objects([(0, (0.5, 0.5, 0.5, 0.5))])}})
    add(tmp_path / "set", write_dataset(first, tmp_path / "first", "yolo"))
    other = box_objects([(1, (0.25, 0.25, 0.5, 0.5))])
    second = dataset_of(tmp_path / "in", {"train": {"a.png": other, "b.png": other}})
    done = add(tmp_path / "set", write_dataset(second, tmp_path / "second", "coco"))
    a, b = open_dataset(tmp_path / "set").splits["all"]
    assert (done.duplicates, done.labels_taken, done.labels_kept) == (2, 1, 1)
    assert "1 of them are labelled otherwise" in "\n".join(done.lines())
    assert add(tmp_path / "set", tmp_path / "second").labels_kept == 1
    assert add(tmp_path / "set", tmp_path / "first" / "data.yaml").labels_kept == 0
    assert a.objects is not None
    assert b.objects is not None
    assert (a.objects.class_id.tolist(), b.objects.class_id.tolist()) == ([1], [0])


def test_classes_go_by_name(tmp_path: Path) -> None:
    box = (0.5, 0.5, 0.25, 0.25)
    mine = dataset_of(tmp_path / "1", {"all": {"a.png": box_objects([(0, box), (1, box)])}})
    theirs = dataset_of(
        tmp_path / "2", {"all": {"b.jpg": box_objects([(3, box), (7, box)])}}, names={3: "cow", 5: "elk", 7: "cat"}
    )
    add(tmp_path / "set", write_dataset(mine, tmp_path / "mine", "yolo"))
    done = add(tmp_path / "set", write_dataset(theirs, tmp_path / "theirs", "coco"))
    assert done.names == open_dataset(tmp_path / "set").names == {0: "cat", 1: "dog", 2: "cow"}
    objects = read_label(tmp_path / "set" / "labels" / "b.txt")
    assert objects is not None
    assert objects.class_id.tolist() == [2, 0]


def test_frames_of_a_video_come_with_the_boxes_of_its_table_and_stay_one_group(tmp_path: Path) -> None:
    rows = ["0,DRONE,16,12,32,24", "2,DRONE,0,0,0,0", "4,BIRD,1,2,3,4", "4,DRONE,1,2,3,4", "5,BIRD,1,2,3,4"]
    clip = write_clip(tmp_path / "V_1.avi", rows=rows)
    done = add(tmp_path / "set", clip, stride=2)
    samples = open_dataset(tmp_path / "set").splits["all"]
    assert [sample.image.name for sample in samples] == [f"V_1_{i:06d}.jpg" for i in (0, 2, 4)]
    assert {sample.group for sample in samples} == {"V_1"}
    assert (done.labelled, done.negatives, done.objects, done.names) == (2, 1, 3, {0: "BIRD", 1: "DRONE"})
    assert samples[0].objects is not None
    np.testing.assert_allclose(samples[0].objects.relative_xyxy, [[0.25, 0.25, 0.75, 0.75]])


def test_a_frame_that_the_table_does_not_speak_of_is_unlabelled(tmp_path: Path) -> None:
    done = add(tmp_path / "set", write_clip(tmp_path / "c.avi", rows=["0,DRONE,16,12,32,24"]), stride=5)
    assert (done.labelled, done.negatives, done.unlabelled) == (1, 0, 1)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["0,DRONE,a,2,3,4"], r"c_LABELS\.csv:2: frame, x, y, width and height are numbers"),
        (["0,DRONE,1,2,3,4", "x,DRONE,1,2,3,4"], r"c_LABELS\.csv:3"),
        (["0,,1,2,3,4"], r"c_LABELS\.csv:2: a box without a label"),
    ],
)
def test_a_broken_table_is_named_with_its_line(tmp_path: Path, rows: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        add(tmp_path / "set", write_clip(tmp_path / "c.avi", rows=rows))


def test_what_cannot_be_read_is_told_and_the_rest_is_added(tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    done = add(tmp_path / "set", tmp_path / "in")
    assert done.pictures == 1
    assert ["b.png" in message for message in done.left_out] == [True]


def test_a_video_that_ends_too_early_gives_the_frames_before(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "c.avi", 40)
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) // 2])
    done = add(tmp_path / "set", clip)
    assert 0 < done.pictures < 40
    assert "cannot be read" in done.left_out[0]


def test_groups_of_other_formats_are_kept_in_the_names(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path / "in", {"train": {"1.png": None}})
    grouped = {"train": tuple(type(s)(s.image, s.objects, s.size, "video 7") for s in dataset.samples)}
    coco = write_dataset(type(dataset)(tmp_path, dataset.names, grouped), tmp_path / "coco", "coco")
    add(tmp_path / "set", coco)
    (sample,) = open_dataset(tmp_path / "set").samples
    assert sample.group == "video 7"


def test_what_cannot_be_added_is_said(tmp_path: Path) -> None:
    photo = write_picture(tmp_path / "photos" / "a.png")
    (tmp_path / "photos" / "a.txt").write_text("4 0.5 0.5 0.1 0.1\n")
    (tmp_path / "notes.md").touch()
    with pytest.raises(NotFoundError, match="nowhere"):
        add(tmp_path / "set", tmp_path / "nowhere")
    with pytest.raises(InputError, match="neither a picture"):
        add(tmp_path / "set", tmp_path / "notes.md")
    with pytest.raises(InputError, match="no YOLO dataset"):
        add(tmp_path / "photos", photo)
    with pytest.raises(InputError, match="the stride is 1 or more"):
        add(tmp_path / "set", photo, stride=0)
    with pytest.raises(ConfigError, match=r"class 4 has no name.*--names"):
        add(tmp_path / "set", photo)


def test_comments_and_other_keys_of_the_yaml_file_stay(tmp_path: Path) -> None:
    yaml = "# my field\nnc: 1  # classes\nnames: [cat] # old\n\n# the end\npath: .\ntrain: images\n"
    (tmp_path / "set" / "images").mkdir(parents=True)
    (tmp_path / "set" / "data.yaml").write_text(yaml)
    dataset = dataset_of(tmp_path / "in", {"train": {"a.png": box_objects([(1, (0.5, 0.5, 0.25, 0.25))])}})
    add(tmp_path / "set", write_dataset(dataset, tmp_path / "other", "voc"))
    text = (tmp_path / "set" / "data.yaml").read_text()
    assert text == "# my field\nnc: 2\nnames:\n  0: cat\n  1: dog\n\n# the end\npath: .\ntrain: images\n"


def test_a_label_without_a_picture_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "set" / "images").mkdir(parents=True)
    (tmp_path / "set" / "labels").mkdir()
    (tmp_path / "set" / "labels" / "a.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    add(tmp_path / "set", write_picture(tmp_path / "a.png"))
    (sample,) = open_dataset(tmp_path / "set").samples
    assert (sample.image.name, sample.objects) == ("a_2.png", None)


def test_halves_of_pictures_that_a_killed_process_has_left_go(tmp_path: Path) -> None:
    photo = write_picture(tmp_path / "a.png")
    for name in (".a.png.0123abcd.part", ".mine.part"):
        write_picture(tmp_path / "set" / "images" / "x.png").rename(tmp_path / "set" / "images" / name)
    (tmp_path / "set" / "labels").mkdir()
    add(tmp_path / "set", photo)
    assert files(tmp_path / "set" / "images") == ["a.png"]
    assert (tmp_path / "set" / "images" / ".mine.part").exists()


def test_pictures_that_lie_in_folders_of_their_splits_are_there_already(tmp_path: Path) -> None:
    photo = write_picture(tmp_path / "set" / "train" / "images" / "a.png")
    (tmp_path / "set" / "data.yaml").write_text("train: ../train/images\nval: later.txt\nnames: [cat]\n")
    photo.with_suffix(".txt").write_text("0 0.5 0.5 0.5 0.5\n")
    done = add(tmp_path / "set", photo)
    assert (done.pictures, done.duplicates, done.labels_kept) == (0, 1, 0)


@pytest.mark.shared
def test_a_real_clip_comes_with_its_boxes(tmp_path: Path, shared: Path) -> None:
    done = add(tmp_path / "set", shared / "video" / "drone" / "V_DRONE_001.mp4", stride=60)
    assert (done.pictures, done.labelled, done.names) == (6, 6, {0: "DRONE"})
    sample = next(iter(open_dataset(tmp_path / "set").samples))
    assert sample.objects is not None
    np.testing.assert_allclose(
        sample.objects.to_pixels(640, 512), [[124.93, 22.94, 124.93 + 75.85, 22.94 + 39.20]], atol=1e-2
    )
