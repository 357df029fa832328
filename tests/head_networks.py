"""Networks with random weights and the heads of many families, decoded the way different exporters write it.

``CASES`` maps a name to what builds the network. Builders give the outputs; what must be found stands beside them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tiny_networks import NetworkWriter

SIZE = 128
STRIDES = (8, 16, 32)
COCO_ANCHORS = (((10, 13), (16, 30), (33, 23)), ((30, 61), (62, 45), (59, 119)), ((116, 90), (156, 198), (373, 326)))
WIDTH = 16


class HeadWriter(NetworkWriter):
    """Writes heads and their tails."""

    def whole(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def real(self, value) -> str:
        return self.constant(np.asarray(value, np.float32))

    def trunk(self, strides=STRIDES) -> dict[int, str]:
        tensor, levels, stride = "images", {}, 1
        into = 3
        while stride < max(strides):
            tensor, into, stride = self.silu(self.conv(tensor, into, WIDTH, stride=2)), WIDTH, stride * 2
            levels[stride] = tensor
        return {stride: levels[stride] for stride in strides}

    def branch(self, features: str, out: int, name: str | None = None) -> str:
        return self.conv(self.silu(self.conv(features, WIDTH, WIDTH)), WIDTH, out, kernel=1, name=name)

    def reshape(self, tensor: str, *shape: int) -> str:
        return self.add("Reshape", tensor, self.whole(*shape))

    def cut(self, tensor: str, start: int, end: int, axis: int) -> str:
        return self.add("Slice", tensor, self.whole(start), self.whole(end), self.whole(axis))

    def split(self, tensor: str, sizes: list[int], axis: int) -> list[str]:
        return self.add("Split", tensor, self.whole(*sizes), axis=axis, outputs=len(sizes))

    def heads(self, strides=STRIDES, **parts: int) -> list[dict[str, str]]:
        """For each level the named convolutions with so many channels."""
        return [
            {part: self.branch(features, out, f"{part}_s{stride}") for part, out in parts.items()}
            for stride, features in self.trunk(strides).items()
        ]

    def flat(self, tensors: list[str], channels: int) -> str:
        """(1, channels, all cells)."""
        return self.add("Concat", *(self.reshape(one, 1, channels, -1) for one in tensors), axis=2)

    def rows(self, tensors: list[str], numbers: int) -> str:
        """(1, all boxes, numbers), as torch writes it: channels last, then flattened."""
        turned = [self.add("Transpose", one, perm=[0, 2, 3, 1]) for one in tensors]
        return self.add("Concat", *(self.reshape(one, 1, -1, numbers) for one in turned), axis=1)


def cells(strides=STRIDES, offset: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Centres of all cells ``(2, n)`` in cells, and their strides ``(1, n)``."""
    points, widths = [], []
    for stride in strides:
        rows = SIZE // stride
        y, x = np.mgrid[:rows, :rows]
        points.append(np.stack([x.ravel(), y.ravel()]) + offset)
        widths.append(np.full(rows * rows, stride))
    return np.concatenate(points, 1).astype(np.float32), np.concatenate(widths)[None].astype(np.float32)


def sides_to_boxes(net: HeadWriter, sides: str, strides=STRIDES, corners: bool = False) -> str:
    """(1, 4, n) distances in strides → boxes in pixels."""
    points, widths = cells(strides)
    near, far = net.split(sides, [2, 2], 1)
    low = net.add("Sub", net.real(points[None]), near)
    high = net.add("Add", net.real(points[None]), far)
    if corners:
        boxes = net.add("Concat", low, high, axis=1)
    else:
        middle = net.add("Div", net.add("Add", low, high), net.real(2.0))
        boxes = net.add("Concat", middle, net.add("Sub", high, low), axis=1)
    return net.add("Mul", boxes, net.real(widths))


