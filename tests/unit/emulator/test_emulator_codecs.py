from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hailstack.emulator.host.codecs import (
    NmsSettings,
    host_frame_bytes,
    make_input_codec,
    make_output_codec,
    resolve_format,
)
from hailstack.emulator.host.layout import pack_frame
from hailstack.emulator.host.ops.results import boxes_by_class
from hailstack.emulator.status import StatusError
from hailstack.errors import HefError, Status
from hailstack.hef import read_hef
from hailstack.hef.formats import Direction, Format, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import Hef, NetworkGroup, Stream, VStream

AUTO = Format(FormatType.AUTO, FormatOrder.AUTO)
FLOATS = Format(FormatType.FLOAT32, FormatOrder.AUTO)
SCRFD = "DilakshanChamikara_edge-privacy-camera__models_scrfd_2.5g"
HOST_IO = (
    SCRFD,
    "synth_argmax",
    "synth_hw_padding_by_hailort",
    "synth_nms_on_chip",
    "synth_scale_by_feature",
    "synth_yolov5_nms",
    "synth_yolov8_bbox_only",
    "synth_yolov8_hailo8l",
    "synth_yolov8_nms",
)


def open_hef(shared: Path, name: str) -> Hef:
    path = "real/scrfd_2.5g_15h10h_v3_dfc5.2" if name == SCRFD else f"synthetic/{name}"
    return read_hef(shared / "hef" / f"{path}.hef")


def group_of(shared: Path, name: str) -> NetworkGroup:
    return open_hef(shared, name).groups[0]


def by_name(vstreams: tuple[VStream, ...], name: str) -> VStream:
    return next(vstream for vstream in vstreams if vstream.name == name)


def recorded(shared: Path, name: str, kind: str) -> tuple[dict[str, Any], Any]:
    arrays = np.load(shared / "hef" / "host_io" / f"{name}.{kind}.npz")
    return json.loads(arrays["index.json"].tobytes()), arrays


def file_of(name: str, kind: str) -> str:
    return f"{name.replace('/', '__')}.{kind}.bin"


CASES = [(name, kind) for name in HOST_IO for kind in ("auto", "float32")]


@pytest.mark.shared
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_inputs_reach_the_chip_as_the_vendor_sends_them(shared: Path, name: str, kind: str) -> None:
    index, arrays = recorded(shared, name, kind)
    group = group_of(shared, name)
    for expected in index["inputs"]:
        stream = expected["stream"]
        codec = make_input_codec(group, by_name(group.input_vstreams, stream), AUTO if kind == "auto" else FLOATS)
        steps = codec.encoder.steps
        assert (codec.format.type.name, codec.format.order.name) == (
            expected["user_format"]["type"],
            expected["user_format"]["order"],
        )
        assert (codec.frame_bytes, steps.dst_bytes) == (expected["src_frame_size"], expected["dst_frame_size"])
        assert steps.required == expected["transformation_required"]
        assert steps.description == expected["description"]
        if file_of(stream, "user_in") in arrays:
            device = codec.encode(arrays[file_of(stream, "user_in")])
            assert np.array_equal(device[stream], arrays[file_of(stream, "hw_out")])


@pytest.mark.shared
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_outputs_reach_the_program_as_the_vendor_gives_them(shared: Path, name: str, kind: str) -> None:
    index, arrays = recorded(shared, name, kind)
    group = group_of(shared, name)
    for expected in index["outputs"]:
        vstream = by_name(group.output_vstreams, expected["vstream"])
        codec = make_output_codec(group, vstream, AUTO if kind == "auto" else FLOATS)
        out = np.zeros(codec.frame_bytes, np.uint8)
        codec.decode({stream: arrays[file_of(stream, "hw_in")] for stream in codec.stream_names}, out)

        assert np.array_equal(out, arrays[expected["file"]])
        assert (codec.format.type.name, int(codec.format.order)) == (
            expected["user_format"]["type"],
            expected["user_format"]["order_n"],
        )
        assert codec.frame_bytes == expected.get("frame_size", expected.get("dst_frame_size"))
        if hasattr(codec, "decoder"):
            assert codec.decoder.steps.description == expected["description"]
            assert codec.decoder.steps.required == expected["transformation_required"]
        if hasattr(codec, "reader"):
            assert codec.reader.description == expected["description"]


