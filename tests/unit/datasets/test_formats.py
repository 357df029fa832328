from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailstack.cli import run
from hailstack.datasets import Dataset, Objects, Sample, open_dataset, read_label, write_label
from hailstack.datasets.formats import Format, losses, write_dataset
from hailstack.datasets.placing import building
from hailstack.errors import ConfigError, InputError, NotFoundError
from label_sets import SIZE, box_objects, boxes, dataset_of, demand_read_or_refused, put_junk, write_picture

NAMES = st.dictionaries(
    st.text("abcÄ日 é-'\"&<", min_size=1, max_size=6).filter(str.strip).map(str.strip),
    st.none(),
    min_size=3,
    max_size=3,
)


def texts(folder: Path) -> dict[str, str]:
    """Label files by their place."""
    labels = folder / "labels"
    return {str(file.relative_to(labels)): file.read_text() for file in sorted(labels.rglob("*.txt"))}


@settings(max_examples=12)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 2), boxes()), max_size=4) | st.none(), min_size=1, max_size=4), NAMES
)
@pytest.mark.parametrize("between", ["coco", "voc"])
def test_yolo_labels_survive_the_way_through_another_format_number_for_number(
    tmp_path_factory: pytest.TempPathFactory, between: Format, labels: list[Any], names: dict[str, None]
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    pictures = {f"a{i}/ü{i}.png": None if rows is None else box_objects(rows) for i, rows in enumerate(labels)}
    dataset = dataset_of(folder / "in", {"train": pictures, "val": pictures}, names=dict(enumerate(names)))
    first = open_dataset(write_dataset(dataset, folder / "yolo", "yolo"))
    middle = open_dataset(write_dataset(first, folder / "between", between))
    last = open_dataset(write_dataset(middle, folder / "again", "yolo"))
    assert texts(folder / "again") == texts(folder / "yolo")
    assert sum(text.count("\n") for text in texts(folder / "yolo").values()) == 2 * sum(
        len(one or ()) for one in labels
    )
    assert last.names == first.names == dataset.names
    assert (first.problems, middle.problems, last.problems) == ((), (), ())
    assert [s.objects is None for s in last.samples] == 2 * [one is None for one in labels]


COCO: dict[str, Any] = {
    "info": {"year": 2026},
    "licenses": [{"id": 4, "name": "CC0"}],
    "categories": [
        {"id": 1, "name": "person", "supercategory": "animal", "keypoints": ["nose", "eye"], "skeleton": [[1, 2]]},
        {"id": 90, "name": "Zahnbürste", "supercategory": "indoor"},
    ],
    "images": [
        {"id": 139, "file_name": "a/one.png", "width": 64, "height": 48, "license": 4, "date_captured": "2013-11-21"},
        {"id": 285, "file_name": "two.png", "width": 64, "height": 48},
        {"id": 7, "file_name": "three.png", "width": 64, "height": 48, "reviewed": False},
    ],
    "annotations": [
        {
            "id": 1768,
            "image_id": 139,
            "category_id": 90,
            "bbox": [-2.5, 14.26, 24.7, 33.33],
            "area": 531.81,
            "iscrowd": 0,
            "segmentation": [[0, 14.26, 22.2, 14.26, 10.1, 47.59], [1.5, 2.5, 3.5, 2.5, 3.5, 4.5, 1.25, 4.75]],
            "score": 0.5,
        },
        {
            "id": 900100,
            "image_id": 139,
            "category_id": 1,
            "bbox": [1, 2, 30, 40],
            "area": 1200.5,
            "iscrowd": 1,
            "segmentation": {"counts": [20, 30, 3022], "size": [48, 64]},
            "keypoints": [12, 13.5, 2, 0, 0, 0],
            "num_keypoints": 1,
        },
    ],
}


def write_coco_file(folder: Path, content: Any = COCO) -> Path:
    for name in ("a/one.png", "two.png", "three.png"):
        write_picture(folder / "val2017" / name)
    (folder / "annotations").mkdir()
    file = folder / "annotations" / "instances_val2017.json"
    file.write_text(json.dumps(content), "utf-8")
    return file


def by_id(records: list[Any]) -> dict[int, Any]:
    return {one["id"]: one for one in records}


def test_coco_keeps_outlines_key_points_crowds_and_what_else_is_said(tmp_path: Path) -> None:
    dataset = open_dataset(write_coco_file(tmp_path).parents[1])
    written = json.loads((write_dataset(dataset, tmp_path / "out", "coco") / "annotations" / "val.json").read_text())
    assert by_id(written["categories"]) == by_id(COCO["categories"])
    assert by_id(written["annotations"]) == {one["id"]: {"segmentation": [], **one} for one in COCO["annotations"]}
    assert {i: {**one, "file_name": ""} for i, one in by_id(written["images"]).items()} == {
        i: {**one, "file_name": ""} for i, one in by_id(COCO["images"]).items()
    }
    assert (written["info"], written["licenses"]) == (COCO["info"], COCO["licenses"])
    assert len(open_dataset(tmp_path / "out").splits["val"]) == 3


def test_coco_tells_pictures_nobody_labelled_from_those_with_nothing_in_them(tmp_path: Path) -> None:
    one, two, three = open_dataset(write_coco_file(tmp_path)).splits["val"]
    assert one.objects is not None
    assert two.objects is not None
    assert (len(one.objects), len(two.objects), three.objects) == (2, 0, None)
    assert one.image == tmp_path / "val2017" / "a" / "one.png"


def test_what_yolo_has_no_place_for_is_said(tmp_path: Path) -> None:
    dataset = open_dataset(write_coco_file(tmp_path))
    assert losses(dataset, "yolo") == (
        "1 crowds (iscrowd) left out",
        "1 objects lose what is said beside: score",
        "1 objects lose what is said beside: segmentation",
        "1 outlines left out: lines of key points have none",
        "class ids with gaps are numbered from 0 to 1",
    )
    assert losses(dataset, "coco") == ()
    written = open_dataset(write_dataset(dataset, tmp_path / "yolo", "yolo"))
    assert written.names == {0: "person", 1: "Zahnbürste"}
    objects = next(iter(written.samples)).objects
    assert objects is not None
    assert objects.class_id.tolist() == [1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bbox": [1, 2, 3]}, "annotation 5: 'bbox' is not four numbers"),
        ({"bbox": [1, 2, 3, float("nan")]}, "annotation 5: a number of 'bbox' is none"),
        ({"bbox": None}, "annotation 5"),
        ({"image_id": 11}, "annotation 5: image_id 11 is none of the images"),
        ({"category_id": "x"}, "annotation 5"),
        ({"category_id": 2**40}, "annotation 5: category_id 1099511627776 is no class"),
        ({"segmentation": [1, 2, 3, 4]}, "annotation 5: an outline of 'segmentation'"),
        ({"keypoints": [1, 2]}, "annotation 5"),
        ({"segmentation": [[1, 2, 3, 4]]}, "annotation 5: an outline of 'segmentation'"),
    ],
)
def test_broken_annotations_are_passed_over_and_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    sound = {"id": 5, "image_id": 285, "category_id": 1, "bbox": [1, 2, 3, 4]}
    content = {**COCO, "annotations": [{**sound, **change}, {**sound, "id": 6}]}
    dataset = open_dataset(write_coco_file(tmp_path, content))
    assert [said in str(problem) for problem in dataset.problems] == [True]
    objects = dataset.splits["val"][1].objects
    assert objects is not None
    np.testing.assert_allclose(objects.to_pixels(*SIZE), [[1, 2, 4, 6]], atol=1e-4)