def expect_sides(net: HeadWriter, flat: str, bins: int, way: str) -> str:
    """(1, 4 * bins, n) → (1, 4, n): softmax and expectation, written in three ways."""
    parted = net.reshape(flat, 1, 4, bins, -1)
    steps = np.arange(bins, dtype=np.float32)
    if way == "conv":
        chances = net.add("Softmax", net.add("Transpose", parted, perm=[0, 2, 1, 3]), axis=1)
        return net.reshape(net.add("Conv", chances, net.real(steps.reshape(1, bins, 1, 1))), 1, 4, -1)
    turned = net.add("Softmax", net.add("Transpose", parted, perm=[0, 3, 1, 2]), axis=3)
    if way == "matmul":
        summed = net.add("MatMul", turned, net.real(steps.reshape(bins, 1)))
        summed = net.add("Squeeze", summed, net.whole(3))
    else:
        weighted = net.add("Mul", turned, net.real(steps))
        summed = net.add("ReduceSum", weighted, net.whole(3), keepdims=0)
    return net.add("Transpose", summed, perm=[0, 2, 1])


def dfl(strides=STRIDES, way="conv", bins=16, classes=5, corners=False, topk=False, nms=False, **more: int):
    """YOLOv8 and its kin; ``more`` are further branches of a level."""
    net = HeadWriter()
    levels = net.heads(strides, reg=4 * bins, cls=classes, **more)
    sides = expect_sides(net, net.flat([one["reg"] for one in levels], 4 * bins), bins, way)
    boxes = sides_to_boxes(net, sides, strides, corners or topk or nms)
    scores = net.add("Sigmoid", net.flat([one["cls"] for one in levels], classes))
    return net, levels, boxes, scores, strides, (topk, nms)


def finish(made, extra: list[str] = ()) -> tuple[HeadWriter, list[str]]:
    net, _, boxes, scores, _, (topk, nms) = made
    if topk:
        return net, [best_of(net, boxes, scores)]
    if nms:
        return net, suppressed(net, boxes, scores)
    return net, [net.add("Concat", boxes, scores, *extra, axis=1, name="output0")]


def best_of(net: HeadWriter, boxes: str, scores: str, count: int = 20) -> str:
    """The ending of networks without NMS: (1, count, 6)."""
    rows = net.add("Transpose", scores, perm=[0, 2, 1])
    best = net.add("ReduceMax", rows, axes=[2], keepdims=0)
    _, index = net.add("TopK", best, net.whole(count), axis=1, outputs=2)
    places = net.add("Unsqueeze", index, net.whole(2))
    tiled = net.add("Tile", places, net.whole(1, 1, 4))
    chosen = net.add("GatherElements", net.add("Transpose", boxes, perm=[0, 2, 1]), tiled, axis=1)
    score, _ = net.add("TopK", best, net.whole(count), axis=1, outputs=2)
    zeros = net.add("Mul", net.add("Unsqueeze", score, net.whole(2)), net.real(0.0))
    return net.add("Concat", chosen, net.add("Unsqueeze", score, net.whole(2)), zeros, axis=2, name="output0")


def suppressed(net: HeadWriter, boxes: str, scores: str) -> list[str]:
    """The ending of exports with NMS inside: selected boxes and scores."""
    rows = net.add("Transpose", boxes, perm=[0, 2, 1])
    limits = [net.whole(10), net.real([0.5]), net.real([0.3])]
    chosen = net.add("NonMaxSuppression", rows, scores, *limits)
    index = net.add("Squeeze", net.cut(chosen, 2, 3, 1), net.whole(1))
    return [net.add("Gather", rows, index, axis=1, name="boxes")]


