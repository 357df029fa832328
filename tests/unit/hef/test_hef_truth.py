"""Every fact that the real library (4.23.0) tells about the shared HEFs, compared file by file."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hailstack.errors import HefError
from hailstack.hef import (
    Direction,
    FormatOrder,
    FormatType,
    NetworkGroup,
    QuantInfo,
    Shape,
    Stream,
    VStream,
    read_hef,
)
from hailstack.hef.describe import operation_facts, order_text, parse_hef_text
from hailstack.hef.frames import host_frame_bytes
from hailstack.hef.model import Format, HostOp, LogitsOp, NmsOp
from hailstack.hef.names import (
    find_network,
    original_names_of,
    stream_names_of,
    streams_of,
    vstream_names_of,
    vstream_of_original_name,
    vstreams_of,
)
from hailstack.hef.reader import list_groups
from hailstack.hef.refusal import parse_hef_stderr

pytestmark = pytest.mark.shared

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
FILES = sorted([*DATA.glob("hef/real/*.hef"), *DATA.glob("hef/synthetic/*.hef"), *DATA.glob("hef_bad/*.hef")])
BOTH = (Direction.H2D, Direction.D2H)
NOT_OURS = {"nn_stream_config", "supported_features", "dma_engine_index", "type_str", "repr", "attributes"}


@cache
def truth_of(path: Path) -> dict[str, Any]:
    return json.loads(path.with_suffix(".json").read_text())


def answer_5_2(path: Path) -> Path:
    return DATA / "hef" / "v5.2" / path.with_suffix(".json").name


def opens(path: Path) -> bool:
    return "network_groups" in truth_of(path)["native"]


def opens_in_python(path: Path) -> bool:
    return "network_groups" in truth_of(path)["python"]


def gets_an_answer(path: Path) -> bool:
    """Whether the tool answers; on some files it crashes."""
    return (truth_of(path).get("parse_hef") or {"rc": -1})["rc"] >= 0


def gets_an_answer_of_5_2(path: Path) -> bool:
    return answer_5_2(path).exists() and json.loads(answer_5_2(path).read_text())["rc"] >= 0


def each_file(which: Callable[[Path], bool]) -> pytest.MarkDecorator:
    chosen = [path for path in FILES if which(path)]
    return pytest.mark.parametrize("path", chosen, ids=lambda path: path.stem)


def test_the_shared_files_are_all_here(shared: Path) -> None:
    assert shared == DATA
    assert (len(FILES), sum(map(opens, FILES)), sum(map(gets_an_answer, FILES))) == (55, 39, 54)


def shape_dict(shape: Shape) -> dict[str, int]:
    return {"height": shape.height, "width": shape.width, "features": shape.features}


def quant_dict(quant: QuantInfo) -> dict[str, float]:
    return {
        "qp_zp": quant.zp,
        "qp_scale": quant.scale,
        "limvals_min": quant.limvals_min,
        "limvals_max": quant.limvals_max,
    }


def format_dict(format_: Format) -> dict[str, Any]:
    return {
        "type": format_.type,
        "order": format_.order,
        "order_str": order_text(format_.order),
        "flags": format_.flags,
    }


def nms_dict(stream: Stream) -> dict[str, Any]:
    assert stream.nms is not None
    return {name: getattr(stream.nms, name) for name in stream.nms.__slots__}


def stream_dict(stream: Stream) -> dict[str, Any]:
    facts = {
        "name": stream.name,
        "direction": stream.direction.name,
        "index": stream.index,
        "format": format_dict(stream.format),
        "hw_data_bytes": stream.data_bytes,
        "hw_frame_size": stream.frame_bytes,
        "is_mux": stream.is_mux,
        "quant_info": quant_dict(stream.quant),
    }
    if stream.nms:
        return facts | {"nms_info": nms_dict(stream)}
    return facts | {"shape": shape_dict(stream.shape), "hw_shape": shape_dict(stream.hw_shape)}


def layer_dict(stream: Stream, connection: int = 1) -> dict[str, Any]:
    facts = {
        "name": stream.name,
        "network_name": stream.network_name,
        "type": connection,
        "direction": stream.direction.name,
        "stream_index": stream.index,
        "network_index": stream.network_index,
        "context_index": stream.context_index,
        "format": format_dict(stream.format),
        "shape": shape_dict(stream.shape),
        "hw_shape": shape_dict(stream.hw_shape),
        "hw_data_bytes": stream.data_bytes,
        "quant_info": quant_dict(stream.quant),
        "quant_infos": [quant_dict(quant) for quant in stream.quants] if connection else [],
        "is_mux": stream.is_mux,
        "is_multi_planar": bool(stream.planes),
        "is_defused_nms": stream.fused_nms is not None,
    }
    if stream.nms:
        facts["nms_info"] = nms_dict(stream)
    if stream.fused_nms:
        facts["fused_nms_layer"] = [layer_dict(stream.fused_nms, connection=0)]
    if stream.planes:
        facts["planes"] = [layer_dict(plane) for plane in stream.planes]
    return facts


def vstream_dict(vstream: VStream) -> dict[str, Any]:
    facts = {
        "name": vstream.name,
        "network_name": vstream.network_name,
        "direction": vstream.direction.name,
        "format": format_dict(vstream.format),
        "quant_info": quant_dict(vstream.quant),
        "frame_size_native": host_frame_bytes(vstream),
        "frame_size_float32": host_frame_bytes(vstream, "4.23", Format(FormatType.FLOAT32, vstream.format.order)),
    }
    if vstream.nms_shape:
        return facts | {"nms_shape": {name: getattr(vstream.nms_shape, name) for name in vstream.nms_shape.__slots__}}
    return facts | {"shape": shape_dict(vstream.shape)}


def op_dict(op: HostOp, group: NetworkGroup) -> dict[str, Any]:
    made = next(v for v in group.output_vstreams if v.name == op.output)
    assert isinstance(op, (NmsOp, LogitsOp))
    facts: dict[str, Any] = {
        "name": op.name,
        "type": op.kind,
        "description": ", ".join(operation_facts(op, "4.23")),
        "inputs": {
            s.name: {
                "shape": shape_dict(s.shape),
                "padded_shape": shape_dict(s.hw_shape if op.kind != "SOFTMAX" else s.shape),
                "format": format_dict(s.format),
                "quant_info": quant_dict(s.quant),
            }
            for s in group.streams
            if s.name in op.inputs
        },
        "outputs": [made.name],
    }
    if isinstance(op, NmsOp):
        facts["nms_config"] = {
            "nms_score_th": op.score_threshold,
            "nms_iou_th": op.iou_threshold,
            "max_proposals_per_class": op.max_proposals_per_class,
            "max_proposals_total": op.max_proposals_total,
            "number_of_classes": op.classes,
            "background_removal": op.background_removal,
            "background_removal_index": op.background_index,
            "bbox_only": op.bbox_only,
        }
    return facts


def known_facts(facts: Any) -> Any:
    """The truth without what the reader does not keep."""
    if isinstance(facts, dict):
        return {key: known_facts(value) for key, value in facts.items() if key not in NOT_OURS}
    return [known_facts(value) for value in facts] if isinstance(facts, list) else facts


def name_map(group: NetworkGroup) -> dict[str, Any]:
    maps = {}
    for vstream in group.vstreams:
        try:
            originals: Any = list(original_names_of(group, vstream.name))
        except HefError as error:
            originals = error.status.text
        maps[vstream.name] = {
            "original_names": originals,
            "stream_names": list(stream_names_of(group, vstream.name)),
        }
    return maps


def group_dict(group: NetworkGroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "is_multi_context": group.is_multi_context,
        "networks": [network.name for network in group.networks],
        "bottleneck_fps": group.bottleneck_fps,
        "sorted_output_names": list(group.sorted_output_names),
        "dynamic_contexts": group.contexts,
        "core_op_name": group.name,
        "input_vstream_infos": [vstream_dict(v) for v in group.input_vstreams],
        "output_vstream_infos": [vstream_dict(v) for v in group.output_vstreams],
        "input_stream_infos": [stream_dict(s) for s in group.input_streams],
        "output_stream_infos": [stream_dict(s) for s in group.output_streams],
        "layer_infos": [layer_dict(s) for d in BOTH for s in group.streams if s.direction is d],
        "post_process_ops": [op_dict(op, group) for op in group.ops],
        "vstream_name_maps": name_map(group),
    }


@each_file(opens)
def test_streams_layers_operations_and_names_are_those_of_the_library(path: Path) -> None:
    hef, truth = read_hef(path), truth_of(path)
    expected = known_facts(truth["native"]["network_groups"])
    for group in expected:
        for key in [key for key in group if key.startswith("default_")]:
            del group[key]
        for op in group["post_process_ops"]:
            op["outputs"] = list(op["outputs"])
    assert {g["name"]: g for g in map(group_dict, hef.groups)} == {g["name"]: g for g in expected}


@each_file(opens)
def test_the_header_is_that_of_the_library(path: Path) -> None:
    hef, truth = read_hef(path), truth_of(path)
    native, header = truth["native"], truth["native"]["proto_header"]
    digest = hef.header.digest if hef.header.version == 0 else hef.header.digest[::-1]
    assert (hef.header.version, hef.architecture_id, digest.hex(), hef.architectures[0]) == (
        native["hef_version"],
        native["hw_arch_proto"],
        native["hash"],
        native["hef_device_arch"],
    )
    assert (hef.compiler_text, hef.proto_version, hef.timestamp) == (
        header["sdk_version"],
        header["version"],
        header["timestamp"],
    )


@each_file(gets_an_answer)
def test_the_text_of_parse_hef_is_the_same_to_the_character(path: Path) -> None:
    truth = truth_of(path)
    for key, streams in (("parse_hef", False), ("parse_hef_streams", True)):
        expected = truth[key]
        try:
            got = {"rc": 0, "stdout": parse_hef_text(read_hef(path), streams=streams), "stderr": ""}
        except HefError as error:
            got = {"rc": error.status, "stdout": "", "stderr": parse_hef_stderr(error)}
        assert got == expected


@each_file(gets_an_answer_of_5_2)
def test_the_text_of_parse_hef_5_2_is_the_same_to_the_character(path: Path) -> None:
    expected = json.loads(answer_5_2(path).read_text())
    try:
        got = {"rc": 0, "stdout": parse_hef_text(read_hef(path, profile="5.2"), streams=True)}
    except HefError as error:
        got = {"rc": error.status, "stdout": ""}
    assert got == expected


def python_shape(vstream: VStream) -> Any:
    """``VStreamInfo.shape`` as the Python binding gives it."""
    if vstream.nms_shape:
        by_class = vstream.format.order is FormatOrder.HAILO_NMS_BY_CLASS
        nms = vstream.nms_shape
        return [nms.number_of_classes, 5, nms.max_bboxes_per_class] if by_class else None
    shape = vstream.shape
    short = {FormatOrder.NC: [shape.features], FormatOrder.NHW: [shape.height, shape.width]}
    return short.get(vstream.format.order, [shape.height, shape.width, shape.features])


def without_exceptions(value: Any) -> Any:
    return None if isinstance(value, dict) and "__exception__" in value else value


def binding_facts(truth: dict[str, Any]) -> dict[str, Any]:
    """What of the Python binding's answers the native structures do not say."""
    return {
        key: [(info["name"], without_exceptions(info.get("shape"))) for info in truth[key]]
        if "vstream" in key
        else [(info["name"], info["sys_index"], info["data_bytes"]) for info in truth[key]]
        for key in ("input_vstream_infos", "output_vstream_infos", "input_stream_infos", "output_stream_infos")
    }


