"""Small changes to public ONNX files, so that a program finds the layer names or the input size that it hard-codes.

Each keeps the weights, and with them what the network knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx
from onnx import helper, numpy_helper


def with_dense_head(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same classifier with its last 1x1 convolution written as a fully connected layer."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    position, node = [(i, node) for i, node in enumerate(graph.node) if node.op_type == "Conv"][-1]
    kernel = numpy_helper.to_array(weights[node.input[1]])
    dense = numpy_helper.from_array(kernel.reshape(kernel.shape[:2]), "dense_weight")
    graph.initializer.append(dense)
    flat = helper.make_node("Flatten", [node.input[0]], ["dense_input"])
    layer = helper.make_node("Gemm", ["dense_input", dense.name, node.input[2]], [node.output[0]], transB=1)
    graph.node.remove(node)
    graph.node.insert(position, layer)
    graph.node.insert(position, flat)
    return model


def with_input_of_640(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same fully convolutional network for pictures of 640 x 640."""
    del model.graph.value_info[:]
    for value in model.graph.input:
        for axis in (2, 3):
            value.type.tensor_type.shape.dim[axis].dim_value = 640
    for value in model.graph.output:
        value.type.tensor_type.shape.Clear()
    return onnx.shape_inference.infer_shapes(model)


EDITS: Mapping[str, Callable[[onnx.ModelProto], onnx.ModelProto]] = {
    "dense head": with_dense_head,
    "input of 640": with_input_of_640,
}
