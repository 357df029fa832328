"""Files that a run leaves behind."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hailstack.errors import InputError
from hailstack.imaging import read_image
from hailstack.imaging.video import VideoFile
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks import FolderSink, JsonLinesSink, TextSink
from hailstack.pipeline.sinks.records import to_record
from hailstack.pipeline.sources import Source
from hailstack.types import (
    UNSEEN,
    Classes,
    ClassMap,
    DepthMap,
    Detections,
    Embedding,
    FrameId,
    Mask,
    RawTensors,
    Result,
)

IMAGE = np.full((40, 60, 3), 90, np.uint8)
FOUND = Detections(
    np.array([[10, 5, 30.25, 35]], np.float32), np.array([0.75], np.float32), np.array([1], np.int32), ("cat", "dog")
)
CLASSES = Classes(np.array([1, 7], np.int32), np.array([0.6, 0.4], np.float32), ("cat", "dog"))


def result(prediction, number=0, source="a.png"):
    is_still = source.endswith(".png")
    return Result(FrameId(source, number, number / 10, is_still=is_still), prediction, IMAGE)


def picture(path):
    return ClipFacts(Source(path, "image"))


def video(path):
    return ClipFacts(Source(path, "video"), Fraction(10), Fraction(1, 10), None)


def test_a_record_of_objects_has_the_documented_fields():
    assert to_record(result(FOUND, 3)) == {
        "source": "a.png",
        "frame": 3,
        "time": 0.3,
        "width": 60,
        "height": 40,
        "objects": [{"class_id": 1, "class": "dog", "score": 0.75, "xyxy": [10.0, 5.0, 30.25, 35.0]}],
    }


def test_a_record_of_objects_says_all_that_the_network_says():
    pixels = np.array([[False, True, True], [True, True, False]])
    square = np.array([[[0, 1], [2, 1], [2, 3], [0, 3]]], np.float32)
    found = replace(
        FOUND,
        keypoints=np.array([[[1.5, 2, 0.25], [-3, 4, 1]]], np.float32),
        corners=square,
        regions=square + 1,
        masks=(Mask(10, 5, pixels),),
    )
    (record,) = to_record(result(found))["objects"]
    assert record["keypoints"] == [[1.5, 2.0, 0.25], [-3.0, 4.0, 1.0]]
    assert record["corners"] == square[0].tolist()
    assert record["region"] == (square[0] + 1).tolist()
    assert record["mask"] == {"left": 10, "top": 5, "size": [2, 3], "counts": [1, 4, 1]}
    json.dumps(record, allow_nan=False)


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_the_runs_of_a_mask_give_the_mask_back(pixels):
    (record,) = to_record(result(replace(FOUND, masks=(Mask(0, 0, pixels),))))["objects"]
    counts = record["mask"]["counts"]
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    assert (pixels == flat.reshape(pixels.shape[::-1]).T).all()


def test_a_record_of_a_class_map_counts_what_the_network_saw():
    class_id = np.array([[0, 1, 1, UNSEEN]], np.uint8)
    assert to_record(result(ClassMap(class_id, ("sky",))))["class_map"] == [
        {"class_id": 1, "class": "1", "share": 0.666667},
        {"class_id": 0, "class": "sky", "share": 0.333333},
    ]


def test_a_record_of_depth_says_its_unit_and_leaves_out_what_was_not_seen():
    depth = np.array([[1, 2, 4, np.nan]], np.float32)
    assert to_record(result(DepthMap(depth, True)))["depth"] == {"unit": "m", "min": 1.0, "median": 2.0, "max": 4.0}
    assert to_record(result(DepthMap(depth * np.nan, False)))["depth"] == {"unit": "relative"}


def test_a_record_of_an_embedding_is_the_vector():
    assert to_record(result(Embedding(np.array([0.6, -0.8], np.float32))))["embedding"] == [0.6, -0.8]


def test_a_record_of_classes_names_what_it_can():
    assert [(one["class_id"], one["class"]) for one in to_record(result(CLASSES))["classes"]] == [(1, "dog"), (7, "7")]


def test_a_record_of_tensors_describes_them():
    record = to_record(result(RawTensors({"net/a": np.array([[1.0, 3.0]], np.float32), "net/b": np.zeros((0, 6))})))
    assert record["tensors"]["net/a"] == {"shape": [1, 2], "dtype": "float32", "min": 1.0, "max": 3.0, "mean": 2.0}
    assert record["tensors"]["net/b"] == {"shape": [0, 6], "dtype": "float64"}


def test_what_json_has_no_word_for_is_null():
    tensor = to_record(result(RawTensors({"a": np.array([np.nan, np.inf])})))["tensors"]["a"]
    assert (tensor["min"], tensor["max"], tensor["mean"]) == (None, None, None)


def test_a_file_name_that_is_not_unicode_makes_valid_json(tmp_path, capsys):
    frame = FrameId(os.fsdecode(b"\xff.jpg"), 0, 0.0)
    for target in (str(tmp_path / "out.jsonl"), "-"):
        sink = JsonLinesSink(target)
        sink.write(Result(frame, CLASSES))
        sink.close()
    text = (tmp_path / "out.jsonl").read_text()
    assert text == capsys.readouterr().out
    assert os.fsencode(json.loads(text)["source"]) == b"\xff.jpg"


def test_json_lines_appear_under_their_name_at_the_end(tmp_path):
    target = tmp_path / "out.jsonl"
    sink = JsonLinesSink(str(target))
    for number in range(3):
        sink.write(result(FOUND, number))
    assert not target.exists()
    sink.close()
    sink.close()
    assert [json.loads(line)["frame"] for line in target.read_text().splitlines()] == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [target]


def test_a_dash_is_standard_output(capsys):
    sink = JsonLinesSink("-")
    sink.write(result(FOUND))
    sink.close()
    assert json.loads(capsys.readouterr().out)["source"] == "a.png"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        JsonLinesSink(str(tmp_path / "nowhere" / "out.jsonl"))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        FolderSink(str(tmp_path / "file" / "inner"), [])


def test_pictures_keep_their_name_and_kind(tmp_path):
    sink = FolderSink(str(tmp_path / "out"), [])
    for name in ("x/a.png", "x/b.JPG", "y/a.png", "x/c.webp"):
        sink.begin(picture(name))
        sink.write(result(FOUND, source=name))
        sink.end()
    sink.close()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-2.png", "a.png", "b.JPG", "c.png"]
    drawn = read_image(tmp_path / "out" / "a.png")
    assert (drawn[20, 10] != 90).any()
    assert (drawn[20, 20] == 90).all()


def test_a_source_is_never_overwritten(tmp_path):
    source = Source(str(tmp_path / "a.png"), "image")
    sink = FolderSink(str(tmp_path), [source])
    sink.begin(ClipFacts(source))
    with pytest.raises(InputError, match=r"a\.png: --output would overwrite"):
        sink.write(result(FOUND, source=source.name))


@pytest.mark.parametrize("orderly", [True, False])
def test_a_video_is_playable_even_if_the_run_fails(tmp_path, orderly):
    sink = FolderSink(str(tmp_path), [])
    sink.begin(video("v/clip.mov"))
    for number in range(7):
        sink.write(result(FOUND, number, "v/clip.mov"))
    if orderly:
        sink.end()
    sink.close()
    written = VideoFile(tmp_path / "clip.mp4")
    assert len(list(written.frames())) == 7
    assert written.rate == 10
    written.close()
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_raw_outputs_become_arrays_in_a_file(tmp_path):
    sink = FolderSink(str(tmp_path), [])
    sink.begin(picture("a.png"))
    sink.write(result(RawTensors({"net/fc1": np.arange(3)})))
    sink.end()
    sink.begin(video("b.mp4"))
    sink.write(result(RawTensors({"net/fc1": np.arange(4)}), 12, "b.mp4"))
    sink.close()
    assert np.load(tmp_path / "a.npz")["net.fc1"].tolist() == [0, 1, 2]
    assert np.load(tmp_path / "b_000012.npz")["net.fc1"].tolist() == [0, 1, 2, 3]


def test_text_is_for_people():
    stream = io.StringIO()
    sink = TextSink(stream)
    sink.begin(picture("a.png"))
    sink.write(result(FOUND))
    sink.begin(video("b.mp4"))
    sink.write(result(Detections.empty(), 4, "b.mp4"))
    sink.close()
    assert stream.getvalue() == "a.png: dog 0.75\nb.mp4 frame 4: nothing\n"


def test_text_says_every_kind_of_result_in_a_few_words():
    stream = io.StringIO()
    sink = TextSink(stream)
    sink.begin(picture("a.png"))
    for prediction in (
        ClassMap(np.array([[0, 1, 1, 1]], np.uint8), ("sky", "sea")),
        DepthMap(np.array([[1, 2, 3]], np.float32), True),
        Embedding(np.array([1, 0, 0], np.float32)),
        RawTensors({"a": np.zeros((2, 3))}),
    ):
        sink.write(result(prediction))
    assert [line.removeprefix("a.png: ") for line in stream.getvalue().splitlines()] == [
        "sea 75.0%, sky 25.0%",
        "depth min 1 m, depth median 2 m, depth max 3 m",
        "embedding of 3 values",
        "a 2x3",
    ]
