"""Pictures fitted into a network's input, and boxes brought back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.errors import ConfigError, InputError
from hailstack.imaging import Preprocess

sizes = st.integers(1, 90)
methods = st.builds(
    Preprocess,
    height=sizes,
    width=sizes,
    mode=st.sampled_from(["letterbox", "stretch", "crop"]),
    anchor=st.sampled_from(["center", "topleft"]),
    colour=st.sampled_from(["RGB", "BGR"]),
    crop_fraction=st.sampled_from([0.5, 0.875, 1.0]),
    interpolation=st.sampled_from(["linear", "area"]),
)


def picture(height: int, width: int) -> np.ndarray:
    """Smooth, and different in each channel."""
    y, x = np.mgrid[0:height, 0:width]
    planes = (255 * x / width, 255 * y / height, 60 + 0 * x)
    return np.stack(planes, axis=-1).astype(np.uint8)


@given(method=methods, height=sizes, width=sizes)
def test_every_pixel_of_the_frame_is_written_and_none_outside_it(method, height, width):
    pool = np.full((3, method.height, method.width, 3), 7, np.uint8)
    frame, _ = method.apply(picture(height, width), pool[1])
    again, _ = method.apply(picture(height, width))
    assert np.shares_memory(frame, pool)
    assert np.array_equal(frame, again)
    assert (pool[0] == 7).all()
    assert (pool[2] == 7).all()


@given(method=methods, height=sizes, width=sizes, corners=st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_a_box_of_the_source_comes_back_from_the_input(method, height, width, corners):
    (left, right), (top, bottom) = sorted(corners[:2]), sorted(corners[2:])
    box = np.array([[left * width, top * height, right * width, bottom * height]])
    _, placement = method.apply(picture(height, width))
    assert np.allclose(placement.to_source(placement.to_input(box)), box, atol=0.02)


@given(method=methods, height=sizes, width=sizes)
def test_points_come_back_like_boxes_but_may_leave_the_source(method, height, width):
    _, placement = method.apply(picture(height, width))
    points = [[-width, 0.25 * height], [2 * width, 3 * height]]
    inside = placement.to_input([points[0] + points[1]]).reshape(2, 2)
    assert np.allclose(placement.points_to_source(inside), points, atol=0.02)
    assert placement.points_to_source(inside[None]).shape == (1, 2, 2)


@given(method=methods, height=sizes, width=sizes)
def test_boxes_are_clipped_to_the_source(method, height, width):
    _, placement = method.apply(picture(height, width))
    assert placement.to_source([[-1e6, -1e6, 1e6, 1e6]]).tolist() == [[0, 0, width, height]]


@pytest.mark.parametrize("anchor", ["center", "topleft"])
@pytest.mark.parametrize(("height", "width"), [(480, 640), (640, 480), (333, 77), (50, 50)])
def test_a_letterbox_keeps_the_aspect_and_pads_with_the_given_grey(anchor, height, width):
    method = Preprocess(96, 128, anchor=anchor, pad_value=9)
    frame, placement = method.apply(np.full((height, width, 3), 200, np.uint8))
    inside = placement.to_input([[0, 0, width, height]]).round().astype(int)[0]
    mask = np.zeros((96, 128), bool)
    mask[inside[1] : inside[3], inside[0] : inside[2]] = True
    assert (frame[mask] == 200).all()
    assert (frame[~mask] == 9).all()
    assert mask.any(axis=0).all() or mask.any(axis=1).all()
    assert placement.scale_x == pytest.approx(placement.scale_y, rel=0.02)
    margins = (inside[0], 128 - inside[2], inside[1], 96 - inside[3])
    assert abs(margins[0] - margins[1]) <= 1 if anchor == "center" else margins[0] == margins[2] == 0


def test_the_pixel_in_the_frame_is_the_pixel_of_the_source_where_the_placement_says():
    image = picture(300, 400)
    for method in (Preprocess(60, 120), Preprocess(60, 60, mode="crop"), Preprocess(30, 90, mode="stretch")):
        frame, placement = method.apply(image)
        x, y = method.width // 2, method.height // 2
        left, top, right, bottom = placement.to_source([[x, y, x + 1, y + 1]])[0]
        expected = image[round(top) : round(bottom), round(left) : round(right)].mean(axis=(0, 1))
        assert np.abs(frame[y, x] - expected).max() <= 3


def test_a_crop_takes_the_middle_as_imagenet_does():
    image = picture(512, 1024)
    frame, placement = Preprocess(224, 224, mode="crop").apply(image)
    # Shorter side 512 → 256, then 224 of the middle: 448 source pixels around the centre.
    assert placement.to_source([[0, 0, 224, 224]]).tolist() == [[288, 32, 736, 480]]
    assert abs(int(frame[112, 112, 0]) - 127) <= 2


def test_bgr_is_the_mirror_of_rgb():
    image = picture(40, 30)
    rgb, _ = Preprocess(20, 20).apply(image)
    bgr, _ = Preprocess(20, 20, colour="BGR").apply(image)
    assert np.array_equal(rgb, bgr[..., ::-1])


def test_grey_is_the_luminance_of_the_colours():
    image = picture(20, 20)
    rgb, place = Preprocess(20, 30).apply(image)
    grey, same = Preprocess(20, 30, colour="GREY").apply(image, np.empty((20, 30, 1), np.uint8))
    assert grey.shape == (20, 30, 1)
    assert place == same
    assert np.abs(grey[..., 0] - rgb @ [0.299, 0.587, 0.114]).max() <= 1


@given(method=methods)
def test_it_survives_the_meta_file(method):
    assert Preprocess.from_dict(method.to_dict()) == method


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"height": 8}, "width"),
        ({"height": 8, "width": 8, "size": 8}, "size"),
        ({"height": 8, "width": 8, "mode": "squash"}, "squash"),
        ({"height": 0, "width": 8}, "height"),
        ({"height": 8, "width": 8, "pad_value": 256}, "pad_value"),
        ({"height": "8", "width": 8}, "height"),
    ],
)
def test_a_wrong_description_is_refused_by_key(values, named):
    with pytest.raises(ConfigError, match=named):
        Preprocess.from_dict(values)


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_not_a_picture_is_refused(image):
    with pytest.raises(InputError, match="RGB uint8"):
        Preprocess(8, 8).apply(image)


def test_a_buffer_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"\(8, 8, 3\)"):
        Preprocess(8, 8).apply(picture(4, 4), np.zeros((8, 9, 3), np.uint8))
