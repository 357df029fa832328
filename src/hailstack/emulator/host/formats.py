"""Formats and sizes of frames in the program's memory."""

from __future__ import annotations

from hailstack.emulator.host.ops.formats import BOX_VALUES, BY_SCORE_RECORD, COUNT_BYTES
from hailstack.emulator.host.ops.settings import NmsSettings
from hailstack.emulator.host.ops.yolov5seg import mask_record
from hailstack.emulator.host.transforms import frame_bytes
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Format, FormatOrder, FormatType
from hailstack.hef.model import NetworkGroup, NmsShape, Stream, VStream


def resolve_format(vstream: VStream, user: Format, *, profile: str = "4.23") -> Format:
    """``user`` with AUTO replaced by what the vendor's library chooses for ``vstream``.

    Up to 4.20 the order ``HAILO_NMS`` is another name of by-class boxes; later it is refused.
    """
    type_, order = user.type, user.order
    if order is FormatOrder.AUTO:
        order = vstream.format.order
    if order is FormatOrder.HAILO_NMS and profile == "4.20":
        order = FormatOrder.HAILO_NMS_BY_CLASS
    if type_ is FormatType.AUTO:
        type_ = _default_type(vstream, order, profile)
    return Format(type_, order, user.flags)


def _default_type(vstream: VStream, order: FormatOrder, profile: str) -> FormatType:
    if profile.startswith("5") and order in (FormatOrder.HAILO_NMS_BY_SCORE, FormatOrder.HAILO_NMS_WITH_BYTE_MASK):
        return FormatType.UINT8
    if order.is_nms or vstream.nms_shape is not None or (vstream.op_name or "").startswith("Softmax"):
        return FormatType.FLOAT32
    return vstream.format.type


def host_frame_bytes(
    vstream: VStream, format: Format, *, profile: str = "4.23", nms: NmsSettings | None = None
) -> int:
    """Bytes of one frame of ``vstream`` in the program's memory.

    Args:
        format: nothing AUTO.
        nms: limits that the program has changed; they change the size of NMS frames.
    """
    if vstream.nms_shape is None or not format.order.is_nms:
        return frame_bytes(vstream.shape, format)
    shape = _limited(vstream.nms_shape, nms or NmsSettings())
    if format.order is FormatOrder.HAILO_NMS_WITH_BYTE_MASK:
        records = shape.max_bboxes_total * mask_record(profile).itemsize
        return COUNT_BYTES + records + shape.max_accumulated_mask_size
    if format.order is FormatOrder.HAILO_NMS_BY_SCORE:
        return COUNT_BYTES + shape.max_bboxes_total * BY_SCORE_RECORD.itemsize
    values = shape.number_of_classes * (1 + BOX_VALUES * shape.max_bboxes_per_class)
    return values * format.type.dtype.itemsize


def _limited(shape: NmsShape, nms: NmsSettings) -> NmsShape:
    def own(value: int | None, default: int) -> int:
        return default if value is None else value

    return NmsShape(
        shape.number_of_classes,
        own(nms.max_proposals_per_class, shape.max_bboxes_per_class),
        own(nms.max_proposals_total, shape.max_bboxes_total),
        own(nms.max_accumulated_mask_size, shape.max_accumulated_mask_size),
    )


def stream_of(group: NetworkGroup, name: str) -> Stream:
    """The boundary stream of a name.

    Raises:
        StatusError: the group has none (61).
    """
    for stream in (*group.input_streams, *group.output_streams):
        if stream.name == name:
            return stream
    raise StatusError(Status.NOT_FOUND, f"network group {group.name} has no stream {name}")


def require_frame(size: int, expected: int) -> None:
    """Refuse a frame of another size.

    Raises:
        StatusError: the sizes differ (2).
    """
    if size != expected:
        message = f"the frame has {size} bytes instead of {expected}"
        raise StatusError(Status.INVALID_ARGUMENT, message)
