"""Labels of CVAT and Label Studio: read as these tools write them, written so that nothing is lost."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailstack.datasets import Dataset, Objects, Sample, open_dataset
from hailstack.datasets.cvat import is_cvat
from hailstack.datasets.formats import losses, write_dataset
from hailstack.datasets.labelstudio import is_labelstudio
from hailstack.errors import ConfigError
from hailstack.imaging import write_image
from label_sets import demand_read_or_refused, put_junk

TOOLS = ("cvat", "labelstudio")
SIZE = (160, 90)

CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><name>field</name><labels>
    <label><name>weed</name><color>#aa0000</color><attributes></attributes></label>
    <label><name>flower</name></label>
  </labels></task></meta>
  <image id="0" name="far/0.png" subset="Validation" width="160" height="90">
    <box label="flower" source="manual" occluded="1" xtl="16.00" ytl="9.00" xbr="80.00" ybr="45.00" z_order="0">
      <attribute name="stage">open</attribute>
    </box>
    <polygon label="leaf" source="auto" occluded="0" points="16.0,9.0;80.0,9.0;16.0,45.0" z_order="2" group_id="3"/>
    <box label="weed" xtl="60" ytl="20" xbr="100" ybr="40" rotation="90.0"/>
    <polyline label="weed" points="1,1;2,2"/>
    <box label="weed" xtl="nan" ytl="0" xbr="1" ybr="1"/>
    <tag label="wet" source="manual"/>
  </image>
  <image id="1" name="1.png" width="160" height="90"></image>
</annotations>
"""

