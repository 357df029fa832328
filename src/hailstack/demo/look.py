"""How a day in the field looks: light, soil, leaves, wind, and the sensor that takes the pictures."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hailstack.demo.ground import SoilLook
from hailstack.demo.light import Light

SOILS = ((134.0, 102.0, 76.0), (150.0, 96.0, 66.0), (112.0, 94.0, 78.0), (158.0, 132.0, 100.0), (96.0, 78.0, 64.0))
"""Loam, red clay, grey loam, sand, dark earth."""


@dataclass(frozen=True, slots=True)
class Look:
    """Everything about the pictures that is not geometry."""

    light: Light = field(default_factory=Light)
    soil: SoilLook = field(default_factory=SoilLook)
    leaf_tint: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Added to every leaf's colour, 0..255."""
    wind_m: float = 0.018
    """How far the top of a plant sways."""
    haze_m: float = 90.0
    """Distance after which 63 % of the light is haze."""
    exposure: float = 1.0
    noise: float = 3.0
    """Deviation of the sensor's noise, in grey levels of 255."""
    blur_share: float = 0.003
    """How much nearer the camera comes during the exposure, as growth of the picture."""

    @property
    def haze_colour(self) -> NDArray[np.float32]:
        """``(3,)``: what distance fades into."""
        return np.array([206.0, 218.0, 224.0], np.float32) * (0.84 + 0.16 * self.light.strength)

    @staticmethod
    def of_seed(seed: int) -> Look:
        """The weather, soil and camera of one seed, drawn from what a season brings."""
        rng = np.random.default_rng([seed, 2])
        light = Light(
            azimuth_deg=float(rng.uniform(0, 360)),
            elevation_deg=float(rng.uniform(30, 68)),
            strength=float(np.clip(rng.normal(0.85, 0.2), 0.15, 1.0)),
            warmth=float(rng.uniform(-0.6, 1.0)),
        )
        soil = SoilLook(SOILS[int(rng.integers(len(SOILS)))], int(rng.integers(200, 1500)))
        tint = tuple(float(part) for part in rng.normal(0.0, (9.0, 8.0, 7.0)))
        return Look(
            light=light,
            soil=soil,
            leaf_tint=(tint[0], tint[1], tint[2]),
            wind_m=float(rng.uniform(0.004, 0.035)),
            haze_m=float(rng.uniform(50, 160)),
            exposure=float(np.clip(rng.normal(1.0, 0.1), 0.75, 1.25)),
            noise=float(rng.uniform(1.5, 6.0)),
            blur_share=float(rng.uniform(0.0, 0.005)),
        )
