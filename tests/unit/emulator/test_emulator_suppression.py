from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from nms_cases import BY_CLASS, head, run, slow_nms

from hailstack.emulator.host.ops.boxes import Candidates, suppress
from hailstack.emulator.host.ops.results import boxes_by_class
from hailstack.hef.model import NmsOp


@st.composite
def candidates(draw: st.DrawFn) -> Candidates:
    count = draw(st.integers(0, 80))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    corner = random.integers(0, 12, (count, 2)) / 16
    size = random.integers(1, 8, (count, 2)) / 16
    box = np.concatenate((corner, corner + size), axis=1).astype(np.float32)
    score = (random.permutation(count) + 1).astype(np.float32) / 100
    return Candidates(box, score, random.integers(0, draw(st.integers(1, 3)), count).astype(np.intp))


@settings(deadline=None)
@given(candidates(), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.integers(1, 20))
def test_suppression_keeps_what_a_slow_loop_keeps(found: Candidates, threshold: float, limit: int) -> None:
    left = suppress(found, 3, threshold, limit)

    listed = [(int(c), s, tuple(b)) for c, s, b in zip(found.class_id, found.score, found.box, strict=True)]
    op = NmsOp("op", "v", (), iou_threshold=threshold, classes=3, max_proposals_per_class=limit)
    wanted = [score for boxes in slow_nms(listed, op) for _, score, _ in boxes]
    assert found.score[left.index].tolist() == wanted
    assert left.counts.tolist() == np.bincount(found.class_id[left.index], minlength=3).tolist()


def test_many_overlapping_boxes_of_one_class_leave_one() -> None:
    box = np.tile(np.array([[0.1, 0.1, 0.9, 0.9]], np.float32), (500, 1))
    found = Candidates(box, np.linspace(0.1, 0.9, 500, dtype=np.float32), np.zeros(500, np.intp))

    assert suppress(found, 1, 0.5, 100).index.tolist() == [499]


def test_a_box_with_score_zero_is_counted_but_neither_written_nor_suppressed() -> None:
    # As the vendor's library does: zero is its mark for "removed".
    op, streams, frames = head("YOLOV8", 1, 0.0)
    for name in ("cls0", "cls1"):
        frames[name] = np.full_like(frames[name], 100)

    out = run(op, streams, frames, BY_CLASS, 3 * 21 * 4)

    assert [boxes.tolist() for boxes in boxes_by_class(out, 3)] == [[[0.0] * 5] * 4] * 3
