"""Convolutions, products, pooling and resizing. All but products run with channels first."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from hailstack.compiler.graph.tflite.file import Operator
from hailstack.compiler.graph.tflite.schema import SAME
from hailstack.compiler.graph.tflite.writer import OnnxWriter
from hailstack.errors import ModelError


def same_pads(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Padding before and after one axis so that ``ceil(size / stride)`` places come out; the odd one goes behind."""
    reach = (kernel - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def convolution(writer: OnnxWriter, op: Operator) -> None:
    """``CONV_2D``: weights are (out, h, w, in / groups)."""
    kernel = writer.weights(op.inputs[1]).transpose(0, 3, 1, 2)
    _convolve(writer, op, kernel, writer.shape(op.inputs[0])[3] // kernel.shape[1])


def depthwise_convolution(writer: OnnxWriter, op: Operator) -> None:
    """``DEPTHWISE_CONV_2D``: weights are (1, h, w, in x multiplier)."""
    kernel = writer.weights(op.inputs[1]).transpose(3, 0, 1, 2)
    _convolve(writer, op, kernel, writer.shape(op.inputs[0])[3])


def _convolve(writer: OnnxWriter, op: Operator, kernel: np.ndarray[Any, Any], groups: int) -> None:
    stride = (op.option("stride_h"), op.option("stride_w"))
    dilation = (op.option("dilation_h"), op.option("dilation_w"))
    writer.put(
        "Conv",
        [writer.get(op.inputs[0], True), *_weights(writer, op, kernel)],
        op.outputs[0],
        channels_first=True,
        activation=op.option("activation"),
        kernel_shape=kernel.shape[2:],
        strides=stride,
        dilations=dilation,
        group=groups,
        pads=_pads(writer, op, kernel.shape[2:], stride, dilation),
    )


def _weights(writer: OnnxWriter, op: Operator, kernel: np.ndarray[Any, Any]) -> list[str]:
    names = [writer.constant(f"{writer.tensor(op.outputs[0]).name}/weights", kernel)]
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        bias = writer.weights(op.inputs[2]).astype(np.float32)
        names.append(writer.constant(f"{writer.tensor(op.outputs[0]).name}/bias", bias))
    return names


def _pads(
    writer: OnnxWriter,
    op: Operator,
    kernel: tuple[int, ...],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> list[int]:
    """Rows and columns before, then after."""
    if op.option("padding") != SAME:
        return [0, 0, 0, 0]
    _, height, width, _ = writer.shape(op.inputs[0])
    top, bottom = same_pads(height, kernel[0], stride[0], dilation[0])
    left, right = same_pads(width, kernel[1], stride[1], dilation[1])
    return [top, left, bottom, right]


def transposed_convolution(writer: OnnxWriter, op: Operator) -> None:
    """``TRANSPOSE_CONV``: operands are the output's shape, weights (out, h, w, in), the map, and maybe a bias."""
    stride = (op.option("stride_h"), op.option("stride_w"))
    moved = Operator(op.kind, (op.inputs[2], op.inputs[1], *op.inputs[3:]), op.outputs, op.options)
    _convolve_transposed(writer, moved, stride, op.option("padding"), op.option("activation"))


def mediapipe_transposed_convolution(writer: OnnxWriter, op: Operator) -> None:
    """``Convolution2DTransposeBias`` of MediaPipe: map, weights, bias; padding (1: same) and strides in the options.

    The options are the C structure ``TfLiteTransposeConvParams`` as it lies in memory: padding, stride_w, stride_h.
    """
    if len(op.custom) < 12:
        message = f"{writer.source}: {writer.tensor(op.outputs[0]).name!r}: {op.kind} without options"
        raise ModelError(message)
    padding, stride_w, stride_h = struct.unpack_from("<3i", op.custom)
    _convolve_transposed(writer, op, (stride_h, stride_w), SAME if padding == 1 else SAME + 1, 0)


def _convolve_transposed(
    writer: OnnxWriter, op: Operator, stride: tuple[int, int], padding: int, activation: int
) -> None:
    kernel = writer.weights(op.inputs[1]).transpose(3, 0, 1, 2)
    before, after, extra = [0, 0], [0, 0], [0, 0]
    for axis in (0, 1):
        taken, made = writer.shape(op.inputs[0])[1 + axis], writer.shape(op.outputs[0])[1 + axis]
        surplus = (taken - 1) * stride[axis] + kernel.shape[2 + axis] - made
        before[axis] = max(surplus, 0) // 2 if padding == SAME else 0
        after[axis] = max(surplus, 0) - before[axis]
        extra[axis] = max(-surplus, 0)
    writer.put(
        "ConvTranspose",
        [writer.get(op.inputs[0], True), *_weights(writer, op, kernel)],
        op.outputs[0],
        channels_first=True,
        activation=activation,
        kernel_shape=kernel.shape[2:],
        strides=stride,
        pads=[*before, *after],
        output_padding=extra,
    )


def pooling(writer: OnnxWriter, op: Operator) -> None:
    """``AVERAGE_POOL_2D`` and ``MAX_POOL_2D``; padding does not count."""
    kernel = (op.option("filter_height"), op.option("filter_width"))
    stride = (op.option("stride_h"), op.option("stride_w"))
    average, pads = op.kind == "AVERAGE_POOL_2D", _pads(writer, op, kernel, stride)
    taken = [writer.get(op.inputs[0], True)]
    activation = op.option("activation")
    if average and kernel == writer.shape(op.inputs[0])[1:3] and not any(pads):
        writer.put("GlobalAveragePool", taken, op.outputs[0], channels_first=True, activation=activation)
        return
    writer.put(
        "AveragePool" if average else "MaxPool",
        taken,
        op.outputs[0],
        channels_first=True,
        activation=activation,
        kernel_shape=kernel,
        strides=stride,
        pads=pads,
        **({"count_include_pad": 0} if average else {}),
    )


def product(writer: OnnxWriter, op: Operator) -> None:
    """``FULLY_CONNECTED``: weights are (out, in); the operand is flattened to rows of them."""
    if op.option("weights_format"):
        message = f"{writer.source}: {writer.tensor(op.outputs[0]).name!r}: shuffled weights cannot be imported"
        raise ModelError(message)
    weights = writer.weights(op.inputs[1])
    source, made = op.inputs[0], writer.shape(op.outputs[0])
    rows = int(np.prod(writer.shape(source))) // weights.shape[1]
    name, taken = writer.tensor(op.outputs[0]).name, reshaped(writer, source, (rows, weights.shape[1]))
    operands = [taken, *_weights(writer, op, weights)]
    if len(made) == 2:
        activation = op.option("activation")
        writer.put("Gemm", operands, op.outputs[0], channels_first=False, activation=activation, transB=1)
        return
    flat = writer.node("Gemm", operands, f"{name}/flat", transB=1)
    shape = writer.constant(f"{name}/shape", np.array(made))
    writer.put("Reshape", [flat, shape], op.outputs[0], channels_first=False, activation=op.option("activation"))


def reshaped(writer: OnnxWriter, place: int, shape: tuple[int, ...]) -> str:
    """A tensor in another shape; as it is, where that makes no difference."""
    if writer.shape(place) == shape:
        return writer.get(place, False)
    name = f"{writer.tensor(place).name}/{'x'.join(map(str, shape))}"
    taken = writer.get(place, writer.is_first(place) and layouts_agree(writer.shape(place)))
    return writer.node("Reshape", [taken, writer.constant(f"{name}/shape", np.array(shape))], name)


def layouts_agree(shape: tuple[int, ...]) -> bool:
    """Whether numbers follow each other in the same order with channels first and last."""
    return len(shape) == 4 and (shape[1] * shape[2] == 1 or shape[3] == 1)


def resizing(writer: OnnxWriter, op: Operator) -> None:
    """``RESIZE_BILINEAR`` and ``RESIZE_NEAREST_NEIGHBOR`` with each of the three ways to place pixels."""
    nearest = op.kind == "RESIZE_NEAREST_NEIGHBOR"
    aligned, half = op.option("align_corners"), op.option("half_pixel_centers")
    mode = "align_corners" if aligned else "half_pixel" if half else "asymmetric"
    _, height, width, channels = writer.shape(op.outputs[0])
    sizes = np.array([writer.shape(op.inputs[0])[0], channels, height, width])
    name = writer.tensor(op.outputs[0]).name
    rounding: dict[str, Any] = {"nearest_mode": "round_prefer_ceil" if aligned or half else "floor"} if nearest else {}
    writer.put(
        "Resize",
        [writer.get(op.inputs[0], True), "", "", writer.constant(f"{name}/sizes", sizes)],
        op.outputs[0],
        channels_first=True,
        mode="nearest" if nearest else "linear",
        coordinate_transformation_mode=mode,
        **rounding,
    )


def block_move(writer: OnnxWriter, op: Operator) -> None:
    """``DEPTH_TO_SPACE`` and ``SPACE_TO_DEPTH``; channels of a block follow each other."""
    size, taken = op.option("block_size"), writer.get(op.inputs[0], True)
    if op.kind == "DEPTH_TO_SPACE":
        writer.put("DepthToSpace", [taken], op.outputs[0], channels_first=True, blocksize=size, mode="DCR")
    else:
        writer.put("SpaceToDepth", [taken], op.outputs[0], channels_first=True, blocksize=size)
