"""Small changes to public ONNX files, so that a program finds the layer names or the input size that it hard-codes.

Each keeps the weights, and with them what the network knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.utils import Extractor


def as_1000_classes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same classifier without its background class and softmax, the last layer fully connected."""
    graph = model.graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    position, conv = [(i, node) for i, node in enumerate(graph.node) if node.op_type == "Conv"][-1]
    kernel, bias = (weights[name] for name in conv.input[1:3])
    graph.initializer.extend(
        (
            numpy_helper.from_array(kernel[1:].reshape(1000, -1), "dense_weight"),
            numpy_helper.from_array(bias[1:], "dense_bias"),
        )
    )
    del graph.node[position:]
    graph.node.append(helper.make_node("Flatten", [conv.input[0]], ["dense_input"]))
    graph.node.append(helper.make_node("Gemm", ["dense_input", "dense_weight", "dense_bias"], ["classes"], transB=1))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("classes", onnx.TensorProto.FLOAT, [1, 1000]))
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


def as_six_heads(model: onnx.ModelProto) -> onnx.ModelProto:
    """A YOLOX for 640 x 640 that gives its class logits and box regressions, without objectness and decoding."""
    whole = with_input_of_640(model)
    heads = [
        node.output[0]
        for node in whole.graph.node
        if node.op_type == "Conv" and _channels(whole, node) in {4, 80} and _kernel(node) == [1, 1]
    ]
    return Extractor(whole).extract_model([whole.graph.input[0].name], heads)


def as_centre_heads(model: onnx.ModelProto) -> onnx.ModelProto:
    """The coarsest scale of a YOLOX as CenterNet's heads: sizes in cells, offsets of centres, heat of each class."""
    graph = model.graph
    producers = {node.output[0]: node for node in graph.node}
    scales = next(node for node in graph.node if node.output[0] == graph.node[-1].input[0])
    box, objectness, classes = producers[producers[scales.input[-1]].input[0]].input
    bounds = (("from_size", 2), ("to_size", 4), ("from_centre", 0), ("to_centre", 2), ("channels", 1))
    graph.initializer.extend(numpy_helper.from_array(np.array([value]), name) for name, value in bounds)
    graph.node.append(helper.make_node("Slice", [box, "from_size", "to_size", "channels"], ["log_size"]))
    graph.node.append(helper.make_node("Exp", ["log_size"], ["size"]))
    graph.node.append(helper.make_node("Slice", [box, "from_centre", "to_centre", "channels"], ["centre"]))
    graph.node.append(helper.make_node("Mul", [classes, objectness], ["heat"]))
    del graph.output[:]
    for name, channels in (("size", 2), ("centre", 2), ("heat", 80)):
        graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, channels, 13, 13]))
    return Extractor(onnx.shape_inference.infer_shapes(model)).extract_model(
        [graph.input[0].name], [value.name for value in graph.output]
    )


