"""Where points of the field land in the picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.demo.camera import Camera, Lens, Pose

LENS = Lens(640, 360, 500.0)

headings = st.floats(-60, 60)
pitches = st.floats(-10, 60)
rolls = st.floats(-20, 20)
heights = st.floats(0.5, 4.0)


@st.composite
def cameras(draw: st.DrawFn) -> Camera:
    position = (draw(st.floats(-5, 5)), draw(st.floats(-5, 50)), draw(heights))
    return Camera(LENS, Pose.looking(position, draw(headings), draw(pitches), draw(rolls)))


def level_camera(height: float = 1.5, pitch: float = 0.0) -> Camera:
    return Camera(LENS, Pose.looking((0.0, 0.0, height), pitch_deg=pitch))


def test_a_point_straight_ahead_is_in_the_middle_at_its_distance() -> None:
    pixel, depth = level_camera().project((0.0, 7.0, 1.5))
    assert pixel == pytest.approx([320.0, 180.0])
    assert depth == pytest.approx(7.0)


def test_right_is_right_and_up_is_up() -> None:
    (right, above), _ = level_camera().project([(1.0, 5.0, 1.5), (0.0, 5.0, 2.5)])
    assert right == pytest.approx([320.0 + 100.0, 180.0])
    assert above == pytest.approx([320.0, 180.0 - 100.0])


def test_a_heading_to_the_right_moves_the_world_to_the_left() -> None:
    camera = Camera(LENS, Pose.looking((0, 0, 1.5), heading_deg=10.0))
    assert camera.project((0.0, 5.0, 1.5))[0][0] < 320.0


def test_a_camera_that_looks_down_sees_the_horizon_above_the_middle() -> None:
    camera = level_camera(pitch=20.0)
    assert camera.horizon_px() == pytest.approx(180.0 - 500.0 * np.tan(np.radians(20.0)))
    far_away = camera.project((0.0, 1e7, 0.0))[0]
    assert far_away[1] == pytest.approx(camera.horizon_px(), abs=0.01)


def test_a_camera_rolled_clockwise_sees_the_world_turned_the_other_way() -> None:
    camera = Camera(LENS, Pose.looking((0, 0, 1.5), roll_deg=15.0))
    right_of_middle = camera.project((1.0, 5.0, 1.5))[0]
    assert right_of_middle[1] < 180.0


@given(cameras())
def test_a_pose_is_a_rotation(camera: Camera) -> None:
    rotation = camera.pose.rotation
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


@given(cameras(), st.floats(-3, 3), st.floats(1, 30), st.floats(0, 0.5))
def test_a_pixel_of_a_level_plane_leads_back_to_its_point(
    camera: Camera, x: float, ahead: float, height: float
) -> None:
    forward = camera.pose.rotation[2] * (1, 1, 0)
    point = camera.pose.position + ahead * forward / np.linalg.norm(forward) + (x, 0, 0)
    point[2] = height - 0.5
    pixel, depth = camera.project(point)
    if depth < 0.2:
        return
    back = camera.plane(height - 0.5) @ (*pixel, 1.0)
    assert back[:2] / back[2] == pytest.approx(point[:2], abs=1e-6)


@given(cameras(), st.floats(0.5, 20), st.floats(1.1, 3.0))
def test_things_shrink_as_their_distance_grows(camera: Camera, near: float, times: float) -> None:
    right, _, forward = camera.pose.rotation
    sizes = []
    for depth in (near, near * times):
        middle = camera.pose.position + depth * forward
        ends, depths = camera.project([middle - 0.1 * right, middle + 0.1 * right])
        assert depths == pytest.approx([depth, depth])
        sizes.append(float(np.linalg.norm(ends[1] - ends[0])))
    assert sizes[0] / sizes[1] == pytest.approx(times)
