"""What lens and sensor make of the light: motion blur, dark corners, exposure, noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hailstack.demo.camera import Camera
from hailstack.demo.look import Look
from hailstack.imaging import raster
from hailstack.types import Image

VIGNETTE = 0.22
"""How much darker the picture's corners are."""


def develop(image: Image, look: Look, camera: Camera, sensor_seed: int) -> Image:
    """The picture after lens and sensor: blurred by the motion, darker at the corners, noisy."""
    height, width = image.shape[:2]
    moved = _grown(image, camera, look.blur_share)
    exposed = raster.multiply(raster.mix(image, moved, 0.5), _vignette(height, width), look.exposure / 255.0)
    rng = np.random.default_rng([sensor_seed, 4])
    noise = _sensor_noise(rng, height, width, look.noise)
    return raster.add(exposed, noise)


def _grown(image: Image, camera: Camera, share: float) -> Image:
    """The picture at the end of the exposure: everything has come nearer, away from the point driven to."""
    ahead = camera.pose.rotation[2] * (1.0, 1.0, 0.0)
    target = camera.project(camera.pose.position + 1e3 * ahead / np.linalg.norm(ahead))[0]
    scale = 1.0 + share
    matrix = [[scale, 0.0, -share * target[0]], [0.0, scale, -share * target[1]]]
    return raster.warp_affine(image, matrix, *image.shape[:2], border="replicate")


def _vignette(height: int, width: int) -> NDArray[np.uint8]:
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    gain = 255.0 * (1.0 - VIGNETTE * 0.5 * (rows**2 + columns**2))
    return np.repeat(gain.astype(np.uint8)[..., None], 3, axis=2)


def _sensor_noise(rng: np.random.Generator, height: int, width: int, deviation: float) -> NDArray[np.int8]:
    """Mostly the same in all colours, as after demosaicing. A small block is repeated: drawing is slow."""
    block = rng.normal(0.0, deviation, (135, 241, 1)) + rng.normal(0.0, 0.4 * deviation, (135, 241, 3))
    tiled = np.tile(np.clip(np.rint(block), -127, 127).astype(np.int8), (height // 135 + 1, width // 241 + 1, 1))
    return np.ascontiguousarray(tiled[:height, :width])
