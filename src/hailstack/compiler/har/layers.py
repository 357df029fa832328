"""A network as the vendor's graph format has it (HN): layers with types, channels last, and their float parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.graph.model import Graph, attribute, whole
from hailstack.compiler.preflight.layers import LayerName, name_layers

ACTIVATIONS = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "LeakyRelu": "leaky",
    "Elu": "elu",
    "HardSwish": "hardswish",
    "HardSigmoid": "hardsigmoid",
    "Mish": "mish",
    "Softplus": "softplus",
    "PRelu": "prelu",
    "Gelu": "gelu",
    "Exp": "exp",
    "Sqrt": "sqrt",
    "Clip": "clip",
}
"""ONNX operator → what the graph format calls it."""

TYPES = {
    "Conv": "conv",
    "ConvTranspose": "deconv",
    "Gemm": "dense",
    "MatMul": "matmul",
    "MaxPool": "maxpool",
    "AveragePool": "avgpool",
    "GlobalAveragePool": "avgpool",
    "ReduceMean": "reduce_mean",
    "ReduceMax": "reduce_max",
    "ReduceSum": "reduce_sum",
    "ReduceL2": "reduce_l2",
    "Add": "ew_add",
    "Sub": "ew_sub",
    "Mul": "ew_mult",
    "Div": "ew_div",
    "Concat": "concat",
    "Resize": "resize",
    "Slice": "slice",
    "Split": "feature_splitter",
    "Softmax": "softmax",
    "ArgMax": "argmax",
    "DepthToSpace": "depth_to_space",
    "SpaceToDepth": "space_to_depth",
    "Pad": "external_pad",
    "LayerNormalization": "layer_normalization",
    "BatchNormalization": "batch_norm",
}

CHANGES_NOTHING = frozenset({"Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Dropout"})


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """The ONNX nodes that one layer stands for."""

    name: str
    nodes: tuple[onnx.NodeProto, ...]

    @property
    def first(self) -> onnx.NodeProto:
        """The node that gives the layer its type."""
        return self.nodes[0]

    @property
    def outputs(self) -> frozenset[str]:
        return frozenset(tensor for node in self.nodes for tensor in node.output)


def group_layers(graph: Graph, names: Mapping[str, LayerName]) -> tuple[LayerGroup, ...]:
    """The network's nodes by layer, layers in the order of the network."""
    groups: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.nodes:
        groups.setdefault(names[node.output[0]].name, []).append(node)
    return tuple(LayerGroup(name, tuple(nodes)) for name, nodes in groups.items())


def describe_network(graph: Graph, network: str, ends: Sequence[str], originals: Sequence[str]) -> dict[str, Any]:
    """The graph file's content: ``name``, ``net_params``, ``layers``.

    Args:
        graph: float, as cut.
        network: its name, put in front of every layer's.
        ends: the cut graph's outputs, in order.
        originals: what the user calls each of them.
    """
    names = name_layers(graph)
    makers = {
        tensor: f"{network}/{names[node.output[0]].name}" for node in graph.nodes for tensor in node.output if tensor
    }
    makers |= {tensor: f"{network}/input_layer{i + 1}" for i, tensor in enumerate(_inputs(graph))}
    layers: dict[str, dict[str, Any]] = {makers[tensor]: _input(graph, tensor) for tensor in _inputs(graph)}
    for group in group_layers(graph, names):
        layers[f"{network}/{group.name}"] = _layer(graph, group, makers)
    for i, (end, original) in enumerate(zip(ends, originals, strict=True)):
        layers[f"{network}/output_layer{i + 1}"] = _output(graph, makers[end], end, original)
    _connect(layers)
    net_params = {
        "version": "1.0",
        "stage": "HN",
        "clusters_placement": [[]],
        "clusters_to_skip": [],
        "output_layers_order": [makers[end] for end in ends],
        "transposed_net": False,
        "net_scopes": [network],
    }
    return {"name": network, "net_params": net_params, "layers": layers}


def _inputs(graph: Graph) -> tuple[str, ...]:
    return tuple(info.name for info in graph.model.graph.input)


def _input(graph: Graph, tensor: str) -> dict[str, Any]:
    shape = list(graph.shape(tensor))
    last = len(shape) == 4 and graph.is_channels_last(tensor)
    shape = [-1, *shape[1:]] if last else channels_last(shape)
    return {
        "type": "input_layer",
        "input": [],
        "output": [],
        "input_shapes": [shape],
        "output_shapes": [shape],
        "original_names": [tensor],
        "transposed": False,
    }


