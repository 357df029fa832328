"""Time of one YOLOv8n frame at 640 x 640, from the six uint8 outputs to boxes in pixels of the picture.

Peers, all in one thread on the same frames, one after the other in every round; all must find the same boxes:

* ``numpy``: every cell decoded with numpy, suppression as a loop, as programs for the Pi are usually written;
* ``opencv``: every cell decoded with numpy, then ``cv2.dnn.NMSBoxesBatched``;
* ``torch``: every cell decoded with torch, then ``torchvision.ops.batched_nms``, or, where torchvision does not work,
  a matrix of overlaps by torch and a loop over it. Left out where torch is not installed.

Prints JSON. ``wall_ms`` and ``cpu_ms`` are medians over the rounds, the latter of the thread's processor time, which
other programs on the machine disturb less; ``faster`` is the median of the rounds' ratios of processor time.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hailstack.heads import HeadSettings, OutputFacts, choose_head
from hailstack.imaging import Placement

IMAGE, CLASSES, BINS, STRIDES = 640, 80, 16, (8, 16, 32)
SCORE, IOU, MOST = 0.25, 0.7, 300
REG_SCALE, REG_ZERO, CLS_SCALE = 0.07, 120.0, 1 / 255
PICTURE = Placement(0.5, 0.5, 0, 140, 1280, 720)
ROUNDS = int(os.environ.get("ROUNDS", "60"))

Maps = dict[str, NDArray[np.uint8]]
Found = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.integer]]
"""xyxy in pixels of the picture, scores, class ids."""


@dataclass(frozen=True)
class Scene:
    """What is in a frame: ``objects`` of ``cells`` candidates each, which agree on a box up to quantisation."""

    name: str
    objects: int
    cells: int

    def maps(self) -> Maps:
        random = np.random.default_rng(self.objects)
        maps = {
            f"reg{s}": random.integers(80, 110, (IMAGE // s, IMAGE // s, 4 * BINS)).astype(np.uint8) for s in STRIDES
        }
        maps |= {
            f"cls{s}": random.integers(0, 40, (IMAGE // s, IMAGE // s, CLASSES)).astype(np.uint8) for s in STRIDES
        }
        if self.objects == 0:
            for stride in STRIDES:
                maps[f"cls{stride}"][..., 0] = random.integers(70, 256, maps[f"cls{stride}"].shape[:2])
        for _ in range(self.objects):
            self._draw(maps, random)
        return maps

    def _draw(self, maps: Maps, random: np.random.Generator) -> None:
        stride = int(random.choice(STRIDES, p=(0.3, 0.4, 0.3)))
        middle, class_id = random.uniform(4 * stride, IMAGE - 4 * stride, 2), int(random.integers(CLASSES))
        half = random.uniform(2.2, 6.0, 2) * stride
        offsets = sorted(
            ((y, x) for y in range(-2, 3) for x in range(-2, 3)), key=lambda one: one[0] ** 2 + one[1] ** 2
        )
        for place, (down, across) in enumerate(offsets[: self.cells]):
            column, row = int(middle[0] / stride) + across, int(middle[1] / stride) + down
            centre = (np.array([column, row]) + 0.5) * stride
            sides = np.concatenate([centre - (middle - half), middle + half - centre]) / stride
            maps[f"reg{stride}"][row, column] = _bins(np.clip(sides, 0, BINS - 1.01)).ravel()
            maps[f"cls{stride}"][row, column, class_id] = int(random.integers(225, 250)) - 6 * place


def _bins(sides: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Logits of distributions over two neighbouring bins, quantised."""
    shares = np.maximum(1 - np.abs(sides[:, None] - np.arange(BINS)), 1e-4)
    return np.clip(np.rint(np.log(shares) / REG_SCALE + 230), 0, 255).astype(np.uint8)


