"""Single pictures from many places of a field, as training, calibration and measuring want them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hailstack.demo.camera import Camera, Lens, Pose
from hailstack.demo.field import FieldPlan, grow
from hailstack.demo.look import Look
from hailstack.demo.render import Rendered, render
from hailstack.demo.scenery import FAR_M, build


def take_shots(seed: int, count: int, lens: Lens | None = None) -> Iterator[Rendered]:
    """``count`` pictures of the field of ``seed``: its own sowing, weather and soil, the camera somewhere in it.

    Fields differ in height, density of flowers and shares of their stages; cameras in place, height and direction.
    """
    rng = np.random.default_rng([seed, 5])
    plan = _varied_plan(rng)
    scenery = build(grow(seed, plan), Look.of_seed(seed))
    for number in range(count):
        camera = Camera(lens or Lens(), _varied_pose(rng, plan))
        yield render(scenery, camera, float(rng.uniform(0, 60)), sensor_seed=seed * 1000 + number)


def _varied_plan(rng: np.random.Generator) -> FieldPlan:
    shares = rng.dirichlet((4.0, 4.0, 4.0))
    return FieldPlan(
        plant_spacing_m=float(rng.uniform(0.26, 0.4)),
        plant_height_m=float(rng.uniform(0.48, 0.74)),
        flowers_per_plant=float(rng.uniform(0.8, 3.2)),
        stage_shares=(float(shares[0]), float(shares[1]), float(shares[2])),
        missing=float(rng.uniform(0.0, 0.12)),
    )


def _varied_pose(rng: np.random.Generator, plan: FieldPlan) -> Pose:
    row = plan.row_spacing_m * int(rng.integers(-1, 2))
    position = (row + rng.normal(0.0, 0.08), rng.uniform(0.8, plan.length_m - FAR_M), rng.normal(1.32, 0.1))
    return Pose.looking(position, rng.normal(0.0, 5.0), rng.normal(16.5, 2.5), rng.normal(0.0, 1.2))
