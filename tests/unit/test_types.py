"""The nouns that travel between rooms."""

from __future__ import annotations

import numpy as np

from hailstack.types import Detections, Mask

PLAIN = Detections(np.arange(12, dtype=np.float32).reshape(3, 4), np.ones(3, np.float32), np.arange(3, dtype=np.int32))


def test_taking_objects_takes_every_column_of_them():
    full = Detections(
        PLAIN.xyxy,
        PLAIN.score,
        PLAIN.class_id,
        ("a", "b", "c"),
        keypoints=np.arange(18, dtype=np.float32).reshape(3, 2, 3),
        masks=tuple(Mask(one, 0, np.ones((2, 2), bool)) for one in range(3)),
        corners=np.arange(24, dtype=np.float32).reshape(3, 4, 2),
        regions=np.arange(24, dtype=np.float32).reshape(3, 4, 2),
        skeleton=((0, 1),),
    )
    some = full.take(np.array([2, 0]))
    assert some.xyxy.tolist() == full.xyxy[[2, 0]].tolist()
    assert [some.name(0), some.name(1)] == ["c", "a"]
    assert some.keypoints is not None
    assert some.keypoints[0].tolist() == full.keypoints[2].tolist()  # type: ignore[index]
    assert [one.left for one in some.masks or ()] == [2, 0]
    assert some.skeleton == full.skeleton


def test_taking_objects_by_a_condition_keeps_what_is_missing_missing():
    some = PLAIN.take(np.array([False, True, False]))
    assert len(some) == 1
    assert some.class_id.tolist() == [1]
    assert some.keypoints is some.masks is some.corners is some.regions is None
