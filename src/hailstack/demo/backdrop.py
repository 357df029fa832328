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
COARSE_SOIL_M = 5.0
"""From this distance on the soil is drawn from its coarse tile."""


def lay_backdrop(scenery: Scenery, camera: Camera) -> Image:
    """Sky, far canopy and soil."""
    width, height = camera.lens.width_px, camera.lens.height_px
    horizon = camera.horizon_px()
    far = _row_at(camera, FAR_M - 3.0, FAR_CANOPY_M)  # a little under the first plants, which hide the edge
    coarse = _row_at(camera, COARSE_SOIL_M, 0.0)
    image = np.empty((height, width, 3), np.uint8)
    top = int(np.clip(math.ceil(horizon) + 1, 0, height))
    _lay_sky(image[:top], scenery, camera, horizon)
    for paving, begin, end in (
        (scenery.far_canopy, top, far),
        (scenery.coarse_soil, max(top, far), coarse),
        (scenery.soil, max(top, coarse), height),
    ):
        if end > begin:
            image[begin:end] = paving.seen(camera, begin, end)
    _lay_haze(image[top:], scenery, camera, top)
    return image


def _row_at(camera: Camera, distance_m: float, height_m: float) -> int:
    """The row in which a point straight ahead appears."""
    ahead = camera.pose.rotation[2] * (1.0, 1.0, 0.0)
    point = camera.pose.position + distance_m * ahead / np.linalg.norm(ahead)
    row = camera.project(np.array([point[0], point[1], height_m]))[0][1]
    return int(np.clip(row, 0, camera.lens.height_px))


def _lay_sky(sky: Image, scenery: Scenery, camera: Camera, horizon: float) -> None:
    """The panorama, moved with the camera's heading and tilted with its roll."""
    if not len(sky):
        return
    right, _, forward = camera.pose.rotation
    heading, roll = math.atan2(forward[0], forward[1]), math.asin(-right[2])
    height, width = scenery.sky.shape[:2]
    left = int(heading * camera.lens.focal_px) % (width - 2 * camera.lens.width_px)
    strip = scenery.sky[:, left : left + camera.lens.width_px + 200]
    tilt = math.tan(roll)
    middle = camera.lens.width_px / 2
    matrix = [[1.0, 0.0, -100.0], [-tilt, 1.0, horizon - height + tilt * (middle + 100)]]
    sky[:] = raster.warp_affine(strip, matrix, len(sky), sky.shape[1], border="replicate")


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
