"""INT8 against float on real photos: the figures that a user would compare."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from compile_scoring import Boxes, Chip, ap50, suppress

from hailstack.compiler import compile_model
from hailstack.imaging import Preprocess, read_image

pytestmark = [pytest.mark.slow, pytest.mark.shared]

POINTS = 0.02


def float_session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def photos(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.jpg"), *folder.glob("*.JPEG")])


def read_truth(photo: Path, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    labels = photo.parent.with_name("coco_val_labels") / f"{photo.stem}.txt"
    rows = np.loadtxt(labels, ndmin=2) if labels.exists() and labels.stat().st_size else np.zeros((0, 5))
    centre, half = rows[:, 1:3], rows[:, 3:5] / 2
    boxes = np.hstack([centre - half, centre + half]) * [width, height, width, height]
    return boxes, rows[:, 0].astype(int)


def decode_yolox(output: np.ndarray, size: int) -> Boxes:
    """Boxes of the original ONNX output ``(1, cells, 85)``."""
    grids, strides = [], []
    for stride in (8, 16, 32):
        rows, columns = np.mgrid[: size // stride, : size // stride]
        grids.append(np.stack([columns.ravel(), rows.ravel()], 1))
        strides.append(np.full((rows.size, 1), stride))
    stride = np.concatenate(strides)
    cells = output[0].astype(np.float64)
    centre = (cells[:, :2] + np.concatenate(grids)) * stride
    half = np.exp(cells[:, 2:4]) * stride / 2
    scores = cells[:, 4:5] * cells[:, 5:]
    cell, class_id = np.nonzero(scores >= 0.01)
    boxes = np.hstack([centre - half, centre + half])
    return suppress((boxes[cell], scores[cell, class_id], class_id), 0.65)


@pytest.mark.parametrize("engine", ["onnxruntime", "reference"])
def test_yolox_keeps_its_average_precision(shared: Path, tmp_path: Path, engine: str) -> None:
    model, hef = shared / "onnx" / "yolox_nano_416.onnx", tmp_path / "yolox.hef"
    compile_model(model, shared / "images" / "coco_val", hef, score_threshold=0.01)
    chip, session = Chip(hef, engine), float_session(model)
    preprocess = Preprocess(416, 416, anchor="topleft")
    integer, real, truth = [], [], []
    for photo in photos(shared / "images" / "coco_val"):
        image = read_image(photo)
        frame, placement = preprocess.apply(image)
        pixels = frame[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        for found, boxes in (
            (integer, chip.boxes(frame)),
            (real, decode_yolox(session.run(None, {"images": pixels})[0], 416)),
        ):
            found.append((placement.to_source(boxes[0]), *boxes[1:]))
        truth.append(read_truth(photo, *image.shape[:2]))
    expected = ap50(real, truth)
    assert expected > 0.55
    assert ap50(integer, truth) > expected - POINTS


def test_mobilenet_keeps_its_top_1(shared: Path, tmp_path: Path) -> None:
    model, hef = shared / "onnx" / "mobilenet_v2_1.0_224.onnx", tmp_path / "mobilenet.hef"
    compile_model(model, shared / "images" / "imagenet", hef, mean=[128], std=[128])
    synsets = [line.split()[0] for line in (shared / "labels" / "imagenet_2012_synsets.txt").read_text().splitlines()]
    chip, session = Chip(hef), float_session(model)
    preprocess = Preprocess(224, 224, mode="crop")
    integer, real = [], []
    for photo in photos(shared / "images" / "imagenet"):
        class_id = 1 + synsets.index(photo.name.split("_")[0])  # class 0 is the background
        frame = preprocess.apply(read_image(photo))[0]
        pixels = (frame.transpose(2, 0, 1)[None].astype(np.float32) - 128) / 128
        (logits,) = chip(frame).values()
        integer.append(logits.argmax() == class_id)
        real.append(session.run(["logits"], {"images": pixels})[0].argmax() == class_id)
    assert np.mean(real) > 0.85
    assert np.mean(integer) >= np.mean(real) - POINTS
