from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nms_cases import BY_CLASS, BY_SCORE, head, make_stream, run

from hailstack.emulator.host.ops.nms import make_nms
from hailstack.emulator.host.ops.results import boxes_by_class, boxes_by_score
from hailstack.emulator.host.ops.settings import NmsSettings
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Direction, Format, FormatFlags, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import AnchorDecoder, NmsInfo, NmsOp, RegClsDecoder, Stream

REAL = (
    "nanodet_m_416_as_yolov8_000000000139_u16",
    "nanodet_m_416_as_yolov8_000000000139_u8",
    "nanodet_m_416_as_yolov8_000000000285_u8",
    "yolov5n_640_000000000139",
    "yolov5n_640_000000000285",
    "yolox_nano_416_000000000139",
    "yolox_nano_416_000000000285",
)


def real_case(record: dict[str, Any]) -> tuple[NmsOp, list[Stream]]:
    streams = []
    for part in record["inputs"]:
        height, width, features = part["shape_hwc"]
        quant = QuantInfo(part["qp_zp"], part["qp_scale"], 0.0, 255.0)
        data_bytes = 1 if part["dtype"] == "u8" else 2
        shape = Shape(height, width, features)
        streams.append(make_stream(part["name"], shape, quant, part["padded_hwc"][1], data_bytes))
    strides = (8, 16, 32)
    anchors = tuple(
        AnchorDecoder(part["name"], 0, tuple(part["anchors_wh"][0::2]), tuple(part["anchors_wh"][1::2]))
        for part in record["inputs"]
        if part["anchors_wh"]
    )
    op = NmsOp(
        "op",
        "v",
        tuple(stream.name for stream in streams),
        kind=record["op"].upper(),
        score_threshold=record["score_threshold"],
        iou_threshold=record["iou_threshold"],
        classes=record["classes"],
        max_proposals_per_class=record["max_proposals_per_class"],
        max_proposals_total=record["classes"] * record["max_proposals_per_class"],
        image_height=record["image_height"],
        image_width=record["image_width"],
        anchor_decoders=anchors,
        decoders=tuple(RegClsDecoder(s, f"reg_s{s}", f"cls_s{s}", f"obj_s{s}") for s in strides),
    )
    return op, streams


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_boxes_of_real_photos_are_the_vendor_s_to_the_last_bit(shared: Path, name: str) -> None:
    record = json.loads((shared / "hef" / "host_nms" / f"{name}.json").read_text())
    arrays = np.load(shared / "hef" / "host_nms" / f"{name}.npz")
    op, streams = real_case(record)
    size = op.classes * (1 + 5 * op.max_proposals_per_class) * 4

    out = run(op, streams, {stream.name: arrays[stream.name] for stream in streams}, BY_CLASS, size)

    expected = arrays["expected_nms_by_class_f32"]
    assert np.array_equal(out.view(np.float32)[: expected.size], expected)
    assert sum(len(boxes) for boxes in boxes_by_class(out, op.classes)) == record["expected"]["n"] > 0


@pytest.mark.shared
def test_by_score_the_same_boxes_come_best_first(shared: Path) -> None:
    record = json.loads((shared / "hef" / "host_nms" / f"{REAL[3]}.json").read_text())
    arrays = np.load(shared / "hef" / "host_nms" / f"{REAL[3]}.npz")
    op, streams = real_case(record)

    out = run(op, streams, {stream.name: arrays[stream.name] for stream in streams}, BY_SCORE, 2 + 22 * 100)

    records = boxes_by_score(out)
    wanted = sorted(record["expected"]["detections_class_ymin_xmin_ymax_xmax_score"], key=lambda row: -row[5])
    assert records["class_id"].tolist() == [row[0] for row in wanted]
    assert records["y_min"].tolist() == [row[1] for row in wanted]
    assert records["x_max"].tolist() == [row[4] for row in wanted]
    assert records["score"].tolist() == [row[5] for row in wanted]


# --- what a program may change


