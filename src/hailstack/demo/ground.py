"""What lies behind the plants: soil with furrows and wheel tracks, the far canopy, trees and sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.demo.camera import Camera
from hailstack.demo.light import Light
from hailstack.demo.noise import cloud, smoothstep
from hailstack.imaging import raster
from hailstack.types import Image

ROWS_PER_TILE = 4
SOIL_PX_PER_ROW = 192
TILE_LENGTH_PX = 960
COARSER = 4
"""How many times coarser the soil is drawn far away, so that it does not flicker."""
FAR_CANOPY_M = 0.5
"""Height of the plane that stands for the plants too far to draw one by one."""


@dataclass(frozen=True, slots=True)
class SoilLook:
    """The soil's colour (0..255) and how much straw lies on it."""

    colour: tuple[float, float, float] = (134.0, 102.0, 76.0)
    straw: int = 900


@dataclass(frozen=True, slots=True, eq=False)
class Paving:
    """A picture that covers a level plane by repetition."""

    tile: Image
    px_per_m: float
    height_m: float

    def seen(self, camera: Camera, top_px: int, bottom_px: int) -> Image:
        """Rows ``top_px`` to ``bottom_px`` of the picture that ``camera`` takes of the plane."""
        to_tile = np.diag([self.px_per_m, self.px_per_m, 1.0])
        period = self.tile.shape[0] / self.px_per_m
        to_tile[1, 2] = -self.px_per_m * period * np.floor(camera.pose.position[1] / period)
        to_pixel = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, top_px + 0.5], [0.0, 0.0, 1.0]])
        matrix = to_tile @ camera.plane(self.height_m) @ to_pixel
        return raster.warp_plane(self.tile, matrix, bottom_px - top_px, camera.lens.width_px)


