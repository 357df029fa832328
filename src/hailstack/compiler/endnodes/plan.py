"""Where the network ends and the host's post-processing begins.

Everything here goes by structure. Exporters rename nodes with every release, so names decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from hailstack.compiler.graph.model import Graph, infer, label

Role: TypeAlias = Literal["reg", "cls", "obj", "logits", "raw"]

LEARNABLE = frozenset({"Conv", "ConvTranspose", "Gemm", "LSTM", "GRU"})
WEIGHTED = LEARNABLE | {"MatMul"}


@dataclass(frozen=True, slots=True)
class End:
    """One tensor that leaves the chip."""

    tensor: str
    role: Role
    sigmoid: bool = False
    """Whether the chip puts a sigmoid behind it."""
    stride: int = 0
    """Input pixels a cell, for detectors."""

    @property
    def output(self) -> str:
        """Name of the cut graph's output."""
        return f"{self.tensor}_sigmoid" if self.sigmoid else self.tensor


@dataclass(frozen=True, slots=True)
class HeadPlan:
    """What the network's outputs mean, and where to cut for it."""

    task: Literal["classification", "detection", "raw"]
    ends: tuple[End, ...]
    family: Literal["yolov8", "yolox"] | None = None
    classes: int = 0
    reg_max: int = 0
    """YOLOv8: bins for each side of a box."""
    logits: bool = False
    """Whether a softmax is left to the host."""

    @property
    def strides(self) -> tuple[int, ...]:
        return tuple(sorted({end.stride for end in self.ends if end.stride}))


def frontier(graph: Graph) -> tuple[onnx.NodeProto, ...]:
    """The last weighted node on every path to an output, in the order of the outputs and of what is joined there.

    An expectation over bins (weights 0, 1, 2, …), as in distribution focal loss, does not count as weighted.
    """
    found: dict[str, onnx.NodeProto] = {}
    seen: set[str] = set()
    waiting = list(reversed(graph.outputs))
    while waiting:
        tensor = waiting.pop()
        node = graph.producers.get(tensor)
        if node is None or tensor in seen:
            continue
        seen.add(tensor)
        if is_weighted(graph, node):
            found[node.output[0]] = node
        else:
            waiting.extend(reversed(node.input))
    return tuple(found.values())


def is_weighted(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether a node multiplies its input by learned weights."""
    if node.op_type not in WEIGHTED:
        return False
    weights = next((graph.constants[name] for name in node.input[1:] if name in graph.constants), None)
    if weights is None:
        return node.op_type in LEARNABLE
    return not _counts_up(weights)


def _counts_up(weights: NDArray[np.generic]) -> bool:
    flat = np.ravel(weights)
    return flat.size > 2 and bool(np.array_equal(flat, np.arange(flat.size)))


def tail(graph: Graph, ends: Iterable[onnx.NodeProto]) -> tuple[onnx.NodeProto, ...]:
    """The nodes that follow ``ends``."""
    reached = {name for node in ends for name in node.output}
    behind = []
    for node in graph.nodes:
        if reached.intersection(node.input):
            behind.append(node)
            reached.update(node.output)
    return tuple(behind)


RESHAPING = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity"})


def feeds(graph: Graph, tensor: str, operator: str) -> bool:
    """Whether ``tensor`` goes, reshaped or not, into a node of the type ``operator``."""
    return any(
        node.op_type == operator or (node.op_type in RESHAPING and feeds(graph, node.output[0], operator))
        for node in graph.consumers.get(tensor, ())
    )


def describe(graph: Graph, nodes: Sequence[onnx.NodeProto]) -> str:
    """The ends of a network in words, for refusals."""
    parts = [f"{label(node)} {'x'.join(map(str, graph.shape(node.output[0])))}" for node in nodes]
    return f"what ends it: {', '.join(parts)}" if parts else "no convolution or matrix product ends it"


def cut(graph: Graph, head: HeadPlan) -> Graph:
    """The part of ``graph`` that runs on the chip, with the sigmoids that belong there; outputs in head order."""
    tensors = tuple(end.tensor for end in head.ends)
    nodes = list(graph.ancestors(tensors))
    nodes += [
        helper.make_node("Sigmoid", [end.tensor], [end.output], name=f"{end.tensor}/sigmoid")
        for end in head.ends
        if end.sigmoid
    ]
    needed = {name for node in nodes for name in node.input}
    body = helper.make_graph(
        nodes,
        graph.model.graph.name or "network",
        list(graph.model.graph.input),
        [
            helper.make_tensor_value_info(end.output, onnx.TensorProto.FLOAT, graph.shape(end.tensor))
            for end in head.ends
        ],
        [tensor for tensor in graph.model.graph.initializer if tensor.name in needed],
    )
    model = helper.make_model(body, opset_imports=graph.model.opset_import, ir_version=graph.model.ir_version)
    return Graph(infer(model, graph.source), graph.source)