@pytest.mark.shared
def test_frames_of_all_reference_files_have_the_vendor_s_sizes(shared: Path) -> None:
    compared = 0
    for path in sorted((shared / "hef").glob("[rs]*/*.hef")):
        native = json.loads(path.with_suffix(".json").read_text()).get("native") or {}
        try:
            groups = {group.name: group for group in read_hef(path).groups}
        except HefError:
            continue
        for expected in native.get("network_groups", ()):
            group = groups[expected["name"]]
            infos = expected["input_vstream_infos"] + expected["output_vstream_infos"]
            for info in infos:
                vstream = by_name(group.vstreams, info["name"])
                floats = resolve_format(vstream, FLOATS)
                assert host_frame_bytes(vstream, vstream.format) == info["frame_size_native"], (
                    path.name,
                    info["name"],
                )
                assert host_frame_bytes(vstream, floats) == info["frame_size_float32"], (path.name, info["name"])
                compared += 1
    assert compared > 90


@pytest.mark.shared
def test_planes_of_a_picture_go_to_streams_of_their_own(shared: Path) -> None:
    group = group_of(shared, "synth_planes_nv12")
    codec = make_input_codec(group, group.input_vstreams[0], AUTO)
    frame = np.random.default_rng(0).integers(0, 256, 480 * 640 * 3 // 2).astype(np.uint8)

    planes = codec.encode(frame)

    assert codec.format == Format(FormatType.UINT8, FormatOrder.NV12)
    assert codec.frame_bytes == frame.size
    assert np.array_equal(planes["planes_net/input_layer1_plane0"], frame[: 480 * 640])
    assert np.array_equal(planes["planes_net/input_layer1_plane1"], frame[480 * 640 :])
    assert np.shares_memory(planes["planes_net/input_layer1_plane0"], frame)


@pytest.mark.shared
def test_boxes_defused_over_two_streams_come_back_in_one_list(shared: Path) -> None:
    group = group_of(shared, "synth_nms_defused")
    codec = make_output_codec(group, group.output_vstreams[0], AUTO)
    frames = {stream.name: np.zeros(stream.frame_bytes, np.uint8) for stream in group.output_streams}
    # Class 3 of the whole is class 1 of the second stream: classes take turns.
    box = np.array([4096 * 2 << 48 | 400 << 36 | 500 << 24 | 600 << 12 | 700], "<u8")
    second = frames["ssd_defused/nms1_d1"]
    second[2:4].view("<u2")[0] = 1
    second[4:12] = box.view(np.uint8)
    out = np.zeros(codec.frame_bytes, np.uint8)

    codec.decode(frames, out)

    found = boxes_by_class(out, 90)
    assert [index for index, boxes in enumerate(found) if len(boxes)] == [3]
    np.testing.assert_allclose(found[3][0], np.array([400, 500, 600, 700, 8192]) * 0.000244, rtol=1e-6)


@pytest.mark.shared
def test_boxes_that_a_chip_s_frame_counts_but_does_not_hold_are_refused(shared: Path) -> None:
    group = group_of(shared, "synth_nms_on_chip")
    codec = make_output_codec(group, group.output_vstreams[0], AUTO)
    frame = np.full(group.output_streams[0].frame_bytes, 255, np.uint8)

    with pytest.raises(StatusError, match="beyond") as refused:
        codec.decode({codec.stream_names[0]: frame}, np.zeros(codec.frame_bytes, np.uint8))
    assert refused.value.status is Status.NMS_BURST_INVALID_DATA


@pytest.mark.shared
def test_softmax_of_a_file_gives_probabilities(shared: Path) -> None:
    group = group_of(shared, "synth_softmax_nhwc")
    codec = make_output_codec(group, group.output_vstreams[0], AUTO)
    stream = group.output_streams[0]
    frame = np.random.default_rng(0).integers(0, 256, stream.frame_bytes).astype(np.uint8)
    out = np.zeros(codec.frame_bytes, np.uint8)

    codec.decode({stream.name: frame}, out)

    assert codec.format.type is FormatType.FLOAT32
    sums = out.view(np.float32).reshape(-1, stream.shape.features).sum(1)
    np.testing.assert_allclose(sums, 1, rtol=1e-5)


REFUSED = [
    ("synth_yolov8_nms", Format(FormatType.UINT8, FormatOrder.AUTO), Status.INVALID_ARGUMENT),
    ("synth_yolov8_nms", Format(FormatType.FLOAT32, FormatOrder.NHWC), Status.INVALID_ARGUMENT),
    ("synth_yolov8_bbox_only", Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_BY_CLASS), Status.INVALID_ARGUMENT),
    ("synth_yolov5_seg", Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_BY_CLASS), Status.INVALID_ARGUMENT),
    ("synth_nms_on_chip", Format(FormatType.UINT16, FormatOrder.AUTO), Status.INVALID_ARGUMENT),
    ("synth_nms_on_chip", Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_BY_SCORE), Status.INVALID_ARGUMENT),
    ("synth_argmax", Format(FormatType.UINT8, FormatOrder.NHWC), Status.INVALID_OPERATION),
    ("synth_softmax_nhwc", Format(FormatType.UINT8, FormatOrder.AUTO), Status.INVALID_OPERATION),
]


