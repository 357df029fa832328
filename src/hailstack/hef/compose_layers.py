"""Stream plans → the edge layers of a HEF, field by field as the vendor's compiler writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hailstack.errors import InputError
from hailstack.hef.blueprint import StreamPlan
from hailstack.hef.formats import Direction, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.layers import DEVICE_ORDERS, INFO, MUX, PLANE_ORDERS, PLANES
from hailstack.hef.model import NmsInfo
from hailstack.hef.quantisation import NMS_QUANTS

Content = dict[str, Any]
"""Field name → value, as :func:`~hailstack.hef.node.encode` takes it."""

ORDER_CODES: Final[Mapping[FormatOrder, int]] = {order: code for code, order in reversed(DEVICE_ORDERS.items())}
PLANE_CODES: Final[Mapping[FormatOrder, int]] = {order: code for code, order in PLANE_ORDERS.items()}
MAX_CORE_BYTES: Final = 0xFFF8
NO_CACHE: Final = {"index": 0, "cluster_index": 0}


def edge_layer(plan: StreamPlan, *, per_feature: bool, pad_index: int | None, index: int) -> Content:
    """The ``EdgeLayer`` of a plan.

    Args:
        per_feature: whether the file has a scale for each feature of each layer.
        pad_index: the core's output pad, if host operations need one.
        index: the DMA stream index, unless the plan has its own.

    Raises:
        InputError: the plan has an order or shape that no chip has.
    """
    kind, field, content = _layer(plan, per_feature, index)
    edge: Content = {
        "direction": int(plan.direction),
        "type": kind,
        field: content,
        "context_switch": {"context_index": plan.context_index},
        "network_index": plan.network_index,
    }
    return edge if pad_index is None else edge | {"pad_index": pad_index}


def _layer(plan: StreamPlan, per_feature: bool, index: int) -> tuple[int, str, Content]:
    if plan.predecessors:
        return MUX, "mux", _mux(plan, per_feature, index)
    if plan.planes:
        return PLANES, "planes", _planes(plan, per_feature, index)
    return INFO, "info", _info(plan, per_feature, index)


def _info(plan: StreamPlan, per_feature: bool, index: int) -> Content:
    return {
        "name": plan.name,
        "base": _base(plan, index),
        "numeric": _numeric(plan, per_feature),
        "hn_name": plan.name,
        "original_names": plan.original_names,
        "transposed": plan.transposed,
    }


def _mux(plan: StreamPlan, per_feature: bool, index: int) -> Content:
    parts = [_layer(part, per_feature, index) for part in plan.predecessors]
    return {
        "name": plan.name,
        "base": _base(plan, index),
        "data": {
            "predecessors": len(parts),
            "height_gcd": plan.height_gcd,
            "height_ratios_length": len(plan.height_ratios),
            "height_ratios": plan.height_ratios,
        },
        "hn_name": plan.name,
        "predecessors": [{field: content} for _, field, content in parts],
        "original_names": plan.original_names,
    }


def _planes(plan: StreamPlan, per_feature: bool, index: int) -> Content:
    if plan.order not in PLANE_CODES:
        message = (
            f"stream {plan.name!r} has planes, but its order is {plan.order.name}; NV12, NV21 and I420 have planes"
        )
        raise InputError(message)
    return {
        "name": plan.name,
        "format": PLANE_CODES[plan.order],
        "planes": [{"info": _info(part, per_feature, index + at)} for at, part in enumerate(plan.planes)],
        "height": plan.shape.height,
        "width": plan.shape.width,
        "features": plan.shape.features,
    }


def _base(plan: StreamPlan, index: int) -> Content:
    if plan.order not in ORDER_CODES:
        message = f"stream {plan.name!r}: no chip has the memory order {plan.order.name}"
        raise InputError(message)
    unpadded = Shape(plan.shape.width, plan.shape.height, plan.shape.features) if plan.transposed else plan.shape
    padded = plan.hw_shape or unpadded
    data_bytes = 2 if plan.type is FormatType.UINT16 else 1
    if plan.nms is not None:
        unpadded = padded = Shape(1, 1, plan.nms.bbox_size)
    base = {
        "height": unpadded.height,
        "padded_height": padded.height,
        "width": unpadded.width,
        "padded_width": padded.width,
        "features": unpadded.features,
        "padded_features": padded.features,
        "format": ORDER_CODES[plan.order],
        "sys_index": index if plan.index is None else plan.index,
        "data_bytes": data_bytes,
        "buffer_indices": [NO_CACHE],
        **_transfer(plan.name, padded, data_bytes),
    }
    return base if plan.nms is None else base | {"additional": {"nms": nms_info(plan.nms)}}


def _transfer(name: str, shape: Shape, data_bytes: int) -> dict[str, int]:
    """How the core hands a frame over: row by row, or in even pieces where a row is too long."""
    row = shape.width * shape.features * data_bytes
    buffers = shape.height
    if max(row >> 16, buffers >> 16):
        row = MAX_CORE_BYTES
        buffers = -(-shape.size * data_bytes // row)
    if buffers >> 16:
        message = f"stream {name!r}: a frame of {shape} is too large for a chip"
        raise InputError(message)
    return {"core_bytes_per_buffer": row, "core_buffers_per_frame": buffers}


def nms_info(nms: NmsInfo) -> Content:
    """The ``NmsInfo`` of a stream that the chip's own NMS writes."""
    bursts = nms.burst_type >= 2
    return {
        "classes": nms.number_of_classes,
        "max_output_size": nms.max_bboxes_per_class,
        "bbox_size": nms.bbox_size,
        "is_defused": nms.is_defused,
        "defuse": {
            "class_group_index": nms.defuse_class_group_index,
            "original_name": nms.defuse_original_name,
        },
        "division_factor": nms.chunks_per_frame,
        "burst_size": nms.burst_size if bursts else 0,
        "burst_type": nms.burst_type - 1 if bursts else 0,
    }


def _numeric(plan: StreamPlan, per_feature: bool) -> Content:
    quant = plan.quant
    scalar = {
        "zp": quant.zp,
        "scale": quant.scale,
        "limvals_min": quant.limvals_min,
        "limvals_max": quant.limvals_max,
    }
    if not per_feature:
        return scalar
    quants = _quants(plan)
    lists = {"zps": [q.zp for q in quants], "scales": [q.scale for q in quants]}
    limits = {"limvals_min": quants[0].limvals_min, "limvals_max": quants[0].limvals_max} if quants else {}
    return scalar | lists | limits


def _quants(plan: StreamPlan) -> Sequence[QuantInfo]:
    count = NMS_QUANTS if plan.nms is not None else plan.shape.features
    quants = plan.quants or (plan.quant,)
    if len(quants) == 1:
        return quants * count
    if len(quants) != count:
        message = f"stream {plan.name!r} has {len(quants)} scales for {count} features"
        raise InputError(message)
    if plan.direction is Direction.H2D and len(set(quants)) > 1:
        message = f"input {plan.name!r} has several scales; inputs have one"
        raise InputError(message)
    return quants


def fused_layer(fused: StreamPlan, parts: Sequence[str]) -> Content:
    """The ``FusedLayer`` which a defused NMS makes up."""
    if fused.nms is None:
        message = f"stream {fused.name!r} is made of defused NMS streams, but has no NMS itself"
        raise InputError(message)
    info = {"name": fused.name, "base": _base(fused, 0), "hn_name": fused.name}
    return {"info": info, "defused_names": parts, "nms": nms_info(fused.nms)}
