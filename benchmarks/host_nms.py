"""Time of one frame of YOLOv8 host NMS at 640 x 640 with 80 classes, against decoding everything and OpenCV's NMS.

Both sides start from the same uint8 device frames and must find the same boxes. Prints JSON; times are medians in
milliseconds. The peer dequantises all 8,400 anchors, decodes their boxes and calls ``cv2.dnn.NMSBoxesBatched`` on the
classes that pass the threshold.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.ops.nms import make_nms
from hailstack.emulator.host.ops.results import boxes_by_class
from hailstack.emulator.host.ops.settings import NmsSettings
from hailstack.hef.formats import Direction, Format, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import NmsOp, RegClsDecoder, Stream

CLASSES, BINS, IMAGE, STRIDES = 80, 16, 640, (8, 16, 32)
SCORE, IOU, LIMIT = 0.3, 0.7, 100
REG, CLS = QuantInfo(120.0, 0.07), QuantInfo(0.0, 1 / 255)
Frames = dict[str, NDArray[np.uint8]]


def stream(name: str, stride: int, features: int, quant: QuantInfo) -> Stream:
    shape = Shape(IMAGE // stride, IMAGE // stride, features)
    format = Format(FormatType.UINT8, FormatOrder.NHCW)
    return Stream(name, "g/n", Direction.D2H, 0, format, shape, shape, 1, shape.size, quant, (quant,))


def device_frames(objects: int, seed: int) -> Frames:
    """Low scores everywhere, and ``objects`` blobs of 3 x 3 anchors whose scores differ within a class."""
    random = np.random.default_rng(seed)
    frames: Frames = {}
    for stride in STRIDES:
        side = IMAGE // stride
        frames[f"reg{stride}"] = random.integers(90, 125, (side, 4 * BINS, side)).astype(np.uint8)
        frames[f"reg{stride}"][:, np.arange(4) * BINS + 3] = 200
        frames[f"cls{stride}"] = random.integers(0, 40, (side, CLASSES, side)).astype(np.uint8)
    for class_id in random.permutation(CLASSES)[:objects]:
        stride = int(random.choice(STRIDES))
        row, column = random.integers(1, IMAGE // stride - 1, 2)
        scores = random.permutation(np.arange(80, 250))[:9].reshape(3, 3)
        frames[f"cls{stride}"][row - 1 : row + 2, class_id, column - 1 : column + 2] = scores
    return frames


def full_decode(frames: Frames) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """All boxes (x, y, width, height in pixels) and all scores."""
    boxes, scores = [], []
    for stride in STRIDES:
        side = IMAGE // stride
        reg = frames[f"reg{stride}"].transpose(0, 2, 1).reshape(-1, 4, BINS).astype(np.float32)
        powers = np.exp((reg - np.float32(REG.zp)) * np.float32(REG.scale))
        distance = powers @ np.arange(BINS, dtype=np.float32) / powers.sum(2) * stride
        row, column = np.divmod(np.arange(side * side), side)
        center = (np.stack((column, row), 1).astype(np.float32) + np.float32(0.5)) * stride
        corner = center - distance[:, :2]
        boxes.append(np.concatenate((corner, center + distance[:, 2:] - corner), axis=1))
        cls = frames[f"cls{stride}"].transpose(0, 2, 1).reshape(-1, CLASSES)
        scores.append(cls.astype(np.float32) * np.float32(CLS.scale))
    return np.concatenate(boxes), np.concatenate(scores)


def with_opencv(frames: Frames) -> list[tuple[int, float]]:
    boxes, scores = full_decode(frames)
    anchor, class_id = np.nonzero(scores >= SCORE)
    score = scores[anchor, class_id]
    kept = cv2.dnn.NMSBoxesBatched(boxes[anchor].tolist(), score.tolist(), class_id.tolist(), SCORE, IOU)
    return sorted((int(class_id[index]), round(float(score[index]), 5)) for index in kept)


def median_ms(call: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def compare(objects: int) -> dict[str, float | int]:
    frames = device_frames(objects, seed=objects)
    streams = {}
    for stride in STRIDES:
        for name, features, quant in ((f"reg{stride}", 4 * BINS, REG), (f"cls{stride}", CLASSES, CLS)):
            streams[name] = stream(name, stride, features, quant)
    decoders = tuple(RegClsDecoder(stride, f"reg{stride}", f"cls{stride}") for stride in STRIDES)
    size = {"image_height": float(IMAGE), "image_width": float(IMAGE)}
    limits = {"classes": CLASSES, "max_proposals_per_class": LIMIT}
    op = NmsOp("op", "v", tuple(streams), "YOLOV8", SCORE, IOU, decoders=decoders, **size, **limits)
    nms = make_nms(op, streams, Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_BY_CLASS), NmsSettings(), "4.23")
    out = np.zeros(CLASSES * (1 + 5 * LIMIT) * 4, np.uint8)
    flat = {name: frame.reshape(-1) for name, frame in frames.items()}
    nms.run(flat, out)
    found = [
        (class_id, round(float(score), 5))
        for class_id, boxes in enumerate(boxes_by_class(out, CLASSES))
        for score in boxes[:, 4]
    ]
    if sorted(found) != with_opencv(frames):
        message = f"with {objects} objects the two sides found different boxes"
        raise SystemExit(message)
    ours, peer = median_ms(lambda: nms.run(flat, out), 200), median_ms(lambda: with_opencv(frames), 10)
    return {"objects": objects, "boxes": len(found), "ours_ms": ours, "opencv_ms": peer, "faster": peer / ours}


def main() -> None:
    report = {"anchors": sum((IMAGE // stride) ** 2 for stride in STRIDES), "classes": CLASSES}
    print(json.dumps(report | {"frames": [compare(objects) for objects in (0, 5, 20, 60)]}, indent=2))


if __name__ == "__main__":
    main()
