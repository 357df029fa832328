"""What a network's outputs mean, and where to cut it for that.

Everything in this room goes by structure. Exporters rename nodes with every release, so names decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import onnx
from onnx import helper

from hailstack.compiler.endnodes.frontier import WEIGHTED, tail_nodes
from hailstack.compiler.endnodes.onchip import RESHAPING
from hailstack.compiler.graph.model import Graph, infer

__all__ = ["RESHAPING", "WEIGHTED", "End", "HeadPlan", "Role", "Task", "cut", "part", "tail"]

Role: TypeAlias = Literal[
    "reg",  # box sides or box deltas
    "cls",  # class scores
    "obj",  # objectness, or centreness
    "anchors",  # boxes, objectness and classes of all anchors together
    "combined",  # class scores and box bins together
    "points",  # key points of a box
    "mask",  # coefficients of prototypes
    "proto",  # the prototypes
    "angle",  # rotation of a box
    "heat",  # one map a class or key point, a peak where one is
    "size",  # width and height at a peak
    "offset",  # where in its cell a peak lies
    "logits",  # one score a class
    "embedding",  # a vector to compare with others
    "landmarks",  # coordinates of points, as one vector
    "score",  # one number
    "classes",  # a map of class scores
    "depth",  # a map with one value a pixel
    "image",  # a picture
    "feature",  # a feature map that the rest of the network reads on the host
    "features",  # a feature map beside the results, asked for
    "raw",
]

Task: TypeAlias = Literal[
    "classification",
    "depth_estimation",
    "detection",
    "embedding",
    "face_detection",
    "image",
    "instance_segmentation",
    "landmarks",
    "oriented_detection",
    "palm_detection",
    "pose",
    "raw",
    "semantic_segmentation",
]

Anchors: TypeAlias = tuple[tuple[tuple[float, float], ...], ...]
"""For each stride the width and height of each anchor, in pixels of the input."""


@dataclass(frozen=True, slots=True)
class End:
    """One tensor that leaves the chip."""

    tensor: str
    role: Role
    sigmoid: bool = False
    """Whether the chip puts a sigmoid behind it that is not there in the network, or comes later."""
    stride: int = 0
    """Input pixels a cell, for maps."""

    @property
    def output(self) -> str:
        """Name of the cut graph's output."""
        return f"{self.tensor}_sigmoid" if self.sigmoid else self.tensor


@dataclass(frozen=True, slots=True)
class HeadPlan:
    """What the network's outputs mean, and where to cut for it."""

    task: Task
    ends: tuple[End, ...]
    family: str | None = None
    """How boxes are coded; see :data:`hailstack.compiler.endnodes.families.FAMILIES`."""
    classes: int = 0
    """Kinds of objects, or scores of a classifier; with the background, where there is one."""
    reg_max: int = 0
    """Bins for each side of a box, where sides are distributions."""
    logits: bool = False
    """Whether a softmax is left to the host."""
    anchors: Anchors = ()
    """Empty for heads without anchors, and where the network does not tell them."""
    per_cell: int = 1
    """Boxes in each cell of a map."""
    keypoints: int = 0
    keypoint_values: int = 0
    """Numbers for each key point: 2, or 3 with its visibility."""
    mask_coefficients: int = 0
    offset: float | None = None
    """Where in its cell a box lies when its channels are zero, in cells; None where the network does not tell."""
    reach: float = 0.0
    """YOLOv3, v4: how far a centre moves within its cell, in cells."""
    background: bool = False
    """Whether class 0 is the background."""
    nms: bool = True
    """Whether boxes of one object remain that the host must suppress."""
    scores: Literal["", "logits", "probabilities"] = ""
    """What the class scores are when they leave the chip."""
    score_function: Literal["", "sigmoid", "softmax"] = ""
    """What makes probabilities of them."""
    scale_factors: tuple[float, float] = ()  # type: ignore[assignment]
    """SSD: what offsets of centres and logarithms of sizes are divided by."""
    coordinates: tuple[int, int, int, int] = (0, 1, 2, 3)
    """SSD: at which of an anchor's four places y, x, height and width stand."""
    argmax: bool = False
    """Whether the network gives the index of the largest channel, which the host finds."""
    normalised: bool = False
    """Embedding: whether the network scales it to length 1, which the host does."""
    reason: str = ""
    """Why it is raw, or what could not be found out."""
    alternatives: tuple[HeadPlan, ...] = ()
    """Other cuts that make sense, best first."""

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the levels that hold boxes."""
        apart = ("proto", "feature", "features", "raw")
        return tuple(sorted({end.stride for end in self.ends if end.stride and end.role not in apart}))

    @property
    def features(self) -> End | None:
        """The feature map beside the results, if one was asked for."""
        return next((end for end in self.ends if end.role == "features"), None)

    def with_role(self, role: Role) -> tuple[End, ...]:
        """The ends that play ``role``, finest first."""
        return tuple(sorted((end for end in self.ends if end.role == role), key=lambda end: end.stride))

    def plus(self, *ends: End) -> HeadPlan:
        """The same with further outputs."""
        return replace(self, ends=(*self.ends, *ends))


def cut(graph: Graph, head: HeadPlan) -> Graph:
    """The part of ``graph`` that runs on the chip, with the sigmoids that belong there; outputs in head order."""
    tensors = tuple(end.tensor for end in head.ends)
    nodes = list(graph.ancestors(tensors))
    nodes += [
        helper.make_node("Sigmoid", [end.tensor], [end.output], name=f"{end.tensor}/sigmoid")
        for end in head.ends
        if end.sigmoid
    ]
    outputs = [
        helper.make_tensor_value_info(end.output, onnx.TensorProto.FLOAT, graph.shape(end.tensor)) for end in head.ends
    ]
    return part(graph, nodes, list(graph.model.graph.input), outputs)


def part(
    graph: Graph, nodes: list[onnx.NodeProto], inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
) -> Graph:
    """Some nodes of a graph as a graph of their own, with the constants that they need."""
    needed = {name for node in nodes for name in node.input} | {info.name for info in outputs}
    constants = [tensor for tensor in graph.model.graph.initializer if tensor.name in needed]
    made = {name for node in nodes for name in node.output}
    edges = {info.name for info in (*inputs, *outputs)}
    inner = [info for info in graph.model.graph.value_info if info.name in made - edges]
    name = graph.model.graph.name or "network"
    body = helper.make_graph(nodes, name, inputs, outputs, constants, value_info=inner)
    model = helper.make_model(
        body,
        opset_imports=graph.model.opset_import,
        ir_version=graph.model.ir_version,
        functions=graph.model.functions,
    )
    known = {info.name for info in inner} | edges
    # Inference reads all weights: it is left out where nothing is new.
    return replace(graph, model=model if made <= known else infer(model, graph.source))


def tail(graph: Graph, ends: Iterable[onnx.NodeProto]) -> tuple[onnx.NodeProto, ...]:
    """The nodes that follow ``ends``."""
    return tail_nodes(graph, [name for node in ends for name in node.output])
