"""Edge layers of a HEF → streams: shapes, formats, quantisation, mux, planes, the chip's own NMS.

Rules and refusals are those of HailoRT's ``HefUtils::fill_layer_info`` and its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from hailstack.errors import Status
from hailstack.hef.chips import PERIPH_LIMIT_HAILO1X, periph_limit
from hailstack.hef.features import Features
from hailstack.hef.formats import Direction, Format, FormatFlags, FormatOrder, FormatType, Shape
from hailstack.hef.model import Stream
from hailstack.hef.node import Node
from hailstack.hef.onchip_nms import nms_frame_bytes, nms_host_shape, read_nms_info
from hailstack.hef.quantisation import NO_QUANT, read_quants
from hailstack.hef.refusal import IN_LAYER, IN_LAYER_BASE, IN_NETWORK, Refusal, invalid

MAX_NAME: Final = 127
"""Bytes of a layer's, network's or group's name."""

DEVICE_ORDERS: Final = {
    0: FormatOrder.NHWC,
    1: FormatOrder.NHCW,
    2: FormatOrder.NC,
    3: FormatOrder.FCR,
    4: FormatOrder.BAYER_RGB,
    5: FormatOrder.NHW,
    6: FormatOrder.HAILO_NMS_ON_CHIP,
    7: FormatOrder.F8CR,
    8: FormatOrder.RGB888,
    11: FormatOrder.YUY2,
    13: FormatOrder.NHWC,
    14: FormatOrder.YYUV,
    15: FormatOrder.YYVU,
    16: FormatOrder.YYYYUV,
}
"""The compiler's number for a memory order → the runtime's."""
PLANE_ORDERS: Final = {0: FormatOrder.NV12, 1: FormatOrder.NV21, 2: FormatOrder.I420}
INFO, MUX, PLANES = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a layer stands."""

    features: Features
    group_name: str
    transposed: bool
    networks: tuple[str, ...]
    has_fused: bool
    fused: Mapping[str, Node]
    """What defused NMS layers make up, by name."""
    context_index: int


@dataclass(frozen=True, slots=True)
class _Place:
    """One edge layer's share of its surroundings."""

    around: Surroundings
    direction: Direction
    network_index: int
    network_name: str
    in_mux: bool = False


def read_edge_layer(edge: Node, around: Surroundings) -> Stream:
    """The stream of a boundary layer.

    Raises:
        Refusal: its content contradicts itself, or is of a kind that the runtime does not know.
    """
    direction = Direction.D2H if edge.integer("direction") == 1 else Direction.H2D
    index = edge.integer("network_index") & 0xFF if around.features.multi_network else 0
    place = _Place(around, direction, index, _network_name(around, index))
    stream = _read_by_type(edge, place)
    return replace(stream, pad_index=edge.integer("pad_index") if edge.has("pad_index") else None)


def _network_name(around: Surroundings, index: int) -> str:
    if not around.features.multi_network:
        return f"{around.group_name}/{around.group_name}"
    if index >= len(around.networks):
        count = len(around.networks)
        log = f"Requested name for network_index={index}, however there are only {count} networks in the network group"
        problem = f"a layer belongs to network {index}, but the group {around.group_name!r} has {count}"
        raise Refusal(problem, Status.INVALID_ARGUMENT, log, IN_NETWORK)
    partial = around.networks[index]
    if len(partial.encode()) > MAX_NAME:
        raise _too_long("network", partial)
    return f"{around.group_name}/{partial}"


def _read_by_type(edge: Node, place: _Place) -> Stream:
    kind = edge.integer("type")
    if kind == INFO:
        return _read_info(edge.node("info"), place)
    if kind == MUX:
        return _read_mux(edge.node("mux"), place)
    if kind == PLANES:
        return _read_planes(edge.node("planes"), place)
    problem = f"an edge layer has the unknown type {kind}"
    raise _internal(problem, "Invalid layer type", IN_NETWORK)


def _internal(problem: str, log: str, depth: int = IN_LAYER) -> Refusal:
    return Refusal(problem, Status.INTERNAL_FAILURE, log, depth, check=False)


def _too_long(what: str, name: str) -> Refusal:
    log = f"The {what} '{name}' has a too long name (max is HAILO_MAX_STREAM_NAME_SIZE)"
    return _internal(f"the name of the {what} {name[:40]!r}... is longer than {MAX_NAME} bytes", log)


def _checked_name(name: str) -> str:
    if len(name.encode()) > MAX_NAME:
        raise _too_long("edge layer", name)
    return name


