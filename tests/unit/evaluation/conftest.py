"""A small field of rendered flowers with labels, and the shipped detector, exported and compiled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from hailstack.compiler import compile_model
from hailstack.demo.detector import LABELS, PREPROCESS, weights_path
from hailstack.demo.shots import take_shots
from hailstack.imaging import write_image


@dataclass(frozen=True)
class Field:
    """Files of one folder."""

    data: Path
    onnx: Path
    hef: Path


def label(shot) -> str:
    """YOLO lines of the flowers that can be seen."""
    height, width = shot.image.shape[:2]
    rows = zip(shot.truth.xyxy.tolist(), shot.truth.class_id.tolist(), shot.truth.wanted.tolist(), strict=True)
    return "".join(
        f"{one} {(x0 + x1) / 2 / width:.6f} {(y0 + y1) / 2 / height:.6f} {(x1 - x0) / width:.6f} "
        f"{(y1 - y0) / height:.6f}\n"
        for (x0, y0, x1, y1), one, wanted in rows
        if wanted
    )


@pytest.fixture(scope="package")
def field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    folder = tmp_path_factory.mktemp("field")
    for name in ("images/val", "labels/val"):
        (folder / name).mkdir(parents=True)
    for number, shot in enumerate(take_shots(401, 4)):
        write_image(folder / "images" / "val" / f"{number}.jpg", shot.image)
        (folder / "labels" / "val" / f"{number}.txt").write_text(label(shot))
    (folder / "data.yaml").write_text(f"val: images/val\nnames: {list(LABELS)}\n")
    onnx = folder / "flowers.onnx"
    onnx.write_bytes(weights_path().read_bytes())
    shots = (shot.image for shot in take_shots(301, 3))
    compile_model(onnx, shots, folder / "flowers.hef", preprocess=PREPROCESS, labels=LABELS)
    return Field(folder / "data.yaml", onnx, folder / "flowers.hef")
