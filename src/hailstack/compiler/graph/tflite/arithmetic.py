"""Operators that work on each number, or along one axis: they run in the layout that their operands are in."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from hailstack.compiler.graph.tflite.file import Operator
from hailstack.compiler.graph.tflite.writer import TO_FIRST, OnnxWriter

ONE_OPERAND = {
    "ABS": "Abs",
    "CEIL": "Ceil",
    "COS": "Cos",
    "ELU": "Elu",
    "EXP": "Exp",
    "FLOOR": "Floor",
    "HARD_SWISH": "HardSwish",
    "LOG": "Log",
    "LOGISTIC": "Sigmoid",
    "NEG": "Neg",
    "RELU": "Relu",
    "SIN": "Sin",
    "SQRT": "Sqrt",
    "TANH": "Tanh",
}

TWO_OPERANDS = {
    "ADD": "Add",
    "DIV": "Div",
    "MAXIMUM": "Max",
    "MINIMUM": "Min",
    "MUL": "Mul",
    "POW": "Pow",
    "PRELU": "PRelu",
    "SUB": "Sub",
}

CLIPPED = {"RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0), "RELU_0_TO_1": (0.0, 1.0)}

SMALLEST_NORM = 1e-6
"""``L2_NORMALIZATION`` divides by no less."""


def layout(writer: OnnxWriter, op: Operator) -> bool:
    """Whether an operator runs with channels first: some operand is there so, and none has other axes."""
    moving = [place for place in op.inputs if place >= 0 and writer.value(place) is None]
    shaped = all(len(writer.shape(place)) == 4 for place in (*moving, *op.outputs))
    return shaped and any(writer.is_first(place) for place in moving)


def axis_in(axis: int, rank: int, channels_first: bool) -> int:
    """Where an axis of the file lies in a layout."""
    return TO_FIRST.index(axis % rank) if channels_first and rank == 4 else axis % rank


def one_operand(writer: OnnxWriter, op: Operator) -> None:
    first = layout(writer, op)
    writer.put(ONE_OPERAND[op.kind], [writer.get(op.inputs[0], first)], op.outputs[0], channels_first=first)


def two_operands(writer: OnnxWriter, op: Operator) -> None:
    first = layout(writer, op)
    operands = [operand(writer, place, first) for place in op.inputs]
    activation = op.option("activation") if "activation" in op.options else 0
    writer.put(TWO_OPERANDS[op.kind], operands, op.outputs[0], channels_first=first, activation=activation)


def operand(writer: OnnxWriter, place: int, channels_first: bool) -> str:
    """A tensor as an operand that is stretched to the others' shape: constants of fewer axes meet the right ones."""
    value = writer.value(place)
    if value is None or not channels_first or value.size == 1:
        return writer.get(place, channels_first)
    turned = value.reshape((1,) * (4 - value.ndim) + value.shape).transpose(TO_FIRST)
    return writer.constant(
        f"{writer.tensor(place).name}/channels_first", turned[0] if turned.shape[0] == 1 else turned
    )


def clipped(writer: OnnxWriter, op: Operator) -> None:
    first, limits = layout(writer, op), [writer.constant(f"limit_{number:g}", number) for number in CLIPPED[op.kind]]
    writer.put("Clip", [writer.get(op.inputs[0], first), *limits], op.outputs[0], channels_first=first)


def leaky_relu(writer: OnnxWriter, op: Operator) -> None:
    first = layout(writer, op)
    taken, alpha = [writer.get(op.inputs[0], first)], float(op.options["alpha"])
    writer.put("LeakyRelu", taken, op.outputs[0], channels_first=first, alpha=alpha)


def gelu(writer: OnnxWriter, op: Operator) -> None:
    """As exporters write it: ``x * (1 + erf(x / sqrt(2))) * 0.5``, or with the hyperbolic tangent in place of erf."""
    first, name = layout(writer, op), writer.tensor(op.outputs[0]).name
    taken, half, one = writer.get(op.inputs[0], first), writer.constant("half", 0.5), writer.constant("one", 1.0)
    if op.option("approximate"):
        cube = writer.node("Pow", [taken, writer.constant("three", 3.0)], f"{name}/cube")
        small = writer.node("Mul", [cube, writer.constant("gelu_cubic", 0.044715)], f"{name}/small")
        total = writer.node("Add", [taken, small], f"{name}/sum")
        inner = writer.node("Mul", [total, writer.constant("gelu_factor", float(np.sqrt(2 / np.pi)))], f"{name}/inner")
        bent = writer.node("Tanh", [inner], f"{name}/tanh")
    else:
        inner = writer.node("Div", [taken, writer.constant("root_two", float(np.sqrt(2)))], f"{name}/inner")
        bent = writer.node("Erf", [inner], f"{name}/erf")
    lifted = writer.node("Add", [bent, one], f"{name}/lifted")
    scaled = writer.node("Mul", [taken, lifted], f"{name}/scaled")
    writer.put("Mul", [scaled, half], op.outputs[0], channels_first=first)


