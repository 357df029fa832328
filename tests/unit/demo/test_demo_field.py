"""What grows where."""

from __future__ import annotations

import numpy as np
import pytest

from hailstack.demo.field import STAGES, FieldPlan, canopy_radius, grow

PLAN = FieldPlan(rows_each_side=4, length_m=12.0)


def test_the_same_seed_grows_the_same_field() -> None:
    first, second = grow(5, PLAN), grow(5, PLAN)
    assert np.array_equal(first.flowers.position, second.flowers.position)
    assert np.array_equal(first.flowers.stage, second.flowers.stage)
    assert np.array_equal(first.plants.height_m, second.plants.height_m)


def test_another_seed_grows_another_field() -> None:
    assert not np.array_equal(grow(5, PLAN).plants.position[:20], grow(6, PLAN).plants.position[:20])


def test_plants_stand_in_rows_with_a_free_way_in_the_middle() -> None:
    x = grow(1, PLAN).plants.position[:, 0]
    row = np.round(x / PLAN.row_spacing_m - 0.5) + 0.5
    assert set(row) == {-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5}
    assert np.abs(x - row * PLAN.row_spacing_m).max() < 0.15


def test_there_are_as_many_flowers_and_stages_as_planned() -> None:
    plan = FieldPlan(flowers_per_plant=3.0, stage_shares=(0.2, 0.5, 0.3), missing=0.0)
    field = grow(2, plan)
    assert len(field.flowers) / len(field.plants) == pytest.approx(3.0, abs=0.15)
    shares = np.bincount(field.flowers.stage, minlength=len(STAGES)) / len(field.flowers)
    assert shares == pytest.approx([0.2, 0.5, 0.3], abs=0.03)


def test_flowers_sit_on_their_plants() -> None:
    field = grow(3, PLAN)
    flowers, plants = field.flowers, field.plants
    away = flowers.position - plants.position[flowers.plant]
    assert (np.hypot(away[:, 0], away[:, 1]) < 1.15 * plants.radius_m[flowers.plant]).all()
    assert (away[:, 2] > 0.15).all()
    assert (away[:, 2] < 1.15 * plants.height_m[flowers.plant]).all()
    assert np.linalg.norm(flowers.facing, axis=1) == pytest.approx(1.0)


def test_a_canopy_is_widest_below_its_middle_and_closes_at_the_top() -> None:
    levels = np.linspace(0, 1.05, 50)
    radius = canopy_radius(levels)
    assert 0.3 < levels[radius.argmax()] < 0.55
    assert radius[-1] < 0.3
