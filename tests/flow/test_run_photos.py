"""Compile a public detector and classifier, run them on real photos: the right objects, drawn in the right place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hailstack.imaging import read_image, write_image
from hailstack.imaging.drawing import class_colour

pytestmark = [pytest.mark.slow, pytest.mark.shared]

PHOTOS = ("000000000802", "000000001268", "000000001818", "000000002006", "000000004495", "000000006954")
"""Photos whose large objects the float network finds as well."""
LARGE = 0.03
"""Part of the picture."""
CERTAIN = 0.6


def hailstack(*arguments):
    command = [sys.executable, "-m", "hailstack", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def detector(shared, tmp_path_factory):
    path = tmp_path_factory.mktemp("net") / "yolox.hef"
    labels = shared / "labels" / "coco_80.txt"
    photos = shared / "images" / "coco_val"
    onnx = shared / "onnx" / "yolox_nano_416.onnx"
    hailstack("compile", onnx, "-c", photos, "-o", path, "--labels", labels, "--limit", 16)
    return path


@pytest.fixture(scope="module")
def found(shared, detector, tmp_path_factory):
    """The folder of annotated photos, and the records. As PNG: JPEG smears the colour of thin lines."""
    folder = tmp_path_factory.mktemp("run")
    photos = [folder / f"{name}.png" for name in PHOTOS]
    for photo in photos:
        write_image(photo, read_image(shared / "images" / "coco_val" / f"{photo.stem}.jpg"))
    hailstack("run", *photos, "--net", detector, "--output", folder / "out", "--json", folder / "out.jsonl")
    return folder / "out", _records((folder / "out.jsonl").read_text())


def _records(text):
    return [json.loads(line) for line in text.splitlines()]


def truth(shared, record):
    """Class ids ``(n,)`` and boxes ``(n, 4)`` in pixels, from the YOLO label file."""
    path = shared / "images" / "coco_val_labels" / f"{Path(record['source']).stem}.txt"
    rows = np.loadtxt(path, ndmin=2)
    centre, size = rows[:, 1:3], rows[:, 3:5]
    corners = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    return rows[:, 0].astype(int), corners * ([record["width"], record["height"]] * 2)


def overlap(box, boxes):
    """IoU of one box with each of ``(n, 4)``."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    common = np.clip(high - low, 0, None).prod(axis=1)
    return common / ((box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - common)


def is_hit(object_, classes, boxes):
    return bool((overlap(np.array(object_["xyxy"]), boxes)[classes == object_["class_id"]] > 0.5).any())


def test_large_objects_are_found_where_they_are(shared, found):
    large = hits = 0
    for record in found[1]:
        classes, boxes = truth(shared, record)
        for class_id, box in zip(classes, boxes, strict=True):
            if (box[2:] - box[:2]).prod() < LARGE * record["width"] * record["height"]:
                continue
            large += 1
            same = [np.array(one["xyxy"]) for one in record["objects"] if one["class_id"] == class_id]
            hits += any(overlap(box, other[None])[0] > 0.5 for other in same)
    assert large >= 14
    assert hits >= large - 1


def test_what_the_network_is_certain_of_is_there(shared, found):
    certain = [(record, one) for record in found[1] for one in record["objects"] if one["score"] > CERTAIN]
    right = [is_hit(one, *truth(shared, record)) for record, one in certain]
    assert len(certain) >= 14
    assert sum(right) >= len(right) - 2


def test_names_are_those_of_the_labels(shared, found):
    names = (shared / "labels" / "coco_80.txt").read_text().split("\n")
    assert all(one["class"] == names[one["class_id"]] for record in found[1] for one in record["objects"])


def test_boxes_are_drawn_in_their_colour_where_the_lines_say(found):
    folder, records = found
    for record in records:
        picture = read_image(folder / Path(record["source"]).name)
        assert picture.shape[:2] == (record["height"], record["width"])
        best = record["objects"][0]
        left, top, right, bottom = (round(edge) for edge in best["xyxy"])
        middles = [(left, (top + bottom) // 2), ((left + right) // 2, bottom), (right, (top + bottom) // 2)]
        painted = [_is_painted(picture, x, y, class_colour(best["class_id"])) for x, y in middles]
        assert sum(painted) >= 2, record["source"]  # where objects crowd, another one's label may lie on an edge


def _is_painted(picture, x, y, colour):
    around = picture[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].reshape(-1, 3)
    return bool((around == colour).all(axis=1).any())


def test_the_modes_agree_on_real_detections(shared, detector):
    photos = [shared / "images" / "coco_val" / f"{name}.jpg" for name in PHOTOS[:4]]
    arguments = ("run", *photos, "--net", detector, "--json", "-", "--batch-size", 3)
    asynchronous = hailstack(*arguments)
    assert _records(asynchronous)[0]["objects"]
    assert hailstack(*arguments, "--callback") == asynchronous
    assert hailstack(*arguments, "--synchronous") == asynchronous


def test_a_real_video_keeps_its_frames_and_times(shared, detector, tmp_path):
    clip = shared / "video" / "hand_palm_short.mp4"
    lines = _records(hailstack("run", clip, "--net", detector, "--json", "-", "--output", tmp_path))
    assert [line["frame"] for line in lines] == [0, 1, 2, 3]
    assert [line["time"] for line in lines] == pytest.approx([0, 1 / 30, 2 / 30, 3 / 30], abs=1e-4)
    assert (tmp_path / "hand_palm_short.mp4").stat().st_size > 1000


def test_a_classifier_names_photos_as_people_do(shared, tmp_path):
    path = tmp_path / "mobilenet.hef"
    photos = shared / "images" / "imagenet"
    onnx = shared / "onnx" / "mobilenet_v2_1.0_224.onnx"
    labels = shared / "labels" / "imagenet_1001_coral.txt"
    pixels = ("--mean", 128, "--std", 128)
    hailstack("compile", onnx, "-c", photos, "-o", path, "--labels", labels, *pixels, "--limit", 16)
    lines = _records(hailstack("run", photos, "--net", path, "--json", "-"))
    right = [_named(line) in line["classes"][0]["class"].casefold() for line in lines]
    assert len(right) == 50
    assert sum(right) >= 42


def _named(line):
    """``n02123597_Siamese_cat.JPEG`` → ``siamese cat``."""
    return Path(line["source"]).stem.split("_", 1)[1].replace("_", " ").casefold()