VOC = """<annotation>
	<folder>JPEGImages</folder>
	<filename>one.png</filename>
	<size><width>64</width><height>48</height><depth>3</depth></size>
	<source><database>Field</database></source>
	<segmented>0</segmented>
	<object>
		<name>Pferd &amp; Reiter</name>
		<pose>Left</pose>
		<truncated>1</truncated>
		<difficult>1</difficult>
		<occluded>1</occluded>
		<part><name>head</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3.5</xmax><ymax>4</ymax></bndbox></part>
		<part><name>foot</name><bndbox><xmin>5</xmin><ymin>6</ymin><xmax>7</xmax><ymax>8</ymax></bndbox></part>
		<bndbox><xmin>-3</xmin><ymin>2.25</ymin><xmax>33</xmax><ymax>48</ymax></bndbox>
	</object>
	<object>
		<name>cat</name>
		<bndbox><xmin>a</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox>
	</object>
</annotation>
"""


def write_voc_folder(folder: Path, label: str = VOC) -> Path:
    write_picture(folder / "JPEGImages" / "one.png")
    write_picture(folder / "JPEGImages" / "two.png")
    (folder / "Annotations").mkdir()
    (folder / "Annotations" / "one.xml").write_text(label, "utf-8")
    return folder


def test_voc_keeps_pose_parts_and_flags_over_coco_and_back(tmp_path: Path) -> None:
    first = open_dataset(write_voc_folder(tmp_path / "voc"))
    coco = open_dataset(write_dataset(first, tmp_path / "coco", "coco"))
    again = open_dataset(write_dataset(coco, tmp_path / "again", "voc"))
    for dataset in (first, coco, again):
        assert dataset.names == {0: "Pferd & Reiter"}
        labelled, unlabelled = dataset.splits["all"]
        assert unlabelled.objects is None
        assert labelled.objects is not None
        assert labelled.objects.attributes is not None
        told = labelled.objects.attributes[0]
        assert [told[key] for key in ("pose", "truncated", "difficult", "occluded")] == ["Left", 1, 1, 1]
        assert [part["name"] for part in told["part"]] == ["head", "foot"]
        assert told["part"][0]["bndbox"]["xmax"] == 3.5
        assert labelled.attributes["source"] == {"database": "Field"}
        np.testing.assert_allclose(labelled.objects.relative_xyxy * [*SIZE, *SIZE], [[-3, 2.25, 33, 48]])