def _read_info(info: Node, place: _Place) -> Stream:
    name = _checked_name(info.text("name"))
    stream = _read_base(info.node("base"), name, info.flag("transposed"), place)
    quant, quants = read_quants(info.node("numeric"), stream, place.around.features)
    stream = replace(stream, quant=quant, quants=quants, original_names=info.texts("original_names"))
    if place.around.has_fused and stream.nms is not None and stream.nms.is_defused:
        return replace(stream, fused_nms=_read_fused(stream, place))
    return stream


def _read_base(base: Node, name: str, transposed: bool, place: _Place) -> Stream:
    features = place.around.features
    order = _device_order(base)
    if base.flag("host_argmax"):
        log = "Using legacy implementation of Argmax in host. Please re-compile your model with latest DFC version"
        problem = f"layer {name!r} wants an obsolete argmax on the host; compile the model anew"
        raise Refusal(problem, Status.HEF_NOT_SUPPORTED, log, IN_LAYER, check=False)
    swap = (place.around.transposed or transposed) and order is not FormatOrder.NC
    shape = _host_shape(base, order)
    data_bytes = base.integer("data_bytes")
    device = Format(_device_type(data_bytes, name), order, FormatFlags.TRANSPOSED if swap else FormatFlags.NONE)
    row_limit = _row_limit(base, features, name)
    padded_by_chip = not place.in_mux and _chip_pads(base, order, shape, row_limit, features)
    _check_transfer_numbers(base, name)
    hw_shape = shape if padded_by_chip else _padded_shape(base)
    nms = None
    if order is FormatOrder.HAILO_NMS_ON_CHIP:
        nms, hw_shape = read_nms_info(base.node("additional").node("nms"), name, features), Shape(0, 0, 0)
        _checked_name(nms.defuse_original_name)
    return Stream(
        name=name,
        network_name=place.network_name,
        direction=place.direction,
        index=base.integer("sys_index"),
        format=device,
        shape=_swapped(shape) if swap else shape,
        hw_shape=hw_shape,
        data_bytes=data_bytes,
        frame_bytes=nms_frame_bytes(nms) if nms else _frame_bytes(hw_shape, data_bytes, name),
        quant=NO_QUANT,
        quants=(),
        nms=nms,
        context_index=place.around.context_index,
        network_index=place.network_index,
    )


def _device_order(base: Node) -> FormatOrder:
    code = base.integer("format")
    if code not in DEVICE_ORDERS:
        log = f"Invalid compiler_format_order ({code})"
        problem = f"a layer has the unknown memory order {code}"
        raise _internal(problem, log, IN_LAYER_BASE)
    return DEVICE_ORDERS[code]


def _device_type(data_bytes: int, name: str) -> FormatType:
    if data_bytes not in (1, 2):
        problem = f"layer {name!r} has {data_bytes} bytes an element; 1 and 2 exist"
        raise Refusal(problem, Status.INVALID_ARGUMENT, depth=IN_LAYER_BASE)
    return FormatType.UINT8 if data_bytes == 1 else FormatType.UINT16


def _host_shape(base: Node, order: FormatOrder) -> Shape:
    if order is not FormatOrder.HAILO_NMS_ON_CHIP:
        return Shape(base.integer("height"), base.integer("width"), base.integer("features"))
    return nms_host_shape(base.node("additional").node("nms"))


def _padded_shape(base: Node) -> Shape:
    return Shape(base.integer("padded_height"), base.integer("padded_width"), base.integer("padded_features"))


def _swapped(shape: Shape) -> Shape:
    return Shape(shape.width, shape.height, shape.features)


def _row_limit(base: Node, features: Features, name: str) -> int:
    limit = PERIPH_LIMIT_HAILO1X if features.profile.every_chip_has_small_periph else periph_limit(features.arch_id)
    if limit is None:
        problem = f"layer {name!r} is for a chip nobody knows: hw_arch {features.arch_id}"
        log = "Unknown device architecture!"
        raise Refusal(problem, Status.INVALID_ARGUMENT, log, IN_LAYER_BASE, check=False)
    return min(limit, base.integer("max_shmifo_size") or limit)


def _chip_pads(base: Node, order: FormatOrder, shape: Shape, row_limit: int, features: Features) -> bool:
    """Whether the chip itself adds and removes the padding, as in files from before the HW_PADDING extension."""
    if features.padding_by_compiler or order is not FormatOrder.NHCW:
        return False
    row = shape.width * shape.features
    fits = row * base.integer("data_bytes") < row_limit
    return fits and row % 8 == 0 and base.integer("core_buffers_per_frame") & 0xFFFF == shape.height


