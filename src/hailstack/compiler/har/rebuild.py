"""An archive's graph and float parameters turned back into an ONNX network, so that a vendor's HAR can be compiled.

Channels are first inside, as ONNX has it. What the archive does not tell (a leaky slope, parameters that only the
vendor's tools can read) is refused, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.har.archive import Har
from hailstack.compiler.har.network_writer import Builder, Layer, NetworkWriter

PASSING = frozenset({"shortcut", "format_conversion", "precision_change"})
"""Layers that hand their values on."""

ELEMENTWISE = {"ew_add": "Add", "ew_sub": "Sub", "ew_mult": "Mul", "ew_div": "Div"}
REDUCING = {"reduce_mean": "ReduceMean", "reduce_max": "ReduceMax"}


def rebuild_network(har: Har) -> onnx.ModelProto:
    """The network of ``har``: inputs ``(1, c, h, w)`` or ``(1, n)`` by their original names, outputs in order.

    Raises:
        ModelError: a layer cannot be rebuilt; the message names the archive's network, the layer, and what it lacks.
    """
    writer = NetworkWriter(har)
    for name, layer in har.layers.items():
        writer.add(name, layer, BUILDERS)
    return writer.finish()


def paddings(layer: Layer, window: Sequence[int], strides: Sequence[int]) -> list[int]:
    """ONNX ``pads`` (top, left, bottom, right) from the graph's word for them and its shapes.

    ``SAME`` puts the odd pixel in front, as PyTorch's symmetric padding works out; ``SAME_TENSORFLOW`` behind.
    """
    mode = layer["params"].get("padding", "VALID")
    if mode == "VALID":
        return [0, 0, 0, 0]
    before, after = layer["input_shapes"][0][1:3], layer["output_shapes"][0][1:3]
    sides = zip(before, after, window, strides, strict=True)
    totals = [max((out - 1) * stride + size - length, 0) for length, out, size, stride in sides]
    front = [math.ceil(total / 2) if mode == "SAME" else total // 2 for total in totals]
    return [*front, *(total - first for total, first in zip(totals, front, strict=True))]


def _sides(layer: Layer, key: str) -> list[int]:
    """The two middle numbers of ``[1, h, w, 1]``."""
    return [int(value) for value in layer["params"].get(key, [1, 1, 1, 1])[1:3]]


def _convolution(writer: NetworkWriter, name: str, layer: Layer) -> str:
    params = layer["params"]
    kernel = writer.parameter(name, "kernel")
    if params.get("batch_norm") and writer.optional(name, "bias") is None:
        raise writer.refusal(name, "has a batch normalisation whose folded bias is not in the archive")
    depthwise = layer["type"] == "dw"
    groups = kernel.shape[2] if depthwise else int(params.get("groups", 1))
    weights = kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *kernel.shape[:2]) if depthwise else _outward(kernel)
    window = [(size - 1) * step + 1 for size, step in zip(kernel.shape[:2], _sides(layer, "dilations"), strict=True)]
    out = writer.node(
        "Conv",
        [writer.source(name, layer), *_operands(writer, name, weights)],
        f"{name}/conv",
        group=groups,
        kernel_shape=list(kernel.shape[:2]),
        strides=_sides(layer, "strides"),
        dilations=_sides(layer, "dilations"),
        pads=paddings(layer, window, _sides(layer, "strides")),
    )
    return writer.node("Add", [out, writer.source(name, layer, 1)], f"{name}/sum") if _adds(params) else out


def _adds(params: Mapping[str, Any]) -> bool:
    return bool(params.get("elementwise_add"))


def _outward(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    return kernel.transpose(3, 2, 0, 1)


def _operands(writer: NetworkWriter, name: str, weights: NDArray[np.float32]) -> list[str]:
    made = [writer.constant(f"{name}/weights", weights)]
    bias = writer.optional(name, "bias")
    return made if bias is None else [*made, writer.constant(f"{name}/bias", bias.reshape(-1))]


def _deconvolution(writer: NetworkWriter, name: str, layer: Layer) -> str:
    kernel, strides = writer.parameter(name, "kernel"), _sides(layer, "strides")
    before, after = layer["input_shapes"][0][1:3], layer["output_shapes"][0][1:3]
    sides = zip(before, after, kernel.shape[:2], strides, strict=True)
    crops = [max((length - 1) * stride + size - out, 0) for length, out, size, stride in sides]
    return writer.node(
        "ConvTranspose",
        [writer.source(name, layer), *_operands(writer, name, _outward(kernel))],
        f"{name}/deconv",
        group=int(layer["params"].get("groups", 1)),
        strides=strides,
        pads=[crop // 2 for crop in crops] + [crop - crop // 2 for crop in crops],
    )


def _dense(writer: NetworkWriter, name: str, layer: Layer) -> str:
    tensor = writer.source(name, layer)
    if len(writer.har.layers[layer["input"][0]]["output_shapes"][0]) == 4:
        tensor = writer.node("Transpose", [tensor], f"{name}/rows", perm=[0, 2, 3, 1])
    flat = writer.node("Flatten", [tensor], f"{name}/flat")
    return writer.node("Gemm", [flat, *_operands(writer, name, writer.parameter(name, "kernel"))], f"{name}/dense")


def _scale(writer: NetworkWriter, name: str, layer: Layer) -> str:
    """``normalization`` and ``batch_norm``: a factor and an offset for each channel."""
    values = {"factor": writer.parameter(name, "kernel"), "offset": writer.parameter(name, "bias")}
    factor, offset = (writer.constant(f"{name}/{key}", v.reshape(1, -1, 1, 1)) for key, v in values.items())
    scaled = writer.node("Mul", [writer.source(name, layer), factor], f"{name}/scaled")
    return writer.node("Add", [scaled, offset], f"{name}/moved")


def _elementwise(writer: NetworkWriter, name: str, layer: Layer) -> str:
    both = [writer.source(name, layer), writer.source(name, layer, 1)]
    return writer.node(ELEMENTWISE[str(layer["type"])], both, f"{name}/values")


def _pool(writer: NetworkWriter, name: str, layer: Layer) -> str:
    window, strides = _sides(layer, "kernel_shape"), _sides(layer, "strides")
    options: dict[str, Any] = {"count_include_pad": 0} if layer["type"] == "avgpool" else {}
    return writer.node(
        "AveragePool" if layer["type"] == "avgpool" else "MaxPool",
        [writer.source(name, layer)],
        f"{name}/pool",
        kernel_shape=window,
        strides=strides,
        pads=paddings(layer, window, strides),
        **options,
    )


def _global_pool(writer: NetworkWriter, name: str, layer: Layer) -> str:
    return writer.node("GlobalAveragePool", [writer.source(name, layer)], f"{name}/pool")


def _softmax(writer: NetworkWriter, name: str, layer: Layer) -> str:
    return writer.node("Softmax", [writer.source(name, layer)], f"{name}/softmax", axis=1)


def _concat(writer: NetworkWriter, name: str, layer: Layer) -> str:
    tensors = [writer.source(name, layer, place) for place in range(len(layer["input"]))]
    axis = 3 if layer.get("params", {}).get("spatial_w_concat") else 1
    return writer.node("Concat", tensors, f"{name}/joined", axis=axis)


def _resize(writer: NetworkWriter, name: str, layer: Layer) -> str:
    params = layer["params"]
    height, width = (float(params[f"resize_{side}_ratio_list"][0]) for side in ("h", "w"))
    scales = writer.constant(f"{name}/scales", np.array([1, 1, height, width], np.float32))
    if params.get("method") == "bilinear":
        modes = {"align_corners": "align_corners", "half_pixels": "half_pixel"}
        mode = modes.get(str(params.get("resize_bilinear_pixels_mode")), "asymmetric")
        options = {"mode": "linear", "coordinate_transformation_mode": mode}
    else:
        options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return writer.node("Resize", [writer.source(name, layer), "", scales], f"{name}/resized", **options)


def _blocks(writer: NetworkWriter, name: str, layer: Layer) -> str:
    size = int(layer["params"]["block_sizes"][0])
    mode = str(layer["params"].get("type", "dcr")).upper()
    if layer["type"] == "depth_to_space":
        return writer.node("DepthToSpace", [writer.source(name, layer)], f"{name}/space", blocksize=size, mode=mode)
    return writer.node("SpaceToDepth", [writer.source(name, layer)], f"{name}/depth", blocksize=size)


def _activation(writer: NetworkWriter, name: str, layer: Layer) -> str:
    return writer.source(name, layer)  # what it does follows from its parameters, as in every layer


def _reduce(writer: NetworkWriter, name: str, layer: Layer) -> str:
    before, after = layer["input_shapes"][0], layer["output_shapes"][0]
    axes = [{1: 2, 2: 3, 3: 1}[place] for place in range(1, len(before)) if after[place] != before[place]]
    return writer.node(REDUCING[str(layer["type"])], [writer.source(name, layer)], f"{name}/less", axes=axes)


def _pass(writer: NetworkWriter, name: str, layer: Layer) -> str:
    return writer.source(name, layer)


BUILDERS: Mapping[str, Builder] = {
    "conv": _convolution,
    "dw": _convolution,
    "deconv": _deconvolution,
    "dense": _dense,
    "normalization": _scale,
    "batch_norm": _scale,
    "maxpool": _pool,
    "avgpool": _pool,
    "global_avg_pool": _global_pool,
    "softmax": _softmax,
    "concat": _concat,
    "resize": _resize,
    "depth_to_space": _blocks,
    "space_to_depth": _blocks,
    "activation": _activation,
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(REDUCING, _reduce),
    **dict.fromkeys(PASSING, _pass),
}
