"""The decoding and the suppression of a detector's boxes as plain ONNX operators behind its raw outputs.

For programs that run the ONNX file and want finished boxes. A compiler cuts all of it off again and leaves it to the
host, so a HEF made from either export is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

BOXES = "boxes"
"""Name of the output: ``(1, MOST, 6)``."""

MOST = 300
"""Rows of the output: what is left over is zero."""

SCOPE = "/nms"
"""Before the names of all that is added."""


@dataclass(frozen=True, slots=True)
class RawLevel:
    """The two outputs of one stride."""

    reg: str
    """Box logits ``(1, 4 * bins, h, w)``: left, top, right and bottom."""
    cls: str
    """Class logits ``(1, classes, h, w)``."""
    stride: int
    height: int
    width: int


@dataclass(slots=True)
class _Writer:
    """Nodes and constants behind a network, in order."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, value: object, kind: type[np.generic] = np.int64) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), f"{SCOPE}/{name}"))
        return f"{SCOPE}/{name}"

    def add(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        output = f"{SCOPE}/{name}"
        self.nodes.append(
            helper.make_node(operator, list(inputs), [output], name=f"{output}/{operator}", **attributes)
        )
        return output


def embed_nms(
    model: onnx.ModelProto, levels: Sequence[RawLevel], classes: int, bins: int, confidence: float, iou: float
) -> onnx.ModelProto:
    """The model with finished boxes as its only output, ``boxes (1, 300, 6)``.

    A row is x_min, y_min, x_max, y_max in pixels of the input, score, class. Best first; rows that are left over are
    zero. Suppression is greedy and within each class, as in :func:`hailstack.heads.nms.suppress`; the boxes are coded
    as in Generalized Focal Loss (Li et al. 2020).

    Args:
        model: with the raw outputs of ``levels``; it stays as it is.
        bins: over which each side of a box is a distribution.
        confidence: boxes must have more.
        iou: of two boxes of a class that overlap more the weaker goes.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    write = _Writer()
    corners = _corners(write, levels, bins)
    scores = _scores(write, levels, classes)
    _select(write, corners, scores, (confidence, iou))
    made.graph.node.extend(write.nodes)
    made.graph.initializer.extend(write.constants)
    del made.graph.output[:]
    made.graph.output.append(helper.make_tensor_value_info(BOXES, TensorProto.FLOAT, [1, MOST, 6]))
    _drop_idle(made.graph)
    return made


def _drop_idle(graph: onnx.GraphProto) -> None:
    """Without what leads to no output any more: a decoding of its own that the network had."""
    needed, kept = {info.name for info in graph.output}, list[onnx.NodeProto]()
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    shapes = [info for info in graph.value_info if info.name in needed]
    for part, left in ((graph.node, kept[::-1]), (graph.initializer, constants), (graph.value_info, shapes)):
        copies = [type(one).FromString(one.SerializeToString()) for one in left]  # deleting empties what is in it
        del part[:]
        part.extend(copies)


def _corners(write: _Writer, levels: Sequence[RawLevel], bins: int) -> str:
    """``(1, cells, 4)`` xyxy in pixels of the input."""
    sides = write.constant("sides", [1, 4, bins, -1])
    flat = [write.add("Reshape", f"reg_{level.stride}", level.reg, sides) for level in levels]
    logits = write.add("Concat", "reg", *flat, axis=3)
    shares = write.add("Softmax", "shares", logits, axis=2)
    distance = write.constant("distances", np.arange(bins).reshape(1, 1, bins, 1), np.float32)
    weighted = write.add("Mul", "weighted", shares, distance)
    reach = write.add("ReduceSum", "reach", weighted, write.constant("bins_axis", [2]), keepdims=0)
    # Left and top are towards smaller coordinates.
    signs = np.array([-1.0, -1.0, 1.0, 1.0]).reshape(1, 4, 1) * _strides(levels)
    offsets = write.add("Mul", "offsets", reach, write.constant("signed_strides", signs, np.float32))
    corners = write.add("Add", "corners", offsets, write.constant("middles", _middles(levels), np.float32))
    return write.add("Transpose", "xyxy", corners, perm=[0, 2, 1])


def _strides(levels: Sequence[RawLevel]) -> NDArray[np.float64]:
    """``(cells,)``."""
    return np.concatenate([np.full(level.height * level.width, float(level.stride)) for level in levels])


def _middles(levels: Sequence[RawLevel]) -> NDArray[np.float64]:
    """``(1, 4, cells)``: x, y, x, y of each cell's middle in pixels of the input."""
    grids = []
    for level in levels:
        row, column = np.mgrid[: level.height, : level.width]
        grids.append((np.stack([column, row]).reshape(2, -1) + 0.5) * level.stride)
    middles = np.concatenate(grids, axis=1)
    return np.concatenate([middles, middles])[None]


def _scores(write: _Writer, levels: Sequence[RawLevel], classes: int) -> str:
    """``(1, classes, cells)`` in 0..1."""
    rows = write.constant("rows", [1, classes, -1])
    flat = [write.add("Reshape", f"cls_{level.stride}", level.cls, rows) for level in levels]
    return write.add("Sigmoid", "scores", write.add("Concat", "cls", *flat, axis=2))


def _select(write: _Writer, corners: str, scores: str, limits: tuple[float, float]) -> None:
    """From all cells to the rows of the output."""
    most = write.constant("most", [MOST])
    thresholds = [
        write.constant(name, [limit], np.float32) for name, limit in zip(("confidence", "iou"), limits, strict=True)
    ]
    # What it picks is (n, 3): picture, class, cell.
    picked = write.add("NonMaxSuppression", "picked", corners, scores, most, thresholds[1], thresholds[0])
    flat = write.add("GatherND", "score_flat", scores, picked)
    score = write.add("Unsqueeze", "score", flat, write.constant("last_axis", [1]))
    kind = write.add("Gather", "class_id", picked, write.constant("class_column", [1]), axis=1)
    columns = write.constant("box_columns", [0, 2])
    boxes = write.add("GatherND", "xyxy_picked", corners, write.add("Gather", "place", picked, columns, axis=1))
    kinds = write.add("Cast", "class_real", kind, to=TensorProto.FLOAT)
    rows = write.add("Concat", "rows_found", boxes, score, kinds, axis=1)
    # TopK wants at least as many rows as it gives.
    padded = write.add(
        "Concat", "rows_padded", rows, write.constant("no_rows", np.zeros((MOST, 6)), np.float32), axis=0
    )
    order = _best(write, padded, most)
    best = write.add("Gather", "rows_best", padded, order, axis=0)
    # Not Unsqueeze: how many boxes there are is open up to here, and a shape that is written down is known to all.
    shape = write.constant("boxes_shape", [1, MOST, 6])
    write.nodes.append(helper.make_node("Reshape", [best, shape], [BOXES], name=f"{SCOPE}/{BOXES}/Reshape"))


def _best(write: _Writer, rows: str, most: str) -> str:
    """Indices of the rows with the highest scores, best first."""
    column = write.add("Gather", "scores_padded", rows, write.constant("score_column", 4), axis=1)
    values, order = f"{SCOPE}/scores_best", f"{SCOPE}/order"
    write.nodes.append(helper.make_node("TopK", [column, most], [values, order], name=f"{SCOPE}/TopK", axis=0))
    return order
