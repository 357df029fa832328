"""A small rendered dataset without damage."""

from __future__ import annotations

from pathlib import Path

from hailstack.demo.camera import Lens
from hailstack.demo.shots import take_shots
from hailstack.imaging import write_image

LENS = Lens(width_px=480, height_px=270)
YAML = """path: .
train: images/train
val: images/val
nc: 3
names:
  0: bud
  1: open
  2: faded
"""


def write_flowers(folder: Path) -> None:
    """Seven rendered pictures with their true boxes; every class is in both splits."""
    names = ("train/a", "train/b", "train/c", "train/d", "val/e", "val/f", "val/g")
    for name, shot in zip(names, take_shots(0, 7, LENS), strict=True):
        picture, label = folder / f"images/{name}.jpg", folder / f"labels/{name}.txt"
        for path in (picture, label):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_image(picture, shot.image)
        boxes = shot.truth.xyxy[shot.truth.wanted].astype(float) / [480, 270, 480, 270]
        lines = [f"{number % 3} {as_words(box.tolist())}\n" for number, box in enumerate(boxes[:9])]
        assert len(lines) >= 6
        label.write_text("".join(lines))
    (folder / "data.yaml").write_text(YAML)


def as_words(box: list[float]) -> str:
    left, top, right, bottom = box
    return f"{(left + right) / 2:.6f} {(top + bottom) / 2:.6f} {right - left:.6f} {bottom - top:.6f}"
