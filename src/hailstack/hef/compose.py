"""Blueprints → the protobuf of a HEF: header, extensions, network groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import xxhash

from hailstack.errors import InputError
from hailstack.hef import features as ext
from hailstack.hef.blueprint import HefBlueprint, StreamPlan
from hailstack.hef.chips import ARCH_IDS, MULTI_LAYOUT
from hailstack.hef.compose_layers import Content, edge_layer, fused_layer
from hailstack.hef.compose_ops import EXTENSIONS, compose_ops, core_pads
from hailstack.hef.formats import Direction
from hailstack.hef.model import EMULATED_EXTENSION, NmsOp

PROTO_VERSION: Final = 5
LAYOUTS: Final = (0x33, 0xCC)
"""Clusters of a chip with half of them fused off: either half."""

NAMES: Final = {
    ext.ABBALE: "ABBALE",
    ext.PADDED_DDR: "PADDED_DDR_BUFFERS",
    ext.MULTI_CONTEXT: "IS_MULTI_CONTEXTS",
    ext.MULTI_NETWORK: "MULTI_NETWORK_VARIABLE_BATCH_SIZE",
    ext.HW_PADDING: "HW_PADDING",
    ext.RUN_ASAP: "KO_RUN_ASAP",
    ext.NET_FLOW: "HAILO_NET_FLOW",
    ext.YOLOV5: "HAILO_NET_FLOW_YOLOV5_NMS",
    ext.YOLOX: "HAILO_NET_FLOW_YOLOX_NMS",
    ext.SSD: "HAILO_NET_FLOW_SSD_NMS",
    ext.IOU: "HAILO_NET_FLOW_IOU_NMS",
    ext.NMS_BURST: "NMS_OUTPUT_BURST",
    ext.DUAL_DIRECTION: "DUAL_DIRECTION_STREAM_INDEX",
    ext.ARGMAX: "HAILO_NET_FLOW_ARGMAX",
    ext.SOFTMAX: "HAILO_NET_FLOW_SOFTMAX",
    ext.YOLOV5_SEG: "HAILO_NET_FLOW_YOLOV5_SEG_NMS",
    ext.SCALE_BY_FEATURE: "OUTPUT_SCALE_PER_FEATURE",
    ext.PERIPH_CALCULATION: "PERIPH_CALCULATION_IN_HAILORT",
    ext.YOLOV8: "HAILO_NET_FLOW_YOLOV8_NMS",
    ext.BATCH_REGISTER: "BATCH_REGISTER_CONFIG",
    ext.BBOX_DECODING: "HAILO_NET_FLOW_BBOX_DECODING",
    ext.EXTERNAL_RESOURCES: "EXTERNAL_RESOURCES",
    EMULATED_EXTENSION: "HAILSTACK_EMULATED: this HEF runs on Hailstack's emulated NPU only, not on a chip",
}
"""What the files call the extensions."""

_NUMBERS = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def compose_hef(blueprints: Sequence[HefBlueprint], resources: Mapping[str, tuple[int, bytes]]) -> Content:
    """The ``Hef`` message.

    Args:
        blueprints: one for each network group; the first one's chip and compiler count.
        resources: name → offset behind the protobuf, bytes.

    Raises:
        InputError: the blueprints contradict themselves or each other.
    """
    first = blueprints[0]
    if any(blueprint.architecture != first.architecture for blueprint in blueprints):
        message = "all network groups of a HEF are for one chip"
        raise InputError(message)
    features = _required(blueprints, resources)
    included = {"abbale": True, "padded_ddr_buffers": True, "is_multi_context": ext.MULTI_CONTEXT in features}
    return {
        "header": _header(first),
        "network_groups": [_group(blueprint, features) for blueprint in blueprints],
        "included_features": included,
        "extensions": [{"type_index": number, "name": NAMES[number]} for number in features],
        "optional_extensions": [{"type_index": n, "name": NAMES[n]} for n in (ext.MULTI_NETWORK, ext.HW_PADDING)],
        "external_resources": [
            {"offset": offset, "size": len(data), "name": name, "xxhash": xxhash.xxh3_64_intdigest(data)}
            for name, (offset, data) in resources.items()
        ],
    }


def _header(blueprint: HefBlueprint) -> Content:
    header: Content = {
        "hw_arch": _arch_id(blueprint),
        "timestamp": blueprint.timestamp,
        "sdk_version": blueprint.compiler_version,
        "version": PROTO_VERSION,
    }
    numbers = _NUMBERS.search(blueprint.compiler_version)
    if numbers and int(numbers[1]) >= 5:  # older compilers wrote the text only
        header["sdk_numbers"] = dict(zip(("major", "minor", "revision"), map(int, numbers.groups()), strict=True))
    return header


def _arch_id(blueprint: HefBlueprint) -> int:
    if blueprint.architecture not in ARCH_IDS:
        message = f"{blueprint.architecture!r} is no chip; there are {', '.join(ARCH_IDS)}"
        raise InputError(message)
    return ARCH_IDS[blueprint.architecture]


def _all_streams(streams: Iterable[StreamPlan]) -> Iterable[StreamPlan]:
    for stream in streams:
        yield stream
        yield from _all_streams((*stream.predecessors, *stream.planes))


def _required(blueprints: Sequence[HefBlueprint], resources: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers of the extensions without which the file cannot be understood."""
    streams = [s for blueprint in blueprints for s in _all_streams(blueprint.streams)]
    ops = [op for blueprint in blueprints for op in blueprint.ops]
    conditions = {
        ext.ABBALE: True,
        ext.PADDED_DDR: True,
        ext.PERIPH_CALCULATION: True,
        ext.RUN_ASAP: True,
        ext.MULTI_CONTEXT: any(_contexts(blueprint) > 1 for blueprint in blueprints),
        ext.DUAL_DIRECTION: not blueprints[0].architecture.startswith("HAILO8"),
        ext.BATCH_REGISTER: not blueprints[0].architecture.startswith("HAILO8"),
        ext.NET_FLOW: bool(ops),
        ext.BBOX_DECODING: any(isinstance(op, NmsOp) and op.bbox_only for op in ops),
        ext.NMS_BURST: any(s.nms is not None and s.nms.burst_type >= 2 for s in streams),
        ext.SCALE_BY_FEATURE: any(len(s.quants) > 1 for s in streams),
        ext.EXTERNAL_RESOURCES: bool(resources),
    }
    numbers = [number for number, needed in conditions.items() if needed]
    numbers += [EXTENSIONS[kind] for kind in dict.fromkeys(op.kind for op in ops) if kind in EXTENSIONS]
    return (*numbers, EMULATED_EXTENSION) if any(b.emulated for b in blueprints) else tuple(numbers)