def with_first_channel(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network, of whose output only the first channel is kept."""
    output = model.graph.output[0]
    shape = [axis.dim_value for axis in output.type.tensor_type.shape.dim]
    bounds = [numpy_helper.from_array(np.array([value]), name) for name, value in _FIRST.items()]
    model.graph.initializer.extend(bounds)
    model.graph.node.append(helper.make_node("Slice", [output.name, *_FIRST], ["first_channel"]))
    kept = helper.make_tensor_value_info("first_channel", onnx.TensorProto.FLOAT, [shape[0], 1, *shape[2:]])
    del model.graph.output[:]
    model.graph.output.append(kept)
    return model


def _named_like(head: str, classes: int | None = None) -> Callable[[onnx.ModelProto], onnx.ModelProto]:
    """The demo's detector for 640 x 640 with the node names of an Ultralytics export.

    Args:
        head: the head's place, for example ``/model.22``.
        classes: its classes are repeated until there are so many; None: it keeps its own.
    """

    def rename(model: onnx.ModelProto) -> onnx.ModelProto:
        names = {}
        for i in range(3):
            names[f"/boxes.{i}/boxes.{i}.2/Conv"] = f"{head}/cv2.{i}/cv2.{i}.2/Conv"
            names[f"/classes.{i}/classes.{i}.2/Conv"] = f"{head}/cv3.{i}/cv3.{i}.2/Conv"
            names[f"/boxes.{i}/boxes.{i}.1/boxes.{i}.1.0/Conv"] = f"{head}/cv4.{i}/cv4.{i}.2/Conv"
        names["/lateral/lateral.0/Conv"] = f"{head}/proto/cv3/conv/Conv"
        for node in model.graph.node:
            node.name = names.get(node.name, node.name)
            if classes is not None and "/cv3." in node.name and node.name.startswith(head):
                _repeat(model, node.input[1:3], classes)
        for value in model.graph.output:
            value.type.tensor_type.shape.Clear()
        return with_input_of_640(model)

    return rename


def with_dynamo_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """The demo's detector for 640 x 640 whose ends are called as torch's newer exporter calls a YOLOv8's."""
    ends = [f"/{kind}.{i}/{kind}.{i}.2/Conv" for i in range(3) for kind in ("boxes", "classes")]
    names = {name: f"node_conv2d_{47 + 3 * place}" for place, name in enumerate(ends)}
    for node in model.graph.node:
        node.name = names.get(node.name, node.name)
    for value in model.graph.output:
        value.type.tensor_type.shape.Clear()
    return with_input_of_640(model)


def _repeat(model: onnx.ModelProto, names: Iterable[str], channels: int) -> None:
    """Repeat the output channels of some weights until there are so many."""
    for tensor in model.graph.initializer:
        if tensor.name in names:
            value = numpy_helper.to_array(tensor)
            tensor.CopyFrom(numpy_helper.from_array(np.concatenate([value] * channels)[:channels], tensor.name))


def as_score_map(model: onnx.ModelProto) -> onnx.ModelProto:
    """A network that ends in one map: what its last concatenation takes first."""
    last = model.graph.node[-1]
    return Extractor(model).extract_model([model.graph.input[0].name], [last.input[0]])


def as_depth(model: onnx.ModelProto) -> onnx.ModelProto:
    """A network with one map as output whose ends have the names of a Depth Anything export."""
    kept = with_first_channel(model)
    kept.graph.node[-1].name = "/Gather_4"
    return _with_names(kept, {kept.graph.input[0].name: "image"})


def as_jet_classifier(model: onnx.ModelProto) -> onnx.ModelProto:
    """A classifier of 32 x 32 whose input and scores are called ``input`` and ``output``."""
    del model.graph.output[1:]
    kept = Extractor(model).extract_model([model.graph.input[0].name], [model.graph.output[0].name])
    return _with_names(kept, {kept.graph.input[0].name: "input", kept.graph.output[0].name: "output"})


def _with_names(model: onnx.ModelProto, names: Mapping[str, str]) -> onnx.ModelProto:
    """The same with some tensors renamed."""
    for value in (*model.graph.input, *model.graph.output):
        value.name = names.get(value.name, value.name)
    for node in model.graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = [names.get(name, name) for name in tensors]
    return model


_FIRST = {"first_start": 0, "first_end": 1, "first_axis": 1}


def _channels(model: onnx.ModelProto, node: onnx.NodeProto) -> int:
    return next(int(tensor.dims[0]) for tensor in model.graph.initializer if tensor.name == node.input[1])


def _kernel(node: onnx.NodeProto) -> list[int]:
    return next(list(attribute.ints) for attribute in node.attribute if attribute.name == "kernel_shape")


EDITS: Mapping[str, Callable[[onnx.ModelProto], onnx.ModelProto]] = {
    "1000 classes": as_1000_classes,
    "YOLO11-seg names": _named_like("/model.23"),
    "YOLOv8 dynamo names": with_dynamo_names,
    "YOLOv8 names": _named_like("/model.22"),
    "YOLOv8 names, 8 classes": _named_like("/model/model.22", classes=8),
    "centre heads": as_centre_heads,
    "depth": as_depth,
    "first channel": with_first_channel,
    "jet classifier": as_jet_classifier,
    "score map": as_score_map,
    "six heads": as_six_heads,
}
