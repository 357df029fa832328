"""A small compiled classifier, its pictures, and what a trainer would have recorded about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hailstack.compiler import compile_model
from hailstack.fidelity.reference import Original, Recording
from hailstack.fidelity.subject import Subject, open_subject
from hailstack.imaging import Preprocess, raster, read_image, write_image
from tiny_networks import write_classifier, write_yolov8

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
LABELS = ("rose", "tulip", "poppy", "daisy", "lily")
PREPROCESS = Preprocess(64, 64, mode="letterbox")


@dataclass(frozen=True)
class Case:
    """One network in the trainer's world and in ours."""

    folder: Path
    model: Path
    photos: tuple[Path, ...]
    recording: Recording

    def compile(self, **options: object) -> Subject:
        """The HEF, compiled as the trainer had it but for ``options``."""
        usual = {"mean": MEAN, "std": STD, "preprocess": PREPROCESS, "labels": LABELS}
        hef = self.folder / "flowers.hef"
        compile_model(self.model, self.folder / "photos", hef, **{**usual, **options})
        return open_subject(hef)

    def recorded(self, **fields: object) -> Recording:
        """What the trainer recorded, changed."""
        return replace(self.recording, **fields)


def picture(seed: int) -> NDArray[np.uint8]:
    """Soft coloured noise: every shift and every swap of channels shows."""
    noise = np.random.default_rng(seed).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    soft = raster.blur(noise, 2.0).astype(np.float64)
    spread = (soft - soft.min()) / (soft.max() - soft.min())
    return (spread * [255, 200, 120]).astype(np.uint8)


def compile_detector(folder: Path) -> Path:
    """A small YOLOv8-type detector, compiled in ``folder`` with the pictures ``photos/0.png`` to ``2.png``."""
    (folder / "photos").mkdir()
    for seed in range(3):
        write_image(folder / "photos" / f"{seed}.png", picture(seed))
    model = write_yolov8(folder / "net.onnx")
    compile_model(model, folder / "photos", folder / "net.hef", score_threshold=0.3)
    return folder / "net.hef"


@pytest.fixture
def case(tmp_path: Path) -> Case:
    photos = []
    (tmp_path / "photos").mkdir()
    for seed in range(4):
        photos.append(tmp_path / "photos" / f"{seed}.png")
        write_image(photos[-1], picture(seed))
    model = write_classifier(tmp_path / "flowers.onnx", softmax=False)
    frames = np.stack([PREPROCESS.apply(read_image(path))[0] for path in photos])
    inputs = ((frames - np.array(MEAN)) / np.array(STD)).transpose(0, 3, 1, 2).astype(np.float32)
    original = Original(model)
    outputs = {"logits": np.stack([original(tensor)["logits"] for tensor in inputs])}
    recording = Recording(tuple(path.name for path in photos), inputs, outputs, LABELS)
    return Case(tmp_path, model, tuple(photos), recording)
