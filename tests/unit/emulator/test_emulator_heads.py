from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from nms_cases import (
    BY_CLASS,
    Found,
    Frames,
    head,
    real_numbers,
    run,
    slow_nms,
    slow_ssd,
    slow_yolov5,
    slow_yolov8,
    slow_yolox,
)

from hailstack.emulator.host.ops.results import boxes_by_class
from hailstack.hef.formats import Format, FormatOrder, FormatType
from hailstack.hef.model import NmsOp, Stream

SLOW: dict[str, Callable[[NmsOp, dict[str, Stream], Frames], Found]] = {
    "YOLOV5": slow_yolov5,
    "YOLOV8": slow_yolov8,
    "YOLOX": slow_yolox,
    "SSD": slow_ssd,
}


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(SLOW)), st.integers(0, 10**6), st.sampled_from([0.0, 0.2, 0.5, 0.8, 2.0]))
def test_heads_agree_with_their_definition(kind: str, seed: int, threshold: float) -> None:
    op, streams, frames = head(kind, seed, threshold)

    out = run(op, streams, frames, BY_CLASS, 3 * (1 + 5 * 4) * 4)

    wanted = slow_nms(SLOW[kind](op, {stream.name: stream for stream in streams}, frames), op)
    for boxes, expected in zip(boxes_by_class(out, 3), wanted, strict=True):
        assert len(boxes) == len(expected)
        rows = np.array([[*box, score] for _, score, box in expected], np.float32).reshape(-1, 5)
        np.testing.assert_allclose(boxes, rows, rtol=1e-5, atol=1e-6)


def test_the_background_class_is_left_out() -> None:
    op, streams, frames = head("SSD", 5, 0.5)
    without = dataclasses.replace(op, background_removal=True, background_index=0)

    every = boxes_by_class(run(op, streams, frames, BY_CLASS, 3 * 21 * 4), 3)
    rest = boxes_by_class(run(without, streams, frames, BY_CLASS, 2 * 21 * 4), 2)

    assert len(every[0]) > 0
    assert all(np.array_equal(a, b) for a, b in zip(every[1:], rest, strict=True))


def test_boxes_alone_keep_every_anchor() -> None:
    op, streams, frames = head("YOLOV8", 3, 0.5)
    alone = dataclasses.replace(op, bbox_only=True)
    rows = 4 * 5 + 2 * 3

    out = run(alone, streams, frames, Format(FormatType.FLOAT32, FormatOrder.NHWC), rows * 7 * 4)

    boxes = out.view(np.float32).reshape(rows, 7)
    scores = real_numbers(streams[1], frames["cls0"]).reshape(-1, 3)
    assert np.array_equal(boxes[:20, 4:], scores)
    found = slow_yolov8(op, {stream.name: stream for stream in streams}, frames)
    known = np.array([box for _, _, box in found])
    assert all(np.abs(boxes[:, :4] - box).max(1).min() < 1e-5 for box in known)
