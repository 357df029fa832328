"""The operation that HailoRT runs behind the chip, for a head that it knows how to finish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hailstack.compiler.endnodes.hosted import MOST_BOXES, HostKind, host_kind, levels
from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.errors import InputError
from hailstack.hef import NmsOp, RegClsDecoder
from hailstack.hef.blueprint import OpPlan
from hailstack.hef.formats import FormatOrder, FormatType
from hailstack.hef.host_ops import OP_NAMES
from hailstack.hef.model import AnchorDecoder, LogitsOp

OUTPUT_NAMES: Mapping[HostKind, str] = {
    "ARGMAX": "argmax1",
    "SSD": "ssd_nms_postprocess",
    "YOLOV5": "yolov5_nms_postprocess",
    "YOLOV5SEG": "yolov5_seg_nms_postprocess",
    "YOLOV8": "yolov8_nms_postprocess",
    "YOLOX": "yolox_nms_postprocess",
}

MASK_THRESHOLD = 0.5
"""From which a pixel belongs to an object."""

BYTE_CLASSES = 255
"""More classes need two bytes a pixel."""


@dataclass(frozen=True, slots=True)
class NmsThresholds:
    """Which boxes the host keeps."""

    score: float
    iou: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not 0 <= value <= 1:
                message = f"the {name} threshold is {value}, it must be within 0..1"
                raise InputError(message)


def make_op(
    plan: HeadPlan, group: str, streams: Mapping[str, str], image: tuple[int, int], thresholds: NmsThresholds
) -> OpPlan | None:
    """The host operation of a head; None where its outputs stay as they are.

    Args:
        streams: tensor of an end → its stream.
        image: height and width of the input.
    """
    kind = host_kind(plan)
    if kind is None:
        return None
    output = f"{group}/{OUTPUT_NAMES[kind]}"
    inputs = tuple(streams[end.tensor] for end in plan.ends if end.role != "features")
    if kind == "ARGMAX":
        return _argmax(plan, output, inputs)
    return NmsOp(
        name=OP_NAMES[kind],
        output=output,
        inputs=inputs,
        kind=kind,
        score_threshold=thresholds.score,
        iou_threshold=thresholds.iou,
        classes=plan.classes,
        max_proposals_per_class=MOST_BOXES,
        image_height=float(image[0]),
        image_width=float(image[1]),
        **_details(kind, plan, streams, image),
    )


def _argmax(plan: HeadPlan, output: str, inputs: tuple[str, ...]) -> LogitsOp:
    vector = plan.task == "classification"
    wide = FormatType.UINT16 if plan.classes > BYTE_CLASSES else FormatType.UINT8
    order = FormatOrder.NC if vector else FormatOrder.NHW
    return LogitsOp(OP_NAMES["ARGMAX"], output, inputs, kind="ARGMAX", output_type=wide, output_order=order)


def _details(kind: HostKind, plan: HeadPlan, streams: Mapping[str, str], image: tuple[int, int]) -> dict[str, Any]:
    if kind in ("YOLOV5", "YOLOV5SEG"):
        return {"anchor_decoders": _anchor_decoders(plan, streams), **_masks(plan, streams, image)}
    if kind == "SSD":
        centers, sizes = plan.scale_factors
        return {
            "decoders": _decoders(plan, streams, image),
            "centers_scale_factor": int(centers),
            "bbox_dimensions_scale_factor": int(sizes),
            "coordinate_indices": plan.coordinates,
            "background_removal": plan.background,
        }
    return {"decoders": _decoders(plan, streams, image), "regression_length": plan.reg_max}


def _anchor_decoders(plan: HeadPlan, streams: Mapping[str, str]) -> tuple[AnchorDecoder, ...]:
    """Anchors are whole pixels in a HEF."""
    return tuple(
        AnchorDecoder(
            streams[ends["anchors"].tensor],
            stride,
            tuple(float(round(width)) for width, _ in anchors),
            tuple(float(round(height)) for _, height in anchors),
        )
        for (stride, ends), anchors in zip(levels(plan), plan.anchors, strict=True)
    )


def _masks(plan: HeadPlan, streams: Mapping[str, str], image: tuple[int, int]) -> dict[str, Any]:
    prototypes = plan.with_role("proto")
    if not prototypes:
        return {}
    return {
        "proto_stream": streams[prototypes[0].tensor],
        "proto_stride": prototypes[0].stride,
        "mask_threshold": MASK_THRESHOLD,
    }


def _decoders(plan: HeadPlan, streams: Mapping[str, str], image: tuple[int, int]) -> tuple[RegClsDecoder, ...]:
    made = []
    for i, (stride, ends) in enumerate(levels(plan)):
        anchors = plan.anchors[i] if plan.anchors else ()
        made.append(
            RegClsDecoder(
                stride,
                streams[ends["reg"].tensor],
                streams[ends["cls"].tensor],
                streams[ends["obj"].tensor] if "obj" in ends else None,
                tuple(width / image[1] for width, _ in anchors),
                tuple(height / image[0] for _, height in anchors),
            )
        )
    return tuple(made)
