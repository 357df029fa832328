"""Shadows of the leaves on the ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hailstack.demo.camera import Camera
from hailstack.demo.mesh import Mesh, extent
from hailstack.demo.scenery import Scenery, in_view
from hailstack.imaging import raster
from hailstack.types import Image

FINE_M, COARSE_M = 5.5, 13.0
"""Up to this distance every leaf has its shadow, up to that one leaves are taken together."""
COARSER = 2
"""Shadows are soft: they are drawn at half the picture's size."""
SOFT_PX = 24.0
"""Shadows smaller than this are drawn without the leaves' notches."""


def cast_shadows(
    image: Image, scenery: Scenery, camera: Camera, depth: NDArray[np.float64], offsets: NDArray[np.float32]
) -> None:
    """Darken the ground where leaves keep the sun off. ``depth`` and ``offsets`` have one row per plant."""
    height, width = image.shape[:2]
    seen = in_view(scenery, camera, depth)
    mask = np.zeros((height // COARSER, width // COARSER), np.uint8)
    for mesh, chosen in (
        (scenery.far, (depth > FINE_M) & (depth < COARSE_M)),
        (scenery.middle, (depth > -1.0) & (depth <= FINE_M)),
    ):
        _draw(mask, mesh.take_plants(chosen & seen), scenery, camera, offsets)
    darkness = 0.34 + 0.24 * scenery.look.light.strength
    gain = (255.0 - darkness * raster.blur(mask, 1.1).astype(np.float32)).astype(np.uint8)
    top = int(max(0.0, camera.horizon_px())) // COARSER * COARSER
    full = raster.resize(gain[top // COARSER :], height - top, width)
    image[top:] = raster.multiply(image[top:], np.repeat(full[..., None], 3, axis=2))


def _draw(mask: NDArray[np.uint8], mesh: Mesh, scenery: Scenery, camera: Camera, offsets: NDArray[np.float32]) -> None:
    sun = scenery.look.light.towards_sun
    ground = mesh.corners.astype(np.float64)
    ground[..., :2] += 0.5 * offsets[mesh.plant][:, None, :] - ground[..., 2:] * (sun[:2] / sun[2])
    ground[..., 2] = 0.0
    pixels, depth = camera.project(ground)
    low, high = extent(pixels)
    size = (camera.lens.width_px, camera.lens.height_px)
    shown = (extent(depth)[0] > 0.3) & (high > 0).all(axis=1) & (low < size).all(axis=1)
    raster.fill_polygons(mask, pixels[shown] / COARSER - 0.5, np.full(int(shown.sum()), 255), rough_below_px=SOFT_PX)