def our_head() -> Callable[[Maps], Found]:
    outputs = []
    for stride in STRIDES:
        side = IMAGE // stride
        outputs.append(OutputFacts(f"reg{stride}", (side, side, 4 * BINS), "tensor", 0, "uint8", REG_SCALE, REG_ZERO))
        outputs.append(OutputFacts(f"cls{stride}", (side, side, CLASSES), "tensor", 0, "uint8", CLS_SCALE))
    ends = [{"role": role, "stride": stride} for stride in STRIDES for role in ("reg", "cls")]
    facts = {"task": "detection", "family": "yolov8", "classes": CLASSES, "reg_max": BINS, "ends": ends}
    facts |= {"scores": "probabilities", "score_function": "sigmoid", "offset": 0.5}
    settings = HeadSettings(IMAGE, IMAGE, confidence=SCORE, iou=IOU, max_objects=MOST, facts=facts)
    _, head = choose_head("auto", outputs, settings)

    def run(maps: Maps) -> Found:
        made = head(maps, PICTURE)
        return made.xyxy, made.score, made.class_id

    return run


def decode_all(maps: Maps) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """All boxes in pixels of the input, and all scores."""
    boxes, scores = [], []
    for stride in STRIDES:
        side = IMAGE // stride
        reg = (maps[f"reg{stride}"].astype(np.float32) - np.float32(REG_ZERO)) * np.float32(REG_SCALE)
        powers = np.exp(reg.reshape(-1, 4, BINS))
        sides = powers @ np.arange(BINS, dtype=np.float32) / powers.sum(2) * stride
        row, column = np.divmod(np.arange(side * side), side)
        centre = (np.stack((column, row), 1).astype(np.float32) + np.float32(0.5)) * stride
        boxes.append(np.concatenate((centre - sides[:, :2], centre + sides[:, 2:]), axis=1))
        scores.append(maps[f"cls{stride}"].reshape(-1, CLASSES).astype(np.float32) * np.float32(CLS_SCALE))
    return np.concatenate(boxes), np.concatenate(scores)


def _strong(maps: Maps) -> Found:
    boxes, scores = decode_all(maps)
    row, class_id = np.nonzero(scores >= SCORE)
    return boxes[row], scores[row, class_id], class_id


def with_numpy(maps: Maps) -> Found:
    boxes, score, class_id = _strong(maps)
    order, kept = np.argsort(-score, kind="stable"), []
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        low, high = np.maximum(boxes[best, :2], boxes[order, :2]), np.minimum(boxes[best, 2:], boxes[order, 2:])
        common = np.clip(high - low, 0, None).prod(axis=1)
        close = common / (area[best] + area[order] - common) > IOU
        order = order[~(close & (class_id[order] == class_id[best]))]
    return _placed(boxes, score, class_id, np.array(kept[:MOST], int))


def with_opencv(maps: Maps) -> Found:
    boxes, score, class_id = _strong(maps)
    sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxesBatched(sizes, score, class_id.astype(np.int32), SCORE - 1e-6, IOU)
    return _placed(boxes, score, class_id, np.asarray(kept, int).reshape(-1)[:MOST])


def _placed(boxes: NDArray[np.float32], score: NDArray[np.float32], class_id: NDArray[np.integer], kept) -> Found:
    return PICTURE.to_source(boxes[kept]), score[kept], class_id[kept]


