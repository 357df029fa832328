"""Runs compiled HEFs on the emulated chip, and scores results against labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.codecs import NmsSettings, make_input_codec, make_output_codec
from hailstack.emulator.program import load_program
from hailstack.emulator.settings import Settings
from hailstack.hef import Format, FormatOrder, FormatType, read_hef

Boxes = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]
"""xyxy ``(n, 4)``, score ``(n,)``, class id ``(n,)``."""

AUTO = Format(FormatType.FLOAT32, FormatOrder.AUTO)


class Chip:
    """A HEF in work: one input frame in, dequantised outputs as the host library gives them."""

    def __init__(self, path: Path, engine: str = "onnxruntime", score_threshold: float | None = None) -> None:
        self.hef = read_hef(path)
        self.group = self.hef.groups[0]
        settings = Settings.model_validate({"engine": engine})
        self._program = load_program(self.hef, self.group, settings)
        pixels = Format(FormatType.UINT8, FormatOrder.AUTO)
        self._input = make_input_codec(self.group, self.group.input_vstreams[0], pixels)
        nms = NmsSettings(score_threshold=score_threshold)
        self._outputs = {v.name: make_output_codec(self.group, v, AUTO, nms=nms) for v in self.group.output_vstreams}

    def __call__(self, frame: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        device = self._program.compute(self._input.encode(frame.reshape(-1)))
        results = {}
        for name, codec in self._outputs.items():
            out = np.zeros(codec.frame_bytes, np.uint8)
            codec.decode(device, out)
            results[name] = out.view(np.float32)
        return results

    def boxes(self, frame: NDArray[np.uint8]) -> Boxes:
        """The NMS output's boxes, in pixels of the input frame."""
        (flat,) = self(frame).values()
        height, width = frame.shape[:2]
        op = self.group.ops[0]
        rows, ids, at = [], [], 0
        for class_id in range(op.classes):
            count = int(flat[at])
            rows.append(flat[at + 1 : at + 1 + 5 * count].reshape(-1, 5))
            ids.append(np.full(count, class_id))
            at += 1 + 5 * count
        found = np.concatenate(rows).astype(np.float64)
        return found[:, [1, 0, 3, 2]] * [width, height, width, height], found[:, 4], np.concatenate(ids)


def iou(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Overlap of one box with others."""
    size = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    common = np.prod(np.clip(size, 0, None), axis=1)
    area = np.prod(others[:, 2:] - others[:, :2], axis=1)
    return common / (np.prod(box[2:] - box[:2]) + area - common + 1e-12)


def suppress(found: Boxes, threshold: float) -> Boxes:
    """Greedy NMS, class by class."""
    boxes, scores, ids = found
    apart = boxes + ids[:, None] * 1e5
    waiting, kept = np.argsort(-scores, kind="stable"), []
    while len(waiting):
        kept.append(waiting[0])
        rest = waiting[1:]
        waiting = rest[iou(apart[waiting[0]], apart[rest]) <= threshold]
    return boxes[kept], scores[kept], ids[kept]


def ap50(found: Sequence[Boxes], truth: Sequence[tuple[NDArray[np.float64], NDArray[np.int64]]]) -> float:
    """Mean over the classes that occur of the average precision at IoU 0.5 (COCO's 101 recall points)."""
    classes = np.unique(np.concatenate([ids for _, ids in truth]))
    return float(np.mean([_class_ap(found, truth, class_id) for class_id in classes]))


def _class_ap(found: Sequence[Boxes], truth: Sequence[tuple[NDArray, NDArray]], class_id: int) -> float:
    wanted = [boxes[ids == class_id] for boxes, ids in truth]
    hits = []
    for image, (boxes, scores, ids) in enumerate(found):
        mine = ids == class_id
        order = np.argsort(-scores[mine], kind="stable")
        free = np.ones(len(wanted[image]), bool)
        for box, score in zip(boxes[mine][order], scores[mine][order], strict=True):
            overlap = np.where(free, iou(box, wanted[image]), 0)
            hit = len(overlap) > 0 and overlap.max() >= 0.5
            if hit:
                free[overlap.argmax()] = False
            hits.append((score, hit))
    flags = np.array([hit for _, hit in sorted(hits, key=lambda pair: -pair[0])], float)
    if not len(flags):
        return 0.0
    true = np.cumsum(flags)
    recall = true / sum(map(len, wanted))
    precision = np.maximum.accumulate((true / np.arange(1, len(flags) + 1))[::-1])[::-1]
    places = np.searchsorted(recall, np.linspace(0, 1, 101))
    return float(np.mean([precision[i] if i < len(precision) else 0.0 for i in places]))
