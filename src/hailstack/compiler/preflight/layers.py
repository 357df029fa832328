"""The network as the chip's layers: what they are called, what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import onnx

from hailstack.compiler.endnodes.plan import WEIGHTED
from hailstack.compiler.graph.model import Graph, attribute
from hailstack.compiler.quantise.silu import is_depthwise

LayerKind: TypeAlias = Literal["conv", "dw", "deconv", "fc", "matmul", "norm", "glue"]

WEIGHTED_KINDS: Mapping[str, LayerKind] = {"Conv": "conv", "ConvTranspose": "deconv", "Gemm": "fc", "MatMul": "fc"}

GLUE = frozenset(
    {
        "Add",
        "AveragePool",
        "Concat",
        "DepthToSpace",
        "GlobalAveragePool",
        "MaxPool",
        "ReduceMean",
        "Resize",
        "Slice",
        "Softmax",
        "SpaceToDepth",
        "Split",
        "Sub",
    }
)
"""Operators that are numbered as layers of their own, besides those with weights."""

ALWAYS_GLUE = GLUE - {"Add", "Sub"} | {"ArgMax", "GlobalMaxPool", "ReduceMax", "ReduceSum", "ReduceL2", "Upsample"}
"""Operators that take a place on the chip without weights, whatever they read."""

ELEMENTWISE = frozenset({"Add", "Sub", "Mul", "Div"})
"""These take one if they join two branches; with a constant they are part of the layer in front."""

GATES = frozenset({"Sigmoid", "HardSigmoid", "Tanh", "Erf", "Softplus"})
"""A product of one of these with its own operand is an activation, such as SiLU."""

NORMS = frozenset({"LayerNormalization", "InstanceNormalization", "GroupNormalization"})


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the chip."""

    kind: LayerKind
    macs: int = 0
    parameters: int = 0
    wide: bool = False
    """Whether its kernel is larger than 1x1."""
    inputs: int = 0
    """Elements of the activations that it reads."""
    outputs: int = 0
    """Elements that it makes."""
    buffered: int = 0
    """Elements of its input that must wait until a kernel has all its rows."""
    enters: int = 0
    """Elements of the network's inputs that it is the first layer to read."""
    last: bool = False
    """Whether an output of the network belongs to it."""


def list_layers(graph: Graph) -> tuple[Layer, ...]:
    """The layers of a float network, in order. Activations belong to the layer in front of them."""
    entrances, ends = _layers_at_inputs(graph), _layers_of_outputs(graph)
    return tuple(
        replace(_layer(graph, node, kind), enters=entrances.get(node.output[0], 0), last=node.output[0] in ends)
        for node, kind in _placed(graph)
        if kind is not None
    )


def layer_kind(graph: Graph, node: onnx.NodeProto) -> LayerKind | None:
    """What kind of layer a node is on the chip; None if it is part of the layer in front, or no work at all."""
    weighted = _weighted_kind(graph, node)
    if weighted is not None:
        return weighted
    if node.op_type == "MatMul":
        return "matmul"
    if node.op_type in NORMS or _starts_norm(graph, node):
        return "norm"
    if _is_part_of_norm(graph, node):
        return None
    if node.op_type in ALWAYS_GLUE or (node.op_type in ELEMENTWISE and _joins_branches(graph, node)):
        return "glue"
    return None


def _placed(graph: Graph) -> Iterator[tuple[onnx.NodeProto, LayerKind | None]]:
    for node in graph.nodes:
        yield node, layer_kind(graph, node)


def _layers_at_inputs(graph: Graph) -> Mapping[str, int]:
    """First outputs of the layers that read inputs before all others, and how many elements enter there."""
    unread = set(graph.inputs)
    moved = {name: {name} for name in graph.inputs}
    found = {}
    for node, kind in _placed(graph):
        inputs = set[str]().union(*(moved.get(name, set()) for name in node.input))
        if kind is None:
            moved |= dict.fromkeys(node.output, inputs)
        elif fresh := inputs & unread:
            found[node.output[0]] = sum(_elements(graph, name) for name in fresh)
            unread -= fresh
    return found


def _layers_of_outputs(graph: Graph) -> set[str]:
    """First outputs of the layers that the network's outputs belong to."""
    found = set()
    for tensor in graph.outputs:
        node = graph.producers.get(tensor)
        while node is not None and layer_kind(graph, node) is None:
            node = next((graph.producers[name] for name in node.input if name in graph.producers), None)
        if node is not None:
            found.add(node.output[0])
    return found


def _joins_branches(graph: Graph, node: onnx.NodeProto) -> bool:
    moving = [name for name in node.input if name and name not in graph.constants]
    if len(moving) < 2:
        return False
    makers = [graph.producers.get(name) for name in moving]
    gated = any(maker is not None and maker.op_type in GATES and maker.input[0] in moving for maker in makers)
    return not gated


