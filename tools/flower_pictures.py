"""Rendered pictures for training and measuring, kept in a folder and used again."""

from __future__ import annotations

import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hailstack.demo.camera import Lens
from hailstack.demo.detector import INPUT_HEIGHT, INPUT_WIDTH, PREPROCESS
from hailstack.demo.shots import take_shots
from hailstack.demo.truth import FlowerTruth
from hailstack.imaging import Placement

EACH = 12
"""Pictures of each field."""


@dataclass(frozen=True)
class Pictures:
    """Rendered network inputs and what is in them."""

    frames: np.ndarray
    """``(n, 384, 640, 3)`` uint8."""
    truths: list[FlowerTruth]
    """Boxes in pixels of the rendered picture."""
    placement: Placement
    """From the rendered picture to the frame, the same for all."""


def pictures(folder: Path, seed: int, fields: int) -> Pictures:
    """The fields ``seed .. seed + fields``, from several places each."""
    path = folder / f"fields-{seed}-{fields}.npy"
    if not path.with_suffix(".truth").exists():
        _render(path, range(seed, seed + fields))
    truths, placement = pickle.loads(path.with_suffix(".truth").read_bytes())
    return Pictures(np.load(path, mmap_mode="r"), truths, placement)


def _render(path: Path, seeds: range) -> None:
    shape = (len(seeds) * EACH, INPUT_HEIGHT, INPUT_WIDTH, 3)
    frames = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    truths: list[FlowerTruth] = []
    with ProcessPoolExecutor(2) as pool:
        for number, (images, found) in enumerate(pool.map(_field, seeds)):
            frames[number * EACH : (number + 1) * EACH] = images
            truths += found
            sys.stderr.write(f"\rrendered {number + 1} of {len(seeds)} fields ")
    placement = PREPROCESS.apply(np.zeros((Lens().height_px, Lens().width_px, 3), np.uint8))[1]
    path.with_suffix(".truth").write_bytes(pickle.dumps((truths, placement)))


def _field(seed: int) -> tuple[np.ndarray, list[FlowerTruth]]:
    shots = list(take_shots(seed, EACH))
    frames = np.stack([PREPROCESS.apply(shot.image)[0] for shot in shots])
    return frames, [shot.truth for shot in shots]
