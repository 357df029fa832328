"""Pictures of a field as a camera takes them, with the truth about every flower."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.demo.backdrop import lay_backdrop
from hailstack.demo.camera import Camera
from hailstack.demo.mesh import Mesh, extent, join
from hailstack.demo.scenery import MIDDLE_M, NEAR_M, Scenery, in_view, sway
from hailstack.demo.sensor import develop
from hailstack.demo.shadow import cast_shadows
from hailstack.demo.truth import ROUGH_PX, FlowerTruth, Painting, find_truth
from hailstack.imaging import raster
from hailstack.types import Image

NEAREST_M = 0.25
"""Pieces nearer to the camera than this are not drawn."""
BLOSSOM_M = 6.8
"""Up to this distance flowers have petals."""


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A picture and what is in it."""

    image: Image
    truth: FlowerTruth


def render(scenery: Scenery, camera: Camera, time_s: float, *, sensor_seed: int = 0) -> Rendered:
    """The picture that ``camera`` takes at ``time_s``, and the flowers in it.

    The same arguments give the same picture, bit for bit, on one machine and OpenCV release.

    Args:
        scenery: The field and its look.
        camera: Lens and pose.
        time_s: Moves the plants in the wind.
        sensor_seed: Which noise the sensor adds, usually the frame's number.
    """
    depth = camera.project(scenery.field.plants.position)[1]
    image = lay_backdrop(scenery, camera)
    offsets = sway(scenery.field.plants, scenery.look.wind_m, time_s)
    cast_shadows(image, scenery, camera, depth, offsets)
    painting = paint_order(_visible_mesh(scenery, camera, depth), scenery, camera, offsets)
    raster.fill_polygons(image, painting.pixels - 0.5, painting.colour, rough_below_px=ROUGH_PX)
    truth = find_truth(painting, scenery.field.flowers, camera)
    return Rendered(develop(image, scenery.look, camera, sensor_seed), truth)


def _visible_mesh(scenery: Scenery, camera: Camera, depth: NDArray[np.float64]) -> Mesh:
    """Everything in view, in the detail that its distance asks for."""
    seen = in_view(scenery, camera, depth)
    parts = [
        scenery.near.take_plants(seen & (depth <= NEAR_M)),
        scenery.middle.take_plants(seen & (depth > NEAR_M) & (depth <= MIDDLE_M)),
        scenery.far.take_plants(seen & (depth > MIDDLE_M)),
        scenery.blossoms.take_plants(seen & (depth <= BLOSSOM_M)),
        scenery.far_blossoms.take_plants(seen & (depth > BLOSSOM_M)),
    ]
    return join(parts)


def paint_order(mesh: Mesh, scenery: Scenery, camera: Camera, offsets: NDArray[np.float32]) -> Painting:
    """The mesh in the wind, projected, hazy with distance, farthest first; without what cannot be seen."""
    corners = blown(mesh, scenery, offsets)
    pixels, depth = camera.project(corners)
    middle_depth = camera.project(mesh.middle)[1]
    low, high = extent(pixels)
    size = (camera.lens.width_px, camera.lens.height_px)
    shown = (extent(depth)[0] > NEAREST_M) & (high > 0).all(axis=1) & (low < size).all(axis=1)
    shown &= (high - low).max(axis=1) > 0.6
    order = np.flatnonzero(shown)
    order = order[np.argsort(-middle_depth[order], kind="stable")]
    colour = _hazy(mesh.colour[order], middle_depth[order], scenery)
    return Painting(pixels[order], low[order], high[order], colour, mesh.flower[order])


def blown(mesh: Mesh, scenery: Scenery, offsets: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mesh's corners in the wind: plants bend like rods, more the higher."""
    height = scenery.field.plants.height_m[mesh.plant].astype(np.float32)[:, None]
    bend = np.square(mesh.corners[..., 2] / height)
    corners = mesh.corners.copy()
    corners[..., :2] += bend[..., None] * offsets[mesh.plant][:, None, :]
    return corners


def _hazy(colour: NDArray[np.float32], depth: NDArray[np.float64], scenery: Scenery) -> NDArray[np.float32]:
    share = (1.0 - np.exp(-depth / scenery.look.haze_m)).astype(np.float32)[:, None]
    return colour * (1 - share) + scenery.look.haze_colour * share