def _starts_norm(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether it is the mean of a layer normalisation that was exported in pieces: x - mean(x) follows."""
    readers = graph.consumers.get(node.output[0], ())
    return node.op_type == "ReduceMean" and any(r.op_type == "Sub" and node.input[0] in r.input for r in readers)


def _is_part_of_norm(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether it is one of the later pieces: the difference, the mean of squares, the quotient."""
    makers = [graph.producers.get(name) for name in node.input]
    before = {maker.op_type for maker in makers if maker is not None}
    if node.op_type == "ReduceMean":
        return "Pow" in before
    return (node.op_type == "Sub" and "ReduceMean" in before) or (node.op_type == "Div" and "Sqrt" in before)


def _layer(graph: Graph, node: onnx.NodeProto, kind: LayerKind) -> Layer:
    moving = [name for name in node.input if name and name not in graph.constants]
    layer = Layer(
        kind,
        inputs=sum(_elements(graph, name) for name in moving),
        outputs=sum(_elements(graph, name) for name in node.output if name),
    )
    if kind == "matmul":
        return replace(layer, macs=_product_macs(graph, node))
    if kind in ("glue", "norm"):
        return replace(layer, buffered=_buffered(graph, node, _window(node)))
    return _with_weights(graph, node, layer)


def _with_weights(graph: Graph, node: onnx.NodeProto, layer: Layer) -> Layer:
    weights = graph.constants[node.input[1]]
    parameters = sum(graph.constants[name].size for name in node.input[1:] if name in graph.constants)
    kernel = weights.shape[2:] if weights.ndim > 2 else ()
    wide = math.prod(kernel) > 1
    rows = kernel[0] if len(kernel) == 2 else 1
    buffered = _buffered(graph, node, rows)
    return replace(layer, macs=_macs(graph, node), parameters=parameters, wide=wide, buffered=buffered)


def _window(node: onnx.NodeProto) -> int:
    kernel = attribute(node, "kernel_shape")
    return kernel[0] if isinstance(kernel, list) and kernel else 1


def _buffered(graph: Graph, node: onnx.NodeProto, rows: int) -> int:
    """Elements of ``rows`` + 1 rows of the input map: a kernel's, and the row that arrives meanwhile."""
    shape = graph.shapes.get(node.input[0], ()) if len(node.input) else ()
    if len(shape) != 4 or rows < 1:
        return 0
    return min(rows + 1, shape[2]) * shape[1] * shape[3]


def _elements(graph: Graph, tensor: str) -> int:
    return math.prod(graph.shapes.get(tensor, (0,)))


def _weighted_kind(graph: Graph, node: onnx.NodeProto) -> LayerKind | None:
    if node.op_type not in WEIGHTED or len(node.input) < 2 or node.input[1] not in graph.constants:
        return None
    return "dw" if is_depthwise(graph, node) else WEIGHTED_KINDS.get(node.op_type)


def _macs(graph: Graph, node: onnx.NodeProto) -> int:
    """Multiplications: every weight is used once for each pixel of the map it is moved over."""
    weights = graph.constants[node.input[1]]
    if node.op_type == "Conv":
        return int(weights.size) * math.prod(graph.shape(node.output[0])[2:])
    if node.op_type == "ConvTranspose":
        return int(weights.size) * math.prod(graph.shape(node.input[0])[2:])
    return int(weights.size) * math.prod(graph.shape(node.input[0])[:-1])


def _product_macs(graph: Graph, node: onnx.NodeProto) -> int:
    """Multiplications of a product of two activations."""
    return _elements(graph, node.output[0]) * (graph.shapes.get(node.input[0], (1,)) or (1,))[-1]


@dataclass(frozen=True, slots=True)
class LayerName:
    """What a chip's layer is called, and the ONNX node it was made from."""

    name: str
    original: str


def name_layers(graph: Graph) -> Mapping[str, LayerName]:
    """Tensor → the layer that makes it: ``conv41``, ``dw3``, ``fc1``, as the vendor numbers them.

    Layers are counted by kind in the order of the network. An activation's tensor belongs to the layer before it.
    """
    counts: dict[str, int] = {}
    names: dict[str, LayerName] = {}
    for node in graph.nodes:
        before = names.get(node.input[0]) if len(node.input) else None
        kind = _weighted_kind(graph, node)
        if kind is None and before is not None and node.op_type not in GLUE:
            made = LayerName(before.name, node.name or node.output[0])
        else:
            base = kind or node.op_type.lower()
            counts[base] = counts.get(base, 0) + 1
            made = LayerName(f"{base}{counts[base]}", node.name or node.output[0])
        for i, tensor in enumerate(node.output):
            names[tensor] = made if i == 0 else LayerName(f"{made.name}_{i + 1}", made.original)
    return names
