"""``x * sigmoid(x)``, which exporters write as two nodes and a chip computes as one activation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx

from hailstack.compiler.graph.model import Graph, whole

SATURATION = 8.0
"""Beyond this the sigmoid is within 0.0004 of 0 or 1; finer integers inside are worth more than the rest outside."""


@dataclass(frozen=True, slots=True)
class Silu:
    """One occurrence behind a convolution."""

    convolution: onnx.NodeProto
    sigmoid: onnx.NodeProto
    product: onnx.NodeProto
    scaling: onnx.NodeProto | None = None
    """After equalisation: what gives the sigmoid its unscaled argument."""

    @property
    def inner(self) -> tuple[str, ...]:
        """The tensors between the convolution and the product."""
        scaled = () if self.scaling is None else (str(self.scaling.output[0]),)
        return (str(self.convolution.output[0]), *scaled, str(self.sigmoid.output[0]))

    @property
    def output(self) -> str:
        return str(self.product.output[0])


def find_silus(graph: Graph) -> Iterator[Silu]:
    """All of them, in topological order."""
    for node in graph.nodes:
        if node.op_type == "Sigmoid":
            found = _around(graph, node)
            if found is not None:
                yield found


def _around(graph: Graph, sigmoid: onnx.NodeProto) -> Silu | None:
    scaling = graph.producers.get(sigmoid.input[0])
    if scaling is not None and scaling.op_type == "Mul" and scaling.input[1] in graph.constants:
        argument = scaling.input[0]
    else:
        scaling, argument = None, sigmoid.input[0]
    convolution = graph.producers.get(argument)
    readers = graph.consumers.get(sigmoid.output[0], ())
    if convolution is None or convolution.op_type != "Conv" or len(readers) != 1 or sigmoid.output[0] in graph.outputs:
        return None
    product, inputs = readers[0], {sigmoid.output[0], argument}
    others = [node for node in graph.consumers[argument] if node not in (product, scaling or sigmoid)]
    if product.op_type != "Mul" or set(product.input) != inputs or others or argument in graph.outputs:
        return None
    return Silu(convolution, sigmoid, product, scaling)


def is_depthwise(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether a node is a convolution with one filter for each channel."""
    if node.op_type != "Conv" or node.input[1] not in graph.constants:
        return False
    weights: np.ndarray[tuple[int, ...], np.dtype[np.generic]] = graph.constants[node.input[1]]
    return weights.shape[0] == whole(node, "group", 1) > 1 and weights.shape[1] == 1
