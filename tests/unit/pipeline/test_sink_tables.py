"""Results as tables, COCO results and MOT text: read back by somebody else's reader."""

from __future__ import annotations

import csv
import json

import numpy as np
import pyarrow.parquet
import pytest

from hailstack.errors import InferenceTimeoutError, InputError
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks import JsonLinesSink
from hailstack.pipeline.sinks.coco import COCO_CATEGORIES, CocoSink
from hailstack.pipeline.sinks.csvtable import CsvSink
from hailstack.pipeline.sinks.mot import MotSink
from hailstack.pipeline.sinks.parquet import ParquetSink
from hailstack.pipeline.sinks.table import COLUMNS
from hailstack.pipeline.sources import Source
from hailstack.types import Classes, Detections, Failed, FrameId, RawTensors, Result

NAMES = ("cat", 'big, "bad" dog')
TWO = Detections(
    np.array([[10, 5, 30.25, 35], [0, 1, 2, 3]], np.float32),
    np.array([0.75, 0.5], np.float32),
    np.array([1, 0], np.int32),
    NAMES,
)


def frame(prediction, number=0, source="clips/a.mp4", *, is_still=False):
    return Result(FrameId(source, number, number / 10, is_still), prediction, np.zeros((40, 60, 3), np.uint8))


def written(sink, *results):
    for one in results:
        sink.write(one)
    sink.close()
    sink.close()


def test_a_csv_reader_gets_one_row_an_object_and_one_for_a_frame_without(tmp_path):
    target = tmp_path / "out.csv"
    written(CsvSink(str(target)), frame(TWO), frame(Detections.empty(), 1))
    with target.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["frame"], row["class"], row["left"], row["bottom"]) for row in rows] == [
        ("0", NAMES[1], "10.0", "35.0"),
        ("0", "cat", "0.0", "3.0"),
        ("1", "", "", ""),
    ]
    assert tuple(rows[0]) == COLUMNS


def test_a_parquet_reader_gets_the_same_rows_with_types(tmp_path):
    target = tmp_path / "out.parquet"
    written(ParquetSink(str(target)), frame(TWO), frame(Detections.empty(), 1))
    table = pyarrow.parquet.read_table(target)
    assert table.column_names == list(COLUMNS)
    assert table["class_id"].to_pylist() == [1, 0, None]
    assert table["time"].to_pylist() == [0.0, 0.0, 0.1]
    assert table["right"].to_pylist() == [30.25, 2.0, None]


def test_a_parquet_file_of_a_run_that_found_no_frame_is_a_table_without_rows(tmp_path):
    written(ParquetSink(str(tmp_path / "out.parquet")))
    assert pyarrow.parquet.read_table(tmp_path / "out.parquet").num_rows == 0


def test_classes_fill_the_same_columns(tmp_path):
    target = tmp_path / "out.csv"
    written(CsvSink(str(target)), frame(Classes(np.array([1], np.int32), np.array([0.6], np.float32), NAMES)))
    with target.open(newline="") as stream:
        row = next(csv.DictReader(stream))
    assert (row["class_id"], row["score"], row["left"]) == ("1", "0.6", "")


def test_what_has_no_column_lies_in_the_detail(tmp_path):
    target = tmp_path / "out.csv"
    written(CsvSink(str(target)), frame(RawTensors({"net/a": np.ones((1, 2), np.float32)})))
    with target.open(newline="") as stream:
        row = next(csv.DictReader(stream))
    assert json.loads(row["detail"])["tensors"]["net/a"]["shape"] == [1, 2]


def test_coco_results_hold_left_top_width_height_of_every_picture(tmp_path):
    target = tmp_path / "out.json"
    sink = CocoSink(str(target))
    written(sink, frame(TWO, source="val/000000000139.jpg", is_still=True), frame(TWO, 12))
    entries = json.loads(target.read_text())
    assert [one["image_id"] for one in entries] == [139, 139, "a_000012", "a_000012"]
    assert entries[0]["bbox"] == [10.0, 5.0, 20.25, 30.0]
    assert entries[0]["category_id"] == 1


def test_coco_results_of_nothing_are_an_empty_list(tmp_path):
    written(CocoSink(str(tmp_path / "out.json")))
    assert json.loads((tmp_path / "out.json").read_text()) == []


def test_coco_ids_are_those_of_the_annotation_files(tmp_path):
    assert (len(COCO_CATEGORIES), COCO_CATEGORIES[0], COCO_CATEGORIES[79]) == (80, 1, 90)
    last = Detections(np.zeros((1, 4), np.float32), np.ones(1, np.float32), np.array([79], np.int32))
    written(CocoSink(str(tmp_path / "out.json"), coco_ids=True), frame(last))
    assert json.loads((tmp_path / "out.json").read_text())[0]["category_id"] == 90


def test_coco_ids_for_a_network_with_other_classes_are_refused(tmp_path):
    other = Detections(np.zeros((1, 4), np.float32), np.ones(1, np.float32), np.array([80], np.int32))
    sink = CocoSink(str(tmp_path / "out.json"), coco_ids=True)
    with pytest.raises(InputError, match="class 80 is none of the 80 COCO classes"):
        sink.write(frame(other))
    sink.close()


def test_forms_for_boxes_refuse_other_heads_by_name(tmp_path):
    mot, coco = MotSink(str(tmp_path)), CocoSink(str(tmp_path / "out.json"))
    mot.begin(ClipFacts(Source("a.mp4", "video")))
    for sink in (mot, coco):
        with pytest.raises(InputError, match=r"holds? boxes, this head gives RawTensors"):
            sink.write(frame(RawTensors({})))
        sink.close()


def test_mot_text_has_one_file_a_source_and_counts_from_one(tmp_path):
    sink = MotSink(str(tmp_path / "mot"))
    for source in ("x/a.mp4", "y/a.mp4"):
        sink.begin(ClipFacts(Source(source, "video")))
        sink.write(frame(TWO, source=source))
        sink.end()
    sink.close()
    assert sorted(one.name for one in (tmp_path / "mot").iterdir()) == ["a-2.txt", "a.txt"]
    first = (tmp_path / "mot" / "a.txt").read_text().splitlines()[0]
    assert first == "1,-1,10.00,5.00,20.25,30.00,0.7500,2,-1"


def test_a_table_that_is_cut_off_by_a_failure_holds_all_before(tmp_path):
    target = tmp_path / "out.parquet"
    sink = ParquetSink(str(target))
    sink.write(frame(TWO))
    assert not target.exists()
    sink.close()
    assert pyarrow.parquet.read_table(target).num_rows == 2


def test_a_frame_that_failed_has_a_row_and_a_line_that_say_why(tmp_path):
    failed = Failed(FrameId("clips/a.mp4", 5, 0.5), InferenceTimeoutError("no answer", frame=5))
    lines, table, columns = tmp_path / "a.jsonl", tmp_path / "a.csv", tmp_path / "a.parquet"
    for sink in (JsonLinesSink(str(lines)), CsvSink(str(table)), ParquetSink(str(columns))):
        sink.lost(failed)
        sink.close()
    error = {"kind": "InferenceTimeoutError", "message": "no answer"}
    assert json.loads(lines.read_text()) == {"source": "clips/a.mp4", "frame": 5, "time": 0.5, "error": error}
    assert "InferenceTimeoutError: no answer" in table.read_text()
    assert pyarrow.parquet.read_table(columns)["error"].to_pylist() == ["InferenceTimeoutError: no answer"]
