"""One network's NMS operation: from device frames to the buffer that the program reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.ops.boxes import Candidates, suppress
from hailstack.emulator.host.ops.formats import write_by_class, write_by_score
from hailstack.emulator.host.ops.settings import NmsSettings
from hailstack.emulator.host.ops.ssd import Ssd
from hailstack.emulator.host.ops.yolov5 import YoloV5
from hailstack.emulator.host.ops.yolov5seg import MaskLimits, YoloV5Seg, mask_record
from hailstack.emulator.host.ops.yolov8 import YoloV8
from hailstack.emulator.host.ops.yolox import YoloX
from hailstack.emulator.host.transforms_nms import ChipNms
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Format, FormatFlags, FormatOrder, FormatType
from hailstack.hef.model import NmsOp, Stream

Frames = Mapping[str, NDArray[np.uint8]]


class Decoder(Protocol):
    """A family of detection heads."""

    def candidates(self, frames: Frames, threshold: np.float32) -> Candidates:
        """All boxes that pass the score threshold."""


class AllBoxesDecoder(Protocol):
    """A family whose boxes a program may ask for undecided."""

    def all_boxes(self, frames: Frames) -> NDArray[np.float32]:
        """Every box with its scores."""


@dataclass(frozen=True, slots=True)
class NmsLimits:
    """The figures of one operation: the HEF's, or what the program set."""

    op: NmsOp
    settings: NmsSettings

    @property
    def score(self) -> np.float32:
        own = self.settings.score_threshold
        return np.float32(self.op.score_threshold if own is None else own)

    @property
    def iou(self) -> np.float32:
        own = self.settings.iou_threshold
        return np.float32(self.op.iou_threshold if own is None else own)

    @property
    def per_class(self) -> int:
        own = self.settings.max_proposals_per_class
        return self.op.max_proposals_per_class if own is None else own

    @property
    def total(self) -> int:
        own = self.settings.max_proposals_total
        return self.op.max_proposals_total if own is None else own


@dataclass(frozen=True, slots=True, eq=False)
class Suppression:
    """Decoding, greedy NMS, and one of the two packed formats."""

    decoder: Decoder
    limits: NmsLimits
    by_score: bool

    def run(self, frames: Frames, out: NDArray[np.uint8]) -> None:
        limits = self.limits
        found = self.decoder.candidates(frames, limits.score)
        limit = limits.total if self.by_score else limits.per_class
        left = suppress(found, limits.op.classes, float(limits.iou), limit)
        if self.by_score:
            write_by_score(out, found, left, limit)
        else:
            write_by_class(out, found, left, limit)


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """Boxes with byte masks."""

    decoder: YoloV5Seg
    limits: NmsLimits
    record: np.dtype[np.void]

    def run(self, frames: Frames, out: NDArray[np.uint8]) -> None:
        room = MaskLimits(self.limits.total, self.record)
        self.decoder.run(frames, out, (self.limits.score, self.limits.iou), room)


@dataclass(frozen=True, slots=True, eq=False)
class BoxesOnly:
    """Decoded boxes, nothing thrown away."""

    decoder: AllBoxesDecoder

    def run(self, frames: Frames, out: NDArray[np.uint8]) -> None:
        boxes = self.decoder.all_boxes(frames)
        if boxes.nbytes != out.size:
            message = f"the boxes take {boxes.nbytes} bytes, but the output has {out.size}"
            raise StatusError(Status.INVALID_ARGUMENT, message)
        out.view(np.float32)[...] = boxes.reshape(-1)


@dataclass(frozen=True, slots=True, eq=False)
class ChipCandidates:
    """Boxes that the chip has found, left to the host to suppress."""

    stream: str
    reader: ChipNms

    def candidates(self, frames: Frames, threshold: np.float32) -> Candidates:
        """All of them: the chip has applied a score threshold of its own."""
        per_class = self.reader.read([frames[self.stream]])
        class_id = np.repeat(np.arange(len(per_class)), [boxes.shape[0] for boxes in per_class])
        boxes = np.concatenate(per_class)
        return Candidates(boxes[:, :4], boxes[:, 4], class_id)


