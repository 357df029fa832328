"""The model for the tests: compiled once for the emulated chip.

A project whose HEF comes from the vendor's compiler uses that very file instead and names its twin in the tests:
``hailo_emulator.twin("ripeness.hef", "ripeness.onnx")``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

MODELS = Path(__file__).parents[1] / "models"


def tomato(red: int, green: int, seed: int = 0) -> np.ndarray:
    """A picture full of tomato: one colour with some texture."""
    texture = np.random.default_rng(seed).integers(-15, 16, (32, 32, 3))
    return np.clip(np.array([red, green, 20]) + texture, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def ripeness_hef(tmp_path_factory: pytest.TempPathFactory) -> str:
    from hailstack.compiler import compile_model

    path = tmp_path_factory.mktemp("models") / "ripeness.hef"
    pictures = [tomato(red, 200 - red, red) for red in range(10, 200, 10)]
    compile_model(MODELS / "ripeness.onnx", pictures, path, target="hailo8l", mean=[0.0], std=[255.0])
    return str(path)
