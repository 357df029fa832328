"""What a host program sees: virtual streams, made from streams and host operations."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Final

from hailstack.errors import Status
from hailstack.hef.features import Features
from hailstack.hef.formats import Direction, Format, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import HostOp, LogitsOp, NmsOp, NmsShape, Stream, VStream
from hailstack.hef.refusal import IN_OP, Refusal, invalid

HOST_ORDERS: Final = {
    FormatOrder.NHCW: FormatOrder.NHWC,
    FormatOrder.RGB888: FormatOrder.NHWC,
    FormatOrder.YYUV: FormatOrder.NV12,
    FormatOrder.YYVU: FormatOrder.NV21,
    FormatOrder.YYYYUV: FormatOrder.I420,
    FormatOrder.HAILO_NMS_ON_CHIP: FormatOrder.HAILO_NMS_BY_CLASS,
}
"""Device order → the order a program gets unless it asks for another; the others stay as they are."""

NMS_QUANT: Final = QuantInfo(0.0, 1.0, 0.0, 0.0)
YOLOV5_BBOX_VALUES: Final = 5
YOLOV8_BBOX_VALUES: Final = 4


def host_order(order: FormatOrder) -> FormatOrder:
    """The order that a program gets by default for a device order."""
    return HOST_ORDERS.get(order, order)


def vstreams_of_stream(stream: Stream) -> tuple[VStream, ...]:
    """The virtual streams that a stream carries: several for a mux, that of the whole for a part of a defused NMS."""
    if stream.is_mux:
        parts = (made for part in stream.predecessors for made in vstreams_of_stream(part))
        return tuple(_renamed_source(made, stream.name) for made in parts)
    if stream.fused_nms is not None:
        return (_plain(stream.fused_nms, (stream.name,)),)
    return (_plain(stream, tuple(plane.name for plane in stream.planes) or (stream.name,)),)


def _renamed_source(vstream: VStream, name: str) -> VStream:
    return dataclasses.replace(vstream, stream_names=(name,))


def _plain(stream: Stream, sources: tuple[str, ...]) -> VStream:
    order = stream.format.order if stream.planes else host_order(stream.format.order)
    on_chip = order is FormatOrder.HAILO_NMS_BY_CLASS and stream.nms
    made = FormatType.FLOAT32 if on_chip else stream.format.type
    return VStream(
        name=stream.name,
        network_name=stream.network_name,
        direction=stream.direction,
        format=Format(made, order, stream.format.flags),
        shape=stream.shape,
        quant=stream.quant,
        quants=stream.quants or (stream.quant,),
        nms_shape=_on_chip_shape(stream) if on_chip else None,
        stream_names=sources,
        original_names=stream.original_names or tuple(n for p in stream.planes for n in p.original_names),
    )


def _on_chip_shape(stream: Stream) -> NmsShape:
    assert stream.nms is not None
    per_class = stream.nms.max_bboxes_per_class * stream.nms.chunks_per_frame
    return NmsShape(stream.nms.number_of_classes, per_class, per_class * stream.nms.number_of_classes, 0)


def vstream_of_op(op: HostOp, streams: Sequence[Stream], group_name: str, features: Features) -> VStream:
    """The virtual stream that a host operation makes out of ``streams``.

    Raises:
        Refusal: it is too large for any memory.
    """
    made = VStream(
        name=op.output,
        network_name=f"{group_name}/{group_name}",
        direction=Direction.D2H,
        format=Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_BY_CLASS),
        shape=Shape(0, 0, 0),
        quant=NMS_QUANT,
        quants=(NMS_QUANT,),
        stream_names=tuple(sorted({stream.name for stream in streams})),
        op_name=op.name,
    )
    if isinstance(op, LogitsOp):
        return _logits(made, op, streams[0])
    assert isinstance(op, NmsOp)
    return _boxes_only(made, op, streams) if op.bbox_only else _detections(made, op, features)


def _logits(made: VStream, op: LogitsOp, source: Stream) -> VStream:
    kind, order, shape = op.output_type, op.output_order, source.shape
    if op.kind == "ARGMAX":
        shape = Shape(shape.height, shape.width, 1)
    if kind is FormatType.AUTO:
        kind = source.format.type if op.kind == "ARGMAX" else FormatType.FLOAT32
    if order is FormatOrder.AUTO:
        order = (_argmax_order if op.kind == "ARGMAX" else host_order)(source.format.order)
    return dataclasses.replace(made, format=Format(kind, order), shape=shape, quant=source.quant, quants=source.quants)


def _argmax_order(order: FormatOrder) -> FormatOrder:
    if order in (FormatOrder.NHCW, FormatOrder.NHWC, FormatOrder.F8CR):
        return FormatOrder.NHW
    return FormatOrder.NC if order is FormatOrder.NC else FormatOrder.AUTO


def _boxes_only(made: VStream, op: NmsOp, streams: Sequence[Stream]) -> VStream:
    if op.kind == "YOLOV5":
        anchors = {decoder.stream: len(decoder.anchors_w) for decoder in reversed(op.anchor_decoders)}
        proposals = sum(anchors[s.name] * s.shape.height * s.shape.width for s in streams)
        values = YOLOV5_BBOX_VALUES + op.classes
    else:
        proposals = sum(s.shape.height * s.shape.width for s in streams) // 2  # a box and a class stream each
        values = YOLOV8_BBOX_VALUES + op.classes
    _check_size(op, proposals * values)
    nhwc = Format(FormatType.FLOAT32, FormatOrder.NHWC)
    return dataclasses.replace(made, format=nhwc, shape=Shape(1, proposals, values))


def _detections(made: VStream, op: NmsOp, features: Features) -> VStream:
    classes = max(op.classes - op.background_removal, 0)
    _check_size(op, op.classes * (1 + 5 * op.max_proposals_per_class))
    made = dataclasses.replace(
        made,
        shape=Shape(classes, 5, op.max_proposals_per_class),
        nms_shape=NmsShape(classes, op.max_proposals_per_class, op.max_proposals_total, op.max_accumulated_mask_size),
    )
    if op.kind != "YOLOV5SEG":
        return made
    kind = FormatType.UINT8 if features.profile.byte_mask_is_uint8 else FormatType.FLOAT32
    return dataclasses.replace(made, format=Format(kind, FormatOrder.HAILO_NMS_WITH_BYTE_MASK))


def _check_size(op: NmsOp, values: int) -> None:
    if values * 4 >> 32:
        problem = f"{op.name}: a result of {values} values does not fit in memory"
        raise invalid(problem, "", IN_OP)


def sort_outputs(vstreams: Iterable[VStream], names: Sequence[str]) -> tuple[VStream, ...]:
    """The output virtual streams in the order that the file gives for them, each name once.

    Raises:
        Refusal: one of several is missing there.
    """
    unique = list({vstream.name: vstream for vstream in reversed(tuple(vstreams))}.values())[::-1]
    ranks = {name: rank for rank, name in reversed(list(enumerate(names)))}
    missing = [vstream.name for vstream in unique if vstream.name not in ranks]
    if missing and len(unique) > 1:
        log = f"VStream {missing[0]} not found in sorted output names"
        problem = f"output {missing[0]!r} is missing in the file's list of sorted outputs"
        raise Refusal(problem, Status.INTERNAL_FAILURE, log, depth=2, check=False)
    return tuple(sorted(unique, key=lambda vstream: ranks.get(vstream.name, 0)))
