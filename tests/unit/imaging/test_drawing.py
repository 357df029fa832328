"""What a viewer sees of results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hailstack.imaging import draw, draw_classes, draw_detections
from hailstack.imaging.drawing import class_colour
from hailstack.imaging.raster import blur, fill_polygons, line, resize, warp_affine
from hailstack.types import UNSEEN, Classes, ClassMap, DepthMap, Detections, Embedding, Mask, RawTensors


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


ONE = Detections(np.array([[60, 80, 160, 180]], np.float32), np.array([0.9], np.float32), np.array([2], np.int32))


def is_colour(picture: np.ndarray, class_id: int) -> np.ndarray:
    return (picture == class_colour(class_id)).all(axis=2)


def is_nearly(picture: np.ndarray, class_id: int) -> np.ndarray:
    """As far as smooth edges let a colour be itself."""
    return np.abs(picture.astype(int) - class_colour(class_id)).max(axis=2) < 40


def test_a_mask_tints_what_it_covers_and_nothing_else():
    pixels = np.zeros((100, 100), bool)
    pixels[20:80, 30:70] = True
    drawn = draw_detections(grey(), replace(ONE, masks=(Mask(60, 80, pixels),)))
    inside = drawn[130, 110].astype(int)
    assert (np.abs(inside - (0.55 * 128 + 0.45 * np.array(class_colour(2)))) <= 1).all()
    assert (drawn[95, 70] == 128).all()
    assert (drawn[:70, 200:] == 128).all()


def test_a_mask_that_leaves_the_picture_is_cut_at_its_edge():
    box = replace(ONE, xyxy=np.array([[-20, -10, 30, 40]], np.float32))
    drawn = draw_detections(grey(), replace(box, masks=(Mask(-20, -10, np.ones((50, 50), bool)),)))
    assert (drawn[35, 25] != 128).any()
    assert (drawn[60, 60] == 128).all()
    gone = replace(box, masks=(Mask(290, 190, np.ones((50, 50), bool)),))
    assert (draw_detections(grey(), gone)[195, 295] != 128).any()
    assert (
        draw_detections(grey(), replace(box, masks=(Mask(500, 500, np.ones((5, 5), bool)),)))[150, 150] == 128
    ).all()


def test_key_points_are_joined_and_doubtful_ones_left_out():
    points = np.array([[[80, 150, 0.9], [140, 150, 0.9], [110, 100, 0.1]]], np.float32)
    drawn = draw_detections(grey(), replace(ONE, keypoints=points, skeleton=((0, 1), (1, 2))))
    assert is_nearly(drawn, 2)[150, 90:131].all()
    assert (drawn[100, 110] == 128).all()
    assert (drawn[125, 125] == 128).all()


def test_an_oriented_box_is_drawn_instead_of_the_upright_one():
    corners = np.array([[[110, 80], [160, 130], [110, 180], [60, 130]]], np.float32)
    drawn = draw_detections(grey(), replace(ONE, corners=corners))
    assert is_nearly(drawn, 2)[130, 60]
    assert is_nearly(drawn, 2)[155, 85]
    assert (drawn[178, 62] == 128).all()


def test_the_turned_square_for_a_second_network_shows_which_side_is_up():
    square = np.array([[[60, 80], [160, 80], [160, 180], [60, 180]]], np.float32)
    drawn = draw_detections(grey(), replace(ONE, xyxy=ONE.xyxy + np.float32(10), regions=square))
    white = (drawn > 200).all(axis=2)
    assert white[120, 60]
    assert white[77:84, 150].sum() > white[177:184, 150].sum() > 0


def test_a_class_map_tints_its_pixels_and_says_what_the_colours_mean():
    class_id = np.zeros((200, 300), np.uint8)
    class_id[100:, :] = 1
    class_id[:, 250:] = UNSEEN
    drawn = draw(grey(), ClassMap(class_id, ("background", "sea")))
    assert (drawn[60, 200] == 128).all()
    assert (drawn[150, 280] == 128).all()
    assert (np.abs(drawn[150, 200].astype(int) - (128 + np.array(class_colour(1))) / 2) <= 1).all()
    assert is_colour(drawn[:20], 1).sum() > 100


def test_depth_is_bright_where_it_is_near_and_the_picture_where_nothing_was_seen():
    depth = np.tile(np.linspace(1, 9, 300, dtype=np.float32), (200, 1))
    depth[:, :50] = np.nan
    metric = draw(grey(), DepthMap(depth, True)).astype(int)
    inverse = draw(grey(), DepthMap(depth, False, True)).astype(int)
    assert (metric[50, 20] == 128).all()
    assert metric[50, 60].sum() > metric[50, 150].sum() > metric[50, 290].sum()
    assert inverse[50, 60].sum() < inverse[50, 150].sum() < inverse[50, 290].sum()
    assert (draw(grey(), DepthMap(depth * np.nan, True)) == 128).all()
    flat = draw(grey(), DepthMap(np.full((200, 300), 3, np.float32), True))
    assert (flat[50] == flat[50, 0]).all()


def test_what_cannot_be_seen_leaves_the_picture_as_it_is():
    image = grey()
    assert draw(image, RawTensors({})) is image
    assert draw(image, Embedding(np.ones(1, np.float32))) is image


def test_more_classes_than_have_room_are_listed_as_far_as_they_go():
    ids = np.arange(200, dtype=np.int32)
    drawn = draw(grey(60, 120), Classes(ids, np.full(200, 0.005, np.float32)))
    assert is_colour(drawn, 0).any()
    assert not is_colour(drawn, 50).any()


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