def _output(graph: Graph, maker: str, end: str, original: str) -> dict[str, Any]:
    shape = channels_last(graph.shape(end))
    return {
        "type": "output_layer",
        "input": [maker],
        "output": [],
        "input_shapes": [shape],
        "output_shapes": [shape],
        "original_names": [original],
        "transposed": False,
    }


def channels_last(shape: Sequence[int]) -> list[int]:
    """An ONNX shape as the graph file has it: open batch, channels last, at least two axes behind the batch."""
    inner = list(shape[1:])
    if len(inner) == 3:
        inner = [inner[1], inner[2], inner[0]]
    return [-1, *inner] if len(inner) != 2 else [-1, 1, *inner]


def _layer(graph: Graph, group: LayerGroup, makers: Mapping[str, str]) -> dict[str, Any]:
    inside = group.outputs
    outside = [name for node in group.nodes for name in node.input if name in makers and name not in inside]
    taken = tuple(dict.fromkeys(outside))
    kind = layer_type(graph, group.first)
    return {
        "type": kind,
        "input": [makers[name] for name in taken],
        "output": [],
        "input_shapes": [channels_last(graph.shape(name)) for name in taken],
        "output_shapes": [channels_last(graph.shape(_last_made(group)))],
        "original_names": [node.name or node.output[0] for node in group.nodes],
        "params": _params(graph, group, kind),
    }


def _last_made(group: LayerGroup) -> str:
    """What a layer makes, before it is flattened for the next one."""
    working = [node for node in group.nodes if node.op_type not in CHANGES_NOTHING]
    return str((working or group.nodes)[-1].output[0])


def _connect(layers: Mapping[str, dict[str, Any]]) -> None:
    """Write down who reads each layer; a shape for each reader, as the format wants it."""
    for name, layer in layers.items():
        for source in layer["input"]:
            layers[source]["output"].append(name)
    for layer in layers.values():
        layer["output_shapes"] = layer["output_shapes"][:1] * max(1, len(layer["output"]))


def layer_type(graph: Graph, node: onnx.NodeProto) -> str:
    """The graph format's word for a node."""
    if node.op_type == "Conv" and whole(node, "group", 1) > 1 and _weights(graph, node).shape[1] == 1:
        return "dw"
    if node.op_type in ("Gemm", "MatMul") and node.input[1] in graph.constants:
        return "dense"
    if node.op_type in ACTIVATIONS:
        return "activation"
    return TYPES.get(node.op_type, "shortcut" if node.op_type in CHANGES_NOTHING else node.op_type.lower())


def _weights(graph: Graph, node: onnx.NodeProto) -> NDArray[np.generic]:
    return graph.constants[node.input[1]]


def activation(nodes: Iterable[onnx.NodeProto]) -> str:
    """What a layer does to its values at the end: ``linear``, ``relu``, ``relu6``, ``silu``, …"""
    operators = [node.op_type for node in nodes]
    if "Mul" in operators and "Sigmoid" in operators:
        return "silu"
    found = [ACTIVATIONS[operator] for operator in operators if operator in ACTIVATIONS]
    return "relu6" if found == ["clip"] else found[0] if found else "linear"


def _params(graph: Graph, group: LayerGroup, kind: str) -> dict[str, Any]:
    node = group.first
    done = activation(group.nodes if kind == "activation" else group.nodes[1:])
    if kind in ("conv", "dw", "deconv"):
        return {**_kernel(graph, node, kind), "batch_norm": False, "elementwise_add": False, "activation": done}
    if kind == "dense":
        return {"kernel_shape": list(dense_kernel(graph, node).shape), "batch_norm": False, "activation": done}
    if kind in ("maxpool", "avgpool"):
        return {**_window(graph, node), "activation": done}
    if kind == "resize":
        return _resize(graph, node)
    if kind == "concat":
        axis = whole(node, "axis", 1) % len(graph.shape(node.output[0]))
        return {"spatial_w_concat": axis == 3}
    if kind in ("depth_to_space", "space_to_depth"):
        return {"block_sizes": [whole(node, "blocksize", 1)] * 2, "type": "dcr"}
    return {"activation": done}


def _kernel(graph: Graph, node: onnx.NodeProto, kind: str) -> dict[str, Any]:
    sides = {name: list(_whole_numbers(node, name, [1, 1])) for name in ("strides", "dilations")}
    return {
        "kernel_shape": list(conv_kernel(graph, node, kind).shape),
        **{name: [1, *values, 1] for name, values in sides.items()},
        "padding": _padding(graph, node),
        "groups": whole(node, "group", 1),
    }


