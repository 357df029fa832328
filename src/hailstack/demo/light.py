"""Sun and sky: which colour a surface has."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.float32]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Light:
    """Daylight. Angles in degrees, the azimuth clockwise from the direction of the rows."""

    azimuth_deg: float = 125.0
    elevation_deg: float = 48.0
    strength: float = 0.95
    """Of the direct sun: 0 under clouds, 1 at noon in clear air."""
    warmth: float = 0.0
    """-1 bluish to 1 golden."""

    @property
    def towards_sun(self) -> NDArray[np.float64]:
        """``(3,)`` unit vector in world coordinates."""
        azimuth, elevation = math.radians(self.azimuth_deg), math.radians(self.elevation_deg)
        level = math.cos(elevation)
        return np.array([level * math.sin(azimuth), level * math.cos(azimuth), math.sin(elevation)])

    def shade(self, albedo: Colours, normal: Vectors, openness: Colours, translucency: float = 0.0) -> Colours:
        """What the camera sees of flat pieces with two sides.

        Args:
            albedo: ``(n, 3)`` own colour, 0..255.
            normal: ``(n, 3)`` unit vectors; the upper side counts.
            openness: ``(n,)`` 0..1: how much of sun and sky reaches the piece.
            translucency: 0..1: how much sun shines through from behind.
        """
        facing = normal @ self.towards_sun.astype(np.float32)
        direct = np.maximum(facing, 0.0) + translucency * np.maximum(-facing, 0.0)
        sun = 1.12 * self.strength * direct * openness**1.5
        sky = (0.74 - 0.2 * self.strength) * (0.62 + 0.38 * normal[:, 2]) * openness
        shaded = albedo * (sun[:, None] * self._sun_colour() + sky[:, None] * self._sky_colour())
        return np.asarray(np.clip(shaded, 0.0, 255.0), np.float32)

    def _sun_colour(self) -> Colours:
        return np.array([1.0 + 0.08 * self.warmth, 0.97, 0.9 - 0.14 * self.warmth], np.float32)

    def _sky_colour(self) -> Colours:
        return np.array([0.93, 1.0, 1.1 - 0.06 * self.warmth], np.float32)
