"""Operations that the host library runs behind the chip: NMS with box decoding, argmax, softmax.

Rules and refusals are those of HailoRT's ``create_ops_metadata`` and the ``validate_params`` of each operation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from hailstack.errors import Status
from hailstack.hef.features import Features
from hailstack.hef.formats import FormatOrder, FormatType
from hailstack.hef.model import AnchorDecoder, HostOp, LogitsOp, NmsOp, RegClsDecoder, Stream
from hailstack.hef.node import Node
from hailstack.hef.pads import Wiring
from hailstack.hef.quantisation import as_float32
from hailstack.hef.refusal import IN_OP, IN_OPS, Refusal, invalid

OP_NAMES: Final = {
    "YOLOV5": "YOLOv5-Post-Process",
    "YOLOV5SEG": "YOLOv5Seg-Post-Process",
    "YOLOV8": "YOLOV8-Post-Process",
    "YOLOX": "YOLOX-Post-Process",
    "SSD": "SSD-Post-Process",
    "IOU": "IoU-Post-Process",
    "ARGMAX": "Argmax-Post-Process",
    "SOFTMAX": "Softmax-Post-Process",
}
BBOX_ONLY_NAMES: Final = {"YOLOV5": "YOLOv5Bbox-Only-Post-Process", "YOLOV8": "YOLOv8Bbox-Only-Post-Process"}
SSD_COORDINATES: Final = (0, 1, 2, 3)

_Details = tuple[str, dict[str, Any]]


def op_name(kind: str, *, bbox_only: bool = False) -> str:
    """What the library calls an operation."""
    return BBOX_ONLY_NAMES.get(kind, OP_NAMES[kind]) if bbox_only else OP_NAMES[kind]


def read_op(op: Node, wiring: Wiring, features: Features) -> HostOp | None:
    """The host operation of an ``Op`` message; None for the chip's own part.

    Raises:
        Refusal: it is wired wrongly, of an unknown kind, or contradicts its inputs.
    """
    kind = op.which("op")
    if kind == "core_op":
        return None
    if kind == "nms_op":
        return _read_nms(op, wiring, features)
    if kind == "logits_op":
        return _read_logits(op, wiring)
    problem = f"operation {op.text('name')!r} is of a kind this library does not know"
    raise Refusal(problem, Status.INTERNAL_FAILURE, "Unsupported Net-Flow Op", IN_OPS, check=False)


def output_pad(op: Node) -> Node:
    """The pad on which the operation gives its result.

    Raises:
        Refusal: it has none.
    """
    pads = op.nodes("output_pads")
    if not pads:
        problem = f"operation {op.text('name')!r} has no output"
        raise invalid(problem, "", IN_OPS)
    return pads[0]


def _read_logits(op: Node, wiring: Wiring) -> LogitsOp:
    for what, count in (("input", op.count("input_pads")), ("output", op.count("output_pads"))):
        if count != 1:
            log = f"Logits op must have 1 {what} only"
            problem = f"operation {op.text('name')!r} has {count} {what}s instead of one"
            raise invalid(problem, log, IN_OP)
    kind = op.node("logits_op").integer("type")
    if kind not in (0, 1):
        problem = f"logits operation {kind} is unknown"
        raise Refusal(problem, Status.INTERNAL_FAILURE, depth=IN_OP)
    name = "SOFTMAX" if kind else "ARGMAX"
    inputs = tuple(stream.name for stream in wiring.inputs_of(op))
    pad = output_pad(op)
    return LogitsOp(op_name(name), pad.text("name"), inputs, name, *_pad_format(pad))


def _pad_format(pad: Node) -> tuple[FormatType, FormatOrder]:
    try:
        return FormatType(pad.integer("format_type")), FormatOrder(pad.integer("format_order"))
    except ValueError as error:
        problem = f"output pad {pad.text('name')!r} has an unknown format"
        raise invalid(problem, "", IN_OP) from error


def _read_nms(op: Node, wiring: Wiring, features: Features) -> NmsOp:
    inputs = wiring.inputs_of(op)
    nms = op.node("nms_op")
    variant = nms.which("nms")
    if variant not in _READERS:
        problem = f"operation {op.text('name')!r} is an NMS of an unknown kind"
        raise Refusal(problem, Status.INTERNAL_FAILURE, "Unsupported Net-Flow NMS-Op", IN_OPS, check=False)
    kind, details = _READERS[variant](nms.node(variant), wiring, op.text("name"))
    classes, per_class = nms.integer("classes"), nms.integer("max_proposals_per_class")
    read = NmsOp(
        name=op_name(kind, bbox_only=nms.flag("bbox_only")),
        output=output_pad(op).text("name"),
        inputs=tuple(stream.name for stream in inputs),
        kind=kind,
        score_threshold=as_float32(nms.real("score_threshold")),
        iou_threshold=as_float32(nms.real("iou_threshold")),
        classes=classes,
        max_proposals_per_class=per_class,
        max_proposals_total=classes * per_class & 0xFFFFFFFF,
        background_removal=nms.flag("background_removal"),
        background_index=nms.integer("background_index"),
        bbox_only=nms.flag("bbox_only"),
        **details,
    )
    _check(read, {stream.name: stream for stream in inputs})
    return _with_mask_room(read, features)


def _with_mask_room(op: NmsOp, features: Features) -> NmsOp:
    if op.kind != "YOLOV5SEG":
        return op
    pixels = op.image_height * op.image_width
    room = pixels * features.profile.bytes_per_detection_mask
    if not 0 <= room < 1 << 32:
        problem = f"{op.name}: an image of {op.image_height} x {op.image_width} pixels"
        raise invalid(problem, "", IN_OP)
    return dataclasses.replace(op, max_accumulated_mask_size=int(room))


def _image(node: Node) -> dict[str, float]:
    return {
        "image_height": as_float32(node.real("image_height")),
        "image_width": as_float32(node.real("image_width")),
    }


def _anchors(decoders: Iterable[Node], wiring: Wiring, op: str) -> tuple[AnchorDecoder, ...]:
    read = []
    for decoder in decoders:
        heights, widths = decoder.integers("h"), decoder.integers("w")
        if len(heights) != len(widths):
            log = f"YOLOv5 height anchors count {len(heights)} doesn't mach the width anchors count {len(widths)}"
            problem = f"{op!r}: {len(heights)} anchor heights, {len(widths)} widths"
            raise invalid(problem, log, IN_OP + 1)
        stream = wiring.stream_at(decoder.integer("pad_index"), op).name
        read.append(AnchorDecoder(stream, decoder.integer("stride"), widths, heights))
    return tuple(read)


def _read_yolov5(node: Node, wiring: Wiring, op: str) -> _Details:
    return "YOLOV5", {**_image(node), "anchor_decoders": _anchors(node.nodes("decoders"), wiring, op)}


def _read_yolov5_seg(node: Node, wiring: Wiring, op: str) -> _Details:
    proto = node.node("proto")
    details = {
        "anchor_decoders": _anchors(node.nodes("decoders"), wiring, op),
        "mask_threshold": as_float32(node.real("mask_threshold")),
        "proto_stream": proto.text("layer"),
        "proto_stride": proto.integer("stride"),
    }
    return "YOLOV5SEG", _image(node) | details


def _pair(decoder: Node, wiring: Wiring, op: str, **more: Any) -> RegClsDecoder:
    reg = wiring.stream_at(decoder.integer("reg"), op).name
    cls = wiring.stream_at(decoder.integer("cls"), op).name
    return RegClsDecoder(more.pop("stride", 0), reg, cls, **more)


def _read_yolov8(node: Node, wiring: Wiring, op: str) -> _Details:
    decoders = tuple(_pair(d, wiring, op, stride=d.integer("stride")) for d in node.nodes("decoders"))
    return "YOLOV8", {**_image(node), "decoders": decoders, "regression_length": node.integer("regression_length")}


def _read_yolox(node: Node, wiring: Wiring, op: str) -> _Details:
    decoders = tuple(
        _pair(d, wiring, op, stride=d.integer("stride"), obj=wiring.stream_at(d.integer("obj"), op).name)
        for d in node.nodes("decoders")
    )
    return "YOLOX", {**_image(node), "decoders": decoders}


def _read_ssd(node: Node, wiring: Wiring, op: str) -> _Details:
    decoders = []
    for decoder in node.nodes("decoders"):
        widths, heights = decoder.reals("w"), decoder.reals("h")
        if len(widths) != len(heights):
            problem = f"{op!r}: {len(heights)} anchor heights, {len(widths)} widths"
            raise invalid(problem, "", IN_OP + 1)
        decoders.append(_pair(decoder, wiring, op, anchors_w=widths, anchors_h=heights))
    order = tuple(node.integer(name) for name in ("ty", "tx", "th", "tw"))
    return "SSD", {
        **_image(node),
        "decoders": tuple(decoders),
        "centers_scale_factor": node.integer("centers_scale_factor"),
        "bbox_dimensions_scale_factor": node.integer("bbox_dimensions_scale_factor"),
        "coordinate_indices": order if any(order) else SSD_COORDINATES,
    }


def _read_iou(node: Node, wiring: Wiring, op: str) -> _Details:
    return "IOU", {}


_READERS: Final[Mapping[str, Callable[[Node, Wiring, str], _Details]]] = {
    "yolov5": _read_yolov5,
    "yolov5_seg": _read_yolov5_seg,
    "yolov8": _read_yolov8,
    "yolox": _read_yolox,
    "ssd": _read_ssd,
    "iou": _read_iou,
}


def _check(op: NmsOp, inputs: Mapping[str, Stream]) -> None:
    if op.bbox_only and op.kind not in BBOX_ONLY_NAMES:
        raise _contradiction(op, "it cannot decode boxes only", "bbox_only is not supported for this model")
    if op.kind == "YOLOV5SEG" and op.proto_stream not in inputs:
        problem = f"{op.name}: its mask layer {op.proto_stream!r} is none of its inputs"
        raise invalid(problem, "", IN_OP + 1)
    if op.bbox_only and op.kind == "YOLOV5":
        _check_anchored(op, inputs)
    for decoder in op.decoders:
        _check_decoder(op, decoder, inputs)


def _check_anchored(op: NmsOp, inputs: Mapping[str, Stream]) -> None:
    without = set(inputs) - {decoder.stream for decoder in op.anchor_decoders}
    if without:
        problem = f"{op.name}: no anchors for {', '.join(sorted(without))}"
        raise invalid(problem, "", IN_OP + 1)


def _check_decoder(op: NmsOp, decoder: RegClsDecoder, inputs: Mapping[str, Stream]) -> None:
    names = [decoder.reg, decoder.cls] + ([decoder.obj] if decoder.obj else [])
    for name in names:
        if name not in inputs:
            raise _contradiction(op, f"its decoder reads {name!r}, which is none of its inputs", f"no layer {name}")
    reg = inputs[decoder.reg]
    for other in (inputs[name] for name in names[1:]):
        if (reg.shape.height, reg.shape.width) != (other.shape.height, other.shape.width):
            problem = f"{reg.name!r} is {reg.shape} and {other.name!r} is {other.shape}"
            raise _contradiction(op, problem, f"input {reg.name} has different shape than input {other.name}")
        if op.kind != "SSD" and reg.format != other.format:
            problem = f"{reg.name!r} and {other.name!r} differ in format"
            raise _contradiction(op, problem, f"input {reg.name} has different format than input {other.name}")
    if op.kind == "YOLOV8" and reg.shape.features % 4:
        problem = f"{reg.name!r} has {reg.shape.features} features, which is no multiple of 4"
        raise _contradiction(op, problem, f"regression input {reg.name} is not a multiple of 4")


def _contradiction(op: NmsOp, problem: str, log: str) -> Refusal:
    return Refusal(f"{op.name}: {problem}", Status.INVALID_ARGUMENT, f"{op.kind}PostProcess: {log}", IN_OP + 1)
