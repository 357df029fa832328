"""Heads of detectors with their frames, and slow decoders that follow the definitions number by number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from hailstack.emulator.host.ops.nms import make_nms
from hailstack.emulator.host.ops.settings import NmsSettings
from hailstack.hef.formats import Direction, Format, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import AnchorDecoder, NmsOp, RegClsDecoder, Stream

f32 = np.float32
BY_CLASS = Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_BY_CLASS)
BY_SCORE = Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_BY_SCORE)
Frames = dict[str, np.ndarray]
Box = tuple[np.float32, np.float32, np.float32, np.float32]
Found = list[tuple[int, np.float32, Box]]


def make_stream(name: str, shape: Shape, quant: QuantInfo, padded: int = 0, data_bytes: int = 1) -> Stream:
    hw = Shape(shape.height, padded or shape.width, shape.features)
    format = Format(FormatType.UINT16 if data_bytes == 2 else FormatType.UINT8, FormatOrder.NHCW)
    return Stream(name, "g/n", Direction.D2H, 0, format, shape, hw, data_bytes, hw.size * data_bytes, quant, (quant,))


def run(op: NmsOp, streams: list[Stream], frames: Frames, format: Format, size: int, **more: Any) -> np.ndarray:
    named = {stream.name: stream for stream in streams}
    out = np.zeros(size, np.uint8)
    nms = make_nms(op, named, format, more.get("settings", NmsSettings()), more.get("profile", "4.23"))
    nms.run({name: frame.reshape(-1).view(np.uint8) for name, frame in frames.items()}, out)
    return out


def real_numbers(stream: Stream, frame: np.ndarray) -> np.ndarray:
    lines = frame.astype(np.float32).transpose(0, 2, 1)[:, : stream.shape.width]
    return (lines - f32(stream.quant.zp)) * f32(stream.quant.scale)


def cells(stream: Stream) -> Iterator[tuple[int, int]]:
    return ((row, column) for row in range(stream.shape.height) for column in range(stream.shape.width))


def expf(x: np.float32) -> np.float32:
    return f32(math.exp(x))


def centered(y: np.float32, x: np.float32, height: np.float32, width: np.float32) -> Box:
    top, left = y - height / f32(2), x - width / f32(2)
    return top, left, top + height, left + width


def slow_yolox(op: NmsOp, streams: dict[str, Stream], frames: Frames) -> Found:
    found: Found = []
    for part in op.decoders:
        reg, cls, obj = (real_numbers(streams[name], frames[name]) for name in (part.reg, part.cls, part.obj or ""))
        grid = streams[part.reg].shape
        for row, column in cells(streams[part.reg]):
            if obj[row, column, 0] < f32(op.score_threshold):
                continue
            tx, ty, tw, th = reg[row, column]
            y, x = (ty + f32(row)) / f32(grid.height), (tx + f32(column)) / f32(grid.width)
            box = centered(y, x, expf(th) / f32(grid.height), expf(tw) / f32(grid.width))
            for class_id in range(op.classes):
                score = cls[row, column, class_id] * obj[row, column, 0]
                if score >= f32(op.score_threshold):
                    found.append((class_id, score, box))
    return found


def slow_yolov5(op: NmsOp, streams: dict[str, Stream], frames: Frames) -> Found:
    found: Found = []
    for part in sorted(op.anchor_decoders, key=lambda part: part.stream):
        numbers, grid = real_numbers(streams[part.stream], frames[part.stream]), streams[part.stream].shape
        for row, column in cells(streams[part.stream]):
            for anchor, (wide, high) in enumerate(zip(part.anchors_w, part.anchors_h, strict=True)):
                size = 5 + op.classes
                entry = numbers[row, column, anchor * size : (anchor + 1) * size]
                if entry[4] < f32(op.score_threshold):
                    continue
                y = (entry[1] * f32(2) - f32(0.5) + f32(row)) / f32(grid.height)
                x = (entry[0] * f32(2) - f32(0.5) + f32(column)) / f32(grid.width)
                height = (f32(2) * entry[3]) ** 2 * f32(high) / f32(op.image_height)
                width = (f32(2) * entry[2]) ** 2 * f32(wide) / f32(op.image_width)
                for class_id in range(op.classes):
                    if entry[5 + class_id] * entry[4] >= f32(op.score_threshold):
                        found.append((class_id, entry[5 + class_id] * entry[4], centered(y, x, height, width)))
    return found


def slow_ssd(op: NmsOp, streams: dict[str, Stream], frames: Frames) -> Found:
    found: Found = []
    for part in sorted(op.decoders, key=lambda part: part.reg):
        reg, cls = (real_numbers(streams[name], frames[name]) for name in (part.reg, part.cls))
        grid = streams[part.reg].shape
        step_y, step_x = f32(1) / f32(grid.height), f32(1) / f32(grid.width)
        for row, column in cells(streams[part.reg]):
            for anchor, (wide, high) in enumerate(zip(part.anchors_w, part.anchors_h, strict=True)):
                ty, tx, th, tw = reg[row, column, anchor * 4 : anchor * 4 + 4]
                scale, reach = f32(op.centers_scale_factor), f32(op.bbox_dimensions_scale_factor)
                width, height = expf(tw / reach) * f32(wide), expf(th / reach) * f32(high)
                x = tx / scale * f32(wide) + (f32(column) * step_x + f32(0.5) * step_x)
                y = ty / scale * f32(high) + (f32(row) * step_y + f32(0.5) * step_y)
                half_y, half_x = height / f32(2), width / f32(2)
                box = (y - half_y, x - half_x, y + half_y, x + half_x)
                scores = cls[row, column, anchor * op.classes : (anchor + 1) * op.classes]
                for class_id, score in enumerate(scores):
                    if op.background_removal and class_id == op.background_index:
                        continue
                    if score >= f32(op.score_threshold):
                        shift = op.background_removal and op.background_index == 0
                        found.append((class_id - shift, score, box))
    return found


def slow_yolov8(op: NmsOp, streams: dict[str, Stream], frames: Frames) -> Found:
    found: Found = []
    for part in op.decoders:
        reg, cls = (real_numbers(streams[name], frames[name]) for name in (part.reg, part.cls))
        for row, column in cells(streams[part.reg]):
            powers = np.exp(reg[row, column].reshape(4, -1).astype(np.float64))
            bins = np.arange(powers.shape[1])
            left, top, right, bottom = (powers * bins).sum(1) / powers.sum(1) * part.stride
            x, y = (column + 0.5) * part.stride, (row + 0.5) * part.stride
            image = op.image_height, op.image_width
            box = (y - top) / image[0], (x - left) / image[1], (y + bottom) / image[0], (x + right) / image[1]
            for class_id in range(op.classes):
                if cls[row, column, class_id] >= f32(op.score_threshold):
                    found.append((class_id, cls[row, column, class_id], tuple(map(f32, box))))
    return found


def slow_iou(a: Box, b: Box) -> np.float32:
    height, width = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if height <= 0 or width <= 0:
        return f32(0)
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def slow_nms(found: Found, op: NmsOp) -> list[Found]:
    kept: list[Found] = [[] for _ in range(op.classes)]
    for class_id, score, box in sorted(found, key=lambda detection: -detection[1]):
        others = kept[class_id]
        if all(slow_iou(other[2], box) < f32(op.iou_threshold) for other in others):
            others.append((class_id, score, box))
    return [boxes[: op.max_proposals_per_class] for boxes in kept]


def head(kind: str, seed: int, threshold: float) -> tuple[NmsOp, list[Stream], Frames]:
    """Two scales of a small head with random numbers, all scores different."""
    random = np.random.default_rng(seed)
    classes, grids = 3, ((4, 5, 8), (2, 3, 8))
    centered_quant, score_quant = QuantInfo(30000.0, 1e-4), QuantInfo(100.0, 1 / 66000)
    streams, anchors, decoders = [], [], []
    for number, (height, width, padded) in enumerate(grids):
        names = {part: f"{part}{number}" for part in ("reg", "cls", "obj", "all")}
        features = {"YOLOV8": 4 * 6, "SSD": 4 * 2}.get(kind, 4)
        kinds = {"reg": features, "cls": classes * (2 if kind == "SSD" else 1), "obj": 1}
        if kind == "YOLOV5":
            kinds = {"all": 2 * (5 + classes)}
        for part, count in kinds.items():
            if part == "obj" and kind != "YOLOX":
                continue
            quant = centered_quant if part == "reg" else score_quant
            streams.append(make_stream(names[part], Shape(height, width, count), quant, padded, data_bytes=2))
        anchors.append(AnchorDecoder(names["all"], 8, (10.0, 33.0), (13.0, 23.0)))
        sizes = (0.3, 0.2), (0.25, 0.4)
        decoders.append(RegClsDecoder(8 * (number + 1), names["reg"], names["cls"], names["obj"], *sizes))
    total = sum(stream.hw_shape.size for stream in streams)
    values = random.permutation(65536)[:total].astype(np.uint16) if total <= 65536 else None
    assert values is not None
    frames, start = {}, 0
    for stream in streams:
        hw = stream.hw_shape
        frames[stream.name] = values[start : start + hw.size].reshape(hw.height, hw.features, hw.width)
        start += hw.size
    op = NmsOp(
        "op",
        "v",
        tuple(stream.name for stream in streams),
        kind=kind,
        score_threshold=threshold,
        iou_threshold=0.4,
        classes=classes,
        max_proposals_per_class=4,
        max_proposals_total=12,
        image_height=32.0,
        image_width=40.0,
        anchor_decoders=tuple(anchors),
        decoders=tuple(decoders),
        centers_scale_factor=10,
        bbox_dimensions_scale_factor=5,
    )
    return op, streams, frames
