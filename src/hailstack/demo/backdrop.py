"""What lies behind the plants, laid into the picture: sky, far canopy, soil, haze."""

from __future__ import annotations

import math

import numpy as np

from hailstack.demo.camera import Camera
from hailstack.demo.ground import FAR_CANOPY_M
from hailstack.demo.scenery import FAR_M, Scenery
from hailstack.imaging import raster
from hailstack.types import Image

MOST_HAZE = 0.55
"""However far away, so much of the ground's colour is lost."""
SKY_MARGIN_PX = 8
COARSE_SOIL_M = 5.0
"""From this distance on the soil is drawn from its coarse tile."""


def lay_backdrop(scenery: Scenery, camera: Camera) -> Image:
    """Sky, far canopy and soil."""
    width, height = camera.lens.width_px, camera.lens.height_px
    horizon = camera.horizon_px()
    far = _row_at(camera, FAR_M - 3.0, FAR_CANOPY_M)  # a little under the first plants, which hide the edge
    coarse = _row_at(camera, COARSE_SOIL_M, 0.0)
    image = np.empty((height, width, 3), np.uint8)
    spread = abs(horizon_tilt(camera)) * width / 2
    top, bottom = (int(np.clip(round(row), 0, height)) for row in (horizon - spread, horizon + spread + 1))
    for paving, begin, end in (
        (scenery.far_canopy, top, far),
        (scenery.coarse_soil, max(top, far), coarse),
        (scenery.soil, max(top, coarse), height),
    ):
        if end > begin:
            image[begin:end] = paving.seen(camera, begin, end)
    _lay_haze(image[bottom:], scenery, camera, bottom)
    _lay_sky(image[:bottom], scenery, camera, horizon)
    return image


def _row_at(camera: Camera, distance_m: float, height_m: float) -> int:
    """The row in which a point straight ahead appears."""
    ahead = camera.pose.rotation[2] * (1.0, 1.0, 0.0)
    point = camera.pose.position + distance_m * ahead / np.linalg.norm(ahead)
    row = camera.project(np.array([point[0], point[1], height_m]))[0][1]
    return int(np.clip(row, 0, camera.lens.height_px))


def _lay_sky(sky: Image, scenery: Scenery, camera: Camera, horizon: float) -> None:
    """The panorama above the horizon, moved with the camera's heading and tilted with its roll."""
    if not len(sky):
        return
    height, whole = scenery.sky.shape[:2]
    width = camera.lens.width_px
    forward = camera.pose.rotation[2]
    left = whole / 2 + math.atan2(forward[0], forward[1]) * camera.lens.focal_px - width / 2 - SKY_MARGIN_PX
    columns = (math.floor(left) + np.arange(width + 2 * SKY_MARGIN_PX)) % whole
    tilt = horizon_tilt(camera)
    middle = width / 2 + SKY_MARGIN_PX
    across = [1.0, 0.0, math.floor(left) - left - SKY_MARGIN_PX]
    matrix = [across, [tilt, 1.0, horizon - height - tilt * middle]]
    seen = raster.warp_affine(scenery.sky[:, columns], matrix, len(sky), width, border="replicate")
    line = horizon + tilt * (np.arange(width) + 0.5 - width / 2)
    above = np.arange(len(sky))[:, None] + 0.5 < line
    sky[:] = np.where(above[..., None], seen, _paled(sky, scenery))


def _paled(ground: Image, scenery: Scenery) -> Image:
    """Ground at the horizon, where haze is thickest."""
    colour = np.broadcast_to(scenery.look.haze_colour.astype(np.uint8), ground.shape)
    return raster.mix(ground, np.ascontiguousarray(colour), MOST_HAZE)


def horizon_tilt(camera: Camera) -> float:
    """How many pixels the horizon falls for each pixel to the right."""
    right, down, _ = camera.pose.rotation
    return float(-right[2] / down[2])


def _lay_haze(ground: Image, scenery: Scenery, camera: Camera, top: int) -> None:
    """Distance pales the ground; each row has one distance."""
    rows = np.arange(top, top + len(ground)) + 0.5
    plane = camera.plane(0.0)
    seen = plane @ np.stack([np.full(len(rows), camera.lens.width_px / 2), rows, np.ones(len(rows))])
    distance = np.linalg.norm(seen[:2] / seen[2] - camera.pose.position[:2, None], axis=0)
    share = np.minimum(1.0 - np.exp(-distance / scenery.look.haze_m), MOST_HAZE)
    hazy = share > 0.05
    last = len(ground) if hazy.all() else int(np.argmin(hazy))
    weight = share[:last, None, None].astype(np.float32)
    ground[:last] = (ground[:last] * (1 - weight) + scenery.look.haze_colour * weight).astype(np.uint8)