def torch_peer() -> tuple[str, Callable[[Maps], Found]] | None:
    """What suppresses, and the peer; None where torch is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    torch.set_num_threads(1)
    try:
        from torchvision.ops import batched_nms

        how = "torchvision.ops.batched_nms"
    except (ImportError, RuntimeError):
        batched_nms, how = _matrix_nms, "a matrix of overlaps by torch, and a loop"
    bins = torch.arange(BINS, dtype=torch.float32)
    centres = []
    for stride in STRIDES:
        y, x = torch.meshgrid(torch.arange(IMAGE // stride), torch.arange(IMAGE // stride), indexing="ij")
        centres.append((torch.stack((x, y), -1).reshape(-1, 2) + 0.5) * stride)

    def run(maps: Maps) -> Found:
        boxes, scores = [], []
        for stride, centre in zip(STRIDES, centres, strict=True):
            reg = (torch.from_numpy(maps[f"reg{stride}"]).float() - REG_ZERO) * REG_SCALE
            sides = reg.reshape(-1, 4, BINS).softmax(2) @ bins * stride
            boxes.append(torch.cat((centre - sides[:, :2], centre + sides[:, 2:]), 1))
            scores.append(torch.from_numpy(maps[f"cls{stride}"]).reshape(-1, CLASSES).float() * np.float32(CLS_SCALE))
        box, every = torch.cat(boxes), torch.cat(scores)
        row, class_id = (every >= SCORE).nonzero(as_tuple=True)
        box, score = box[row], every[row, class_id]
        kept = batched_nms(box, score, class_id, IOU)[:MOST]
        return _placed(box.numpy(), score.numpy(), class_id.numpy(), kept.numpy())

    return how, run


def _matrix_nms(boxes, score, class_id, iou):
    import torch

    order = torch.argsort(score, descending=True, stable=True)
    box, kind = boxes[order], class_id[order]
    low, high = torch.maximum(box[:, None, :2], box[:, :2]), torch.minimum(box[:, None, 2:], box[:, 2:])
    common = (high - low).clamp(min=0).prod(2)
    area = (box[:, 2:] - box[:, :2]).prod(1)
    close = (common / (area[:, None] + area - common) > iou) & (kind[:, None] == kind)
    alive = torch.ones(len(box), dtype=torch.bool)
    for index in range(len(box)):
        if alive[index]:
            alive[index + 1 :] &= ~close[index, index + 1 :]
    return order[alive]


def check(name: str, ours: Found, theirs: Found) -> None:
    """End the benchmark unless both found the same."""
    same = len(ours[1]) == len(theirs[1])
    if same:
        mine, other = (np.lexsort((one[0][:, 0], one[2], -one[1])) for one in (ours, theirs))
        same = np.array_equal(ours[2][mine], theirs[2][other]) and np.allclose(ours[1][mine], theirs[1][other])
        same = same and np.allclose(ours[0][mine], theirs[0][other], atol=0.05)
    if not same:
        message = f"{name}: the peers found different boxes ({len(ours[1])} and {len(theirs[1])})"
        raise SystemExit(message)


def measure(scene: Scene, peers: dict[str, Callable[[Maps], Found]]) -> dict[str, object]:
    maps = scene.maps()
    results = {name: run(maps) for name, run in peers.items()}
    for name, found in results.items():
        check(f"{scene.name}, {name}", results["ours"], found)
    wall: dict[str, list[float]] = {name: [] for name in peers}
    cpu: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(ROUNDS):
        for name, run in peers.items():
            repeats = 10 if name == "ours" else 1
            began, spent = time.perf_counter(), time.thread_time()
            for _ in range(repeats):
                run(maps)
            cpu[name].append((time.thread_time() - spent) / repeats * 1e3)
            wall[name].append((time.perf_counter() - began) / repeats * 1e3)
    report: dict[str, object] = {"scene": scene.name, "candidates": len(_strong(maps)[1])}
    report["boxes"] = len(results["ours"][1])
    report["wall_ms"] = {name: round(statistics.median(times), 3) for name, times in wall.items()}
    report["cpu_ms"] = {name: round(statistics.median(times), 3) for name, times in cpu.items()}
    report["faster"] = {
        name: round(statistics.median(b / a for a, b in zip(cpu["ours"], times, strict=True)), 1)
        for name, times in cpu.items()
        if name != "ours"
    }
    return report


SCENES = (
    Scene("typical: 20 objects", 20, 4),
    Scene("20 objects, 240 candidates", 20, 12),
    Scene("240 objects", 240, 1),
)
WORST = Scene("worst: every cell a candidate of one class", 0, 0)


def main() -> None:
    if os.environ.get("OMP_NUM_THREADS") != "1":  # numpy's matrix products read it once, when numpy is imported
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OMP_NUM_THREADS": "1"})
    cv2.setNumThreads(1)
    peers: dict[str, Callable[[Maps], Found]] = {"ours": our_head(), "numpy": with_numpy, "opencv": with_opencv}
    torch = torch_peer()
    if torch is not None:
        peers["torch"] = torch[1]
    report: dict[str, object] = {"torch": "not installed" if torch is None else torch[0], "rounds": ROUNDS}
    report["scenes"] = [measure(scene, peers) for scene in SCENES]
    report["worst"] = measure(WORST, {"ours": peers["ours"]})
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