def _contexts(blueprint: HefBlueprint) -> int:
    return max([blueprint.contexts, *(stream.context_index + 1 for stream in blueprint.streams)])


def _group(blueprint: HefBlueprint, features: Sequence[int]) -> Content:
    """A ``NetworkGroup``: with host operations the core is one operation among them, and the outer group names it."""
    core = _core(blueprint, per_feature=ext.SCALE_BY_FEATURE in features)
    name = {"group_name": blueprint.group_name}
    if ext.NET_FLOW not in features:
        return _with_layouts(core, blueprint) | name
    pads = core_pads(blueprint.streams, blueprint.ops)
    ops, edges = compose_ops(blueprint.ops, pads, {s.name: s for s in blueprint.streams})
    outputs = [{"index": number, "name": stream} for stream, number in pads.items()]
    core_op = {"name": blueprint.group_name, "output_pads": outputs, "core_op": _with_layouts(core, blueprint)}
    outer = _with_layouts(_outline(core), blueprint)
    return outer | {"ops": [core_op, *ops], "pad_edges": edges} | name


def _outline(core: Content) -> Content:
    named = ("metadata", "sorted_outputs", "networks_names", "fused")
    return {field: core[field] for field in named if field in core}


def _with_layouts(core: Content, blueprint: HefBlueprint) -> Content:
    if _arch_id(blueprint) not in MULTI_LAYOUT:
        return core
    return _outline(core) | {"partials": [{"core": core, "layout": {"bitmap": bitmap}} for bitmap in LAYOUTS]}


def _core(blueprint: HefBlueprint, *, per_feature: bool) -> Content:
    if not blueprint.streams:
        message = f"network group {blueprint.group_name!r} has no streams"
        raise InputError(message)
    names = sorted_names(blueprint)
    content: Content = {
        "metadata": {
            "name": blueprint.group_name,
            "bottleneck_fps": blueprint.bottleneck_fps,
            "config_channels": 1,
            "latency_s": blueprint.latency_ms / 1000,
        },
        "preliminary_config": {},
        "contexts": [_context(blueprint, index, per_feature) for index in range(_contexts(blueprint))],
        "sorted_outputs": names,
        "networks_names": blueprint.network_names or (blueprint.group_name,),
    }
    fused = _fused_layers(blueprint.streams)
    if fused:
        content["fused"] = {"has_fused": True, "sorted_outputs": names, "layers": fused}
    return content


def _context(blueprint: HefBlueprint, index: int, per_feature: bool) -> Content:
    pads = core_pads(blueprint.streams, blueprint.ops)
    counts = dict.fromkeys(Direction, 0)
    edges = []
    for stream in blueprint.streams:
        edge = edge_layer(
            stream, per_feature=per_feature, pad_index=pads.get(stream.name), index=counts[stream.direction]
        )
        counts[stream.direction] += max(len(stream.planes), 1)
        if stream.context_index == index:
            edges.append(edge)
    name = f"{blueprint.group_name}_context_{index}"
    return {"index": index, "metadata": {"name": name, "edge_layers": edges}}


def _fused_layers(streams: Iterable[StreamPlan]) -> list[Content]:
    parts: dict[str, list[str]] = {}
    wholes: dict[str, StreamPlan] = {}
    for stream in streams:
        if stream.fused is not None:
            wholes[stream.fused.name] = stream.fused
            parts.setdefault(stream.fused.name, []).append(stream.name)
    return [fused_layer(whole, parts[name]) for name, whole in wholes.items()]


def sorted_names(blueprint: HefBlueprint) -> tuple[str, ...]:
    """The names of the output virtual streams, in the order in which programs get them."""
    if blueprint.sorted_output_names:
        return blueprint.sorted_output_names
    consumed = {name for op in blueprint.ops for name in op.inputs}
    outputs = [s for s in blueprint.streams if s.direction is Direction.D2H and s.name not in consumed]
    names = [name for stream in outputs for name in _vstream_names(stream)]
    return tuple(dict.fromkeys([*names, *(op.output for op in blueprint.ops)]))


def _vstream_names(stream: StreamPlan) -> list[str]:
    if stream.predecessors:
        return [name for part in stream.predecessors for name in _vstream_names(part)]
    return [stream.fused.name if stream.fused else stream.name]
