"""Leaves and stems of the plants, in three levels of detail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.demo.field import Plants, canopy_radius
from hailstack.demo.light import Light
from hailstack.demo.mesh import Mesh, join, normals, outline

HALF_LEAF = outline([(0, 0), (-0.16, 0.20), (-0.04, 0.42), (0.44, 0.60), (0.47, 0.30), (0.72, 0.24), (1.0, 0.0)])
"""The right half of a three-lobed leaf: along the midrib, across it; the leaf is 1 long."""
WHOLE_LEAF = outline(
    [(-0.1, 0.0), (0.02, 0.42), (0.42, 0.56), (0.62, 0.27), (1.0, 0), (0.62, -0.27), (0.42, -0.56), (0.02, -0.42)]
)
RIB = outline([(0.0, 0.018), (0.5, 0.012), (0.93, 0.0), (0.5, -0.012), (0.0, -0.018)])
FOLD, DROOP = 0.28, 0.34
"""How far the halves rise from the midrib, and how far the tip hangs, in leaf lengths."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How finely plants at some distance are drawn."""

    leaves: int
    scale: float
    halves: bool
    """Whether a leaf is two folded halves with a midrib, or one piece."""
    stem: bool


NEAR = Detail(leaves=38, scale=1.0, halves=True, stem=True)
MIDDLE = Detail(leaves=22, scale=1.22, halves=False, stem=False)
FAR = Detail(leaves=6, scale=2.2, halves=False, stem=False)


@dataclass(frozen=True, slots=True, eq=False)
class Leaves:
    """One row of each array per leaf."""

    plant: NDArray[np.int32]
    base: NDArray[np.float32]
    """``(n, 3)`` metres: where the blade begins."""
    axes: NDArray[np.float32]
    """``(n, 3, 3)``: along, across, up."""
    length_m: NDArray[np.float32]
    openness: NDArray[np.float32]
    albedo: NDArray[np.float32]

    def take(self, rows: NDArray[np.bool_]) -> Leaves:
        """Some of the leaves."""
        return Leaves(*(getattr(self, name)[rows] for name in Leaves.__slots__))

    def of_plants(self, chosen: NDArray[np.bool_]) -> Leaves:
        """The leaves of some plants; ``chosen`` has one entry per plant of the field."""
        return self.take(chosen[self.plant])


def grow_leaves(rng: np.random.Generator, plants: Plants, tint: NDArray[np.float32]) -> Leaves:
    """All leaves of ``plants`` at full detail; coarser levels draw the first few of each plant, larger."""
    count = len(plants) * NEAR.leaves
    plant = np.repeat(np.arange(len(plants)), NEAR.leaves)
    rank = np.tile(np.arange(NEAR.leaves), len(plants))
    level = np.clip(((rank * 0.618034) % 1.0) * 0.86 + 0.16 + rng.normal(0, 0.03, count), 0.08, 1.05)
    angle = rank * 2.39996 + plants.phase[plant] + rng.normal(0.0, 0.3, count)
    share = np.sqrt(rng.uniform(0.12, 1.0, count))
    outwards = np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], axis=1)
    base = plants.position[plant] + outwards * (0.8 * canopy_radius(level) * plants.radius_m[plant] * share)[:, None]
    base[:, 2] = level * plants.height_m[plant]
    length = 0.128 * (1.12 - 0.38 * level) * np.clip(rng.normal(1.0, 0.16, count), 0.6, 1.5)
    openness = np.clip(0.30 + 0.55 * level + 0.35 * (share - 0.5), 0.22, 1.0)
    axes = _leaf_axes(rng, outwards, level)
    return Leaves(
        plant.astype(np.int32),
        base.astype(np.float32),
        axes,
        length.astype(np.float32),
        openness.astype(np.float32),
        _greens(rng, count, tint),
    )


