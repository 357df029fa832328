"""Which tensors become integers, and where each gets its scale from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import onnx

from hailstack.compiler.graph.model import Graph
from hailstack.compiler.quantise.pixels import in_front
from hailstack.compiler.quantise.silu import find_silus
from hailstack.compiler.quantise.units import inner_tensors

SAME_VALUES = frozenset(
    {
        "DepthToSpace",
        "Expand",
        "Flatten",
        "Gather",
        "Identity",
        "MaxPool",
        "Reshape",
        "Resize",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Squeeze",
        "Tile",
        "Transpose",
        "Unsqueeze",
    }
)
"""Operators that only move or select values: what comes out has the scale of what went in."""

ACCUMULATING = frozenset({"Add", "BatchNormalization", "Conv", "ConvTranspose", "Gemm", "MatMul"})
"""Operators behind which an activation works on the wide accumulator, before anything is rounded."""

NARROW_CHANNELS = 16
"""Layers with so few channels (mostly the first ones) keep SiLU on the accumulator. On YOLOX-nano this gains up to
1 dB at the outputs and costs a seventh of the speed; doing it in every layer would gain 1 dB more at half of it."""


@dataclass(frozen=True, slots=True)
class Points:
    """The tensors to quantise."""

    measured: tuple[str, ...]
    """Those whose range must be seen on real pictures."""
    shared: Mapping[str, str]
    """Those that take another one's scale: tensor → that other tensor."""


def choose_points(graph: Graph) -> Points:
    """Every float activation but those that never leave the accumulator.

    The chip computes every activation function on the accumulator. We do so for ReLU, for a sigmoid that ends the
    network, and for SiLU in narrow layers; elsewhere SiLU gets integers in between, because engines run the network
    twice as fast then and wide layers average the error out.
    """
    exact = {name for node in graph.nodes if node.op_type == "DequantizeLinear" for name in node.output}
    narrow = (s for s in find_silus(graph) if s.scaling is not None or graph.shape(s.output)[1] <= NARROW_CHANNELS)
    skipped = exact.union(inner_tensors(graph), *(silu.inner for silu in narrow))
    measured: list[str] = []
    shared: dict[str, str] = {}
    for node in graph.nodes:
        for tensor in node.output:
            wanted = tensor in graph.reals and tensor not in skipped and not in_front(graph, tensor)
            if not wanted or _stays_inside(graph, node, tensor):
                continue
            source = _same_scale(node, shared, {*exact, *measured, *shared})
            if source is None:
                measured.append(tensor)
            else:
                shared[tensor] = source
    return Points(tuple(measured), shared)


def _stays_inside(graph: Graph, node: onnx.NodeProto, tensor: str) -> bool:
    readers = graph.consumers.get(tensor, ())
    if tensor in graph.outputs or len(readers) != 1:
        return False
    if node.op_type == "Relu" and readers[0].op_type == "Min":
        return readers[0].input[1] in graph.constants  # a clip whose limit differs between channels
    if node.op_type not in ACCUMULATING:
        return False
    ends = readers[0].op_type == "Sigmoid" and readers[0].output[0] in graph.outputs
    return ends or readers[0].op_type in ("Relu", "Clip")


def _same_scale(node: onnx.NodeProto, shared: Mapping[str, str], known: set[str]) -> str | None:
    """The one tensor whose scale fits all inputs of a value-moving node; None if there is none."""
    if node.op_type not in SAME_VALUES | {"Concat"}:
        return None
    names = node.input if node.op_type == "Concat" else node.input[:1]
    if any(name not in known for name in names):
        return None
    sources = {shared.get(name, name) for name in names}
    return sources.pop() if len(sources) == 1 else None
