"""The flower detector that ships with the demo: its weights, its labels, and how to read its raw outputs in float.

The network is anchor-free with three strides. Each stride has two outputs of plain convolutions: ``reg_s8`` and so on,
``(1, 4 * BINS, h, w)``, a distribution over ``BINS`` distances for each side of the box (Li et al. 2020, Generalized
Focal Loss), and ``cls_s8``, ``(1, classes, h, w)``, logits. Compiled, the NPU's host library reads them; the float
reading here is for training, measuring and comparing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.demo.field import STAGES
from hailstack.heads.boxes import iou_matrix
from hailstack.imaging import Placement, Preprocess
from hailstack.types import Detections, Image

LABELS = STAGES
INPUT_HEIGHT, INPUT_WIDTH = 384, 640
STRIDES = (8, 16, 32)
BINS = 16
SCORE_THRESHOLD = 0.35
"""Detections below this are left out: near the best F1 on the validation fields."""
IOU_THRESHOLD = 0.6
"""Of two boxes of one class that overlap more than this, the weaker goes."""
PREPROCESS = Preprocess(INPUT_HEIGHT, INPUT_WIDTH)
_DATA = Path(__file__).with_name("data")
"""Installed packages lie unpacked: the compiler and the runtimes want a file."""


def weights_path() -> Path:
    """The shipped ONNX file. Input ``images``: ``(1, 3, 384, 640)`` float32 RGB, 0..1."""
    return _DATA / "flowers.onnx"


def model_card() -> str:
    """What the detector can and cannot do, in Markdown, with measured numbers."""
    return (_DATA / "MODEL_CARD.md").read_text(encoding="utf-8")


def network_input(image: Image) -> tuple[NDArray[np.float32], Placement]:
    """``(1, 3, 384, 640)`` float32 for the ONNX file, and the way back to the picture's pixels."""
    frame, placement = PREPROCESS.apply(image)
    return np.ascontiguousarray(frame.transpose(2, 0, 1)[None], np.float32) / np.float32(255.0), placement


def read_outputs(
    outputs: Mapping[str, NDArray[np.float32]], placement: Placement, threshold: float = SCORE_THRESHOLD
) -> Detections:
    """Detections in the source picture from the six raw outputs of one frame, best first."""
    levels = list(_levels(outputs, threshold))
    xyxy, score, class_id = (np.concatenate(part) for part in zip(*levels, strict=True))
    order = np.argsort(-score, kind="stable")
    kept = suppress(xyxy[order], class_id[order])
    rows = order[kept]
    boxes = placement.to_source(xyxy[rows])
    return Detections(boxes.astype(np.float32), score[rows], class_id[rows], LABELS)


def _levels(
    outputs: Mapping[str, NDArray[np.float32]], threshold: float
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]]:
    """Boxes in input pixels, scores and classes above the threshold, stride by stride."""
    for stride in STRIDES:
        logits, bins = outputs[f"cls_s{stride}"][0], outputs[f"reg_s{stride}"][0]
        score = 1.0 / (1.0 + np.exp(-logits))
        class_id, row, column = np.nonzero(score >= threshold)
        sides = bins.reshape(4, BINS, *bins.shape[1:])[:, :, row, column]
        sides = np.exp(sides - sides.max(axis=1, keepdims=True))
        distance = (sides * np.arange(BINS)[:, None]).sum(axis=1) / sides.sum(axis=1) * stride
        x, y = (column + 0.5) * stride, (row + 0.5) * stride
        xyxy = np.stack([x - distance[0], y - distance[1], x + distance[2], y + distance[3]], axis=1)
        yield xyxy.astype(np.float32), score[class_id, row, column].astype(np.float32), class_id.astype(np.int32)


def suppress(xyxy: NDArray[np.float32], class_id: NDArray[np.int32]) -> NDArray[np.intp]:
    """Rows left by greedy non-maximum suppression within each class; boxes come best first."""
    clashes = (iou_matrix(xyxy, xyxy) > IOU_THRESHOLD) & (class_id[:, None] == class_id[None, :])
    alive = np.ones(len(xyxy), bool)
    for row in range(len(xyxy)):
        if alive[row]:
            alive[row + 1 :] &= ~clashes[row, row + 1 :]
    return np.flatnonzero(alive)