def sided(classes=5, per_level=False, topk=False, extra: dict[str, int] | None = None):
    """Four plain distances: YOLOv6 (sigmoid in each level) and YOLO26 (behind all)."""
    net = HeadWriter()
    levels = net.heads(reg=4, cls=classes, **(extra or {}))
    if per_level:
        scores = net.flat([net.add("Sigmoid", one["cls"]) for one in levels], classes)
    else:
        scores = net.add("Sigmoid", net.flat([one["cls"] for one in levels], classes))
    boxes = sides_to_boxes(net, net.flat([one["reg"] for one in levels], 4), corners=topk)
    return net, levels, boxes, scores, STRIDES, (topk, False)


def points(made, count: int, values: int = 3, doubled: bool = True) -> tuple[HeadWriter, list[str]]:
    """Key points beside boxes, as YOLOv8-pose decodes them, or YOLO26-pose if not ``doubled``."""
    net, levels, *_ = made
    grid, widths = cells()
    flat = net.flat([one["points"] for one in levels], count * values)
    parted = net.reshape(flat, 1, count, values, -1)
    place = net.cut(parted, 0, 2, 2)
    if doubled:
        moved = net.add("Add", net.add("Mul", place, net.real(2.0)), net.real((grid - 0.5)[None, None]))
    else:
        moved = net.add("Add", place, net.real(grid[None, None]))
    parts = [net.add("Mul", moved, net.real(widths[None]))]
    if values == 3:
        parts.append(net.add("Sigmoid", net.cut(parted, 2, 3, 2)))
    joined = net.add("Concat", *parts, axis=2) if len(parts) > 1 else parts[0]
    return finish(made, [net.reshape(joined, 1, count * values, -1)])


def rotated(made, spread: bool = True) -> tuple[HeadWriter, list[str]]:
    """An angle beside boxes, as YOLOv8-obb has it."""
    net, levels, *_ = made
    angle = net.flat([one["angle"] for one in levels], 1)
    if spread:
        angle = net.add("Mul", net.add("Sub", net.add("Sigmoid", angle), net.real(0.25)), net.real(np.pi))
    return finish(made, [angle])


def masks(made, channels: int = 32, stride: int = 4) -> tuple[HeadWriter, list[str]]:
    """Mask coefficients beside boxes, and prototypes."""
    net, levels, *_ = made
    _, outputs = finish(made, [net.flat([one["mask"] for one in levels], channels)])
    early = net.silu(net.conv(net.silu(net.conv("images", 3, WIDTH, stride=2)), WIDTH, WIDTH, stride=2))
    return net, [*outputs, net.silu(net.conv(early, WIDTH, channels, kernel=1))]


def anchored(form="v5", classes=5, masks: int = 0, raw=False, slices=False, nms=False, scale=1.0):
    """YOLOv3 to v7."""
    net = HeadWriter()
    size = 5 + classes + masks
    joined, heads = [], []
    for (stride, features), anchors in zip(net.trunk().items(), COCO_ANCHORS, strict=True):
        head = net.branch(features, 3 * size, f"head_s{stride}")
        heads.append(head)
        side = SIZE // stride
        parted = net.add("Transpose", net.reshape(head, 1, 3, size, side, side), perm=[0, 1, 3, 4, 2])
        grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1)[None, None].astype(np.float32)
        sizes = np.array(anchors, np.float32).reshape(1, 3, 1, 1, 2)
        parts = [2, 2, 1 + classes] + ([masks] if masks else [])
        if form == "v5":
            names = _parts(net, net.add("Sigmoid", parted) if not masks else parted, parts, slices)
            xy, wh, rest = (net.add("Sigmoid", one) for one in names[:3]) if masks else names[:3]
            moved = net.add("Add", net.add("Mul", xy, net.real(2.0)), net.real(grid - 0.5))
            grown = net.add("Mul", net.add("Pow", net.add("Mul", wh, net.real(2.0)), net.real(2.0)), net.real(sizes))
        else:
            names = _parts(net, parted, parts, slices)
            rest = net.add("Sigmoid", names[2])
            shift = net.add("Mul", net.add("Sigmoid", names[0]), net.real(scale))
            moved = net.add("Add", shift, net.real(grid - (scale - 1) / 2))
            grown = net.add("Mul", net.add("Exp", names[1]), net.real(sizes))
        boxes = [net.add("Mul", moved, net.real(float(stride))), grown, rest, *names[3:]]
        joined.append(net.reshape(net.add("Concat", *boxes, axis=4), 1, -1, size))
    if raw:
        return net, heads
    every = net.add("Concat", *joined, axis=1, name="output")
    if nms:
        boxes, obj, cls = net.split(every, [4, 1, classes], 2)
        scores = net.add("Transpose", net.add("Mul", obj, cls), perm=[0, 2, 1])
        return net, suppressed(net, net.add("Transpose", boxes, perm=[0, 2, 1]), scores)
    if masks:
        early = net.silu(net.conv(net.silu(net.conv("images", 3, WIDTH, stride=2)), WIDTH, WIDTH, stride=2))
        return net, [every, net.silu(net.conv(early, WIDTH, masks, kernel=1))]
    return net, [every]


