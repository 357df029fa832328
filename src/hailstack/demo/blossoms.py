"""The flowers' petals, bracts and stamens, stage by stage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.demo.field import STAGES, Flowers
from hailstack.demo.light import Light
from hailstack.demo.mesh import CORNERS, Mesh, frames, join, normals, outline

Colour = tuple[float, float, float]
GREEN: Colour = (118.0, 158.0, 74.0)
CREAM: Colour = (236.0, 230.0, 208.0)
SHADED_CREAM: Colour = (218.0, 211.0, 186.0)
PALE: Colour = (226.0, 230.0, 168.0)
YELLOW: Colour = (226.0, 206.0, 110.0)
STAMEN: Colour = (238.0, 186.0, 52.0)
PINK: Colour = (222.0, 92.0, 142.0)
DEEP_PINK: Colour = (176.0, 56.0, 104.0)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One stage of a flower of size 1 whose axis is z: ``corners (k, CORNERS, 3)`` and ``albedo (k, 3)``."""

    corners: NDArray[np.float32]
    albedo: NDArray[np.float32]


Part = tuple[NDArray[np.float32], Colour]


def open_flower() -> Shape:
    """Five broad petals in a shallow cup, yellow at their base, around the stamens."""
    half = [(0.03, 0, 0.0), (0.24, -36, 0.07), (0.44, -37, 0.14), (0.53, -17, 0.2)]
    petal = [*half, (0.5, 0, 0.18), *[(radius, -degrees, height) for radius, degrees, height in reversed(half[1:])]]
    base = [(0.02, 0, 0.03), (0.16, -34, 0.05), (0.22, 0, 0.085), (0.16, 34, 0.05)]
    disc = [(0.085, 45.0 * k, 0.14) for k in range(8)]
    parts = [*_bracts(0.30, -0.24, -0.12)]
    for k in range(5):
        parts += [(_polar(petal, 72 * k), (CREAM, SHADED_CREAM)[k % 2]), (_polar(base, 72 * k), YELLOW)]
    return _shape([*parts, (_polar(disc, 0), STAMEN)])


def bud() -> Shape:
    """A pale pointed bud that rises from three toothed bracts."""
    profile = [(0.15, -0.30), (0.21, 0.10), (0.03, 0.50)]
    return _shape([*_spindle(profile, 6, [PALE, CREAM]), *_bracts(0.26, -0.42, 0.16)])


def wilted() -> Shape:
    """A pink, twisted, closed flower that hangs out of its bracts."""
    profile = [(0.12, -0.36), (0.29, 0.12), (0.18, 0.46)]
    return _shape([*_spindle(profile, 8, [PINK, DEEP_PINK], twist_deg=24), *_bracts(0.27, -0.44, -0.02)])


def _spindle(
    profile: Sequence[tuple[float, float]], faces: int, colours: Sequence[Colour], twist_deg: float = 0.0
) -> list[Part]:
    """A body of revolution in ``faces`` strips; ``profile`` is radius, height from the base to the tip."""
    step = 360.0 / faces
    strips = []
    for face in range(faces):
        left = [(r, face * step + twist_deg * k, z) for k, (r, z) in enumerate(profile)]
        right = [(r, (face + 1.06) * step + twist_deg * k, z) for k, (r, z) in enumerate(profile)]
        strips.append((_polar([*left, *reversed(right)], 0), colours[face % len(colours)]))
    return strips


def _bracts(reach: float, low: float, high: float) -> list[Part]:
    """Three green leaflets around the flower's base."""
    middle = 0.5 * (low + high)
    half = [(0.06, 0, low), (0.7 * reach, -44, middle), (0.8 * reach, -16, high), (reach, 0, high + 0.06)]
    leaflet = [*half, (0.8 * reach, 16, high), (0.7 * reach, 44, middle)]
    return [(_polar(leaflet, 60 + 120 * k), GREEN) for k in range(3)]


def _polar(points: Sequence[tuple[float, float, float]], turn_deg: float) -> NDArray[np.float32]:
    """A polygon given by radius, angle in degrees, height."""
    angles = [math.radians(angle + turn_deg) for _, angle, _ in points]
    return outline([(r * math.cos(a), r * math.sin(a), z) for (r, _, z), a in zip(points, angles, strict=True)])


def _shape(parts: Sequence[Part]) -> Shape:
    return Shape(np.stack([corners for corners, _ in parts]), np.asarray([colour for _, colour in parts], np.float32))


def flower_mesh(rng: np.random.Generator, flowers: Flowers, light: Light) -> Mesh:
    """All flowers as lit polygons."""
    shapes = (bud(), open_flower(), wilted())
    spin = rng.uniform(0.0, 2 * np.pi, len(flowers))
    tone = np.clip(rng.normal(1.0, 0.06, (len(flowers), 3)), 0.82, 1.12).astype(np.float32)
    axes = frames(flowers.facing, spin)
    return join([_stage(flowers, stage, shape, axes, tone, light) for stage, shape in enumerate(shapes)])


def far_flower_mesh(flowers: Flowers, light: Light) -> Mesh:
    """All flowers as one polygon each, for distances where no petal shows."""
    ring = outline([(0.4 * math.cos(k * math.pi / 4), 0.4 * math.sin(k * math.pi / 4), 0.0) for k in range(CORNERS)])
    axes = frames(
        flowers.facing * [0.6, 0.6, 1.0] / np.linalg.norm(flowers.facing * [0.6, 0.6, 1.0], axis=1)[:, None],
        np.zeros(len(flowers)),
    )
    corners = np.einsum("vi,nij->nvj", ring, axes) * flowers.size_m.astype(np.float32)[:, None, None]
    corners = (corners + flowers.position[:, None, :]).astype(np.float32)
    albedo = np.asarray([PALE, CREAM, PINK], np.float32)[flowers.stage]
    colour = light.shade(albedo, axes[:, 2], np.ones(len(flowers), np.float32), translucency=0.6)
    each = np.arange(len(flowers), dtype=np.int32)
    return Mesh(corners, flowers.position.astype(np.float32), colour, flowers.plant, each)


def _stage(
    flowers: Flowers,
    stage: int,
    shape: Shape,
    axes: NDArray[np.float32],
    tone: NDArray[np.float32],
    light: Light,
) -> Mesh:
    which = np.flatnonzero(flowers.stage == stage)
    size = flowers.size_m[which].astype(np.float32)[:, None, None, None]
    corners = np.einsum("kvi,nij->nkvj", shape.corners, axes[which]) * size
    middle = flowers.position[which].astype(np.float32)
    corners = (corners + middle[:, None, None, :]).reshape(-1, CORNERS, 3)
    each = np.repeat(which, len(shape.albedo)).astype(np.int32)
    albedo = np.tile(shape.albedo, (len(which), 1)) * tone[each]
    centre = corners.mean(axis=1)
    shown = axes[each, 2] if STAGES[stage] == "open" else centre - flowers.position[each]
    colour = light.shade(albedo, _towards(corners, shown), np.ones(len(each), np.float32), translucency=0.6)
    return Mesh(corners, centre, colour, flowers.plant[each], each)


def _towards(corners: NDArray[np.float32], shown: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Normals on the side that the flower shows, softened upwards: petals scatter light."""
    normal = normals(corners)
    normal *= np.where((normal * shown).sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    normal[:, 2] += 0.2
    return np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True), np.float32)
