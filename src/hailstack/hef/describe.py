"""What ``hailortcli parse-hef`` prints about a HEF, character for character."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from hailstack.hef.formats import Direction, Format, FormatOrder, Shape
from hailstack.hef.frames import host_frame_bytes
from hailstack.hef.model import Hef, HostOp, LogitsOp, NetworkGroup, NmsOp, Stream, VStream
from hailstack.hef.names import streams_of, vstreams_of
from hailstack.hef.reader import read_again

INDENT: Final = "    "
BANNER: Final = "*" * 80
"""Separates the files of a folder."""
INT32_LIMIT: Final = 1 << 31

_ORDER_TEXTS: Final = {
    FormatOrder.BAYER_RGB: "BAYER RGB",
    FormatOrder.BAYER_RGB_12_BIT: "12 BIT BAYER RGB",
    FormatOrder.RGB888: "RGB 888",
    FormatOrder.AUTO: "Nan",
    FormatOrder.HAILO_NMS: "Nan",
}


def parse_hef_text(hef: Hef, *, streams: bool = False, vstreams: bool = True, profile: str | None = None) -> str:
    """What ``parse-hef`` prints about a file, with a line end after each line.

    Args:
        streams: what ``--parse-streams`` adds.
        vstreams: what ``--parse-vstreams=0`` would leave out.
        profile: the release of HailoRT; the one the file was read for unless given.

    Raises:
        HefError: the other release refuses the file, or the description cannot be made (an output that is not in the
            sorted list, a network without streams), with the tool's exit code as status.
    """
    hef = read_again(hef, profile or hef.profile)
    lines = [*_head(hef)]
    for group in sorted(hef.groups, key=lambda g: g.name.encode()):
        lines += _group_lines(group, hef.profile, streams=streams, vstreams=vstreams)
    return "".join(f"{line}\n" for line in lines)


def _head(hef: Hef) -> Iterator[str]:
    if hef.profile.startswith("4"):
        yield f"Architecture HEF was compiled for: {hef.architectures[0]}"
        return
    yield f"HEF Compatible for: {', '.join(hef.architectures)}"
    if any(hef.compiler_numbers):
        yield f"HEF Compiler Version: {'.'.join(map(str, hef.compiler_numbers))}"


def _group_lines(group: NetworkGroup, profile: str, *, streams: bool, vstreams: bool) -> Iterator[str]:
    contexts = "Single Context"
    if group.is_multi_context:
        contexts = f"Multi Context - Number of contexts: {group.contexts}"
    yield f"Network group name: {group.name}, {contexts}"
    for network in group.networks:
        yield f"{INDENT}Network name: {network.name}"
        if streams:
            yield f"{INDENT * 2}Stream infos:"
            yield from _both(group, network.name, streams_of, _stream_text)
        if vstreams:
            yield f"{INDENT * 2}VStream infos:"
            yield from _both(group, network.name, vstreams_of, lambda v: vstream_text(v, profile))
            yield from _operation_lines(group.ops, profile)


def _both(group: NetworkGroup, network: str, find: Any, text: Callable[[Any], str]) -> Iterator[str]:
    for word, direction in (("Input ", Direction.H2D), ("Output", Direction.D2H)):
        for item in find(group, direction, network):
            yield f"{INDENT * 3}{word} {item.name} {text(item)}"


def order_text(order: FormatOrder) -> str:
    """What the library calls a memory order."""
    return _ORDER_TEXTS.get(order, order.name.replace("HAILO_NMS_", "HAILO NMS ").replace("_", " "))


def _head_text(format_: Format) -> str:
    return f"{format_.type.name}, {order_text(format_.order)}"


def _shape_text(order: FormatOrder, shape: Shape) -> str:
    if order is FormatOrder.NC:
        return f"({shape.features})"
    return f"({shape.height}x{shape.width})" if order is FormatOrder.NHW else f"({shape})"


def _stream_text(stream: Stream) -> str:
    if stream.format.order is FormatOrder.HAILO_NMS_ON_CHIP:
        return f"{_head_text(stream.format)}(maximum frame size: {stream.frame_bytes})"
    return _head_text(stream.format) + _shape_text(stream.format.order, stream.hw_shape)


def vstream_text(vstream: VStream, profile: str) -> str:
    """Format and shape of a virtual stream, for example ``UINT8, NHWC(640x640x3)``."""
    nms = vstream.nms_shape
    if nms is None:
        return _head_text(vstream.format) + _shape_text(vstream.format.order, vstream.shape)
    by_class = vstream.format.order is FormatOrder.HAILO_NMS_BY_CLASS or profile == "4.20"
    boxes = f"per class: {nms.max_bboxes_per_class}" if by_class else f"total: {nms.max_bboxes_total}"
    return (
        f"{_head_text(vstream.format)}(number of classes: {nms.number_of_classes}, "
        f"maximum bounding boxes {boxes}, maximum frame size: {host_frame_bytes(vstream, profile)})"
    )


def _operation_lines(ops: Iterable[HostOp], profile: str) -> Iterator[str]:
    last = next(reversed(tuple(ops)), None)  # the tool forgets the others
    if last is not None:
        yield f"{INDENT * 3}Operation:"
        yield from (f"{INDENT * 4}{line}" for line in operation_facts(last, profile))


def operation_facts(op: HostOp, profile: str) -> Iterator[str]:
    """The lines that describe a host operation (``get_op_description``)."""
    if isinstance(op, LogitsOp):
        yield from (f"{op.kind} Op", f"Name: {op.name}")
    elif isinstance(op, NmsOp):
        yield from (f"Op {op.kind}", f"Name: {op.name}")
        yield from (f"Classes: {op.classes}",) if op.bbox_only else _threshold_facts(op, profile)
        yield from _kind_facts(op)


def _threshold_facts(op: NmsOp, profile: str) -> Iterator[str]:
    yield f"Score threshold: {op.score_threshold:.3f}"
    yield f"IoU threshold: {op.iou_threshold:.2f}"
    yield f"Classes: {op.classes}"
    if profile == "4.20":
        yield from ("Cross classes: false", "NMS results order: BY_CLASS")
    if op.kind == "YOLOV5SEG" and profile != "4.20":
        yield f"Max bboxes total: {op.max_proposals_total}"
    else:
        yield f"Max bboxes per class: {op.max_proposals_per_class}"
    if op.background_removal:
        yield f"Background removal index: {op.background_index}"


def _whole(value: float) -> int:
    """The integer that x86 makes of a float: towards 0, and the lowest one of what does not fit into 32 bits."""
    return int(value) if -INT32_LIMIT - 1 < value < INT32_LIMIT else -INT32_LIMIT


def _kind_facts(op: NmsOp) -> Iterator[str]:
    if op.kind == "IOU":
        return
    yield from (f"Image height: {_whole(op.image_height)}", f"Image width: {_whole(op.image_width)}")
    if op.kind == "SSD":
        yield f"Centers scales factor: {op.centers_scale_factor}"
        yield f"Bbox dimension scale factor: {op.bbox_dimensions_scale_factor}"
        yield f"Normalize boxes: {str(op.normalize_boxes).lower()}"
    if op.kind == "YOLOV5SEG":
        yield f"Mask threshold: {op.mask_threshold:.2f}"