@pytest.mark.shared
@pytest.mark.parametrize(("name", "user", "status"), REFUSED)
def test_outputs_that_cannot_be_given_are_refused(shared: Path, name: str, user: Format, status: Status) -> None:
    group = group_of(shared, name)

    with pytest.raises(StatusError) as refused:
        make_output_codec(group, group.output_vstreams[0], user)
    assert refused.value.status is status


@pytest.mark.shared
def test_limits_set_by_the_program_change_the_size_of_a_frame(shared: Path) -> None:
    group = group_of(shared, "synth_yolov8_nms")
    vstream = group.output_vstreams[0]
    by_score = Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_BY_SCORE)

    def size(user: Format, nms: NmsSettings) -> int:
        return make_output_codec(group, vstream, user, nms=nms).frame_bytes

    assert size(AUTO, NmsSettings()) == 80 * (1 + 5 * 100) * 4
    assert size(AUTO, NmsSettings(max_proposals_per_class=7)) == 80 * (1 + 5 * 7) * 4
    assert size(by_score, NmsSettings(max_proposals_total=9)) == 2 + 9 * 22


@pytest.mark.shared
def test_records_with_masks_have_grown_in_version_5(shared: Path) -> None:
    vstream = group_of(shared, "synth_yolov5_seg").output_vstreams[0]
    nms = NmsSettings(max_proposals_total=10, max_accumulated_mask_size=1000)
    for profile, record in (("4.20", 38), ("4.23", 38), ("5.2", 46)):
        format = resolve_format(vstream, AUTO, profile=profile)
        assert host_frame_bytes(vstream, format, profile=profile, nms=nms) == 2 + 10 * record + 1000


@pytest.mark.shared
def test_the_old_name_of_by_class_boxes_is_known_up_to_4_20(shared: Path) -> None:
    group = group_of(shared, "synth_yolov8_nms")
    old = Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS)

    codec = make_output_codec(group, group.output_vstreams[0], old, profile="4.20")

    assert codec.frame_bytes == 80 * (1 + 5 * 100) * 4
    with pytest.raises(StatusError, match="HAILO_NMS"):
        make_output_codec(group, group.output_vstreams[0], old, profile="4.23")


# --- muxes, of which no reference file has one


def edge(name: str, shape: Shape, hw: Shape) -> Stream:
    quant, format = QuantInfo(), Format(FormatType.UINT8, FormatOrder.NHCW)
    return Stream(name, "g/n", Direction.D2H, 0, format, shape, hw, 1, hw.size, quant, (quant,))


def test_outputs_that_share_a_transfer_are_taken_apart_by_rows() -> None:
    tall = edge("g/tall", Shape(4, 8, 1), Shape(4, 8, 1))
    wide = edge("g/wide", Shape(2, 6, 2), Shape(2, 8, 2))
    mux = dataclasses.replace(
        edge("g/mux", Shape(1, 1, 64), Shape(1, 1, 64)), is_mux=True, predecessors=(tall, wide), frame_bytes=64
    )
    vstreams = tuple(
        VStream(part.name, "g/n", Direction.D2H, Format(FormatType.UINT8, FormatOrder.NHWC), part.shape, part.quant,
                part.quants, stream_names=("g/mux",))
        for part in (tall, wide)
    )  # fmt: skip
    group = NetworkGroup("g", (), 1, (mux,), (), vstreams, ())
    pixels = [np.arange(32).reshape(4, 8, 1), np.arange(100, 124).reshape(2, 6, 2)]
    rows = [pack_frame(part, numbers) for part, numbers in zip((tall, wide), pixels, strict=True)]
    # Two rows of the tall part for each of the wide one.
    frame = np.concatenate((rows[0][:16], rows[1][:16], rows[0][16:], rows[1][16:]))

    for vstream, numbers in zip(vstreams, pixels, strict=True):
        codec = make_output_codec(group, vstream, AUTO)
        out = np.zeros(codec.frame_bytes, np.uint8)
        codec.decode({"g/mux": frame}, out)
        assert codec.stream_names == ("g/mux",)
        assert out.tolist() == numbers.reshape(-1).tolist()


def test_a_stream_that_the_group_has_not_is_not_found() -> None:
    vstream = VStream("g/x", "g/n", Direction.H2D, AUTO, Shape(1, 1, 8), QuantInfo(), (), stream_names=("g/x",))

    with pytest.raises(StatusError, match="g/x") as missing:
        make_input_codec(NetworkGroup("g", (), 1, (), (vstream,), (), ()), vstream, AUTO)
    assert missing.value.status is Status.NOT_FOUND
