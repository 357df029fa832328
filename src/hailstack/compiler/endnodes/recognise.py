"""Which head a network has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import onnx

from hailstack.compiler.endnodes.plan import RESHAPING, WEIGHTED, End, HeadPlan, describe, frontier
from hailstack.compiler.endnodes.yolo import recognise_yolov8, recognise_yolox
from hailstack.compiler.graph.model import Graph, attribute, label
from hailstack.errors import ModelError

HeadName: TypeAlias = Literal["auto", "classification", "yolov8", "yolox", "raw"]

POOLING = frozenset({"GlobalAveragePool", "GlobalMaxPool", "AveragePool", "MaxPool", "ReduceMean", "Add"})
"""What may stand last in a classifier besides its weights."""


def find_head(graph: Graph, wanted: HeadName = "auto", classes: int | None = None) -> HeadPlan:
    """What the outputs mean and where to cut.

    Args:
        wanted: the kind of head to look for; ``auto`` takes what fits, ``raw`` keeps the outputs as they are.
        classes: number of class names given, which settles doubtful cases.

    Raises:
        ModelError: no such head; the message says what ends the network instead.
    """
    if wanted == "raw":
        return _raw(graph)
    ends = frontier(graph)
    for name in ("yolox", "yolov8", "classification") if wanted == "auto" else (wanted,):
        plan = _try(name, graph, ends, classes)
        if plan is not None:
            return plan
    kind = "classification, YOLOv8 or YOLOX" if wanted == "auto" else wanted
    message = (
        f"{graph.source}: no {kind} head; {describe(graph, ends)}. Use --head raw to keep the outputs as they are"
    )
    raise ModelError(message)


def _try(name: str, graph: Graph, ends: Sequence[onnx.NodeProto], classes: int | None) -> HeadPlan | None:
    if name == "yolox":
        return recognise_yolox(graph, ends, classes)
    if name == "yolov8":
        return recognise_yolov8(graph, ends, classes)
    return recognise_classification(graph)


def recognise_classification(graph: Graph) -> HeadPlan | None:
    """A classifier: all outputs come from one vector of class scores, with or without softmax behind it."""
    origins = {_before_softmax(graph, name) for name in graph.outputs}
    if len(origins) != 1:
        return None
    tensor = origins.pop()
    node = graph.producers.get(tensor)
    classes = math.prod(graph.shape(tensor))
    if node is None or node.op_type not in WEIGHTED | POOLING or classes < 2 or max(graph.shape(tensor)) != classes:
        return None
    return HeadPlan("classification", (End(tensor, "logits"),), classes=classes, logits=True)


def _before_softmax(graph: Graph, tensor: str) -> str:
    node = graph.producers.get(tensor)
    while node is not None and node.op_type in RESHAPING | {"Softmax", "LogSoftmax"}:
        tensor = node.input[0]
        node = graph.producers.get(tensor)
    return tensor


def _raw(graph: Graph) -> HeadPlan:
    ends = tuple(dict.fromkeys(End(_before_transpose(graph, name), "raw") for name in graph.outputs))
    for end in ends:
        _check_raw(graph, end.tensor)
    return HeadPlan("raw", ends)


def _check_raw(graph: Graph, tensor: str) -> None:
    if tensor not in graph.producers or tensor not in graph.reals:
        maker = label(graph.producers[tensor]) if tensor in graph.producers else "nothing but a constant or the input"
        message = f"{graph.source}: output {tensor!r} holds no computed real numbers (made by {maker}); leave it out"
        raise ModelError(message)
    if len(graph.shape(tensor)) not in (2, 3, 4):
        message = f"{graph.source}: output {tensor!r} has shape {graph.shape(tensor)}; 2 to 4 axes are possible"
        raise ModelError(message)


def _before_transpose(graph: Graph, tensor: str) -> str:
    """Skips a change to channels-last at the very end: outputs leave the chip that way anyhow."""
    node = graph.producers.get(tensor)
    if node is not None and node.op_type == "Transpose" and attribute(node, "perm") == [0, 2, 3, 1]:
        return str(node.input[0])
    return tensor