NmsRunner = Suppression | Masks | BoxesOnly


def make_nms(
    op: NmsOp, streams: Mapping[str, Stream], format: Format, settings: NmsSettings, profile: str
) -> NmsRunner:
    """What runs ``op`` and writes ``format``.

    Raises:
        StatusError: the format is not one that this operation writes, or its streams are not what it reads (2).
    """
    _require_output(op, format, profile)
    _require_inputs(op, streams)
    limits = NmsLimits(op, settings)
    if op.kind == "YOLOV5SEG":
        return Masks(YoloV5Seg.of(op, streams, profile=profile), limits, mask_record(profile))
    by_score = format.order is FormatOrder.HAILO_NMS_BY_SCORE
    if op.kind == "YOLOV8":
        yolov8 = YoloV8.of(op, streams)
        return BoxesOnly(yolov8) if op.bbox_only else Suppression(yolov8, limits, by_score)
    if op.kind == "YOLOV5":
        yolov5 = YoloV5.of(op, streams, activate=False, profile=profile)
        return BoxesOnly(yolov5) if op.bbox_only else Suppression(yolov5, limits, by_score)
    return Suppression(_other_decoder(op, streams), limits, by_score)


def _other_decoder(op: NmsOp, streams: Mapping[str, Stream]) -> Decoder:
    if op.kind == "YOLOX":
        return YoloX.of(op, streams)
    if op.kind == "SSD":
        return Ssd.of(op, streams)
    stream = streams[op.inputs[0]]
    if op.kind != "IOU" or stream.nms is None:
        raise StatusError(Status.INVALID_OPERATION, f"{op.name}: operation {op.kind} is unknown")
    return ChipCandidates(stream.name, ChipNms((stream.nms,), stream.quant))


def _require_output(op: NmsOp, format: Format, profile: str) -> None:
    orders = _written_orders(op)
    as_bytes = profile.startswith("5") and format.order in _RECORD_ORDERS
    needed = FormatType.UINT8 if as_bytes else FormatType.FLOAT32
    if format.order not in orders:
        message = f"{op.name} writes {' or '.join(order.name for order in orders)}, not {format.order.name}"
    elif format.type is not needed:
        message = f"{op.name} writes {needed.name}, not {format.type.name}"
    elif format.flags & FormatFlags.TRANSPOSED:
        message = f"{op.name} cannot write transposed frames"
    else:
        return
    raise StatusError(Status.INVALID_ARGUMENT, message)


_RECORD_ORDERS = (FormatOrder.HAILO_NMS_BY_SCORE, FormatOrder.HAILO_NMS_WITH_BYTE_MASK)


def _written_orders(op: NmsOp) -> tuple[FormatOrder, ...]:
    if op.kind == "YOLOV5SEG":
        return (FormatOrder.HAILO_NMS_WITH_BYTE_MASK,)
    if op.bbox_only:
        return (FormatOrder.NHWC,)
    if op.kind == "IOU":
        # Reading the chip's boxes, which comes first, knows no other.
        return (FormatOrder.HAILO_NMS_BY_CLASS,)
    return FormatOrder.HAILO_NMS_BY_CLASS, FormatOrder.HAILO_NMS_BY_SCORE


def _require_inputs(op: NmsOp, streams: Mapping[str, Stream]) -> None:
    needed = FormatOrder.HAILO_NMS_ON_CHIP if op.kind == "IOU" else FormatOrder.NHCW
    for name in op.inputs:
        stream = streams[name]
        if stream.format.order is not needed:
            message = f"{op.name} reads {needed.name} frames, but stream {name} has {stream.format.order.name}"
            raise StatusError(Status.INVALID_ARGUMENT, message)
    types = {streams[name].format.type for name in op.inputs}
    if len(types) > 1 and op.kind != "YOLOV5SEG":
        raise StatusError(Status.INVALID_ARGUMENT, f"{op.name} needs all its streams to have the same type")