def test_a_broken_object_of_voc_is_named_with_its_line(tmp_path: Path) -> None:
    (problem,) = open_dataset(write_voc_folder(tmp_path)).problems
    assert str(problem).startswith(f"{tmp_path / 'Annotations' / 'one.xml'}:17: an object whose bndbox is not four")


def test_a_label_that_is_no_xml_is_named_with_its_line(tmp_path: Path) -> None:
    dataset = open_dataset(write_voc_folder(tmp_path, "<annotation>\n<object>\n</annotation>"))
    assert "one.xml:3: not readable as XML" in str(dataset.problems[0])
    assert all(sample.objects is None for sample in dataset.samples)


def test_voc_files_in_any_encoding_are_read_or_named(tmp_path: Path) -> None:
    folder = write_voc_folder(tmp_path)
    label = folder / "Annotations" / "one.xml"
    text = VOC.replace("Pferd &amp; Reiter", "马")
    label.write_bytes(f'<?xml version="1.0" encoding="gbk"?>\n{text}'.encode("gbk"))
    dataset = open_dataset(folder)
    assert dataset.names == {0: "马"}
    assert [problem.line for problem in dataset.problems] == [18]
    label.write_bytes(b"<?xml version='1.0' encoding='klingon'?>\n<annotation/>")
    assert "one.xml:1: not readable as XML: unknown encoding: klingon" in str(open_dataset(folder).problems[0])
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    (folder / "ImageSets" / "Main" / "train.txt").write_bytes(b"one\n\xff\n")
    with pytest.raises(ConfigError, match=r"train\.txt: not a text file that lists pictures"):
        open_dataset(folder)


def test_yolo_keeps_outlines_and_key_points(tmp_path: Path) -> None:
    outline = np.array([[0.1, 0.2], [0.3, 0.2], [0.25, 0.75]])
    plain = Objects(np.array([[0.1, 0.2, 0.3, 0.75]]), np.array([0], np.int32), ((outline,),))
    dataset = dataset_of(tmp_path / "in", {"train": {"a.png": plain}})
    back = open_dataset(write_dataset(dataset, tmp_path / "segments", "yolo")).splits["train"][0].objects
    assert back is not None
    assert back.polygons is not None
    np.testing.assert_allclose(back.polygons[0][0], outline)
    points = np.array([[[0.5, 0.25, 2.0], [0.0, 0.0, 0.0]]])
    posed = Objects(plain.relative_xyxy, plain.class_id, None, points)
    dataset = dataset_of(
        tmp_path / "in2", {"train": {"a.png": posed}}, notes={"kpt_shape": [2, 3], "flip_idx": [1, 0]}
    )
    written = open_dataset(write_dataset(dataset, tmp_path / "poses", "yolo"))
    back = written.splits["train"][0].objects
    assert back is not None
    np.testing.assert_allclose(back.keypoints, points)
    assert written.notes == {"kpt_shape": [2, 3], "flip_idx": [1, 0]}


