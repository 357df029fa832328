"""Recognising networks that give one thing for the whole picture: a vector, or a map of the picture's shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hailstack.compiler.endnodes.frontier import Frontier, tail_nodes
from hailstack.compiler.endnodes.levels import find_stride
from hailstack.compiler.endnodes.onchip import RESHAPING
from hailstack.compiler.endnodes.plan import End, HeadPlan
from hailstack.compiler.graph.model import Graph
from hailstack.errors import ModelError

EMBEDDING_SIZES = frozenset({128, 192, 256, 320, 384, 512, 576, 640, 768, 1024, 1152, 1280, 1536, 2048})
"""Lengths of vectors that networks are made to compare by. Classifiers have other counts."""

SHAPING = frozenset({"Relu", "PRelu", "LeakyRelu", "BatchNormalization", "Tanh"})
"""What may stand behind the last weights of an embedding, but not of a classifier."""

NORMALISING = frozenset({"ReduceL2", "LpNormalization", "ReduceSumSquare"})

DENSE_STRIDE = 4
"""Up to which stride a map with one channel is read as a picture of something."""


def recognise_vectors(graph: Graph, frontier: Frontier, classes: int | None = None) -> HeadPlan | None:
    """A classifier, an embedding, or coordinates of points."""
    tensors = tuple(dict.fromkeys(_before_softmax(graph, tensor) for tensor in frontier.tensors))
    if not tensors or not all(tensor in graph.producers and _is_vector(graph, tensor) for tensor in tensors):
        return None
    sizes = [math.prod(graph.shape(tensor)) for tensor in tensors]
    if len(tensors) == 1 and sizes[0] > 1:
        return _one_vector(graph, frontier, tensors[0], sizes[0], classes)
    return _several_vectors(tensors, sizes)


def _before_softmax(graph: Graph, tensor: str) -> str:
    node = graph.producers.get(tensor)
    inner = tensor
    while node is not None and node.op_type in RESHAPING | {"Softmax", "LogSoftmax"}:
        inner = node.input[0]
        if node.op_type in ("Softmax", "LogSoftmax"):
            tensor = inner
        node = graph.producers.get(inner)
    return inner if node is not None and _is_vector(graph, inner) else tensor


def _is_vector(graph: Graph, tensor: str) -> bool:
    shape = graph.shape(tensor)
    return len(shape) <= 4 and max(shape, default=1) == math.prod(shape)


def _one_vector(graph: Graph, frontier: Frontier, tensor: str, size: int, classes: int | None) -> HeadPlan:
    chances = tensor not in frontier.tensors and any(_is_softmax(graph, one) for one in frontier.tensors)
    operators = {node.op_type for node in tail_nodes(graph, (tensor,))}
    normalised = bool(operators & NORMALISING)
    shaped = graph.producers[tensor].op_type in SHAPING
    compared = normalised or shaped or (size in EMBEDDING_SIZES and not chances and "Softmax" not in operators)
    if compared and classes != size:
        return HeadPlan("embedding", (End(tensor, "embedding"),), normalised=normalised)
    probable = graph.producers[tensor].op_type == "Sigmoid"
    return HeadPlan(
        "classification",
        (End(tensor, "logits"),),
        classes=size,
        logits=not probable,
        scores="probabilities" if probable else "logits",
        score_function="sigmoid" if probable else "softmax",
        argmax=tensor in frontier.chosen,
    )


def _is_softmax(graph: Graph, tensor: str) -> bool:
    node = graph.producers.get(tensor)
    while node is not None and node.op_type in RESHAPING:
        node = graph.producers.get(node.input[0])
    return node is not None and node.op_type in ("Softmax", "LogSoftmax")


def _several_vectors(tensors: Sequence[str], sizes: Sequence[int]) -> HeadPlan:
    """Points with a score or two beside them, or else numbers without a meaning that shows."""
    points = [size for size in sizes if size >= 10 and (size % 3 == 0 or size % 2 == 0)]
    if points and sizes.count(1) + len(points) == len(sizes) and 1 in sizes:
        values = 3 if points[0] % 3 == 0 else 2
        ends = tuple(
            End(tensor, "score" if size == 1 else "landmarks") for tensor, size in zip(tensors, sizes, strict=True)
        )
        return HeadPlan("landmarks", ends, keypoints=points[0] // values, keypoint_values=values)
    ends = tuple(End(tensor, "score" if size == 1 else "raw") for tensor, size in zip(tensors, sizes, strict=True))
    return HeadPlan("raw", ends, reason=f"it gives {len(sizes)} vectors, and nothing says what each of them means")


def recognise_map(graph: Graph, frontier: Frontier) -> HeadPlan | None:
    """One map of the picture's shape: classes of pixels, distances, or another picture."""
    if len(frontier.tensors) != 1 or len(graph.shape(frontier.tensors[0])) != 4:
        return None
    tensor = frontier.tensors[0]
    shape = graph.shape(tensor)
    try:
        height, width = graph.input_hw
        taken = graph.channels
    except ModelError:
        return None
    outside = _output_hw(graph, shape)
    stride = find_stride(graph, (shape[2], shape[3]))
    if outside[0] > height or outside[1] > width or (shape[1] == taken and outside == (height, width)):
        return HeadPlan("image", (End(tensor, "image", stride=stride),))
    if shape[1] == 1:
        return _single_channel(graph, tensor, stride)
    if tensor in frontier.chosen or stride == 1 or _ends_as_classes(graph, tensor):
        last = "softmax" if graph.producers[tensor].op_type == "Softmax" else ""
        return HeadPlan(
            "semantic_segmentation",
            (End(tensor, "classes", stride=stride),),
            classes=shape[1],
            argmax=tensor in frontier.chosen,
            scores="probabilities" if last else "logits",
            score_function="softmax",
        )
    return None


def _output_hw(graph: Graph, shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of what the network gives in the end."""
    made = [graph.shapes[name] for name in graph.outputs if len(graph.shapes.get(name, ())) == 4]
    rows = max((one[2] if one[1] <= one[3] else one[1] for one in made), default=shape[2])
    return max(rows, shape[2]), shape[3] * max(rows, shape[2]) // shape[2]


def _single_channel(graph: Graph, tensor: str, stride: int) -> HeadPlan | None:
    if stride > DENSE_STRIDE:
        return None
    if graph.producers[tensor].op_type in ("Sigmoid", "HardSigmoid") and tensor in _bare_outputs(graph):
        return HeadPlan(
            "semantic_segmentation",
            (End(tensor, "classes", stride=stride),),
            classes=1,
            scores="probabilities",
            score_function="sigmoid",
            reason="one map from 0 to 1: taken for a mask; a network for relative depth may look the same",
        )
    return HeadPlan("depth_estimation", (End(tensor, "depth", stride=stride),))


def _bare_outputs(graph: Graph) -> set[str]:
    found = set()
    for name in graph.outputs:
        node = graph.producers.get(name)
        while node is not None and node.op_type in RESHAPING | {"Resize"}:
            name = node.input[0]
            node = graph.producers.get(name)
        found.add(name)
    return found


def _ends_as_classes(graph: Graph, tensor: str) -> bool:
    """Whether pixels compete for classes, or the map is enlarged to the picture's size at the very end."""
    return graph.producers[tensor].op_type in ("Softmax", "Resize") or any(
        node.op_type in ("Softmax", "ArgMax") for node in tail_nodes(graph, (tensor,))
    )
