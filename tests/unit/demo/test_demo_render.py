"""Rendered pictures, and whether their truth is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hailstack.demo.camera import Camera, Lens, Pose
from hailstack.demo.drive import Drive, Mount
from hailstack.demo.field import FieldPlan, grow
from hailstack.demo.look import Look
from hailstack.demo.render import Rendered, render
from hailstack.demo.scenery import Scenery, build

LENS = Lens(480, 270, 400.0)
CLEAN = Look(noise=0.0, blur_share=0.0, wind_m=0.02)
PLAN = FieldPlan(rows_each_side=4, length_m=20.0)


@pytest.fixture(scope="module")
def scenery() -> Scenery:
    return build(grow(4, PLAN), CLEAN)


def camera_at(time_s: float) -> Camera:
    return Drive().camera(time_s, LENS, Mount())


@pytest.fixture(scope="module")
def picture(scenery: Scenery) -> Rendered:
    return render(scenery, camera_at(0.4), 0.4)


def test_the_same_moment_gives_the_same_picture(scenery: Scenery, picture: Rendered) -> None:
    again = render(scenery, camera_at(0.4), 0.4)
    assert np.array_equal(again.image, picture.image)
    assert np.array_equal(again.truth.xyxy, picture.truth.xyxy)


def test_the_same_seed_gives_the_same_scenery(picture: Rendered) -> None:
    again = render(build(grow(4, PLAN), CLEAN), camera_at(0.4), 0.4)
    assert np.array_equal(again.image, picture.image)


def test_the_sensor_adds_other_noise_to_every_frame(scenery: Scenery) -> None:
    noisy = replace(scenery, look=replace(CLEAN, noise=4.0))
    first, second = (render(noisy, camera_at(0.4), 0.4, sensor_seed=seed).image for seed in (1, 2))
    difference = first.astype(np.int16) - second
    assert 2.0 < difference.std() < 12.0


def test_the_wind_moves_flowers_but_not_their_truth_in_the_world(scenery: Scenery) -> None:
    before, after = (render(scenery, camera_at(0.4), time_s).truth for time_s in (0.0, 0.8))
    shared, rows_before, rows_after = np.intersect1d(before.flower, after.flower, return_indices=True)
    assert len(shared) > 20
    assert np.array_equal(before.position[rows_before], after.position[rows_after])
    assert np.abs(before.xyxy[rows_before] - after.xyxy[rows_after]).max() > 1.0


def test_a_picture_has_sky_above_and_leaves_below(picture: Rendered) -> None:
    sky, field = picture.image[:8].astype(int), picture.image[120:].astype(int)
    assert sky[..., 2].mean() > sky[..., 0].mean()
    assert (field[..., 1] > field[..., 2] + 15).mean() > 0.4


def test_truth_is_within_the_picture_and_nearest_first(picture: Rendered) -> None:
    truth = picture.truth
    assert len(truth) > 30
    assert truth.wanted.sum() > 10
    assert (truth.xyxy[:, :2] >= 0).all() and (truth.xyxy[:, 2:] <= (LENS.width_px, LENS.height_px)).all()
    assert (truth.xyxy[:, 2:] > truth.xyxy[:, :2]).all()
    assert ((truth.visibility >= 0) & (truth.visibility <= 1)).all()
    assert (np.diff(truth.depth_m) >= 0).all()
    assert len(np.unique(truth.flower)) == len(truth)


def test_boxes_are_where_the_camera_projects_the_flowers(picture: Rendered) -> None:
    truth = picture.truth
    pixels, _ = camera_at(0.4).project(truth.position)
    middle = (truth.xyxy[:, :2] + truth.xyxy[:, 2:]) / 2
    whole = (truth.xyxy[:, :2] > 1).all(axis=1) & (truth.xyxy[:, 2:] < (LENS.width_px - 1, LENS.height_px - 1)).all(
        axis=1
    )
    size = (truth.xyxy[:, 2:] - truth.xyxy[:, :2]).max(axis=1)
    sway_px = 1.5 * CLEAN.wind_m / truth.depth_m * LENS.focal_px
    assert (np.abs(middle - pixels).max(axis=1)[whole] < (0.5 * size + sway_px)[whole]).all()


def painted(scenery: Scenery, flower: int) -> Scenery:
    """The scenery with one flower in a colour that nothing else has."""
    colour = scenery.blossoms.colour.copy()
    colour[scenery.blossoms.flower == flower] = (0.0, 0.0, 255.0)
    return replace(scenery, blossoms=replace(scenery.blossoms, colour=colour))


def test_a_flower_is_seen_in_its_box_only_and_as_much_as_its_visibility_says(
    scenery: Scenery, picture: Rendered
) -> None:
    truth = picture.truth
    wanted = np.flatnonzero(truth.wanted)
    for row in (*wanted[:3], *wanted[-2:]):
        other = render(painted(scenery, int(truth.flower[row])), camera_at(0.4), 0.4)
        changed = (np.abs(other.image.astype(int) - picture.image) > 24).any(axis=2)
        rows, columns = np.nonzero(changed)
        left, top, right, bottom = truth.xyxy[row]
        assert len(rows) > 0
        assert columns.min() >= left - 2 and columns.max() + 1 <= right + 2
        assert rows.min() >= top - 2 and rows.max() + 1 <= bottom + 2
        assert np.array_equal(other.truth.visibility, truth.visibility)
        assert changed.sum() <= (right - left + 2) * (bottom - top + 2)
        assert changed.sum() >= 0.25 * truth.visibility[row] * (right - left) * (bottom - top)


def test_a_flower_behind_the_plants_is_listed_as_hidden(picture: Rendered) -> None:
    assert (picture.truth.visibility < 0.05).any()
    assert not picture.truth.wanted[picture.truth.visibility < 0.05].any()


def test_flowers_grow_in_the_picture_as_the_robot_comes_nearer(scenery: Scenery) -> None:
    before, after = (render(scenery, camera_at(time_s), 0.0).truth for time_s in (0.0, 1.0))
    shared, rows_before, rows_after = np.intersect1d(before.flower, after.flower, return_indices=True)
    nearer = before.depth_m[rows_before] - after.depth_m[rows_after]
    assert len(shared) > 10
    assert nearer == pytest.approx(np.full(len(shared), 0.75), abs=0.12)


def looking(scenery: Scenery, heading_deg: float, roll_deg: float) -> np.ndarray:
    camera = Camera(LENS, Pose.looking((0.0, 2.0, 1.32), heading_deg, 14.0, roll_deg))
    return render(scenery, camera, 0.0).image.astype(int)


def test_the_trees_move_steadily_as_the_camera_turns(scenery: Scenery) -> None:
    left, straight, right = (looking(scenery, heading, 0.0)[:30] for heading in (-0.3, 0.0, 0.3))
    moved = round(np.radians(0.3) * LENS.focal_px)
    for before, after in ((left, straight), (straight, right)):
        to_the_left = np.abs(after[:, :-moved] - before[:, moved:]).mean()
        to_the_right = np.abs(after[:, moved:] - before[:, :-moved]).mean()
        assert to_the_left < 0.8 * to_the_right
        assert np.abs(after - before).mean() < 12.0


def test_the_horizon_tilts_against_the_roll(scenery: Scenery) -> None:
    rolled = looking(scenery, 0.0, 3.0)
    blue = rolled[..., 2] > rolled[..., 1] + 4
    sky_rows = [int(blue[:120, part].all(axis=1).sum()) for part in (slice(0, 40), slice(-40, None))]
    assert sky_rows[0] > sky_rows[1] + 10