def _leaf_axes(
    rng: np.random.Generator, outwards: NDArray[np.float64], level: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Blades lie outwards; those at the top stand more level, those below hang."""
    up = outwards * rng.uniform(0.1, 0.8, len(level))[:, None] + rng.normal(0.0, 0.24, (len(level), 3))
    up[:, 2] += 0.85
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    along = outwards + rng.normal(0.0, 0.35, (len(level), 3))
    along -= up * (along * up).sum(axis=1, keepdims=True)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    return np.stack([along, np.cross(up, along), up], axis=1).astype(np.float32)


def _greens(rng: np.random.Generator, count: int, tint: NDArray[np.float32]) -> NDArray[np.float32]:
    """Leaf colours: mostly one green, some darker, a few turning yellow."""
    base = np.array([92.0, 148.0, 58.0]) + tint
    vary = rng.normal(0.0, 1.0, (count, 1)) * [13.0, 15.0, 8.0] + rng.normal(0.0, 3.0, (count, 3))
    yellow = (rng.random((count, 1)) < 0.03) * rng.uniform(0.3, 1.0, (count, 1))
    return np.clip((base + vary) * (1 - yellow) + np.array([196.0, 176.0, 70.0]) * yellow, 10, 250).astype(np.float32)


def leaf_mesh(leaves: Leaves, light: Light, detail: Detail) -> Mesh:
    """The leaves as lit polygons; the plants' rows stay together."""
    chosen = np.arange(len(leaves.plant)) % NEAR.leaves < detail.leaves
    picked = leaves.take(chosen)
    if not detail.halves:
        return _pieces(picked, light, [WHOLE_LEAF], detail.scale, 1.0)
    mirrored = HALF_LEAF * np.array([1.0, -1.0], np.float32)
    blades = _pieces(picked, light, [HALF_LEAF, mirrored], detail.scale, 1.0)
    ribs = _pieces(picked, light, [RIB], detail.scale, 1.28)
    return _interleave(blades, ribs)


def _pieces(leaves: Leaves, light: Light, shapes: list[NDArray[np.float32]], scale: float, gain: float) -> Mesh:
    """Each leaf as one polygon per shape."""
    local = np.stack([_bend(shape) for shape in shapes])
    corners = np.einsum("kvi,nij->nkvj", local, leaves.axes) * (scale * leaves.length_m)[:, None, None, None]
    corners = (corners + leaves.base[:, None, None, :]).reshape(-1, *local.shape[1:])
    each = np.repeat(np.arange(len(leaves.plant)), len(shapes))
    normal = normals(corners)
    normal *= np.sign((normal * leaves.axes[each, 2]).sum(axis=1, keepdims=True))
    colour = light.shade(leaves.albedo[each] * gain, normal, leaves.openness[each], translucency=0.45)
    middle = leaves.base + leaves.axes[:, 0] * (0.5 * leaves.length_m)[:, None]
    return Mesh(corners, middle[each], colour, leaves.plant[each], np.full(len(each), -1, np.int32))


def _bend(shape: NDArray[np.float32]) -> NDArray[np.float32]:
    """A flat outline folded along its midrib and hanging at its tip: ``(corners, 3)``."""
    along, across = shape.T
    return np.stack([along, across, FOLD * np.abs(across) - DROOP * along**2], axis=1).astype(np.float32)


def _interleave(blades: Mesh, ribs: Mesh) -> Mesh:
    """Both halves of a leaf, then its rib, leaf by leaf, so that equal distances keep that order."""
    order = np.argsort(np.concatenate([np.arange(len(blades)) // 2, np.arange(len(ribs))]), kind="stable")
    return join([blades, ribs]).take(order)


def stem_mesh(rng: np.random.Generator, plants: Plants, light: Light) -> Mesh:
    """A stem and four branches for each plant."""
    count, each = len(plants) * 5, np.repeat(np.arange(len(plants)), 5)
    trunk = np.arange(count) % 5 == 0
    angle = rng.uniform(0, 2 * np.pi, count)
    start = plants.position[each].copy()
    start[:, 2] = np.where(trunk, 0.0, rng.uniform(0.15, 0.6, count) * plants.height_m[each])
    reach = np.where(trunk, 0.02, 0.75 * plants.radius_m[each])
    rise = np.where(trunk, 0.6 * plants.height_m[each], 0.12)
    end = start + np.stack([np.cos(angle) * reach, np.sin(angle) * reach, rise], axis=1)
    width = np.where(trunk, 0.0055, 0.003)[:, None] * [1.0, 0.3, 0.0]
    ring = [start - width, start + width, end + 0.5 * width, end - 0.5 * width]
    corners = np.stack([ring[min(k, 3)] for k in range(8)], axis=1).astype(np.float32)
    albedo = np.tile(np.array([[112.0, 104.0, 66.0]], np.float32), (count, 1))
    up = np.tile(np.array([[0.5, -0.7, 0.5]], np.float32), (count, 1))
    colour = light.shade(albedo, up, np.full(count, 0.4, np.float32))
    return Mesh(corners, corners.mean(axis=1), colour, each.astype(np.int32), np.full(count, -1, np.int32))