@given(st.lists(st.tuples(st.integers(0, 90), boxes()), max_size=5))
def test_a_label_file_that_is_read_and_written_stays_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, tuple[float, float, float, float]]]
) -> None:
    file = tmp_path_factory.mktemp("labels") / "a.txt"
    text = "".join(f"{class_id} {' '.join(f'{number:.6f}' for number in box)}\n" for class_id, box in rows)
    file.write_text(text)
    objects = read_label(file)
    assert objects is not None
    write_label(file, objects)
    assert file.read_text().replace("-0.000000", "0.000000") == text


def test_pictures_of_one_name_stay_apart(tmp_path: Path) -> None:
    pictures = {
        name: box_objects([(i % 2, (0.5, 0.5, 0.1, 0.1))])
        for i, name in enumerate(["a.png", "A.png", "a.bmp", "b/a.png"])
    }
    dataset = dataset_of(tmp_path / "in", {"train": pictures})
    for kind in ("yolo", "voc", "coco"):
        written = open_dataset(write_dataset(dataset, tmp_path / kind, kind, "link"))  # type: ignore[arg-type]
        assert len({str(sample.image.with_suffix("")).lower() for sample in written.samples}) == 4
        assert {sample.image.read_bytes() for sample in written.samples} == {
            sample.image.read_bytes() for sample in dataset.samples
        }


def test_a_folder_that_is_there_is_not_touched_and_a_failure_leaves_nothing(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path / "in", {"train": {"a.png": None, "b.png": None}})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(InputError, match="is there already"):
        write_dataset(dataset, tmp_path / "full", "coco")
    (tmp_path / "in" / "train" / "b.png").unlink()
    with pytest.raises(NotFoundError, match=r"b\.png: the dataset names this picture"):
        write_dataset(dataset, tmp_path / "new", "yolo")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "in"]


def test_what_a_killed_process_has_left_goes_and_what_another_builds_stays(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path / "in", {"train": {"a.png": None}})
    left = tmp_path / ".new.0a1b2c_z.part"
    (left / "images").mkdir(parents=True)
    for other in (".new.part", ".new.notes of mine.part", ".newer.0a1b2c_z.part"):
        (tmp_path / other).mkdir()
    with building(tmp_path / "new") as part:
        (part / "mine").touch()
        write_dataset(dataset, tmp_path / "new", "yolo")
        assert (part / "mine").exists()
        shutil.rmtree(tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".new.notes of mine.part",
        ".new.part",
        ".newer.0a1b2c_z.part",
        "in",
        "new",
    ]


def test_no_picture_is_written_outside_the_new_folder_however_its_path_is_spelled(tmp_path: Path) -> None:
    one, other = (write_picture(tmp_path / "in" / name, i) for i, name in enumerate(("a/1.png", "b/2.png")))
    spelled = tmp_path / "in" / "lists" / ".." / ".." / "in" / "b" / "2.png"
    (tmp_path / "in" / "lists").mkdir()
    dataset = Dataset(tmp_path / "in", {}, {"train": (Sample(one), Sample(spelled))})
    for kind in ("yolo", "coco", "voc", "cvat", "labelstudio"):
        written = open_dataset(write_dataset(dataset, tmp_path / "out" / kind, kind))  # type: ignore[arg-type]
        pictures = [sample.image.resolve() for sample in written.samples]
        assert all(picture.is_relative_to(tmp_path / "out" / kind) for picture in pictures)
        assert [picture.read_bytes() for picture in pictures] == [one.read_bytes(), other.read_bytes()]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


@pytest.mark.parametrize("kind", ["yolo", "coco", "voc"])
@pytest.mark.parametrize("split", ["../../elsewhere", "pool"])
def test_a_split_that_no_reader_would_find_again_is_refused(tmp_path: Path, kind: Format, split: str) -> None:
    picture = write_picture(tmp_path / "in" / "a.png")
    dataset = Dataset(tmp_path / "in", {}, {"train": (Sample(picture),), split: (Sample(picture),)})
    with pytest.raises(ConfigError, match=f"{split}' is none of train, val, test"):
        write_dataset(dataset, tmp_path / "out", kind)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize("kind", ["yolo", "coco", "voc", "cvat", "labelstudio"])
def test_a_picture_that_a_list_names_twice_can_be_linked(tmp_path: Path, kind: Format) -> None:
    picture = write_picture(tmp_path / "in" / "images" / "a.png")
    (tmp_path / "in" / "train.txt").write_text("images/a.png\nimages/a.png\n")
    (tmp_path / "in" / "data.yaml").write_text("train: train.txt\nnames: [cat]\n")
    written = open_dataset(write_dataset(open_dataset(tmp_path / "in"), tmp_path / "out", kind, "link"))
    assert {sample.image.read_bytes() for sample in written.samples} == {picture.read_bytes()}


