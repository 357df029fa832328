"""Pictures to try a network with where the user gives none: drawn here, the same every time."""

from __future__ import annotations

import numpy as np

from hailstack.types import Image

HEIGHT, WIDTH = 360, 480


def black() -> Image:
    """Nothing to see: a sound detector finds nothing in it."""
    return np.zeros((HEIGHT, WIDTH, 3), np.uint8)


def grey() -> Image:
    """The level that letterboxes are filled with."""
    return np.full((HEIGHT, WIDTH, 3), 114, np.uint8)


def draw_cards() -> dict[str, Image]:
    """Name → picture: black, pure noise, and two scenes of shaded shapes on soft ground with a camera's noise."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return {"black": black(), "noise": noise, "scene 1": _scene(1), "scene 2": _scene(2)}


def _scene(seed: int) -> Image:
    rng = np.random.default_rng(seed)
    picture = _soft(rng, 6) * 0.6 + _soft(rng, 40) * 0.4
    row, column = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    for _ in range(12):
        y, x, size = rng.uniform(0, HEIGHT), rng.uniform(0, WIDTH), rng.uniform(10, 70)
        dy, dx = np.abs(row - y), np.abs(column - x)
        inside = (np.hypot(dy, dx) if rng.random() < 0.5 else np.maximum(dy, dx)) < size
        shade = 1.0 - 0.5 * (dy + dx) / (2 * size)
        picture[inside] = (rng.uniform(30, 255, 3) * shade[..., None])[inside]
    picture += rng.normal(0, 4, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _soft(rng: np.random.Generator, cells: int) -> np.ndarray:
    """Random colours at the nodes of a grid, blended between them: ``(h, w, 3)``."""
    nodes = rng.uniform(20, 220, (cells + 1, cells + 1, 3))
    y, x = np.linspace(0, cells, HEIGHT, endpoint=False), np.linspace(0, cells, WIDTH, endpoint=False)
    top, left = y.astype(int), x.astype(int)
    down, right = (y - top)[:, None, None], (x - left)[None, :, None]
    upper = nodes[top][:, left] * (1 - right) + nodes[top][:, left + 1] * right
    lower = nodes[top + 1][:, left] * (1 - right) + nodes[top + 1][:, left + 1] * right
    return upper * (1 - down) + lower * down
