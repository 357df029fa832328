"""What at the end of a network the chip does not run, in the vendor's words."""

from __future__ import annotations

from collections.abc import Iterable

import onnx

SHUFFLES = frozenset({"Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
"""Operators that only the patterns of known layers may use; a detector's decoding is none of them."""

RUNS = frozenset(
    {
        "Add",
        "ArgMax",
        "AveragePool",
        "Clip",
        "Concat",
        "Conv",
        "DepthToSpace",
        "Div",
        "Exp",
        "Gemm",
        "GlobalAveragePool",
        "Identity",
        "LogSoftmax",
        "MatMul",
        "MaxPool",
        "Mul",
        "ReduceMax",
        "ReduceMean",
        "ReduceSum",
        "Relu",
        "Resize",
        "Sigmoid",
        "Slice",
        "Softmax",
        "Split",
        "Sub",
        "Tanh",
    }
)


def obstacles(nodes: Iterable[onnx.NodeProto]) -> list[str]:
    """One sentence for each node that stands in the way; none if only a softmax and a last reshape follow."""
    listed = list(nodes)
    if all(node.op_type in SHUFFLES | {"Identity", "LogSoftmax", "Softmax"} for node in listed):
        return []
    found = []
    for node in listed:
        name = node.name or node.output[0]
        if node.op_type in SHUFFLES:
            found.append(
                f"UnsupportedShuffleLayerError in op {name}: "
                f"Failed to determine type of layer to create in node {name}"
            )
        elif node.op_type not in RUNS:
            found.append(f"UnsupportedOperationError in op {name}: {node.op_type} operation is unsupported")
    return found
