"""What the chip's own NMS writes: its numbers, their limits, the size of a frame."""

from __future__ import annotations

from typing import Final

from hailstack.errors import Status
from hailstack.hef.chips import nms_generation
from hailstack.hef.features import Features
from hailstack.hef.formats import Shape
from hailstack.hef.model import NmsInfo
from hailstack.hef.node import Node
from hailstack.hef.refusal import IN_LAYER_BASE, Refusal, invalid

BBOX_VALUES: Final = 5
MAX_BURST_BYTES: Final = 65536
MAX_DEFUSED_LAYERS: Final = 9


def read_nms_info(nms: Node, name: str, features: Features) -> NmsInfo:
    """What the chip's own NMS writes.

    Raises:
        Refusal: the burst type does not fit the chip, or the numbers are out of range.
    """
    classes, per_class = nms.integer("classes") & 0xFFFFFFFF, nms.integer("max_output_size") & 0xFFFFFFFF
    defuse = nms.node("defuse")
    info = NmsInfo(
        number_of_classes=classes,
        max_bboxes_per_class=per_class,
        max_bboxes_total=classes * per_class & 0xFFFFFFFF,
        bbox_size=nms.integer("bbox_size") & 0xFFFFFFFF,
        chunks_per_frame=nms.integer("division_factor") & 0xFFFFFFFF or 1,
        is_defused=nms.flag("is_defused"),
        defuse_class_group_index=defuse.integer("class_group_index") & 0xFFFFFFFF,
        defuse_original_name=defuse.text("original_name"),
        burst_size=nms.integer("burst_size") if features.nms_burst else 1,
        burst_type=_burst_type(nms.integer("burst_type"), name, features),
    )
    _check_nms_numbers(info, name, features)
    return info


def _burst_type(burst_type: int, name: str, features: Features) -> int:
    """``hailo_nms_burst_type_t``: 0 and 1 without bursts (first, second NMS unit), 2 to 4 the burst kinds."""
    generation = nms_generation(features.arch_id)
    if not features.nms_burst and burst_type:
        log = f"Invalid HEF, nms burst extension is disabled yet burst type {burst_type} is not zero"
        problem = f"layer {name!r} has NMS bursts, but the file does not announce them"
        raise invalid(problem, log, IN_LAYER_BASE)
    if not generation:
        log = f"Not supported hef arch {features.arch_id}"
        problem = f"layer {name!r} is an NMS for a chip without one"
        raise Refusal(
            problem,
            Status.INTERNAL_FAILURE,
            log,
            IN_LAYER_BASE,
            check=False,
        )
    if not features.nms_burst:
        return 0 if generation == 1 else 1
    allowed = (1,) if generation == 1 else (2, 3)
    if burst_type not in allowed:
        log = f"Unsupported burst type was given {burst_type} for arch {features.arch_id}"
        problem = f"layer {name!r}: this chip has no NMS burst type {burst_type}"
        raise invalid(problem, log, IN_LAYER_BASE)
    return burst_type + 1


def _check_nms_numbers(info: NmsInfo, name: str, features: Features) -> None:
    burst = info.burst_size * info.bbox_size
    if burst > MAX_BURST_BYTES and features.nms_burst:
        log = f"Invalid HEF, nms burst size {burst} larger than maximum burst size {MAX_BURST_BYTES}"
        problem = f"layer {name!r}: an NMS burst has {burst} bytes"
        raise invalid(problem, log, IN_LAYER_BASE)
    if info.defuse_class_group_index >= MAX_DEFUSED_LAYERS:
        log = f"class_group_index from HEF is bigger than {MAX_DEFUSED_LAYERS}!"
        problem = f"layer {name!r}: class group {info.defuse_class_group_index}"
        raise invalid(problem, log, IN_LAYER_BASE)
    if nms_frame_bytes(info) >> 32:
        problem = f"layer {name!r}: an NMS frame has {nms_frame_bytes(info)} bytes"
        raise invalid(problem, "", IN_LAYER_BASE)


def nms_frame_bytes(info: NmsInfo) -> int:
    """The most bytes that the chip's NMS writes for one frame (``HailoRTCommon::get_nms_hw_frame_size``)."""
    per_class = 2 + info.bbox_size * max(info.burst_size, info.max_bboxes_per_class)
    return info.chunks_per_frame * info.number_of_classes * per_class + info.bbox_size * info.burst_size


def nms_host_shape(nms: Node) -> Shape:
    """Classes, values a box, boxes a class over all chunks."""
    boxes = nms.integer("max_output_size") * nms.integer("division_factor")
    return Shape(nms.integer("classes") & 0xFFFFFFFF, BBOX_VALUES, boxes & 0xFFFFFFFF)
