"""A TensorFlow Lite file becomes an ONNX model of the same float function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from hailstack.compiler.graph.structure import Scaling
from hailstack.compiler.graph.tflite import arithmetic, layers, shaping
from hailstack.compiler.graph.tflite.file import Operator, Tensor, TfliteFile, read_tflite
from hailstack.compiler.graph.tflite.writer import OnnxWriter
from hailstack.errors import ModelError

OPSET, IR_VERSION = 17, 8

Import = Callable[[OnnxWriter, Operator], None]

IMPORTS: Mapping[str, Import] = {
    **dict.fromkeys(arithmetic.ONE_OPERAND, arithmetic.one_operand),
    **dict.fromkeys(arithmetic.TWO_OPERANDS, arithmetic.two_operands),
    **dict.fromkeys(arithmetic.CLIPPED, arithmetic.clipped),
    **dict.fromkeys(shaping.REDUCTIONS, shaping.reduce),
    "ARG_MAX": shaping.arg_max,
    "AVERAGE_POOL_2D": layers.pooling,
    "BATCH_MATMUL": shaping.matrix_product,
    "CAST": arithmetic.cast,
    "CONCATENATION": shaping.concatenate,
    "CONV_2D": layers.convolution,
    "Convolution2DTransposeBias": layers.mediapipe_transposed_convolution,
    "DEPTHWISE_CONV_2D": layers.depthwise_convolution,
    "DEPTH_TO_SPACE": layers.block_move,
    "DEQUANTIZE": arithmetic.same_numbers,
    "EXPAND_DIMS": shaping.reshape,
    "FLOOR_DIV": arithmetic.floor_division,
    "FULLY_CONNECTED": layers.product,
    "GATHER": shaping.gather,
    "GATHER_ND": shaping.gather_places,
    "GELU": arithmetic.gelu,
    "L2_NORMALIZATION": arithmetic.normalisation,
    "LEAKY_RELU": arithmetic.leaky_relu,
    "LOG_SOFTMAX": arithmetic.softmax,
    "MAX_POOL_2D": layers.pooling,
    "MIRROR_PAD": shaping.pad,
    "PACK": shaping.pack,
    "PAD": shaping.pad,
    "PADV2": shaping.pad,
    "QUANTIZE": arithmetic.same_numbers,
    "RESHAPE": shaping.reshape,
    "RESIZE_BILINEAR": layers.resizing,
    "RESIZE_NEAREST_NEIGHBOR": layers.resizing,
    "RSQRT": arithmetic.inverse_root,
    "SLICE": shaping.plain_slice,
    "SOFTMAX": arithmetic.softmax,
    "SPACE_TO_DEPTH": layers.block_move,
    "SPLIT": shaping.split,
    "SQUARE": arithmetic.square,
    "SQUARED_DIFFERENCE": arithmetic.squared_difference,
    "SQUEEZE": shaping.reshape,
    "STRIDED_SLICE": shaping.strided_slice,
    "TILE": shaping.tile,
    "TRANSPOSE": shaping.transpose,
    "TRANSPOSE_CONV": layers.transposed_convolution,
    "UNPACK": shaping.unpack,
}
"""Operator → what writes it."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The model, and what its integer inputs stand for."""

    model: onnx.ModelProto
    scalings: Mapping[str, Scaling]


def import_tflite(path: Path) -> Imported:
    """The float network in a TensorFlow Lite file, inputs and outputs as there: channels last, the same names.

    A network of integers becomes the float network that they stand for: weights and biases are dequantised, the
    rounding of activations is left out.

    Raises:
        NotFoundError: there is no such file.
        ModelError: it is no such file, or has operators that cannot be imported; all of them are named.
    """
    file, source = read_tflite(path), str(path)
    _check_operators(file, source)
    writer = OnnxWriter(file, source)
    writer.last.update({place: file.tensors[place].name for place in file.inputs})
    for number, op in enumerate(file.operators):
        try:
            IMPORTS[op.kind](writer, op)
        except ModelError:
            raise
        except (IndexError, KeyError, ValueError, ZeroDivisionError) as error:
            message = (
                f"{source}: operator {number}, {op.kind}, is damaged or of a form that cannot be imported: {error!r}"
            )
            raise ModelError(message) from error
    quantised = [file.tensors[place] for place in file.inputs if file.tensors[place].quantisation is not None]
    return Imported(_model(writer, path.stem), {tensor.name: _scaling(tensor) for tensor in quantised})


def _scaling(tensor: Tensor) -> Scaling:
    """Integers are pixels as they come; signed ones are pixels with 128 taken away."""
    assert tensor.quantisation is not None
    zero, scale = float(tensor.quantisation.zero_points[0]), float(tensor.quantisation.scales[0])
    return Scaling(zero + (128.0 if tensor.dtype == np.int8 else 0.0), 1.0 / scale)


def _check_operators(file: TfliteFile, source: str) -> None:
    counts = Counter(op.kind for op in file.operators if op.kind not in IMPORTS)
    if counts:
        kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        message = (
            f"{source}: TensorFlow Lite operators that cannot be imported: {kinds}; export the model without them"
        )
        raise ModelError(message)


def _model(writer: OnnxWriter, name: str) -> onnx.ModelProto:
    file = writer.file
    try:
        names = [writer.get(place, False) for place in file.outputs]
    except KeyError as error:
        message = f"{writer.source}: output {writer.tensor(error.args[0]).name!r} is made by no operator"
        raise ModelError(message) from error
    taken = [_declare(writer, place, writer.last[place]) for place in file.inputs]
    given = [_declare(writer, place, name) for place, name in zip(file.outputs, names, strict=True)]
    graph = helper.make_graph(writer.nodes, name, taken, given, list(writer.constants.values()))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _declare(writer: OnnxWriter, place: int, name: str) -> onnx.ValueInfoProto:
    tensor = writer.tensor(place)
    kind = TensorProto.FLOAT if tensor.real else helper.np_dtype_to_tensor_dtype(tensor.dtype)
    return helper.make_tensor_value_info(name, kind, tensor.shape)
