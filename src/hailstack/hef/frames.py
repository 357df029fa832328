"""Bytes of one frame of a virtual stream, as the host program sees it (``HailoRTCommon::get_frame_size``)."""

from __future__ import annotations

from typing import Final

from hailstack.hef.formats import Format, FormatOrder
from hailstack.hef.model import NmsShape, VStream

COUNT_BYTES: Final = 2
DETECTION_BYTES: Final = 22
"""Four box edges and the score as float32, the class as uint16."""
MASK_RECORD_BYTES: Final = {"4": 38, "5": 46}
"""A detection, the mask's size and address, from 5.x on also its offset; by major release."""
RGB4_ALIGNMENT: Final = 4


def host_frame_bytes(vstream: VStream, profile: str = "4.23", format_: Format | None = None) -> int:
    """Bytes of a frame.

    Args:
        format_: type and order that the program asked for; the virtual stream's own unless given. ``AUTO`` has no
            size: resolve it first.
        profile: the release of HailoRT.
    """
    wanted = format_ or vstream.format
    if vstream.nms_shape is not None:
        return _nms_frame_bytes(vstream.nms_shape, wanted, profile)
    row = vstream.shape.width * vstream.shape.features
    if wanted.order is FormatOrder.RGB4:
        row += -row % RGB4_ALIGNMENT
    return vstream.shape.height * row * wanted.type.dtype.itemsize


def _nms_frame_bytes(nms: NmsShape, wanted: Format, profile: str) -> int:
    if wanted.order is FormatOrder.HAILO_NMS_BY_SCORE:
        return COUNT_BYTES + nms.max_bboxes_total * DETECTION_BYTES
    if wanted.order is FormatOrder.HAILO_NMS_WITH_BYTE_MASK:
        records = nms.max_bboxes_total * MASK_RECORD_BYTES[profile[0]]
        return COUNT_BYTES + records + nms.max_accumulated_mask_size
    return nms.number_of_classes * (1 + 5 * nms.max_bboxes_per_class) * wanted.type.dtype.itemsize