def _parts(net: HeadWriter, tensor: str, sizes: list[int], slices: bool) -> list[str]:
    if not slices:
        return net.split(tensor, sizes, 4)
    ends = itertools.pairwise(np.cumsum([0, *sizes]).tolist())
    return [net.cut(tensor, first, last, 4) for first, last in ends]


def centred_cells(decoded=True, classes=5, extra: int = 0):
    """YOLOX and YOLOv6 0.1; with ``extra`` numbers a level for points, YuNet."""
    net = HeadWriter()
    more = {"points": extra} if extra else {}
    levels = net.heads(cls=classes, reg=4, obj=1, **more)
    parts = [
        net.add("Concat", one["reg"], net.add("Sigmoid", one["obj"]), net.add("Sigmoid", one["cls"]), axis=1)
        for one in levels
    ]
    every = net.add("Transpose", net.flat(parts, 5 + classes), perm=[0, 2, 1])
    if extra:
        return net, [every, net.rows([one["points"] for one in levels], extra)]
    if not decoded:
        return net, [every]
    grid, widths = cells(offset=0.0)
    xy, wh, rest = net.split(every, [2, 2, 1 + classes], 2)
    xy = net.add("Mul", net.add("Add", xy, net.real(grid.T[None])), net.real(widths.T[None]))
    wh = net.add("Mul", net.add("Exp", wh), net.real(widths.T[None]))
    return net, [net.add("Concat", xy, wh, rest, axis=2)]