def _check_transfer_numbers(base: Node, name: str) -> None:
    for field in ("core_bytes_per_buffer", "core_buffers_per_frame"):
        if base.integer(field) > 0xFFFF:
            problem = f"layer {name!r}: {field} is {base.integer(field)}"
            raise invalid(problem, f"{field} is too big", IN_LAYER_BASE)
    for field in ("sys_index", "engine_id"):
        if base.integer(field) > 0xFF:
            log = f"Failed to parse HEF. Invalid {field}: {base.integer(field)}."
            problem = f"layer {name!r}: {field} is {base.integer(field)}"
            raise invalid(problem, log, IN_LAYER)


def _frame_bytes(hw_shape: Shape, data_bytes: int, name: str) -> int:
    size = hw_shape.size * data_bytes
    if size >> 32:
        problem = f"layer {name!r}: a frame of {hw_shape} has {size} bytes"
        raise invalid(problem, "padded shape too big", IN_LAYER_BASE)
    return size + -size % 8


def _read_fused(stream: Stream, place: _Place) -> Stream:
    assert stream.nms is not None
    wanted = stream.nms.defuse_original_name
    fused = place.around.fused.get(wanted)
    if fused is None:
        problem = f"layer {stream.name!r} is a part of {wanted!r}, which is not in the file"
        raise Refusal(problem, Status.NOT_FOUND, f"Could not find the fused layer {wanted}", IN_LAYER)
    base, nms_node = fused.node("info").node("base"), fused.node("nms")
    nms = read_nms_info(nms_node, wanted, place.around.features)
    data_bytes = base.integer("data_bytes")
    return replace(
        stream,
        name=_checked_name(wanted),
        index=0,
        format=Format(_device_type(data_bytes, wanted), _device_order(base)),
        shape=nms_host_shape(nms_node),
        data_bytes=data_bytes,
        frame_bytes=nms_frame_bytes(nms),
        nms=nms,
        quants=(stream.quant,),
        original_names=(),
    )


def _read_mux(mux: Node, place: _Place) -> Stream:
    name = _checked_name(mux.text("name"))
    inside = replace(place, in_mux=True)
    stream = _read_base(mux.node("base"), name, transposed=False, place=inside)
    data, edges = mux.node("data"), mux.nodes("predecessors")
    if data.integer("predecessors") > len(edges) or not edges:
        problem = f"mux {name!r} announces {data.integer('predecessors')} layers and holds {len(edges)}"
        raise invalid(problem, "Invalid layer type", IN_LAYER)
    predecessors = tuple(_read_predecessor(edge, inside) for edge in edges[: data.integer("predecessors")])
    return replace(
        stream,
        is_mux=True,
        predecessors=predecessors,
        height_gcd=data.integer("height_gcd"),
        height_ratios=data.integers("height_ratios"),
        original_names=mux.texts("original_names"),
    )


def _read_predecessor(edge: Node, place: _Place) -> Stream:
    kind = edge.which("edge")
    if kind == "info":
        return _read_info(edge.node("info"), place)
    if kind == "mux":
        return _read_mux(edge.node("mux"), place)
    raise _internal("a mux carries something that is not a layer", "Invalid layer type")


def _read_planes(planes: Node, place: _Place) -> Stream:
    name = _checked_name(planes.text("name"))
    shape = Shape(planes.integer("height"), planes.integer("width"), planes.integer("features"))
    if planes.integer("format") not in PLANE_ORDERS:
        problem = f"input {name!r} has planes in an unknown arrangement"
        raise invalid(problem, "Invalid planes format", IN_LAYER)
    if any(edge.which("edge") != "info" for edge in planes.nodes("planes")) or not planes.count("planes"):
        log = "Invalid layer type - only info layers are acceptible under a planes layer"
        problem = f"input {name!r} has planes that are not layers"
        raise _internal(problem, log)
    parts = tuple(_read_info(edge.node("info"), place) for edge in planes.nodes("planes"))
    if len({part.data_bytes for part in parts}) > 1:
        log = f"Not all underlying layers of {name} has the same format type"
        problem = f"input {name!r} has planes of different types"
        raise invalid(problem, log, IN_LAYER)
    return Stream(
        name=name,
        network_name=place.network_name,
        direction=place.direction,
        index=0,
        format=Format(parts[0].format.type, PLANE_ORDERS[planes.integer("format")]),
        shape=shape,
        hw_shape=shape,
        data_bytes=parts[0].data_bytes,
        frame_bytes=sum(part.frame_bytes for part in parts),
        quant=NO_QUANT,
        quants=(NO_QUANT,),
        planes=parts,
        context_index=place.around.context_index,
        network_index=place.network_index,
    )