FRAME = {"original_width": 160, "original_height": 90}
RECTANGLE = {"x": 10, "y": 10, "width": 40, "height": 40, "rotation": 0, "rectanglelabels": ["flower"]}
TASKS = [
    {
        "id": 7,
        "data": {"image": "/data/upload/3/0a1b2c3d-0.png"},
        "annotations": [
            {"was_cancelled": True, "result": [{"type": "choices", "value": {}}]},
            {
                "result": [
                    {"id": "a", "type": "rectanglelabels", **FRAME, "value": RECTANGLE},
                    {"id": "b", "type": "polygonlabels", **FRAME,
                     "value": {"points": [[10, 10], [50, 10], [10, 50]], "polygonlabels": ["leaf"]}},
                    {"id": "c", "type": "rectangle", **FRAME,
                     "value": {"x": 50, "y": 0, "width": 25, "height": 20, "rotation": 90}},
                    {"id": "c", "type": "labels", "value": {"x": 50, "labels": ["weed"]}},
                    {"id": "d", "type": "brushlabels", "value": {"rle": [1], "brushlabels": ["weed"]}},
                    {"id": "e", "type": "rectangle", "value": RECTANGLE | {"rectanglelabels": []}},
                ]
            },
        ],
        "predictions": [{"result": []}],
    },
    {"id": 8, "data": {"img": "/data/local-files/?d=field/far%201/1.png"}, "annotations": [{"result": []}]},
    {"id": 9, "data": {"image": "https://example.org/pictures/2.png?sig=x"}, "annotations": []},
]  # fmt: skip


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("far/0.png", "1.png", "far 1/1.png", "2.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        write_image(folder / name, np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    return folder


def test_a_file_of_cvat_is_read(pictures):
    (pictures / "annotations.xml").write_text(CVAT)
    assert is_cvat(pictures)
    found = open_dataset(pictures / "annotations.xml")
    assert (found.kind, found.names) == ("cvat", {0: "weed", 1: "flower", 2: "leaf"})
    (first,), (second,) = found.splits["val"], found.splits["all"]
    assert first.image == pictures / "far/0.png"
    assert first.objects.class_id.tolist() == [1, 2, 0]
    assert np.allclose(first.objects.relative_xyxy[:2], [[0.1, 0.1, 0.5, 0.5]] * 2)
    assert np.allclose(first.objects.relative_xyxy[2] * [*SIZE, *SIZE], [70, 10, 90, 50])
    assert [len(rings) for rings in first.objects.polygons] == [0, 1, 1]
    assert first.objects.attributes[0] == {"occluded": 1, "stage": "open"}
    assert first.objects.attributes[1] == {"source": "auto", "z_order": 2, "group_id": 3}
    assert first.attributes == {"tags": ["wet"]}
    assert len(second.objects) == 0
    assert [str(one).split(": ", 1)[1] for one in found.problems] == [
        "far/0.png, shape 4 (polyline): is neither a box nor a polygon; passed over",
        "far/0.png, shape 5 (box): 'nan' is no number",
    ]


def test_an_export_of_label_studio_is_read(pictures):
    file = pictures / "project-1.json"
    file.write_text(json.dumps(TASKS))
    assert is_labelstudio(file)
    found = open_dataset(file)
    assert (found.kind, found.names) == ("labelstudio", {0: "flower", 1: "leaf", 2: "weed"})
    first, second, third = found.splits["all"]
    assert [one.image.relative_to(pictures).as_posix() for one in (first, second, third)] == [
        "far/0.png",
        "far 1/1.png",
        "2.png",
    ]
    assert first.objects.class_id.tolist() == [0, 1, 2]
    assert np.allclose(first.objects.relative_xyxy[:2], [[0.1, 0.1, 0.5, 0.5]] * 2)
    assert np.allclose(first.objects.relative_xyxy[2] * [*SIZE, *SIZE], [80 - 18, 0, 80, 40])
    assert len(second.objects) == 0
    assert third.objects is None
    assert [problem.message for problem in found.problems] == [
        "task 7 (0.png): a region of type 'brushlabels' is neither rectangle nor polygon; passed over",
        "task 7 (0.png): a region of type 'rectangle' has no label",
    ]


share = st.floats(0, 1, width=32)
box = st.tuples(share, share, share, share).filter(lambda one: one[0] < one[2] and one[1] < one[3])
label = st.tuples(st.integers(0, 2), box)


@pytest.mark.parametrize("tool", TOOLS)
@settings(max_examples=30)
@given(st.lists(st.one_of(st.none(), st.lists(label, max_size=4)), min_size=3, max_size=3))
def test_boxes_and_classes_survive_the_way_through_a_tool(pictures, tmp_path_factory, tool, labelled):
    names = {0: "white flower", 1: "<bud> & Blüte", 2: "seed; pod"}
    images = [pictures / name for name in ("1.png", "2.png", "far/0.png")]
    samples = [Sample(image, as_objects(rows), SIZE) for image, rows in zip(images, labelled, strict=True)]
    dataset = Dataset(pictures, names, {"train": tuple(samples[:2]), "val": tuple(samples[2:])})
    folder = tmp_path_factory.mktemp("tool") / "out"
    found = open_dataset(write_dataset(dataset, folder, tool, "none"))
    assert (found.kind, found.names, found.problems, losses(dataset, tool)) == (tool, names, (), ())
    assert list(found.splits) == ["train", "val"]
    for one, other in zip(dataset.samples, found.samples, strict=True):
        assert one.image.name == other.image.name
        assert (one.objects is None) == (other.objects is None)
        if one.objects is not None and other.objects is not None:
            assert one.objects.class_id.tolist() == other.objects.class_id.tolist()
            assert np.abs(one.objects.relative_xyxy - other.objects.relative_xyxy).max(initial=0) < 1e-9


def as_objects(rows):
    if rows is None:
        return None
    boxes = np.array([box for _, box in rows], np.float64).reshape(-1, 4)
    return Objects(boxes, np.array([class_id for class_id, _ in rows], np.int32))


@pytest.mark.parametrize("tool", TOOLS)
def test_outlines_and_attributes_survive_and_what_is_lost_is_said(pictures, tmp_path, tool):
    ring = np.array([[0.1, 0.1], [0.5, 0.1], [0.3, 0.5]])
    objects = Objects(
        np.array([[0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.5]]),
        np.zeros(2, np.int32),
        polygons=((ring,), (ring, ring / 2)),
        keypoints=np.zeros((2, 1, 3)),
        attributes=({"occluded": 1}, {}),
    )
    dataset = Dataset(pictures, {0: "leaf"}, {"all": (Sample(pictures / "1.png", objects, SIZE),)})
    (sample,) = open_dataset(write_dataset(dataset, tmp_path / "out", tool)).samples
    assert sample.image.is_file()
    assert np.allclose(sample.objects.polygons[0][0], ring)
    assert sample.objects.attributes[0] == {"occluded": 1}
    assert len(losses(dataset, tool)) == 2


@given(st.data())
def test_an_export_with_anything_in_it_is_read_or_refused(pictures, data):
    content = json.loads(json.dumps(TASKS))
    put_junk(data, content)
    file = pictures / "junk.json"
    file.write_text(json.dumps(content))
    demand_read_or_refused(file)


def test_splits_go_by_their_usual_names(pictures):
    tasks = [{"data": {"image": "1.png", "split": "Valid"}}, {"data": {"image": "2.png", "split": "train"}}]
    (pictures / "splits.json").write_text(json.dumps(tasks))
    assert set(open_dataset(pictures / "splits.json").splits) == {"val", "train"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("annotations.xml", "<annotations><image", "annotations.xml:1: not readable as XML"),
        ("annotations.xml", "<annotations/>", "no image"),
        ("annotations.xml", "<annotations><image id='3'/></annotations>", "image '3' has no 'name'"),
        ("annotations.xml", "<annotations><image name='x.png'/></annotations>", "no width and height"),
        ("tasks.json", "[{]", "tasks.json:1: not readable as JSON"),
        ("tasks.json", '[{"id": 1}]', "not an export of Label Studio"),
        ("tasks.json", '[{"id": 4, "data": {"text": "x"}}]', "task 4 names no picture"),
        ("annotations.xml", "<?xml version='1.0' encoding='klingon'?><annotations/>", "xml:1: not readable as XML"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=said):
        open_dataset(tmp_path / name)