def test_thresholds_and_limits_set_by_the_program_replace_the_hef_s() -> None:
    op, streams, frames = head("YOLOX", 2, 0.9)
    settings = NmsSettings(score_threshold=0.1, iou_threshold=1.0, max_proposals_per_class=2)

    boxes = boxes_by_class(run(op, streams, frames, BY_CLASS, 3 * 11 * 4, settings=settings), 3)
    alone = boxes_by_class(run(op, streams, frames, BY_CLASS, 3 * 21 * 4), 3)

    assert [len(of_class) for of_class in boxes] == [2, 2, 2]
    assert sum(map(len, alone)) < 6


def test_no_more_boxes_are_written_by_score_than_the_limit() -> None:
    op, streams, frames = head("YOLOX", 2, 0.1)

    out = run(op, streams, frames, BY_SCORE, 2 + 3 * 22, settings=NmsSettings(max_proposals_total=3))

    records = boxes_by_score(out)
    assert len(records) == 3
    assert records["score"].tolist() == sorted(records["score"].tolist(), reverse=True)


@pytest.mark.parametrize(
    ("kind", "format"),
    [
        ("YOLOV8", Format(FormatType.UINT8, FormatOrder.HAILO_NMS_BY_CLASS)),
        ("YOLOV8", Format(FormatType.FLOAT32, FormatOrder.NHWC)),
        ("YOLOX", Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_WITH_BYTE_MASK)),
        ("SSD", Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_BY_CLASS, FormatFlags.TRANSPOSED)),
    ],
)
def test_formats_that_an_operation_cannot_write_are_refused(kind: str, format: Format) -> None:
    op, streams, _ = head(kind, 0, 0.5)

    with pytest.raises(StatusError, match="op") as refused:
        make_nms(op, {stream.name: stream for stream in streams}, format, NmsSettings(), "4.23")
    assert refused.value.status is Status.INVALID_ARGUMENT


def test_records_are_bytes_from_version_5_on() -> None:
    op, streams, _ = head("YOLOV8", 0, 0.5)
    named = {stream.name: stream for stream in streams}
    as_bytes = Format(FormatType.UINT8, FormatOrder.HAILO_NMS_BY_SCORE)

    make_nms(op, named, as_bytes, NmsSettings(), "5.2")
    with pytest.raises(StatusError, match="UINT8"):
        make_nms(op, named, BY_SCORE, NmsSettings(), "5.2")


def test_a_class_stream_with_too_few_features_is_refused_when_a_frame_comes() -> None:
    op, streams, frames = head("YOLOV8", 0, 0.5)
    more = dataclasses.replace(op, classes=4)

    with pytest.raises(StatusError, match="cls0") as refused:
        run(more, streams, frames, BY_CLASS, 4 * 21 * 4)
    assert refused.value.status is Status.INVALID_ARGUMENT


# --- boxes found by the chip, suppressed by the host


def test_the_host_suppresses_what_the_chip_has_found() -> None:
    info = NmsInfo(2, 3, 6, 8, 1, False, 0, "", 1, 0)
    size = 2 * (2 + 8 * 3) + 8
    format = Format(FormatType.UINT16, FormatOrder.HAILO_NMS_ON_CHIP)
    none, quant = Shape(0, 0, 0), QuantInfo(0.0, 1 / 4096)
    stream = Stream("g/nms", "g/n", Direction.D2H, 0, format, none, none, 2, size, quant, (quant,), info)
    packed = [(100, 100, 2000, 2000, 3000), (110, 100, 2000, 2000, 4000), (2100, 2100, 3000, 3000, 500)]
    frame = np.zeros(size, np.uint8)
    words = [s << 48 | y0 << 36 | x0 << 24 | y1 << 12 | x1 for y0, x0, y1, x1, s in packed]
    frame[:2].view("<u2")[0] = 3
    frame[2:26] = np.frombuffer(np.array(words, "<u8").tobytes(), np.uint8)
    op = NmsOp("op", "v", ("g/nms",), kind="IOU", iou_threshold=0.5, classes=2, max_proposals_per_class=3)

    out = run(op, [stream], {"g/nms": frame}, BY_CLASS, 2 * 16 * 4)

    first, second = boxes_by_class(out, 2)
    assert (first[:, 4] * 4096).tolist() == [4000, 500]
    assert len(second) == 0
    with pytest.raises(StatusError, match="BY_CLASS"):
        run(op, [stream], {"g/nms": frame}, BY_SCORE, 2 + 22)
