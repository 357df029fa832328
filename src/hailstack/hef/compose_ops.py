"""Host operations of a blueprint → the operations, pads and edges of a HEF."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from hailstack.errors import InputError
from hailstack.hef import features as ext
from hailstack.hef.blueprint import OpPlan, StreamPlan
from hailstack.hef.compose_layers import Content
from hailstack.hef.model import LogitsOp, NmsOp, RegClsDecoder

BBOX_SIZE: Final = 6
NMS_ORDER, BYTE_MASK_ORDER = 22, 20

Pads = Mapping[str, int]
"""Stream → output pad of the core."""

EXTENSIONS: Final = {
    "YOLOV5": ext.YOLOV5,
    "YOLOV5SEG": ext.YOLOV5_SEG,
    "YOLOV8": ext.YOLOV8,
    "YOLOX": ext.YOLOX,
    "SSD": ext.SSD,
    "IOU": ext.IOU,
    "ARGMAX": ext.ARGMAX,
    "SOFTMAX": ext.SOFTMAX,
}
"""Kind of operation → the extension that a runtime must know."""


def core_pads(streams: Iterable[StreamPlan], ops: Iterable[OpPlan]) -> dict[str, int]:
    """A number for each stream that an operation reads, counted from 1.

    Raises:
        InputError: an operation reads a stream that is not in the plan.
    """
    names = [stream.name for stream in streams]
    read = {name for op in ops for name in op.inputs}
    if read - set(names):
        message = f"a host operation reads {sorted(read - set(names))[0]!r}, which is no stream of the plan"
        raise InputError(message)
    return {name: number for number, name in enumerate((n for n in names if n in read), start=1)}


def compose_ops(
    ops: Iterable[OpPlan], pads: Pads, streams: Mapping[str, StreamPlan]
) -> tuple[list[Content], list[Content]]:
    """The ``Op`` messages behind the core, and the edges between its pads and theirs."""
    composed, edges = [], []
    number = len(pads)
    for op in ops:
        inputs = []
        for name in op.inputs:
            number += 1
            inputs.append({"index": number, "name": name})
            edges.append({"src": pads[name], "dst": number})
        number += 1
        content: Content = {"name": op.output, "input_pads": inputs}
        composed.append(content | _body(op, number, pads, streams))
    return composed, edges


def _body(op: OpPlan, number: int, pads: Pads, streams: Mapping[str, StreamPlan]) -> Content:
    if isinstance(op, LogitsOp):
        return {
            "output_pads": [_logits_pad(op, number, streams[op.inputs[0]])],
            "logits_op": {"type": int(op.kind == "SOFTMAX")},
        }
    return {"output_pads": [_nms_pad(op, number)], "nms_op": _nms_op(op, pads)}


def _logits_pad(op: LogitsOp, number: int, source: StreamPlan) -> Content:
    features = 1 if op.kind == "ARGMAX" else source.shape.features
    height, width = source.shape.height, source.shape.width
    shape = {"height": height, "padded_height": height, "width": width, "padded_width": width}
    return {
        "index": number,
        "name": op.output,
        "format_order": int(op.output_order),
        "format_type": int(op.output_type),
        "tensor_shape": shape | {"features": features, "padded_features": features},
    }


def _nms_pad(op: NmsOp, number: int) -> Content:
    return {
        "index": number,
        "name": op.output,
        "format_order": BYTE_MASK_ORDER if op.kind == "YOLOV5SEG" else NMS_ORDER,
        "nms_shape": {
            "classes": op.classes,
            "max_per_class": op.max_proposals_per_class,
            "bbox_size": BBOX_SIZE,
            "division_factor": 1,
        },
    }


def _nms_op(op: NmsOp, pads: Pads) -> Content:
    if op.kind not in _WRITERS:
        message = f"{op.kind!r} is no host operation; there are {', '.join(EXTENSIONS)}"
        raise InputError(message)
    field, write = _WRITERS[op.kind]
    return {
        "score_threshold": op.score_threshold,
        "iou_threshold": op.iou_threshold,
        "max_proposals_per_class": op.max_proposals_per_class,
        "classes": op.classes,
        "background_removal": op.background_removal,
        "background_index": op.background_index,
        "bbox_only": op.bbox_only,
        field: write(op, pads),
    }


def _image(op: NmsOp) -> Content:
    return {"image_height": op.image_height, "image_width": op.image_width}


def _pad(op: NmsOp, pads: Pads, name: str | None) -> int:
    if name is None or name not in op.inputs:
        message = f"the {op.kind} operation {op.output!r} decodes {name!r}, which is none of its inputs"
        raise InputError(message)
    return pads[name]


def _whole(op: NmsOp, values: Iterable[float]) -> list[int]:
    anchors = list(values)
    if any(anchor != int(anchor) or anchor < 0 for anchor in anchors):
        message = f"the {op.kind} operation {op.output!r} has anchors {anchors}; they are whole pixels in a HEF"
        raise InputError(message)
    return [int(anchor) for anchor in anchors]


def _anchor_decoders(op: NmsOp, pads: Pads) -> list[Content]:
    return [
        {
            "h": _whole(op, decoder.anchors_h),
            "w": _whole(op, decoder.anchors_w),
            "stride": decoder.stride,
            "pad_index": _pad(op, pads, decoder.stream),
        }
        for decoder in op.anchor_decoders
    ]


def _pair(op: NmsOp, pads: Pads, decoder: RegClsDecoder) -> Content:
    return {"reg": _pad(op, pads, decoder.reg), "cls": _pad(op, pads, decoder.cls)}


def _yolov5(op: NmsOp, pads: Pads) -> Content:
    return _image(op) | {"decoders": _anchor_decoders(op, pads)}


def _yolov5_seg(op: NmsOp, pads: Pads) -> Content:
    _pad(op, pads, op.proto_stream)
    proto = {"stride": op.proto_stride, "layer": op.proto_stream}
    return _yolov5(op, pads) | {"proto": proto, "mask_threshold": op.mask_threshold}


def _yolov8(op: NmsOp, pads: Pads) -> Content:
    decoders = [_pair(op, pads, d) | {"stride": d.stride} for d in op.decoders]
    return _image(op) | {"decoders": decoders, "regression_length": op.regression_length}


def _yolox(op: NmsOp, pads: Pads) -> Content:
    decoders = [_pair(op, pads, d) | {"stride": d.stride, "obj": _pad(op, pads, d.obj)} for d in op.decoders]
    return _image(op) | {"decoders": decoders}


def _ssd(op: NmsOp, pads: Pads) -> Content:
    coordinates = zip(("ty", "tx", "th", "tw"), op.coordinate_indices, strict=True)
    return {
        **_image(op),
        **dict(coordinates),
        "centers_scale_factor": op.centers_scale_factor,
        "bbox_dimensions_scale_factor": op.bbox_dimensions_scale_factor,
        "decoders": [_pair(op, pads, d) | {"h": d.anchors_h, "w": d.anchors_w} for d in op.decoders],
    }


def _iou(op: NmsOp, pads: Pads) -> Content:
    return {}


_WRITERS: Final[Mapping[str, tuple[str, Callable[[NmsOp, Pads], Content]]]] = {
    "YOLOV5": ("yolov5", _yolov5),
    "YOLOV5SEG": ("yolov5_seg", _yolov5_seg),
    "YOLOV8": ("yolov8", _yolov8),
    "YOLOX": ("yolox", _yolox),
    "SSD": ("ssd", _ssd),
    "IOU": ("iou", _iou),
}