def view_facts(group: NetworkGroup, network: str | None) -> dict[str, Any]:
    words = {Direction.H2D: "input", Direction.D2H: "output"}
    facts: dict[str, Any] = {}
    for direction, word in words.items():
        vstreams, streams = vstreams_of(group, direction, network), streams_of(group, direction, network)
        facts[f"{word}_vstream_infos"] = [(v.name, python_shape(v)) for v in vstreams]
        facts[f"{word}_stream_infos"] = [(s.name, s.index, s.data_bytes) for s in streams]
    return facts


@each_file(opens_in_python)
def test_getters_with_and_without_a_name_answer_like_the_binding(path: Path) -> None:
    hef, truth = read_hef(path), truth_of(path)
    python = truth["python"]
    assert [group.name for group in list_groups(hef)] == python["network_group_names"]
    default, network = find_network(hef)
    assert view_facts(default, network) == binding_facts(python["default_view (name=None)"])
    for expected in python["network_groups"]:
        group, _ = find_network(hef, expected["name"])
        assert view_facts(group, None) == binding_facts(expected)
        assert group.bottleneck_fps == expected["bottleneck_fps_raw"]
        for name, view in expected["per_network"].items():
            assert view_facts(*find_network(hef, name)) == binding_facts(view)


@each_file(opens_in_python)
def test_names_lead_back_and_forth_as_in_the_binding(path: Path) -> None:
    hef, truth = read_hef(path), truth_of(path)
    for expected in truth["python"]["network_groups"]:
        group, _ = find_network(hef, expected["name"])
        streams = expected["stream_to_vstream_names"]
        assert {name: list(vstream_names_of(group, name)) for name in streams} == streams
        for maps in expected["vstream_name_maps"].values():
            for original, back in maps["back_from_original"].items():
                try:
                    assert vstream_of_original_name(group, original) == back
                except HefError as error:
                    assert "InvalidHEF" in back["__exception__"], error
