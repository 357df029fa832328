"""What a viewer sees of results."""

from __future__ import annotations

import numpy as np

from hailstack.imaging import draw_classes, draw_detections
from hailstack.imaging.drawing import class_colour
from hailstack.imaging.raster import blur, fill_polygons, line, resize, warp_affine
from hailstack.types import Classes, Detections


def grey(height: int = 200, width: int = 300) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


def test_a_box_is_drawn_where_the_object_is_and_the_source_stays_untouched():
    image = grey()
    found = Detections(
        np.array([[60, 80, 160, 180]], np.float32),
        np.array([0.9], np.float32),
        np.array([2], np.int32),
        ("a", "b", "c"),
    )
    drawn = draw_detections(image, found)
    assert (image == 128).all()
    for x, y in [(60, 130), (160, 130), (110, 180)]:
        assert tuple(drawn[y, x]) == class_colour(2)
    assert tuple(drawn[130, 110]) == (128, 128, 128)


def test_a_box_at_the_edge_keeps_its_label_inside_the_picture():
    found = Detections(np.array([[290, 0, 300, 20]], np.float32), np.array([0.5], np.float32), np.array([0], np.int32))
    drawn = draw_detections(grey(), found)
    assert (drawn[:12, 200:] != 128).any()


def test_in_a_crowd_the_stronger_object_keeps_its_label_and_no_object_is_hidden():
    boxes = np.array([[100, 100, 112, 112], [104, 112, 116, 124], [20, 150, 40, 170]], np.float32)
    found = Detections(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.array([0, 1, 2], np.int32))
    drawn = draw_detections(grey(), found)
    assert tuple(drawn[124, 110]) == class_colour(1)
    assert tuple(drawn[106, 112]) == class_colour(0)
    assert tuple(drawn[106, 106]) == (128, 128, 128)
    labels = [(drawn[:, :] == class_colour(class_id)).all(axis=2).sum() > 300 for class_id in range(3)]
    assert labels == [True, False, True]


def test_nothing_found_leaves_the_picture_as_it_is():
    assert (draw_detections(grey(), Detections.empty()) == 128).all()
    assert (draw_classes(grey(), Classes(np.zeros(0, np.int32), np.zeros(0, np.float32))) == 128).all()


def test_classes_are_written_in_the_upper_left_corner():
    classes = Classes(np.array([1, 0], np.int32), np.array([0.7, 0.3], np.float32), ("cat", "dog"))
    drawn = draw_classes(grey(), classes)
    assert (drawn[:20, :60] != 128).any()
    assert (drawn[100:] == 128).all()


def test_neighbouring_classes_have_colours_that_can_be_told_apart():
    colours = np.array([class_colour(number) for number in range(20)], float)
    steps = np.abs(np.diff(colours, axis=0)).sum(axis=1)
    assert steps.min() > 60


def test_rendered_shapes_cover_what_they_should():
    canvas = grey(100, 100)
    shape = np.array([[(10, 10), (30.5, 10), (30.5, 30), (10, 30)], [(60, 60), (80, 60), (60, 80), (60, 80)]])
    fill_polygons(canvas, shape, np.array([(255, 0, 0), (0, 255, 0)]))
    line(canvas, (0, 99), (99, 99), (0, 0, 255))
    assert tuple(canvas[20, 20]) == (255, 0, 0)
    assert tuple(canvas[65, 65]) == (0, 255, 0)
    assert tuple(canvas[75, 75]) == (128, 128, 128)
    assert canvas[99, 50, 2] > 200 > 50 > canvas[99, 50, 0]


def test_filters_work_on_float_layers_too():
    layer = np.zeros((40, 60), np.float32)
    layer[10:31, 20:41] = 1.0
    assert layer[20, 30] == 1.0
    assert 0 < blur(layer, 3)[20, 41] < 1
    assert blur(layer, 0) is layer
    assert resize(layer, 20, 30).shape == (20, 30)
    moved = warp_affine(layer, [[1, 0, 5], [0, 1, 0]], 40, 60)
    assert np.array_equal(moved[:, 5:], layer[:, :-5])
