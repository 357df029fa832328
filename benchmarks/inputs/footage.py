"""A 720p video made on the spot: a textured ground that drifts, and things that cross it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from hailstack.imaging.video import VideoWriter

WIDTH, HEIGHT, RATE = 1280, 720, 30


def pictures(count: int) -> list[np.ndarray]:
    """``count`` RGB frames."""
    random = np.random.default_rng(0)
    ground = _texture(random, HEIGHT + 200, WIDTH + 2 * count + 200)
    things = [_texture(random, *random.integers(60, 220, 2)) for _ in range(12)]
    starts = random.uniform(0, 1, (len(things), 2)) * (WIDTH - 240, HEIGHT - 240)
    speeds = random.uniform(-6, 6, (len(things), 2))
    return [_picture(ground, things, starts + number * speeds, number) for number in range(count)]


def _texture(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Noise on three scales."""
    made = np.zeros((height, width, 3), np.float32)
    for step, strength in ((64, 60), (16, 30), (3, 12)):
        coarse = random.normal(0, strength, (height // step + 2, width // step + 2, 3)).astype(np.float32)
        made += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(made + random.integers(70, 180, 3), 0, 255).astype(np.uint8)


def _picture(ground: np.ndarray, things: list[np.ndarray], places: np.ndarray, number: int) -> np.ndarray:
    picture = ground[100 : 100 + HEIGHT, 2 * number : 2 * number + WIDTH].copy()
    for thing, place in zip(things, places, strict=True):
        height, width = thing.shape[:2]
        left, top = int(place[0]) % (WIDTH - width), int(place[1]) % (HEIGHT - height)
        picture[top : top + height, left : left + width] = thing
    return picture


def write_footage(path: Path, count: int) -> Path:
    """The frames as an H.264 video of 30 frames a second."""
    writer = VideoWriter(path, Fraction(RATE), Fraction(1, 15360), WIDTH, HEIGHT)
    for number, picture in enumerate(pictures(count)):
        writer.write(picture, number / RATE)
    writer.close()
    return path
