"""A HEF that is written reads back the same, in both versions of the format, for every chip and operation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hef_copies import to_blueprint
from hypothesis import given
from hypothesis import strategies as st

from hailstack.errors import HefError, InputError, NotFoundError, Status
from hailstack.hef import (
    EMULATED_EXTENSION,
    EMULATED_GRAPH,
    EMULATED_META,
    AnchorDecoder,
    Direction,
    FormatOrder,
    FormatType,
    HefBlueprint,
    LogitsOp,
    NetworkGroup,
    NmsInfo,
    NmsOp,
    QuantInfo,
    RegClsDecoder,
    Shape,
    StreamPlan,
    list_groups,
    parse_hef_text,
    read_hef,
    write_hef,
)
from hailstack.hef.chips import ARCH_IDS
from hailstack.hef.facts import hef_facts
from hailstack.hef.header import proto_view
from hailstack.hef.node import Node
from hailstack.hef.refusal import Refusal
from hailstack.hef.writer import hef_bytes

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "hef"
INPUT = Shape(64, 64, 3)
QUANT = QuantInfo(12.0, 0.0625, -0.75, 15.1875)


def opening_files() -> list[Path]:
    files = sorted([*DATA.glob("real/*.hef"), *DATA.glob("synthetic/*.hef")])
    return [f for f in files if json.loads(f.with_suffix(".json").read_text())["native"].get("network_groups")]


def image(name: str = "net/input_layer1", shape: Shape = INPUT) -> StreamPlan:
    return StreamPlan(name, Direction.H2D, shape, quant=QuantInfo(0.0, 1.0, 0.0, 255.0), original_names=("images",))


def tensor(name: str, height: int, width: int, features: int, **more: Any) -> StreamPlan:
    given = {"order": FormatOrder.NHCW, "quant": QUANT} | more
    return StreamPlan(f"net/{name}", Direction.D2H, Shape(height, width, features), **given)


def plan(*outputs: StreamPlan, **more: Any) -> HefBlueprint:
    given = {"bottleneck_fps": 250.5, "latency_ms": 4.0, "emulated": False} | more
    return HefBlueprint("net", (image(), *outputs), **given)


def detector(kind: str, **more: Any) -> NmsOp:
    given: dict[str, Any] = {
        "name": "",
        "output": "net/nms_postprocess",
        "kind": kind,
        "score_threshold": 0.25,
        "iou_threshold": 0.5,
        "classes": 4,
        "max_proposals_per_class": 20,
        "image_height": 64.0,
        "image_width": 64.0,
    }
    return NmsOp(**given | more)


def anchored(*names: str) -> tuple[AnchorDecoder, ...]:
    return tuple(
        AnchorDecoder(f"net/{name}", 8 << at, (10.0, 16.0, 33.0), (13.0, 30.0, 23.0)) for at, name in enumerate(names)
    )


def every_operation() -> dict[str, HefBlueprint]:
    heads = [tensor("reg8", 8, 8, 64), tensor("cls8", 8, 8, 4), tensor("reg4", 4, 4, 64), tensor("cls4", 4, 4, 4)]
    pairs = (RegClsDecoder(8, "net/reg8", "net/cls8"), RegClsDecoder(16, "net/reg4", "net/cls4"))
    names = tuple(head.name for head in heads)
    v8 = detector("YOLOV8", inputs=names, decoders=pairs, regression_length=16)
    objectness = [tensor("obj8", 8, 8, 1), tensor("obj4", 4, 4, 1)]
    triples = tuple(replace(p, obj=o.name) for p, o in zip(pairs, objectness, strict=True))
    boxes = [tensor("out8", 8, 8, 27), tensor("out4", 4, 4, 27)]
    ssd_pairs = tuple(replace(p, stride=0, anchors_w=(0.25, 0.5), anchors_h=(0.5, 0.25)) for p in pairs)
    masks = [tensor("seg8", 8, 8, 123), tensor("proto", 16, 16, 32)]
    nms = NmsInfo(4, 20, 80, 10, 1, False, 0, "", 1, 0)
    on_chip = tensor("nms1", 4, 5, 20, order=FormatOrder.HAILO_NMS_ON_CHIP, type=FormatType.UINT16, nms=nms)
    scores = tensor("conv9", 8, 8, 30)
    vector = tensor("fc1", 1, 1, 30, order=FormatOrder.NC)
    return {
        "yolov8": plan(*heads, ops=(v8,)),
        "yolov8_bbox_only": plan(*heads, ops=(replace(v8, bbox_only=True),)),
        "yolox": plan(
            *heads, *objectness, ops=(detector("YOLOX", inputs=(*names, "net/obj8", "net/obj4"), decoders=triples),)
        ),
        "yolov5": plan(
            *boxes,
            ops=(detector("YOLOV5", inputs=("net/out8", "net/out4"), anchor_decoders=anchored("out8", "out4")),),
        ),
        "yolov5_bbox_only": plan(
            *boxes,
            ops=(
                detector(
                    "YOLOV5",
                    inputs=("net/out8", "net/out4"),
                    anchor_decoders=anchored("out8", "out4"),
                    bbox_only=True,
                ),
            ),
        ),
        "yolov5_seg": plan(
            *masks,
            ops=(
                detector(
                    "YOLOV5SEG",
                    inputs=("net/seg8", "net/proto"),
                    anchor_decoders=anchored("seg8"),
                    proto_stream="net/proto",
                    proto_stride=4,
                    mask_threshold=0.5,
                ),
            ),
        ),
        "ssd": plan(
            *heads,
            ops=(
                detector(
                    "SSD",
                    inputs=names,
                    decoders=ssd_pairs,
                    centers_scale_factor=10,
                    bbox_dimensions_scale_factor=5,
                    coordinate_indices=(1, 0, 3, 2),
                    background_removal=True,
                    background_index=0,
                ),
            ),
        ),
        "iou": plan(on_chip, ops=(detector("IOU", inputs=("net/nms1",), image_height=0.0, image_width=0.0),)),
        "argmax": plan(scores, ops=(LogitsOp("", "net/argmax1", ("net/conv9",), "ARGMAX"),)),
        "argmax_u16": plan(
            scores, ops=(LogitsOp("", "net/argmax1", ("net/conv9",), "ARGMAX", FormatType.UINT16, FormatOrder.NHW),)
        ),
        "softmax": plan(vector, ops=(LogitsOp("", "net/softmax1", ("net/fc1",), "SOFTMAX"),)),
        "argmax_beside_plain_output": plan(
            scores, vector, ops=(LogitsOp("", "net/argmax1", ("net/conv9",), "ARGMAX"),)
        ),
    }


def every_stream() -> dict[str, HefBlueprint]:
    nms = NmsInfo(4, 20, 80, 10, 1, True, 0, "net/nms1", 1, 0)
    whole = tensor("nms1", 8, 5, 20, order=FormatOrder.HAILO_NMS_ON_CHIP, type=FormatType.UINT16)
    whole = replace(
        whole, nms=replace(nms, number_of_classes=8, max_bboxes_total=160, is_defused=False, defuse_original_name="")
    )
    parts = [
        replace(
            whole,
            name=f"net/nms1_d{at}",
            shape=Shape(4, 5, 20),
            nms=replace(nms, defuse_class_group_index=at),
            fused=whole,
        )
        for at in range(2)
    ]
    bursts = replace(whole, shape=Shape(4, 5, 40), nms=NmsInfo(4, 20, 80, 10, 2, False, 0, "", 24, 2), fused=None)
    mux = tensor("mux1", 8, 8, 16)
    inner = tensor("mux2", 8, 8, 8, predecessors=(tensor("conv2", 8, 8, 4), tensor("conv3", 4, 8, 4)))
    planes = tuple(image(f"net/plane{at}", shape) for at, shape in enumerate([Shape(64, 64, 1), Shape(32, 32, 2)]))
    nv12 = StreamPlan("net/input_layer1", Direction.H2D, Shape(64, 64, 3), order=FormatOrder.NV12, planes=planes)
    nv12 = replace(nv12, quant=QuantInfo(0.0, 0.0, 0.0, 0.0))
    scales = tuple(QuantInfo(float(at), 0.5 + at, -1.0, 1.0) for at in range(6))
    return {
        "padded_u16": plan(tensor("conv1", 8, 8, 5, hw_shape=Shape(8, 8, 8), type=FormatType.UINT16)),
        "long_rows": plan(tensor("conv1", 4, 2000, 64)),
        "transposed": plan(tensor("conv1", 6, 8, 4, transposed=True, order=FormatOrder.NHWC)),
        "defused_nms": plan(*parts),
        "bursts": plan(bursts),
        "mux": plan(replace(mux, predecessors=(tensor("conv1", 8, 8, 8), inner), height_gcd=2, height_ratios=(1, 2))),
        "planes": HefBlueprint("net", (nv12, tensor("conv1", 8, 8, 4)), emulated=False),
        "scale_by_feature": plan(tensor("conv1", 8, 8, 6, quants=scales)),
        "two_contexts": plan(tensor("conv1", 8, 8, 4, context_index=1)),
        "two_networks": HefBlueprint(
            "net",
            (
                image("net/a/input"),
                image("net/b/input", Shape(8, 8, 3)),
                tensor("a/out", 1, 1, 4, order=FormatOrder.NC),
                tensor("b/out", 1, 1, 4, order=FormatOrder.NC, network_index=1),
            ),
            network_names=("a", "b"),
            emulated=False,
        ),
    }


def settled(group: NetworkGroup) -> NetworkGroup:
    """Latency is kept in seconds: the last bit of the milliseconds may change."""
    return replace(group, latency_ms=round(group.latency_ms, 9))


def assert_read_back(blueprint: HefBlueprint, version: Any) -> NetworkGroup:
    """Writing what was read gives the same again."""
    first = read_hef(hef_bytes(blueprint, version=version))
    again = read_hef(hef_bytes(to_blueprint(first, first.groups[0]), version=version))
    assert list(map(settled, again.groups)) == list(map(settled, first.groups))
    assert again.extensions == first.extensions
    return first.groups[0]


@pytest.mark.shared
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("path", opening_files(), ids=lambda path: path.stem)
def test_a_real_file_is_written_again_with_all_its_facts(path: Path, version: Any) -> None:
    hef = read_hef(path)
    content = hef_bytes([to_blueprint(hef, group) for group in hef.groups], version=version)
    again = read_hef(content)
    assert (again.header.version, again.compiler_version) == (version, hef.compiler_version)
    assert list(map(settled, again.groups)) == list(map(settled, hef.groups))
    assert not set(again.extensions) - set(hef.extensions) - {20, 28}  # newer chips need these two


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("name", every_operation())
def test_each_host_operation_reads_back_as_planned(name: str, version: Any) -> None:
    blueprint = every_operation()[name]
    group = assert_read_back(blueprint, version)
    (op,), (planned,) = group.ops, blueprint.ops
    room = {"max_accumulated_mask_size": op.max_accumulated_mask_size} if isinstance(op, NmsOp) else {}
    total = {"max_proposals_total": 80} if isinstance(op, NmsOp) else {}
    assert op == replace(planned, name=op.name, **room, **total)
    assert planned.output in [v.name for v in group.output_vstreams]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("name", every_stream())
def test_each_kind_of_stream_reads_back_as_planned(name: str, version: Any) -> None:
    blueprint = every_stream()[name]
    group = assert_read_back(blueprint, version)
    for stream, planned in zip(group.streams, blueprint.streams, strict=True):
        assert (stream.name, stream.shape, stream.direction) == (planned.name, planned.shape, planned.direction)
        assert (stream.format.type, stream.format.order) == (planned.type, planned.order)
        assert stream.nms == planned.nms
        assert [p.name for p in stream.predecessors] == [p.name for p in planned.predecessors]
        if not stream.is_mux:  # a mux has no scale of its own
            assert stream.quants == (planned.quants or stream.quants)


@pytest.mark.parametrize("architecture", ARCH_IDS)
def test_each_chip_is_the_one_that_the_library_tells(architecture: Any) -> None:
    blueprint = plan(tensor("conv1", 8, 8, 4), architecture=architecture, compiler_version="5.2.0")
    hef = read_hef(hef_bytes(blueprint))
    told = {"HAILO8R": "HAILO8", "HAILO10H": "HAILO15H"}.get(architecture, architecture)
    assert hef.architectures[0] == told
    assert parse_hef_text(hef, profile="5.2").startswith(f"HEF Compatible for: {', '.join(hef.architectures)}\n")
    assert_read_back(blueprint, 3)


def test_an_emulated_file_holds_graph_and_meta_and_a_chip_refuses_it(tmp_path: Path) -> None:
    graph = bytes(range(256)) * 100
    blueprint = plan(
        tensor("conv1", 8, 8, 4), emulated=True, graphs={EMULATED_GRAPH: graph}, meta={"labels": ["rose", "weed"]}
    )
    for version in (2, 3):
        write_hef(tmp_path / "net.hef", blueprint, version=version)  # type: ignore[arg-type]
        hef = read_hef(tmp_path / "net.hef")
        assert hef.emulated
        assert bytes(hef.external_resources[EMULATED_GRAPH]) == graph
        assert json.loads(bytes(hef.external_resources[EMULATED_META]))["labels"] == ["rose", "weed"]
        node = Node.read("Hef", proto_view(hef.content, hef.header))
        names = {e.integer("type_index"): e.text("name") for e in node.nodes("extensions")}
        assert EMULATED_EXTENSION >= 1000  # the size of the real library's table: 92 in every release
        assert "emulated NPU only, not on a chip" in names[EMULATED_EXTENSION]
    assert [f.name for f in tmp_path.iterdir()] == ["net.hef"]


def test_version_3_puts_each_resource_on_a_page_of_its_own() -> None:
    graphs = {EMULATED_GRAPH: b"a" * 5000, "hailstack/second.onnx": b"b" * 10}
    content = hef_bytes(plan(tensor("conv1", 8, 8, 4), graphs=graphs), version=3)
    hef = read_hef(content)
    assert bytes(hef.external_resources["hailstack/second.onnx"]) == b"b" * 10
    assert content.index(b"a" * 5000) % 4096 == content.index(b"b" * 10) % 4096 == 0
    assert hef.header.ccws_size == hef.header.padding_size


def test_several_groups_are_listed_backwards_by_4_x_and_forwards_by_5_x() -> None:
    blueprints = [replace(plan(tensor("conv1", 8, 8, 4)), group_name=name) for name in ("first", "second")]
    hef = read_hef(hef_bytes(blueprints))
    assert [g.name for g in list_groups(hef, "4.23")] == ["second", "first"]
    assert [g.name for g in list_groups(hef, "5.2")] == ["first", "second"]


@pytest.mark.parametrize(
    ("blueprint", "reason"),
    [
        (HefBlueprint("net", ()), "no streams"),
        (plan(tensor("conv1", 8, 8, 4, order=FormatOrder.NV12)), "no chip has the memory order NV12"),
        (plan(tensor("conv1", 8, 8, 4, quants=(QUANT, QUANT))), "2 scales for 4 features"),
        (plan(tensor("conv1", 8, 8, 4), ops=(LogitsOp("", "net/a", ("net/x",)),)), "'net/x', which is no stream"),
        (plan(tensor("conv1", 8, 8, 4), architecture="TPU"), "'TPU' is no chip"),
        (plan(tensor("conv1", 8, 8, 4), tensor("conv1", 8, 8, 4)), "two layers are called 'net/conv1'"),
        (plan(tensor("conv1", 8, 8, 4), ops=(detector("YOLOV9", inputs=("net/conv1",)),)), "no host operation"),
        (plan(tensor("conv1", 8, 8, 4), sorted_output_names=("a", "b"), ops=()), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_blueprint_that_contradicts_itself_is_refused(blueprint: HefBlueprint, reason: str | None) -> None:
    if reason is None:
        hef_bytes(blueprint)  # with one output the library does not look at the list, either
        return
    with pytest.raises(InputError, match=reason):
        hef_bytes(blueprint)


@pytest.mark.parametrize(
    ("height", "told"), [("nan", -(2**31)), ("inf", -(2**31)), ("-inf", -(2**31)), ("1e30", -(2**31)), ("-5.5", -5)]
)
def test_an_image_size_that_makes_no_sense_is_told_as_the_tool_tells_it(height: str, told: int) -> None:
    blueprint = every_operation()["yolov8"]
    odd = replace(blueprint.ops[0], image_height=float(height))
    hef = read_hef(hef_bytes(replace(blueprint, ops=(odd,))))
    assert f"                Image height: {told}\n" in parse_hef_text(hef)


def test_numbers_that_json_cannot_say_are_null() -> None:
    nan = float("nan")
    blueprint = every_operation()["yolov8"]
    odd = replace(blueprint.ops[0], score_threshold=nan, image_width=float("inf"))
    scales = tuple(replace(stream, quant=QuantInfo(nan, nan, nan, nan)) for stream in blueprint.streams)
    hef = read_hef(hef_bytes(replace(blueprint, streams=scales, ops=(odd,), bottleneck_fps=nan, latency_ms=nan)))
    (group,) = json.loads(json.dumps(hef_facts(hef), allow_nan=False))["groups"]
    assert (group["bottleneck_fps"], group["latency_ms"]) == (None, None)
    assert (group["operations"][0]["score_threshold"], group["operations"][0]["image_width"]) == (None, None)
    assert group["streams"][0]["quant"]["scale"] is None


def test_outputs_that_the_sorted_list_lacks_are_refused() -> None:
    blueprint = plan(tensor("conv1", 8, 8, 4), tensor("conv2", 8, 8, 4), sorted_output_names=("net/conv1",))
    with pytest.raises(HefError, match="net/conv2") as caught:
        hef_bytes(blueprint)
    assert caught.value.status is Status.INTERNAL_FAILURE


def test_a_file_is_never_left_half_written(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        write_hef(tmp_path / "nowhere" / "net.hef", plan(tensor("conv1", 8, 8, 4)))
    (tmp_path / "folder.hef").mkdir()
    with pytest.raises(InputError, match=r"folder\.hef"):
        write_hef(tmp_path / "folder.hef", plan(tensor("conv1", 8, 8, 4)))
    with pytest.raises(Refusal):
        write_hef(tmp_path / "net.hef", plan(tensor("x" * 200, 8, 8, 4)))
    assert [f.name for f in tmp_path.iterdir()] == ["folder.hef"]


@given(
    shape=st.tuples(st.integers(1, 300), st.integers(1, 300), st.integers(1, 64)),
    kind=st.sampled_from([FormatType.UINT8, FormatType.UINT16]),
    order=st.sampled_from([FormatOrder.NHWC, FormatOrder.NHCW, FormatOrder.FCR, FormatOrder.F8CR, FormatOrder.NC]),
    zp=st.integers(0, 65535),
    scale=st.floats(2.0**-20, 1024.0, width=32),
    fps=st.floats(0, 1e6),
)
def test_any_output_reads_back(
    shape: Any, kind: FormatType, order: FormatOrder, zp: int, scale: float, fps: float
) -> None:
    out = tensor("out", *shape, type=kind, order=order, quant=QuantInfo(float(zp), scale, -1.0, 1.0))
    group = read_hef(hef_bytes(plan(out, bottleneck_fps=fps))).groups[0]
    (stream,) = group.output_streams
    assert (stream.shape, stream.format.type, stream.format.order) == (out.shape, kind, order)
    assert (stream.quant, group.bottleneck_fps) == (out.quant, fps)
    assert stream.frame_bytes == -(-out.shape.size * kind.dtype.itemsize // 8) * 8