def square(writer: OnnxWriter, op: Operator) -> None:
    first = layout(writer, op)
    writer.put("Mul", [writer.get(op.inputs[0], first)] * 2, op.outputs[0], channels_first=first)


def squared_difference(writer: OnnxWriter, op: Operator) -> None:
    first, name = layout(writer, op), writer.tensor(op.outputs[0]).name
    gap = writer.node("Sub", [operand(writer, place, first) for place in op.inputs], f"{name}/difference")
    writer.put("Mul", [gap, gap], op.outputs[0], channels_first=first)


def inverse_root(writer: OnnxWriter, op: Operator) -> None:
    first, name = layout(writer, op), writer.tensor(op.outputs[0]).name
    root = writer.node("Sqrt", [writer.get(op.inputs[0], first)], f"{name}/root")
    writer.put("Reciprocal", [root], op.outputs[0], channels_first=first)


def floor_division(writer: OnnxWriter, op: Operator) -> None:
    """Rounded down; ONNX's own division of whole numbers rounds towards zero."""
    first, name = layout(writer, op), writer.tensor(op.outputs[0]).name
    numerator, denominator = (operand(writer, place, first) for place in op.inputs)
    if writer.tensor(op.outputs[0]).real:
        quotient = writer.node("Div", [numerator, denominator], f"{name}/quotient")
        writer.put("Floor", [quotient], op.outputs[0], channels_first=first)
        return
    rest = writer.node("Mod", [numerator, denominator], f"{name}/rest")
    even = writer.node("Sub", [numerator, rest], f"{name}/even")
    writer.put("Div", [even, denominator], op.outputs[0], channels_first=first)


def softmax(writer: OnnxWriter, op: Operator) -> None:
    """``SOFTMAX`` and ``LOG_SOFTMAX`` over the last axis of the file."""
    first, rank = layout(writer, op), len(writer.shape(op.inputs[0]))
    taken, beta = writer.get(op.inputs[0], first), float(op.options.get("beta", 1.0))
    if beta != 1.0:
        name = f"{writer.tensor(op.outputs[0]).name}/scaled"
        taken = writer.node("Mul", [taken, writer.constant(f"beta_{beta:g}", beta)], name)
    kind, axis = "Softmax" if op.kind == "SOFTMAX" else "LogSoftmax", axis_in(-1, rank, first)
    writer.put(kind, [taken], op.outputs[0], channels_first=first, axis=axis)


def normalisation(writer: OnnxWriter, op: Operator) -> None:
    """``L2_NORMALIZATION`` over the last axis of the file."""
    first, rank = layout(writer, op), len(writer.shape(op.inputs[0]))
    taken, name = writer.get(op.inputs[0], first), writer.tensor(op.outputs[0]).name
    norm = writer.node("ReduceL2", [taken], f"{name}/norm", axes=[axis_in(-1, rank, first)], keepdims=1)
    floor = writer.node("Max", [norm, writer.constant("smallest_norm", SMALLEST_NORM)], f"{name}/floor")
    writer.put("Div", [taken, floor], op.outputs[0], channels_first=first, activation=op.option("activation"))


def cast(writer: OnnxWriter, op: Operator) -> None:
    first, made = layout(writer, op), writer.tensor(op.outputs[0])
    kind = TensorProto.FLOAT if made.real else helper.np_dtype_to_tensor_dtype(made.dtype)
    writer.put("Cast", [writer.get(op.inputs[0], first)], op.outputs[0], channels_first=first, to=kind)


def same_numbers(writer: OnnxWriter, op: Operator) -> None:
    """``QUANTIZE`` and ``DEQUANTIZE``: integers and reals are one in the float network."""
    writer.alias(op.inputs[0], op.outputs[0])
