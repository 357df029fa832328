from __future__ import annotations

import numpy as np
import pytest
from nms_cases import Frames, make_stream, run

from hailstack.emulator.host.ops.nms import make_nms
from hailstack.emulator.host.ops.results import masked_boxes
from hailstack.emulator.host.ops.settings import NmsSettings
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Format, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import AnchorDecoder, NmsOp, Stream


def seg_head(boxes: list[tuple[int, int, int]]) -> tuple[NmsOp, list[Stream], Frames]:
    """One 8 x 8 grid with one anchor; objects at (row, column, class). Mask coefficients point at one prototype."""
    quant = QuantInfo(128.0, 0.1)
    heads = make_stream("a_head", Shape(8, 8, 5 + 2 + 32), quant)
    protos = make_stream("b_proto", Shape(16, 16, 32), quant)
    frame = np.zeros((8, 39, 8), np.uint8)
    for rank, (row, column, class_id) in enumerate(boxes):
        frame[row, :4, column] = 128
        frame[row, 4, column] = 255 - rank
        frame[row, 5 + class_id, column] = 255
        frame[row, 7:, column] = 128
        frame[row, 7, column] = 200
    proto = np.full((16, 32, 16), 128, np.uint8)
    proto[:, 0, :8] = 255
    proto[:, 0, 8:] = 0
    op = NmsOp(
        "op",
        "v",
        ("a_head", "b_proto"),
        kind="YOLOV5SEG",
        score_threshold=0.3,
        iou_threshold=0.5,
        classes=2,
        max_proposals_per_class=5,
        max_proposals_total=10,
        image_height=64.0,
        image_width=64.0,
        anchor_decoders=(AnchorDecoder("a_head", 8, (16.0,), (16.0,)),),
        mask_threshold=0.5,
        proto_stream="b_proto",
        proto_stride=4,
        max_accumulated_mask_size=8192,
    )
    return op, [heads, protos], {"a_head": frame, "b_proto": proto}


MASKS = Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_WITH_BYTE_MASK)


@pytest.mark.parametrize(("profile", "type_"), [("4.23", FormatType.FLOAT32), ("5.2", FormatType.UINT8)])
def test_each_box_brings_its_mask(profile: str, type_: FormatType) -> None:
    op, streams, frames = seg_head([(2, 3, 1), (5, 6, 0)])
    format = Format(type_, FormatOrder.HAILO_NMS_WITH_BYTE_MASK)

    first, second = masked_boxes(run(op, streams, frames, format, 2 + 500 + 8192, profile=profile), profile=profile)

    assert (first.class_id, second.class_id) == (1, 0)
    assert first.score > second.score
    # Sixteen pixels square, around the middle of its cell.
    assert [round(64 * side) for side in first.box] == [12, 20, 28, 36]
    rows = first.mask.reshape(16, 16)
    # The prototype is positive in the left half of the image, that is up to column 32.
    assert rows[:, :11].all()
    assert not rows[:, 13:].any()
    assert not second.mask.any()


def test_masks_that_do_not_fit_are_reported_after_the_best_are_written() -> None:
    op, streams, frames = seg_head([(2, 3, 1), (5, 6, 0)])
    named = {stream.name: stream for stream in streams}
    out = np.zeros(2 + 38 + 256 + 100, np.uint8)
    nms = make_nms(op, named, MASKS, NmsSettings(), "4.23")

    with pytest.raises(StatusError, match="mask size") as refused:
        nms.run({name: frame.reshape(-1) for name, frame in frames.items()}, out)

    assert refused.value.status is Status.INSUFFICIENT_BUFFER
    assert masked_boxes(out[: 2 + 38 + 256 + 100])[0].class_id == 1
    assert out[:2].view("<u2") == 1


def test_no_more_boxes_than_the_limit_are_counted() -> None:
    op, streams, frames = seg_head([(2, 3, 1), (5, 6, 0)])
    out = run(op, streams, frames, MASKS, 2 + 500 + 8192, settings=NmsSettings(max_proposals_total=1))
    assert out[:2].view("<u2") == 1
