"""What grows where: rows of plants and their flowers, each flower with an identity, a stage and a place.

World coordinates as in :mod:`hailstack.demo.camera`: metres, x across the rows, y along them, z up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STAGES = ("bud", "open", "wilted")
"""The stages of a flower, by class id: a pale bud, a white open flower, and the pink one of the day after."""

STAGE_SIZE_M = (0.060, 0.088, 0.068)
"""Typical largest extent of a flower by stage."""


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """How a field is sown."""

    row_spacing_m: float = 0.875
    plant_spacing_m: float = 0.32
    rows_each_side: int = 13
    length_m: float = 34.0
    plant_height_m: float = 0.62
    flowers_per_plant: float = 2.0
    stage_shares: tuple[float, float, float] = (0.34, 0.40, 0.26)
    missing: float = 0.04
    """Share of places where nothing came up."""


@dataclass(frozen=True, slots=True, eq=False)
class Plants:
    """One row of each array per plant."""

    position: NDArray[np.float64]
    """``(n, 3)`` metres: where the stem leaves the ground."""
    height_m: NDArray[np.float64]
    radius_m: NDArray[np.float64]
    """Of the canopy."""
    phase: NDArray[np.float64]
    """Of its swaying, radians."""

    def __len__(self) -> int:
        return len(self.height_m)


@dataclass(frozen=True, slots=True, eq=False)
class Flowers:
    """One row of each array per flower. A flower's identity is its row: it never changes within a field."""

    plant: NDArray[np.int32]
    stage: NDArray[np.int32]
    """Index into :data:`STAGES`."""
    position: NDArray[np.float64]
    """``(n, 3)`` metres: the flower's middle, in still air."""
    facing: NDArray[np.float64]
    """``(n, 3)`` unit vectors: the way it opens."""
    size_m: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.stage)


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A sown field."""

    seed: int
    plan: FieldPlan
    plants: Plants
    flowers: Flowers


def grow(seed: int, plan: FieldPlan | None = None) -> Field:
    """The field of this seed: the same seed and plan give the same field, down to the last flower."""
    plan = plan or FieldPlan()
    rng = np.random.default_rng([seed, 1])
    plants = _sow(rng, plan)
    return Field(seed, plan, plants, _bloom(rng, plan, plants))


def _sow(rng: np.random.Generator, plan: FieldPlan) -> Plants:
    rows = np.arange(-plan.rows_each_side, plan.rows_each_side) + 0.5
    places = np.arange(0.0, plan.length_m, plan.plant_spacing_m)
    x, y = (grid.ravel() for grid in np.meshgrid(rows * plan.row_spacing_m, places))
    alive = rng.random(x.size) >= plan.missing
    count = int(alive.sum())
    across = x[alive] + rng.normal(0.0, 0.025, count)
    along = y[alive] + rng.normal(0.0, 0.05, count)
    vigour = np.clip(rng.normal(1.0, 0.11, count), 0.7, 1.3)
    height = plan.plant_height_m * vigour
    radius = 0.29 * vigour * rng.uniform(0.92, 1.08, count)
    position = np.stack([across, along, np.zeros(count)], axis=1)
    return Plants(position, height, radius, rng.uniform(0.0, 2 * np.pi, count))


def _bloom(rng: np.random.Generator, plan: FieldPlan, plants: Plants) -> Flowers:
    """Flowers on the outside of the canopy, more of them near its top, facing outwards and up."""
    plant = np.repeat(np.arange(len(plants)), rng.poisson(plan.flowers_per_plant, len(plants)))
    count = len(plant)
    stage = rng.choice(len(STAGES), count, p=np.asarray(plan.stage_shares) / sum(plan.stage_shares))
    angle, level = rng.uniform(0.0, 2 * np.pi, count), rng.beta(3.0, 1.5, count) * 0.62 + 0.42
    reach = canopy_radius(level) * plants.radius_m[plant] * rng.uniform(0.85, 1.08, count)
    outwards = np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], axis=1)
    position = plants.position[plant] + outwards * reach[:, None]
    position[:, 2] = level * plants.height_m[plant] * 1.04
    facing = outwards * rng.uniform(0.35, 1.0, count)[:, None] + rng.normal(0.0, 0.22, (count, 3))
    facing[:, 2] += rng.uniform(0.3, 1.1, count) - 0.5 * (stage == 2)
    facing /= np.linalg.norm(facing, axis=1, keepdims=True)
    size = np.asarray(STAGE_SIZE_M)[stage] * np.clip(rng.normal(1.0, 0.1, count), 0.75, 1.25)
    return Flowers(plant.astype(np.int32), stage.astype(np.int32), position, facing, size)


def canopy_radius(level: NDArray[np.float64]) -> NDArray[np.float64]:
    """The canopy's outline: its radius, 1 at the widest, at a height of ``level`` (0 the ground, 1 the top)."""
    return np.sqrt(np.clip(1.0 - ((level - 0.42) / 0.64) ** 2, 0.03, 1.0))