def ssd(classes=7, counts=(3, 6, 6), form="sigmoid", tail=True, factors=(10.0, 5.0), extra: int = 0, strides=STRIDES):
    """SSD's head; TF's way puts channels last first."""
    net = HeadWriter()
    boxes, scores, others = [], [], []
    for (_, features), count in zip(net.trunk(strides).items(), counts, strict=True):
        boxes.append(net.branch(features, 4 * count))
        scores.append(net.branch(features, classes * count))
        others.append(net.branch(features, extra * count) if extra else "")
    deltas, chances = net.rows(boxes, 4), net.rows(scores, classes)
    chances = net.add("Sigmoid", chances) if form == "sigmoid" else net.add("Softmax", chances, axis=2)
    more = [net.rows(others, extra)] if extra else []
    if not tail:
        return net, [deltas, chances, *more]
    anchors = (
        np.concatenate(
            [
                np.concatenate(
                    [
                        np.repeat((np.indices((SIZE // s, SIZE // s))[::-1].reshape(2, -1).T + 0.5) * s, n, 0),
                        np.tile(
                            np.array([[s * 2.0 + 4 * k, s * 3.0 + 8 * k] for k in range(n)]), ((SIZE // s) ** 2, 1)
                        ),
                    ],
                    1,
                )
                for s, n in zip(strides, counts, strict=True)
            ]
        ).astype(np.float32)
        / SIZE
    )
    ty, tx, th, tw = (net.cut(deltas, i, i + 1, 2) for i in range(4))
    column = [net.real(anchors[None, :, i : i + 1]) for i in range(4)]
    centre = [
        net.add("Add", net.add("Mul", net.add("Div", t, net.real(factors[0])), column[2 + i]), column[i])
        for i, t in ((0, tx), (1, ty))
    ]
    half = [
        net.add(
            "Mul",
            net.add("Mul", net.add("Exp", net.add("Div", t, net.real(factors[1]))), column[2 + i]),
            net.real(0.5),
        )
        for i, t in ((0, tw), (1, th))
    ]
    low = [net.add("Sub", centre[i], half[i]) for i in (1, 0)]
    high = [net.add("Add", centre[i], half[i]) for i in (1, 0)]
    decoded = net.add("Concat", *low, *high, axis=2)
    if form == "sigmoid":
        kept = net.add("Transpose", net.cut(chances, 1, classes, 2), perm=[0, 2, 1])
        return net, suppressed(net, net.add("Transpose", decoded, perm=[0, 2, 1]), kept)
    return net, [decoded, chances, *more]


def face(per_cell=2, scores=2, softmax=True):
    """RetinaFace (softmax over two) and SCRFD (one sigmoid), undecoded."""
    net = HeadWriter()
    levels = net.heads(cls=scores * per_cell, reg=4 * per_cell, points=10 * per_cell)
    if softmax:
        chances = net.add("Softmax", net.rows([one["cls"] for one in levels], scores), axis=2)
        return net, [
            net.rows([one["reg"] for one in levels], 4),
            chances,
            net.rows([one["points"] for one in levels], 10),
        ]
    outputs = [net.rows([net.add("Sigmoid", one["cls"])], scores) for one in levels]
    return net, [*outputs, *(net.rows([o["reg"]], 4) for o in levels), *(net.rows([o["points"]], 10) for o in levels)]


def together(bins=8, classes=80, split=True):
    """NanoDet: scores and bins in one convolution."""
    net = HeadWriter()
    heads = [one["all"] for one in net.heads(all=classes + 4 * bins)]
    every = net.rows(heads, classes + 4 * bins)
    if not split:
        return net, heads
    scores, boxes = net.split(every, [classes, 4 * bins], 2)
    return net, [net.add("Concat", net.add("Sigmoid", scores), boxes, axis=2)]


def peaks(decode=False, classes=5, points=0):
    """CenterNet."""
    net = HeadWriter()
    features = net.trunk((4,))[4]
    heat, size, offset = net.branch(features, classes), net.branch(features, 2), net.branch(features, 2)
    heat = net.add("Sigmoid", heat)
    more = [net.branch(features, points)] if points else []
    if not decode:
        return net, [heat, size, offset, *more]
    pooled = net.add("MaxPool", heat, kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
    same = net.add("Cast", net.add("Equal", heat, pooled), to=1)
    flat = net.reshape(net.add("Mul", heat, same), 1, -1)
    score, _ = net.add("TopK", flat, net.whole(10), axis=1, outputs=2)
    return net, [score, net.reshape(size, 1, 2, -1), net.reshape(offset, 1, 2, -1)]


def queries():
    """RT-DETR in small: the best places are chosen, and a decoder learns from them."""
    net = HeadWriter()
    levels = [net.conv(one, WIDTH, WIDTH, kernel=1) for one in net.trunk((16, 32)).values()]
    tokens = net.add("Transpose", net.flat(levels, WIDTH), perm=[0, 2, 1])

    def dense(tensor: str, out: int) -> str:
        weights = net.real(net.random.normal(0, 0.3, (WIDTH, out)))
        return net.add("Add", net.add("MatMul", tensor, weights), net.real(net.random.normal(0, 0.1, out)))

    best = net.add("ReduceMax", dense(tokens, 5), axes=[2], keepdims=0)
    _, index = net.add("TopK", best, net.whole(12), axis=1, outputs=2)
    tiled = net.add("Tile", net.add("Unsqueeze", index, net.whole(2)), net.whole(1, 1, WIDTH))
    chosen = net.add("GatherElements", tokens, tiled, axis=1)
    for _ in range(3):
        chosen = net.add("Add", chosen, dense(net.add("Relu", chosen), WIDTH))
    boxes = net.add("Sigmoid", dense(chosen, 4))
    return net, [net.add("Concat", boxes, net.add("Sigmoid", dense(chosen, 5)), axis=2)]


def pixels(form: str, channels: int = 5):
    """Networks that give a map of the picture's shape."""
    net = HeadWriter()
    features = net.trunk((4,))[4]
    last = net.conv(features, WIDTH, channels, kernel=1)
    if form == "shuffle":
        return net, [net.add("DepthToSpace", last, blocksize=4 * 2, mode="CRD")]
    if form == "reshape":
        parted = net.reshape(last, 1, channels // 16, 4, 4, SIZE // 4, SIZE // 4)
        turned = net.add("Transpose", parted, perm=[0, 1, 4, 2, 5, 3])
        return net, [net.reshape(turned, 1, channels // 16, SIZE, SIZE)]
    if form == "stride":
        return net, [last]
    scales = net.real([1.0, 1.0, 4.0, 4.0])
    large = net.add("Resize", last, "", scales, mode="linear")
    if form in ("Sigmoid", "Softmax"):
        return net, [net.add(form, large, **({"axis": 1} if form == "Softmax" else {}))]
    return net, [net.add("ArgMax", large, axis=1) if form == "ArgMax" else large]


def vector(form: str, size: int = 10):
    """Networks that give vectors."""
    net = HeadWriter()
    flat = net.add("Flatten", net.add("GlobalAveragePool", net.trunk((16,))[16]))

    def dense(out: int) -> str:
        weights = net.real(net.random.normal(0, 0.3, (out, WIDTH)))
        return net.add("Gemm", flat, weights, net.real(net.random.normal(0, 0.1, out)), transB=1)

    if form == "distilled":
        return net, [net.add("Div", net.add("Add", dense(size), dense(size)), net.real(2.0))]
    if form == "normalised":
        made = dense(size)
        length = net.add("ReduceL2", made, axes=[1], keepdims=1)
        return net, [
            net.add("Div", made, net.add("Expand", net.add("Clip", length, net.real(1e-12)), net.whole(1, size)))
        ]
    if form == "landmarks":
        return net, [dense(63), net.add("Sigmoid", dense(1)), net.add("Sigmoid", dense(1)), dense(63)]
    if form == "convolution":
        maps = net.conv(net.trunk((16,))[16], WIDTH, size, kernel=1)
        return net, [net.add("Flatten", net.add("GlobalAveragePool", maps))]
    last = dense(size)
    return net, [last if form == "plain" else net.add(form, last)]


Made = tuple[HeadWriter, list[str]]


def case(
    build: Callable[[], Made], task: str, family: str | None, ends: int, **facts
) -> tuple[Callable[[], Made], dict]:
    return build, {"task": task, "family": family, "ends": ends, **facts}


V8 = {"classes": 5, "reg_max": 16, "strides": STRIDES}
P2, P6 = (4, 8, 16, 32), (8, 16, 32, 64)
MASKED, POSED, TURNED = {"mask": 32}, {"points": 51}, {"angle": 1}

CASES = {
    "v8": case(lambda: finish(dfl()), "detection", "yolov8", 6, **V8),
    "v8-matmul": case(lambda: finish(dfl(way="matmul")), "detection", "yolov8", 6, **V8),
    "v8-sum-corners": case(lambda: finish(dfl(way="sum", corners=True)), "detection", "yolov8", 6, **V8),
    "v8-p2": case(lambda: finish(dfl(P2)), "detection", "yolov8", 8, strides=P2),
    "v8-p6": case(lambda: finish(dfl(P6)), "detection", "yolov8", 8, strides=P6),
    "v3-tiny-u": case(lambda: finish(dfl((16, 32))), "detection", "yolov8", 4, strides=(16, 32)),
    "v8-one-class": case(lambda: finish(dfl(classes=1)), "detection", "yolov8", 6, classes=1),
    "v8-64-classes": case(lambda: finish(dfl(classes=64)), "detection", "yolov8", 6, classes=64, reg_max=16),
    "v8-4-classes": case(lambda: finish(dfl(classes=4)), "detection", "yolov8", 6, classes=4, reg_max=16),
    "v8-nms": case(lambda: finish(dfl(nms=True)), "detection", "yolov8", 6, nms=True, **V8),
    "v10-topk": case(lambda: finish(dfl(topk=True)), "detection", "yolov8", 6, nms=False, **V8),
    "damo-17-bins": case(lambda: finish(dfl(bins=17, way="sum")), "detection", "yolov8", 6, reg_max=17),
    "picodet-8-bins": case(lambda: finish(dfl(bins=8, way="matmul")), "detection", "yolov8", 6, reg_max=8),
    "v8-pose": case(
        lambda: points(dfl(classes=1, **POSED), 17), "pose", "yolov8", 9, classes=1, keypoints=17, keypoint_values=3
    ),
    "v8-pose-4x2": case(
        lambda: points(dfl(classes=3, points=8), 4, 2), "pose", "yolov8", 9, keypoints=4, keypoint_values=2
    ),
    "v8-seg": case(lambda: masks(dfl(**MASKED)), "instance_segmentation", "yolov8", 10, mask_coefficients=32),
    "v8-obb": case(lambda: rotated(dfl(**TURNED)), "oriented_detection", "yolov8", 9, classes=5),
    "v26": case(lambda: finish(sided()), "detection", "yolo26", 6, classes=5, reg_max=0),
    "v26-topk": case(lambda: finish(sided(topk=True)), "detection", "yolo26", 6, nms=False),
    "v26-pose": case(lambda: points(sided(extra=POSED), 17, doubled=False), "pose", "yolo26", 9, keypoints=17),
    "v26-seg": case(lambda: masks(sided(extra=MASKED)), "instance_segmentation", "yolo26", 10),
    "v26-obb": case(lambda: rotated(sided(extra=TURNED), spread=False), "oriented_detection", "yolo26", 9),
    "v6-sides": case(lambda: finish(sided(per_level=True)), "detection", "yolov6", 6, scores="probabilities"),
    "v5": case(anchored, "detection", "yolov5", 3, classes=5, anchors=COCO_ANCHORS),
    "v5-slices": case(lambda: anchored(slices=True), "detection", "yolov5", 3, anchors=COCO_ANCHORS),
    "v7-nms": case(lambda: anchored(nms=True), "detection", "yolov5", 3, anchors=COCO_ANCHORS, nms=True),
    "v5-raw": case(lambda: anchored(raw=True), "detection", "yolov5", 3, anchors=()),
    "v5-seg": case(
        lambda: anchored(masks=32), "instance_segmentation", "yolov5", 4, anchors=COCO_ANCHORS, mask_coefficients=32
    ),
    "v3": case(lambda: anchored("v3"), "detection", "yolov3", 3, anchors=COCO_ANCHORS, reach=1.0),
    "v4": case(lambda: anchored("v4", scale=1.05), "detection", "yolov4", 3, anchors=COCO_ANCHORS, reach=1.05),
    "yolox": case(centred_cells, "detection", "yolox", 9, classes=5, scores="probabilities"),
    "yolox-undecoded": case(lambda: centred_cells(False), "detection", "yolox", 9, classes=5),
    "yolox-one-class": case(lambda: centred_cells(classes=1), "detection", "yolox", 9, classes=1),
    "yunet": case(lambda: centred_cells(classes=1, extra=10), "face_detection", "yolox", 12, keypoints=5),
    "nanodet": case(together, "detection", "nanodet", 3, classes=80, reg_max=8),
    "nanodet-11-bins": case(lambda: together(11), "detection", "nanodet", 3, classes=80, reg_max=11),
    "ssd-single-cell": case(
        lambda: ssd(counts=(3, 6, 6, 6), strides=(*STRIDES, SIZE)),
        "detection",
        "ssd",
        8,
        scale_factors=(10.0, 5.0),
        anchors=tuple(
            tuple((s * 2.0 + 4 * k, s * 3.0 + 8 * k) for k in range(n))
            for s, n in zip((*STRIDES, SIZE), (3, 6, 6, 6), strict=True)
        ),
    ),
    "ssd-tf": case(ssd, "detection", "ssd", 6, classes=7, background=True, scale_factors=(10.0, 5.0)),
    "ssd-softmax": case(
        lambda: ssd(form="softmax"), "detection", "ssd", 6, classes=7, background=True, score_function="softmax"
    ),
    "ssd-undecoded": case(lambda: ssd(form="softmax", tail=False), "detection", "ssd", 6, classes=7),
    "efficientdet": case(
        lambda: ssd(counts=(9, 9, 9), factors=(1.0, 1.0)), "detection", "ssd", 6, per_cell=9, scale_factors=(1.0, 1.0)
    ),
    "retinaface": case(face, "face_detection", "ssd", 9, keypoints=5, background=True, per_cell=2),
    "scrfd": case(lambda: face(2, 1, False), "face_detection", "scrfd", 9, keypoints=5, classes=1, per_cell=2),
    "centernet": case(peaks, "detection", "centernet", 3, classes=5),
    "centernet-topk": case(lambda: peaks(True), "detection", "centernet", 3, classes=5, nms=False),
    "centerpose": case(lambda: peaks(classes=1, points=34), "pose", "centernet", 4, keypoints=17),
    "rt-detr": case(queries, "detection", "detr", 2, classes=5, alternatives=1),
    "fcn": case(lambda: pixels("Resize"), "semantic_segmentation", None, 1, classes=5),
    "fcn-argmax": case(lambda: pixels("ArgMax"), "semantic_segmentation", None, 1, classes=5, argmax=True),
    "fcn-softmax": case(lambda: pixels("Softmax"), "semantic_segmentation", None, 1, score_function="softmax"),
    "selfie": case(lambda: pixels("Sigmoid", 1), "semantic_segmentation", None, 1, classes=1),
    "depth": case(lambda: pixels("Resize", 1), "depth_estimation", None, 1),
    "super-resolution": case(lambda: pixels("shuffle", 192), "image", None, 1),
    "denoise-reshaped": case(lambda: pixels("reshape", 48), "image", None, 1),
    "heat-maps": case(lambda: pixels("stride", 17), "raw", None, 1),
    "classifier": case(lambda: vector("plain"), "classification", None, 1, classes=10, logits=True),
    "classifier-convolution": case(lambda: vector("convolution"), "classification", None, 1, classes=10),
    "classifier-sigmoid": case(lambda: vector("Sigmoid"), "classification", None, 1, logits=False),
    "classifier-distilled": case(lambda: vector("distilled"), "classification", None, 1, classes=10),
    "embedding": case(lambda: vector("plain", 512), "embedding", None, 1, normalised=False),
    "embedding-normalised": case(lambda: vector("normalised", 96), "embedding", None, 1, normalised=True),
    "landmarks": case(lambda: vector("landmarks"), "landmarks", None, 4, keypoints=21, keypoint_values=3),
}


def write_case(name: str, path: Path) -> dict:
    """Write the network of that name; gives what must be found in it."""
    build, wanted = CASES[name]
    net, outputs = build()
    net.save(path, outputs, SIZE)
    return wanted
