"""A field made visible: its plants and flowers as lit meshes, its ground and sky as pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.demo.blossoms import far_flower_mesh, flower_mesh
from hailstack.demo.camera import Camera
from hailstack.demo.field import Field, Plants
from hailstack.demo.ground import Paving, paint_sky, pave_far_canopy, pave_soil
from hailstack.demo.leaves import FAR, MIDDLE, NEAR, grow_leaves, leaf_mesh, stem_mesh
from hailstack.demo.look import Look
from hailstack.demo.mesh import Mesh, join
from hailstack.types import Image

NEAR_M, MIDDLE_M, FAR_M = 3.5, 7.5, 16.0
"""Up to which distance plants are drawn in which detail; beyond the last, the field is a picture."""
LANE_M = 3.5
"""Plants farther aside of x = 0 than this are never near a camera, and have no fine mesh."""
SKY_WIDTH_PX, SKY_HEIGHT_PX = 4096, 160


@dataclass(frozen=True, slots=True, eq=False)
class Scenery:
    """All that a renderer paints, apart from the moment and the camera."""

    field: Field
    look: Look
    near: Mesh
    middle: Mesh
    far: Mesh
    blossoms: Mesh
    far_blossoms: Mesh
    soil: Paving
    coarse_soil: Paving
    far_canopy: Paving
    sky: Image
    """A panorama; its lowest row is the horizon."""


def build(field: Field, look: Look) -> Scenery:
    """The scenery of a field on one day: a second or so of work, then any number of pictures."""
    rng = np.random.default_rng([field.seed, 3])
    tint = np.asarray(look.leaf_tint, np.float32)
    leaves = grow_leaves(rng, field.plants, tint)
    lane = np.abs(field.plants.position[:, 0]) < LANE_M
    fine = leaves.of_plants(lane)
    near = join([stem_mesh(rng, field.plants, look.light).take_plants(lane), leaf_mesh(fine, look.light, NEAR)])
    spacing = field.plan.row_spacing_m
    soil, coarse_soil = pave_soil(rng, look.soil, look.light, spacing)
    return Scenery(
        field=field,
        look=look,
        near=near,
        middle=leaf_mesh(leaves, look.light, MIDDLE),
        far=leaf_mesh(leaves, look.light, FAR),
        blossoms=flower_mesh(rng, field.flowers, look.light),
        far_blossoms=far_flower_mesh(field.flowers, look.light),
        soil=soil,
        coarse_soil=coarse_soil,
        far_canopy=pave_far_canopy(rng, look.light, spacing, tint),
        sky=paint_sky(rng, look.light, SKY_WIDTH_PX, SKY_HEIGHT_PX),
    )


def sway(plants: Plants, wind_m: float, time_s: float) -> NDArray[np.float32]:
    """``(n, 2)``: how far the wind moves the top of each plant, in x and y, metres."""
    gust = 1.9 * time_s + plants.phase + 0.5 * plants.position[:, 1]
    flutter = 4.7 * time_s + 2.0 * plants.phase
    aside = wind_m * (np.sin(gust) + 0.35 * np.sin(flutter))
    along = 0.6 * wind_m * np.sin(0.8 * gust + 1.0)
    return np.stack([aside, along], axis=1).astype(np.float32)


def in_view(scenery: Scenery, camera: Camera, depth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which plants may touch the picture."""
    pixels, _ = camera.project(scenery.field.plants.position)
    reach = 0.5 * camera.lens.focal_px / np.maximum(depth, 0.3)
    aside = np.abs(pixels[:, 0] - camera.lens.width_px / 2) - camera.lens.width_px / 2
    near = (np.abs(depth) < 1.0) & (np.linalg.norm(scenery.field.plants.position - camera.pose.position, axis=1) < 2.2)
    return np.asarray(((depth > 0.0) & (depth < FAR_M) & (aside < reach)) | near)