def test_pictures_in_no_split_are_told_when_they_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for shade, name in enumerate(("a.png", "b.png", "c.png")):
        write_picture(tmp_path / "in" / "images" / name, shade)
    (tmp_path / "in" / "train.txt").write_text("./images/a.png\n")
    (tmp_path / "in" / "data.yaml").write_text("train: train.txt\nnames: [cat]\n")
    assert run(["data", "convert", str(tmp_path / "in"), str(tmp_path / "out"), "--to", "coco"]) == 0
    assert "2 pictures in no split left out" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["yolo", "coco", "voc", "cvat", "labelstudio"])
def test_names_with_colons_spaces_and_line_ends_come_through(tmp_path: Path, kind: Format) -> None:
    names = {0: "lane: left", 1: "# 1", 2: "a:b"}
    pictures = {"x .png": box_objects([(2, (0.5, 0.5, 0.2, 0.2))]), "a\nb.png": box_objects([])}
    dataset = dataset_of(tmp_path / "in", {"val": pictures}, names=names)
    written = open_dataset(write_dataset(dataset, tmp_path / "out", kind))
    assert (written.names, written.problems) == (names, ())
    assert sorted(sample.image.name for sample in written.splits["val"]) == ["a_b.png", "x .png"]
    assert sum(one.objects.class_id.tolist() == [2] for one in written.samples if one.objects is not None) == 1


def test_a_list_of_classes_of_cvat_has_colours_behind_the_names(tmp_path: Path) -> None:
    (write_voc_folder(tmp_path) / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:1,2,3::\nPferd & Reiter:::\n"
    )
    assert open_dataset(tmp_path).names == {0: "cat", 1: "Pferd & Reiter"}


@given(st.data())
def test_a_coco_file_with_anything_in_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = json.loads(json.dumps(COCO))
    put_junk(data, content)
    file = tmp_path_factory.mktemp("coco") / "val.json"
    file.write_text(json.dumps(content))
    demand_read_or_refused(file)


@given(st.binary(max_size=60) | st.text("0123456789. e-+naif\n", max_size=60).map(str.encode))
def test_a_label_file_with_anything_in_it_is_read_or_refused_with_its_line(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.mktemp("labels") / "a.txt"
    file.write_bytes(data)
    try:
        objects = read_label(file)
    except ConfigError as error:
        assert str(file) in str(error)
    else:
        assert objects is not None
        assert np.isfinite(objects.relative_xyxy).all()


@pytest.mark.shared
def test_labels_of_real_photos_are_the_same_number_for_number_after_coco_and_voc(tmp_path: Path, shared: Path) -> None:
    labels = shared / "images" / "coco_val_labels"
    dataset = open_dataset(shared / "images" / "coco_val", labels, shared / "labels" / "coco_80.txt")
    coco = open_dataset(write_dataset(dataset, tmp_path / "coco", "coco", "link"))
    voc = open_dataset(write_dataset(coco, tmp_path / "voc", "voc", "link"))
    write_dataset(voc, tmp_path / "yolo", "yolo", "link")
    for name, text in texts(tmp_path / "yolo").items():
        given = [f"{float(word):.6f}" for word in (labels / name).read_text().split()]
        assert [f"{float(word):.6f}" for word in text.split()] == given


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{", r"a\.json:1: not readable as JSON"),
        ("a.json", "[]", "not a COCO file"),
        ("a.json", '{"images": [{"id": 1}], "annotations": [], "categories": []}', "image 1 has no 'file_name'"),
        ("a.csv", "1,2", "not a dataset"),
        ("a.yaml", "- 1", "no split is named"),
        ("a.yaml", "train: 2026-13-45", "not readable as YAML: month must be"),
        ("a.yaml", "[" * 2000, "not readable as YAML"),
    ],
)
def test_what_is_no_dataset_is_said(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=said):
        open_dataset(tmp_path / name)


def test_a_folder_of_photos_is_a_dataset_nobody_has_labelled(tmp_path: Path) -> None:
    write_picture(tmp_path / "b" / "2.png")
    write_picture(tmp_path / "1.png")
    dataset = open_dataset(tmp_path)
    assert (dataset.kind, [s.image.name for s in dataset.splits["all"]]) == ("pictures", ["1.png", "2.png"])
    assert all(sample.objects is None for sample in dataset.samples)
