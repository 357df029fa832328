"""Rendered pictures of discs, squares and triangles with their labels: what a small network learns in a minute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.imaging import raster, write_image
from hailstack.types import Image

NAMES = ("disc", "square", "triangle")
SIDES = (24, 4, 3)
COLOURS = ((200, 60, 50), (60, 160, 70), (70, 90, 200), (210, 190, 60), (180, 80, 180))


def write_shapes(folder: Path, train: int = 160, val: int = 40, side: int = 160, seed: int = 0) -> Path:
    """A YOLO dataset; the path of its ``data.yaml``."""
    rng = np.random.default_rng(seed)
    for split, count in (("train", train), ("val", val)):
        images, labels = folder / "images" / split, folder / "labels" / split
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for number in range(count):
            image, rows = draw_shapes(rng, side)
            write_image(images / f"{number:04d}.png", image)
            lines = [f"{kind} " + " ".join(f"{one:.6f}" for one in box) for kind, box in rows]
            (labels / f"{number:04d}.txt").write_text("".join(f"{line}\n" for line in lines))
    data = folder / "data.yaml"
    names = "".join(f"  {i}: {name}\n" for i, name in enumerate(NAMES))
    data.write_text(f"path: .\ntrain: images/train\nval: images/val\nnames:\n{names}")
    return data


def draw_shapes(rng: np.random.Generator, side: int) -> tuple[Image, list[tuple[int, NDArray[np.float64]]]]:
    """A picture, and for each shape its class and box (centre and size, as shares)."""
    coarse = rng.integers(60, 195, (6, 6, 1)) + rng.integers(-25, 25, (6, 6, 3))
    image = raster.resize(coarse.astype(np.uint8), side, side, "cubic")
    rows: list[tuple[int, NDArray[np.float64]]] = []
    for _ in range(int(rng.integers(3, 9))):
        kind = int(rng.integers(len(NAMES)))
        radius = rng.uniform(0.07, 0.16) * side
        middle = rng.uniform(radius, side - radius, 2)
        corners = _corners(kind, radius, float(rng.uniform(0, 2 * np.pi))) + middle
        box = np.hstack([corners.min(0), corners.max(0)])
        if any(_overlaps(box, other * side) for _, other in rows):
            continue
        colour = np.array([COLOURS[int(rng.integers(len(COLOURS)))]])
        raster.fill_polygons(image, corners[None], colour)
        rows.append((kind, np.hstack([(box[:2] + box[2:]) / 2, box[2:] - box[:2]]) / side))
    noise = rng.normal(0, 6, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), rows


def _corners(kind: int, radius: float, turned: float) -> NDArray[np.float64]:
    angles = np.linspace(0, 2 * np.pi, SIDES[kind], endpoint=False) + turned
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _overlaps(box: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    low, high = other[:2] - other[2:] / 2, other[:2] + other[2:] / 2
    return bool((np.minimum(box[2:], high) > np.maximum(box[:2], low)).all())