def _whole_numbers(node: onnx.NodeProto, name: str, default: Sequence[int]) -> Sequence[int]:
    value = attribute(node, name, None)
    return [int(v) for v in value] if isinstance(value, (list, tuple)) else default


def _padding(graph: Graph, node: onnx.NodeProto) -> str:
    """VALID without padding; SAME with the odd pixel in front, as PyTorch leaves it; else as TensorFlow does it."""
    pads = _whole_numbers(node, "pads", [0] * 4)
    automatic = attribute(node, "auto_pad", b"NOTSET")
    if automatic == b"SAME_UPPER":
        return "SAME_TENSORFLOW"
    if node.op_type == "ConvTranspose":
        return "DECONV" if any(pads) else "VALID"
    if not any(pads):
        return "VALID"
    stride = _whole_numbers(node, "strides", [1, 1])
    return "SAME_TENSORFLOW" if list(stride) == [1, 1] else "SAME"


def _window(graph: Graph, node: onnx.NodeProto) -> dict[str, Any]:
    if node.op_type == "GlobalAveragePool":
        sides: Sequence[int] = graph.shape(node.input[0])[2:]
        return {"kernel_shape": [1, *sides, 1], "strides": [1, *sides, 1], "padding": "VALID"}
    kernel = _whole_numbers(node, "kernel_shape", [1, 1])
    strides = _whole_numbers(node, "strides", [1, 1])
    return {"kernel_shape": [1, *kernel, 1], "strides": [1, *strides, 1], "padding": _padding(graph, node)}


def _resize(graph: Graph, node: onnx.NodeProto) -> dict[str, Any]:
    before, after = graph.shape(node.input[0]), graph.shape(node.output[0])
    linear = attribute(node, "mode", b"nearest") == b"linear"
    mode = attribute(node, "coordinate_transformation_mode", b"half_pixel")
    pixels = {b"align_corners": "align_corners", b"half_pixel": "half_pixels"}.get(bytes(mode), "disabled")  # type: ignore[call-overload]
    return {
        "resize_h_ratio_list": [after[2] / before[2]],
        "resize_w_ratio_list": [after[3] / before[3]],
        "resize_f_ratio_list": [1.0],
        "method": "bilinear" if linear else "nearest_neighbor",
        "resize_bilinear_pixels_mode": pixels if linear else "disabled",
    }


def collect_parameters(graph: Graph, network: str) -> dict[str, NDArray[Any]]:
    """Kernels and biases of all layers that have them, named and laid out as in an archive."""
    names = name_layers(graph)
    found: dict[str, NDArray[Any]] = {}
    for group in group_layers(graph, names):
        kind = layer_type(graph, group.first)
        place = f"{network}/{group.name}"
        if kind in ("conv", "dw", "deconv"):
            found[f"{place}/kernel:0"] = conv_kernel(graph, group.first, kind)
        elif kind == "dense":
            found[f"{place}/kernel:0"] = dense_kernel(graph, group.first)
        else:
            continue
        bias = group.first.input[2] if len(group.first.input) > 2 else ""
        if bias in graph.constants:
            found[f"{place}/bias:0"] = np.asarray(graph.constants[bias]).reshape(-1)
    return found


def conv_kernel(graph: Graph, node: onnx.NodeProto, kind: str) -> NDArray[Any]:
    """``(h, w, in, out)``; depth-wise ``(h, w, channels, multiplier)``; transposed ``(h, w, out, in)``."""
    weights = _weights(graph, node)
    if weights.ndim == 3:
        weights = weights[:, :, None, :]
    if kind == "dw":
        channels = whole(node, "group", 1)
        weights = weights.reshape(channels, -1, *weights.shape[2:])
        return np.ascontiguousarray(weights.transpose(2, 3, 0, 1))
    return np.ascontiguousarray(weights.transpose(2, 3, 1, 0))


def dense_kernel(graph: Graph, node: onnx.NodeProto) -> NDArray[Any]:
    """``(in, out)``; the rows of a flattened map in the order height, width, channel."""
    weights = _weights(graph, node)
    kernel = weights.T if whole(node, "transB", 0) else weights
    maker = graph.producers.get(node.input[0])
    flattened = graph.shape(maker.input[0]) if maker is not None and maker.op_type in ("Flatten", "Reshape") else ()
    if len(flattened) == 4 and flattened[2] * flattened[3] > 1 and math.prod(flattened[1:]) == len(kernel):
        channels, height, width = flattened[1:]
        kernel = kernel.reshape(channels, height, width, -1).transpose(1, 2, 0, 3).reshape(kernel.shape)
    return np.ascontiguousarray(kernel)
