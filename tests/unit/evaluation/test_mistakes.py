"""What a detector did wrong, named."""

from __future__ import annotations

import numpy as np

from hailstack.evaluation.mistakes import find_mistakes
from hailstack.types import Detections

OBJECTS = np.array([[0, 0, 40, 40], [100, 0, 140, 40], [200, 0, 240, 40], [0, 100, 40, 140]], np.float32)
CLASSES = np.array([0, 0, 1, 1], np.int32)


def found(*rows: tuple[float, float, float, float, int]) -> Detections:
    boxes = np.array([row[:4] for row in rows], np.float32).reshape(-1, 4)
    score = np.linspace(0.9, 0.5, len(rows)).astype(np.float32)
    return Detections(boxes, score, np.array([row[4] for row in rows], np.int32))


def test_every_kind_of_mistake_is_told_from_the_others():
    pairs, wrong = find_mistakes(
        found(
            (1, 1, 40, 40, 0),  # right
            (2, 2, 42, 42, 0),  # the same again
            (122, 0, 162, 40, 0),  # too far from the second
            (200, 0, 240, 38, 0),  # the third, called something else
            (300, 300, 320, 320, 1),  # nothing is there
        ),
        OBJECTS,
        CLASSES,
    )
    assert pairs == ((0, 0),)
    assert [(one.kind, one.found, one.there) for one in wrong] == [
        ("double", 1, 0),
        ("place", 2, 1),
        ("class", 3, 2),
        ("false", 4, None),
        ("missed", None, 3),
    ]


def test_an_object_takes_its_best_box_and_nothing_is_wrong():
    pairs, wrong = find_mistakes(
        found(*((*box, int(one)) for box, one in zip(OBJECTS, CLASSES, strict=True))), OBJECTS, CLASSES
    )
    assert len(pairs) == 4
    assert wrong == ()


def test_no_box_and_no_object_are_no_mistake():
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.int32)
    assert find_mistakes(Detections.empty(), *nothing) == ((), ())
    assert [one.kind for one in find_mistakes(Detections.empty(), OBJECTS, CLASSES)[1]] == ["missed"] * 4
    assert [one.kind for one in find_mistakes(found((0, 0, 9, 9, 0)), *nothing)[1]] == ["false"]
