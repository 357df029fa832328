"""Recognising the heads of one-stage detectors that HailoRT decodes on the host: YOLOv8's and YOLOX's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx

from hailstack.compiler.endnodes.plan import End, HeadPlan, feeds, tail
from hailstack.compiler.graph.model import Graph

COMMON_REG_CHANNELS = 64
"""Four sides of 16 bins, what nearly every YOLOv8-type network has."""


@dataclass(frozen=True, slots=True)
class Level:
    """The convolutions that end the network at one resolution."""

    stride: int
    tensors: tuple[str, ...]
    channels: tuple[int, ...]


def find_levels(graph: Graph, ends: Sequence[onnx.NodeProto]) -> tuple[Level, ...]:
    """The ends by resolution, finest first; empty if they are not convolutions over a grid of whole strides."""
    grouped: dict[int, list[str]] = {}
    for node in ends:
        stride = _stride(graph, node)
        if stride is None:
            return ()
        grouped.setdefault(stride, []).append(node.output[0])
    return tuple(
        Level(stride, tuple(tensors), tuple(graph.shape(tensor)[1] for tensor in tensors))
        for stride, tensors in sorted(grouped.items())
    )


def _stride(graph: Graph, node: onnx.NodeProto) -> int | None:
    shape = graph.shape(node.output[0])
    if node.op_type != "Conv" or len(shape) != 4:
        return None
    height, width = graph.input_hw
    stride = height // shape[2]
    return stride if stride > 1 and (shape[2] * stride, shape[3] * stride) == (height, width) else None


def recognise_yolov8(graph: Graph, ends: Sequence[onnx.NodeProto], classes: int | None = None) -> HeadPlan | None:
    """YOLOv8's head (also v9, 11, 12, NanoDet's): at each stride one convolution of box bins, one of class scores.

    ``classes``, where known, settles which of two look-alike convolutions holds the scores.
    """
    levels = find_levels(graph, ends)
    if not levels or any(len(level.tensors) != 2 for level in levels):
        return None
    plans = [_yolov8_level(graph, level, _softmax_bins(graph, ends), classes) for level in levels]
    shapes = {(plan[0], plan[1]) for plan in plans if plan is not None}
    if None in plans or len(shapes) != 1:
        return None
    reg_channels, class_count = shapes.pop()
    pairs = tuple(end for plan in plans if plan is not None for end in plan[2])
    return HeadPlan("detection", pairs, "yolov8", class_count, reg_max=reg_channels // 4)


def _yolov8_level(
    graph: Graph, level: Level, bins: int | None, classes: int | None
) -> tuple[int, int, tuple[End, End]] | None:
    reg = _box_index(graph, level, bins, classes)
    if reg is None:
        return None
    ends = (
        End(level.tensors[reg], "reg", stride=level.stride),
        End(level.tensors[1 - reg], "cls", sigmoid=True, stride=level.stride),
    )
    return level.channels[reg], level.channels[1 - reg], ends


def _box_index(graph: Graph, level: Level, bins: int | None, classes: int | None) -> int | None:
    """Which of a level's two convolutions holds the boxes; the surest sign that tells them apart decides."""
    scored = [feeds(graph, tensor, "Sigmoid") for tensor in level.tensors]
    fits = [level.channels[i] % 4 == 0 and level.channels[i] >= 8 and not scored[i] for i in range(2)]
    signs = (
        [bins is not None and channels == 4 * bins for channels in level.channels],
        [classes is not None and level.channels[1 - i] == classes for i in range(2)],
        [channels == COMMON_REG_CHANNELS for channels in level.channels],
    )
    for sign in signs:
        fitting = [i for i in range(2) if fits[i] and sign[i]]
        if len(fitting) == 1:
            return fitting[0]
    return fits.index(True) if True in fits else None  # boxes come first in every exporter we know


def _softmax_bins(graph: Graph, ends: Sequence[onnx.NodeProto]) -> int | None:
    """Bins a side, from the softmax of a decode tail."""
    for node in tail(graph, ends):
        if node.op_type == "Softmax":
            axis = next((entry.i for entry in node.attribute if entry.name == "axis"), -1)
            return graph.shape(node.input[0])[axis]
    return None


def recognise_yolox(graph: Graph, ends: Sequence[onnx.NodeProto], classes: int | None = None) -> HeadPlan | None:
    """YOLOX's head: at each stride three convolutions: a box, an objectness and the class scores."""
    levels = find_levels(graph, ends)
    if not levels or any(len(level.tensors) != 3 for level in levels):
        return None
    plans = [_yolox_level(graph, level) for level in levels]
    counts = {plan[0] for plan in plans if plan is not None}
    if None in plans or len(counts) != 1:
        return None
    class_count = counts.pop()
    if classes not in (None, class_count):
        return None
    return HeadPlan("detection", tuple(end for plan in plans if plan for end in plan[1]), "yolox", class_count)


def _yolox_level(graph: Graph, level: Level) -> tuple[int, tuple[End, ...]] | None:
    plain = [i for i in range(3) if level.channels[i] == 4 and not feeds(graph, level.tensors[i], "Sigmoid")]
    if len(plain) != 1:
        return None
    rest = [i for i in range(3) if i != plain[0]]
    single = [i for i in rest if level.channels[i] == 1]
    if not single:
        return None
    obj = single[-1]  # with one class both have one channel, and their product does not mind which is which
    cls = next(i for i in rest if i != obj)
    scored = {feeds(graph, level.tensors[i], "Sigmoid") or level.tensors[i] in graph.outputs for i in rest}
    if scored != {True}:
        return None  # FastestDet, for one, looks the same but for a softmax over its classes
    return level.channels[cls], (
        End(level.tensors[plain[0]], "reg", stride=level.stride),
        End(level.tensors[obj], "obj", sigmoid=True, stride=level.stride),
        End(level.tensors[cls], "cls", sigmoid=True, stride=level.stride),
    )