def pave_soil(rng: np.random.Generator, look: SoilLook, light: Light, row_spacing_m: float) -> tuple[Paving, Paving]:
    """The soil, fine and coarse."""
    width = ROWS_PER_TILE * SOIL_PX_PER_ROW
    relief = _relief(rng, TILE_LENGTH_PX, width)
    slope = np.gradient(relief)
    sun = light.towards_sun
    shading = 1.0 + light.strength * 0.55 * np.tanh(-0.5 * (slope[1] * sun[0] + slope[0] * sun[1]))
    damp = 0.88 + 0.10 * np.tanh(_soft_cloud(rng, width, 1.6)) + 0.05 * _furrow(width)
    grain = 1.0 + 0.05 * cloud(rng, TILE_LENGTH_PX, width, 0.4)
    brightness = (shading * damp * grain)[..., None] * (0.62 + 0.42 * light.strength)
    hue = 1.0 + 0.03 * _soft_cloud(rng, width, 1.4)[..., None] * np.array([1.0, 0.1, -0.8], np.float32)
    tile = np.clip(np.asarray(look.colour, np.float32) * brightness * hue, 0, 255).astype(np.uint8)
    _scatter_straw(rng, tile, look.straw)
    px_per_m = SOIL_PX_PER_ROW / row_spacing_m
    coarse = raster.resize(tile, TILE_LENGTH_PX // COARSER, width // COARSER, "area")
    return Paving(tile, px_per_m, 0.0), Paving(coarse, px_per_m * coarse.shape[1] / width, 0.0)


def _soft_cloud(rng: np.random.Generator, width: int, roughness: float) -> NDArray[np.float32]:
    """Large patches: drawn at a quarter of the tile's size, where nothing fine is lost."""
    small = cloud(rng, TILE_LENGTH_PX // 4, width // 4, roughness, 90)
    return raster.resize(small, TILE_LENGTH_PX, width, "cubic")


def _relief(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Clods, crumbs, and a wheel track in every other furrow."""
    clods = 3.2 * np.abs(cloud(rng, height, width, 1.1, 70))
    return np.asarray(clods + 1.0 * cloud(rng, height, width, 0.7, 24) + _tracks(height, width), np.float32)


def _furrow(width: int) -> NDArray[np.float32]:
    """1 in the middle between rows, -1 under the plants. Rows are sown at half spacings."""
    return np.cos(2 * np.pi * np.arange(width, dtype=np.float32) / SOIL_PX_PER_ROW)[None, :]


def _tracks(height: int, width: int) -> NDArray[np.float32]:
    """Chevron prints of tyres."""
    across = np.arange(width, dtype=np.float32)[None, :]
    along = np.arange(height, dtype=np.float32)[:, None]
    aside = np.abs((across + SOIL_PX_PER_ROW) % (2 * SOIL_PX_PER_ROW) - SOIL_PX_PER_ROW)
    inside = 1.0 - smoothstep(aside, 22.0, 30.0)
    lugs = smoothstep(np.cos(2 * np.pi * (along + 0.9 * aside) / 32.0), -0.2, 0.4)
    return np.asarray(inside * (5.0 * lugs - 5.0), np.float32)


def _scatter_straw(rng: np.random.Generator, tile: Image, count: int) -> None:
    """Short dry stalks, lying any way."""
    height, width = tile.shape[:2]
    for _ in range(count):
        start = rng.uniform((0, 0), (width, height))
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(4, 22)
        end = start + length * np.array([np.cos(angle), np.sin(angle)])
        tone = rng.uniform(0.75, 1.15)
        raster.line(tile, tuple(start), tuple(end), (188 * tone, 164 * tone, 118 * tone))


def pave_far_canopy(rng: np.random.Generator, light: Light, row_spacing_m: float, tint: NDArray[np.float32]) -> Paving:
    """Rows of green, sprinkled with flowers, for the far part of the field."""
    px_per_row, length = 28, 512
    width = 8 * px_per_row
    across = np.arange(width, dtype=np.float32)[None, :] + cloud(rng, length, width, 1.0, 40) * 3.0
    green = smoothstep(-np.cos(2 * np.pi * across / px_per_row), -0.75, 0.1)[..., None]
    leaf = (np.array([70.0, 108.0, 48.0]) + 0.7 * tint) * (0.5 + 0.42 * light.strength)
    leaf = leaf * (1.0 + 0.24 * cloud(rng, length, width, 0.5)[..., None])
    gap = np.array([52.0, 50.0, 34.0]) * (0.6 + 0.4 * light.strength)
    tile = green * leaf + (1 - green) * gap
    specks = (rng.random((length, width, 1)) < 0.012) * green
    petal = np.where(rng.random((length, width, 1)) < 0.25, [206.0, 120.0, 150.0], [236.0, 234.0, 216.0])
    tile = tile * (1 - specks) + petal * specks * (0.6 + 0.4 * light.strength)
    return Paving(np.clip(tile, 0, 255).astype(np.uint8), px_per_row / row_spacing_m, FAR_CANOPY_M)


def paint_sky(rng: np.random.Generator, light: Light, width: int, height: int) -> Image:
    """``(height, width, 3)``: sky over a line of trees; the lowest row is the horizon. Seamless sideways."""
    up = np.linspace(1.0, 0.0, height, dtype=np.float32)[:, None, None]
    clear = np.array([118.0, 164.0, 214.0]) * up + np.array([206.0, 220.0, 228.0]) * (1 - up)
    overcast = np.array([196.0, 202.0, 208.0]) * (0.92 + 0.08 * up)
    sky = clear * light.strength + overcast * (1 - light.strength)
    stretched = raster.resize(cloud(rng, 64, 256, 1.7), height, width, "cubic")
    clouds = smoothstep(stretched, 0.1, 1.6)[..., None] * 0.75
    sky = sky * (1 - clouds) + np.array([244.0, 244.0, 242.0]) * clouds
    _plant_trees(rng, sky, light)
    return np.asarray(np.clip(sky, 0, 255), np.uint8)


def _plant_trees(rng: np.random.Generator, sky: NDArray[np.float64], light: Light) -> None:
    """Two hazy ranks of trees."""
    height, width = sky.shape[:2]
    below = np.arange(height, 0, -1, dtype=np.float32)[:, None]
    for tall, colour in ((0.115, (136.0, 158.0, 150.0)), (0.07, (88.0, 112.0, 84.0))):
        crowns = cloud(rng, 1, width, 0.9, width / 24)[0] * 0.22 + 1.0
        tops = height * tall * np.clip(crowns, 0.35, 1.7)
        inside = smoothstep(tops[None, :] - below, -0.7, 0.7)[..., None] * 0.94
        grain = 1 + 0.08 * cloud(rng, height, width, 0.6)[..., None]
        leaf = np.asarray(colour) * (0.7 + 0.3 * light.strength) * grain
        sky[:] = sky * (1 - inside) + leaf * inside
