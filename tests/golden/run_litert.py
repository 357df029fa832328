"""Regenerates ``litert.npz``: what the reference runtime of TensorFlow Lite computes.

Run with ``pip install ai-edge-litert`` in an environment of its own, from the project's root::

    python tests/golden/run_litert.py [FOLDER OF REAL MODELS]

For each case the file holds the model, its inputs, and its outputs, dequantised. Operators are tried alone, and, where
they take maps, once more behind a pooling that changes nothing, because the importer then keeps channels first. Of
real models it holds every so many numbers of the outputs, for an input made from a seed.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

GOLDEN = Path(__file__).parent / "litert.npz"
KEPT_NUMBERS = 500
TYPES = {np.float32: 0, np.float16: 1, np.int32: 2, np.uint8: 3, np.int64: 4, np.int8: 9}
MAP = (1, 5, 6, 4)


@dataclass
class Case:
    """One operator. Operands are constants (arrays) or inputs (shapes)."""

    name: str
    kind: str
    operands: list
    options: dict = field(default_factory=dict)
    made: type = np.float32
    outputs: int = 1
    shape: tuple = (1,)
    """Of the outputs, where the reference does not find it out."""
    options_name: str | None = None


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).uniform(-2, 2, shape).round(1).astype(np.float32)


def whole(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def window(**more: int) -> dict:
    return {"padding": 0, "strideW": 1, "strideH": 1, **more}


def pool(**more: int) -> dict:
    return window(filterWidth=3, filterHeight=2, **more)


def dilated(**more: int) -> dict:
    return window(dilationWFactor=1, dilationHFactor=1, **more)


def convolutions() -> Iterator[Case]:
    kernel, bias, deep = numbers(7, 3, 2, 4), numbers(7), numbers(1, 3, 3, 8)
    yield Case("conv same", "CONV_2D", [MAP, kernel, bias], dilated())
    yield Case("conv strided relu6", "CONV_2D", [MAP, kernel, bias], {**dilated(strideW=2, strideH=2), **RELU6})
    yield Case("conv valid", "CONV_2D", [MAP, kernel, bias], dilated(padding=1, strideH=2))
    yield Case("conv dilated", "CONV_2D", [(1, 9, 9, 4), kernel, bias], window(dilationWFactor=2, dilationHFactor=3))
    yield Case("conv in groups", "CONV_2D", [MAP, numbers(6, 3, 3, 2), numbers(6)], dilated())
    options = {**dilated(strideW=2, strideH=2), "depthMultiplier": 2}
    yield Case("depthwise", "DEPTHWISE_CONV_2D", [MAP, deep, numbers(8)], {**options, "fusedActivationFunction": 1})
    yield Case("depthwise valid", "DEPTHWISE_CONV_2D", [MAP, deep, numbers(8)], {**options, "padding": 1})
    for size, padding, stride in ((10, 0, 2), (11, 1, 2), (12, 1, 2), (5, 0, 1), (15, 0, 3)):
        height = size + 2 if padding else size
        shape = whole(1, height, {10: 12, 11: 13, 12: 14, 5: 6, 15: 18}[size], 3)
        operands = [shape, numbers(3, 3, 3, 4), MAP]
        if padding:
            operands[0] = whole(1, (5 - 1) * stride + 3, (6 - 1) * stride + 3, 3)
        yield Case(
            f"transposed {size}", "TRANSPOSE_CONV", operands, window(padding=padding, strideW=stride, strideH=stride)
        )
    for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        yield Case(f"{kind} same", kind, [MAP], {**pool(), "strideW": 2})
        yield Case(f"{kind} valid", kind, [MAP], {**pool(), "padding": 1, **RELU6})
    yield Case("global pool", "AVERAGE_POOL_2D", [MAP], window(padding=1, filterWidth=6, filterHeight=5))
    yield Case("product", "FULLY_CONNECTED", [(1, 12), numbers(5, 12), numbers(5)], {"fusedActivationFunction": 1})
    yield Case("product of a map", "FULLY_CONNECTED", [MAP, numbers(5, 120), numbers(5)])
    kept = {"keepNumDims": True}
    yield Case("product of rows", "FULLY_CONNECTED", [(1, 3, 12), numbers(5, 12), numbers(5)], kept)
    for aligned, half in ((False, False), (True, False), (False, True)):
        options = {"alignCorners": aligned, "halfPixelCenters": half}
        for kind in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
            for size in ((10, 12), (8, 4)):
                yield Case(f"{kind} {aligned} {half} {size}", kind, [MAP, whole(*size)], options)
    yield Case("depth to space", "DEPTH_TO_SPACE", [(1, 3, 2, 12)], {"blockSize": 2})
    yield Case("space to depth", "SPACE_TO_DEPTH", [(1, 6, 4, 3)], {"blockSize": 2})


RELU6 = {"fusedActivationFunction": 3}


def arithmetic() -> Iterator[Case]:
    single = "ABS CEIL COS ELU EXP FLOOR HARD_SWISH LOGISTIC NEG RELU RELU6 RELU_N1_TO_1 SIN TANH SQUARE"
    for kind in single.split():
        yield Case(kind, kind, [MAP])
    yield Case("RELU_0_TO_1", "RELU_0_TO_1", [MAP])
    for approximate in (False, True):
        yield Case(f"gelu {approximate}", "GELU", [MAP], {"approximate": approximate})
    yield Case("leaky relu", "LEAKY_RELU", [MAP], {"alpha": 0.2})
    yield Case("prelu", "PRELU", [MAP, numbers(1, 1, 4)])
    for kind in ["ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"]:
        options = RELU6 if kind in ("ADD", "SUB", "MUL", "DIV") else {}
        yield Case(f"{kind} maps", kind, [MAP, MAP], options)
        yield Case(f"{kind} channels", kind, [MAP, numbers(4) + 3])
    yield Case("SUB single", "SUB", [numbers(1) + 3, MAP])
    yield Case("MUL column", "MUL", [MAP, numbers(1, 5, 1, 1) + 3])
    yield Case("vectors", "ADD", [(1, 5), (1, 5)])
    yield Case("map and row", "ADD", [MAP, (6, 4)])
    yield Case("power", "POW", [(1, 5), np.float32([2])])
    yield Case("softmax", "SOFTMAX", [MAP], {"beta": 1.0})
    yield Case("softmax scaled", "SOFTMAX", [(1, 7)], {"beta": 0.5})
    yield Case("log softmax", "LOG_SOFTMAX", [MAP])
    yield Case("l2", "L2_NORMALIZATION", [MAP], options_name="L2NormOptions")
    yield Case("floor division", "FLOOR_DIV", [(1, 5), np.float32([0.7])])
    yield Case("cast and back", "CAST", [MAP], {"inDataType": 0, "outDataType": 2}, np.int32)


def shaping() -> Iterator[Case]:
    yield Case("reshape", "RESHAPE", [MAP, whole(1, 30, 4)], {"newShape": [1, 30, 4]})
    yield Case("reshape to a map", "RESHAPE", [(1, 120), whole(*MAP)], {"newShape": list(MAP)})
    yield Case("reshape of one place", "RESHAPE", [(1, 1, 1, 6), whole(1, 6)], {"newShape": [1, 6]})
    yield Case("squeeze", "SQUEEZE", [(1, 1, 6, 4)], {"squeezeDims": [1]})
    yield Case("expand", "EXPAND_DIMS", [(1, 6, 4), whole(1)])
    for order in ((0, 3, 1, 2), (0, 2, 1, 3)):
        yield Case(f"transpose {order}", "TRANSPOSE", [MAP, whole(*order)])
    for axis in (1, 2, 3, -1):
        yield Case(f"concat {axis}", "CONCATENATION", [MAP, MAP], {"axis": axis})
    yield Case("concat rows", "CONCATENATION", [(1, 3, 4), (1, 5, 4)], {"axis": 1})
    pads = np.array([[0, 0], [1, 2], [0, 3], [2, 1]], np.int32)
    yield Case("pad", "PAD", [MAP, pads])
    yield Case("pad with a number", "PADV2", [MAP, pads, np.float32([1.5])])
    yield Case("mirror", "MIRROR_PAD", [MAP, pads], {"mode": 0})
    for kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
        for axes in ((1, 2), (3,), (1,), (2, 3)):
            for keep in (False, True):
                yield Case(
                    f"{kind} {axes} {keep}",
                    kind,
                    [MAP, whole(*axes)],
                    {"keepDims": keep},
                    options_name="ReducerOptions",
                )
    for axis in (3, 1, -1):
        yield Case(f"arg max {axis}", "ARG_MAX", [MAP, whole(axis)], {"outputType": 2}, np.int32)
    yield Case("arg max wide", "ARG_MAX", [MAP, whole(3)], {"outputType": 4}, np.int64)
    masks = {"beginMask": 0, "endMask": 0, "ellipsisMask": 0, "newAxisMask": 0, "shrinkAxisMask": 0}
    strided = [MAP, whole(0, 1, 0, 0), whole(1, 5, 6, 3), whole(1, 2, 3, 1)]
    yield Case("strided slice", "STRIDED_SLICE", strided, masks)
    yield Case("slice with open ends", "STRIDED_SLICE", strided, {**masks, "beginMask": 2, "endMask": 12})
    backwards = [MAP, whole(0, 4, 5, 3), whole(1, 0, 0, 0), whole(1, -1, -2, -1)]
    yield Case("slice backwards", "STRIDED_SLICE", backwards, {**masks, "endMask": 8})
    yield Case("slice that drops", "STRIDED_SLICE", strided, {**masks, "shrinkAxisMask": 5})
    last = [MAP, whole(0, -1, 0, 0), whole(1, 0, 6, 4), whole(1, 1, 1, 1)]
    yield Case("slice that drops all but the last", "STRIDED_SLICE", last, {**masks, "shrinkAxisMask": 2})
    yield Case("slice", "SLICE", [MAP, whole(0, 1, 2, 1), whole(1, 3, -1, 2)], shape=(1, 3, 4, 2))
    yield Case("split", "SPLIT", [whole(3), MAP], {"numSplits": 2}, outputs=2)
    yield Case("split rows", "SPLIT", [whole(2), MAP], {"numSplits": 3}, outputs=3)
    yield Case("pack", "PACK", [(1, 5, 4), (1, 5, 4)], {"valuesCount": 2, "axis": 2})
    yield Case("unpack", "UNPACK", [MAP], {"num": 5, "axis": 1}, outputs=5)
    yield Case("gather", "GATHER", [MAP, whole(3, 1, 1)], {"axis": 3, "batchDims": 0})
    yield Case("gather places", "GATHER_ND", [MAP, np.array([[0, 1, 2], [0, 4, 5]], np.int32)])
    yield Case("tile", "TILE", [MAP, whole(1, 2, 1, 3)])
    for turned in ((False, False), (True, False), (False, True)):
        left, right = ((2, 4, 3) if turned[0] else (2, 3, 4)), ((2, 5, 4) if turned[1] else (2, 4, 5))
        options = {"adjX": turned[0], "adjY": turned[1]}
        yield Case(f"matrices {turned}", "BATCH_MATMUL", [left, right], options, options_name="BatchMatMulOptions")


class Builder:
    """A model under construction, in the reference's own objects."""

    def __init__(self) -> None:
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.subgraphs = 3, [self.graph]
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []

    def tensor(self, name: str, shape: tuple, kind: type, data: np.ndarray | None = None) -> int:
        made = schema.TensorT()
        made.name, made.shape, made.type = name.encode(), list(shape), TYPES[kind]
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            made.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def operator(self, kind: str, inputs: list, outputs: list, options: dict, options_name: str | None = None) -> None:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
        self.model.operatorCodes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = len(self.model.operatorCodes) - 1, inputs, outputs
        name = options_name or options_of(kind)
        if name is not None:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            made.builtinOptions = getattr(schema, f"{name}T")()
            for key, value in options.items():
                setattr(made.builtinOptions, key, value)
        self.graph.operators.append(made)

    def bytes(self) -> bytes:
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def options_of(kind: str) -> str | None:
    special = {
        "AVERAGE_POOL_2D": "Pool2DOptions",
        "MAX_POOL_2D": "Pool2DOptions",
        "CONV_2D": "Conv2DOptions",
        "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
        "MAXIMUM": "MaximumMinimumOptions",
        "MINIMUM": "MaximumMinimumOptions",
    }
    name = special.get(kind, "".join(part.capitalize() for part in kind.split("_")) + "Options")
    return name if hasattr(schema, f"{name}T") else None


def build(case: Case, pooled: bool) -> bytes:
    """The model of a case; the shapes of its outputs are asked of the reference."""
    builder, operands = Builder(), []
    for i, operand in enumerate(case.operands):
        if isinstance(operand, np.ndarray):
            operands.append(builder.tensor(f"constant{i}", operand.shape, operand.dtype.type, operand))
            continue
        place = builder.tensor(f"input{i}", operand, np.float32)
        builder.graph.inputs.append(place)
        if pooled and len(operand) == 4:
            kept = builder.tensor(f"pooled{i}", operand, np.float32)
            builder.operator("MAX_POOL_2D", [place], [kept], window(filterWidth=1, filterHeight=1))
            place = kept
        operands.append(place)
    outputs = [builder.tensor(f"output{i}", case.shape, case.made) for i in range(case.outputs)]
    builder.graph.outputs = outputs
    builder.operator(case.kind, operands, outputs, case.options, case.options_name)
    interpreter = Interpreter(model_content=builder.bytes())
    interpreter.allocate_tensors()
    interpreter.invoke()
    for place, detail in zip(outputs, interpreter.get_output_details(), strict=True):
        builder.graph.tensors[place].shape = [int(size) for size in interpreter.get_tensor(detail["index"]).shape]
    return builder.bytes()


def run(model: bytes, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Inputs made from a seed, as real numbers, and the outputs, dequantised."""
    interpreter, rng, inputs = Interpreter(model_content=model), np.random.default_rng(seed), []
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        kind, shape = detail["dtype"], tuple(int(size) for size in detail["shape"])
        raw = rng.uniform(-1, 1, shape).round(2).astype(np.float32) if kind == np.float32 else picture(shape, kind)
        interpreter.set_tensor(detail["index"], raw)
        inputs.append(real(raw, detail))
    interpreter.invoke()
    return inputs, [real(interpreter.get_tensor(d["index"]), d) for d in interpreter.get_output_details()]


def picture(shape: tuple, kind: type) -> np.ndarray:
    """A smooth picture: integer networks round noise away."""
    rows, columns = np.mgrid[: shape[1], : shape[2]]
    planes = [127 + 100 * np.sin(columns / 17 + k) * np.cos(rows / 23 - k) for k in range(shape[3])]
    return (np.stack(planes, -1)[None].round() + (-128 if kind == np.int8 else 0)).astype(kind)


def real(raw: np.ndarray, detail: dict) -> np.ndarray:
    scale, zero = detail["quantization"]
    return ((raw.astype(np.float32) - zero) * scale).astype(np.float32) if scale else raw


def with_known_operators(data: bytes) -> bytes:
    """MediaPipe's transposed convolution, which the reference lacks, as the standard one."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
    graph = model.subgraphs[0]
    for index, code in enumerate(model.operatorCodes):
        if code.customCode == b"Convolution2DTransposeBias":
            code.customCode, code.builtinCode, code.deprecatedBuiltinCode, code.version = None, 67, 67, 3
            for op in (op for op in graph.operators if op.opcodeIndex == index):
                _standardise(model, graph, op)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _standardise(model: schema.ModelT, graph: schema.SubGraphT, op: schema.OperatorT) -> None:
    padding, stride_w, stride_h = struct.unpack_from("<3i", bytes(op.customOptions))
    op.builtinOptions, op.builtinOptionsType = (
        schema.TransposeConvOptionsT(),
        schema.BuiltinOptions.TransposeConvOptions,
    )
    op.builtinOptions.padding = 0 if padding == 1 else 1
    op.builtinOptions.strideW, op.builtinOptions.strideH, op.customOptions = stride_w, stride_h, None
    buffer, shape = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(np.array(graph.tensors[op.outputs[0]].shape, np.int32).tobytes(), np.uint8)
    model.buffers.append(buffer)
    shape.shape, shape.type, shape.buffer, shape.name = [4], 2, len(model.buffers) - 1, b"shape"
    graph.tensors.append(shape)
    op.inputs = [len(graph.tensors) - 1, op.inputs[1], op.inputs[0], op.inputs[2]]


def main() -> None:
    kept: dict[str, np.ndarray] = {}
    if GOLDEN.exists():  # real models that are not at hand stay as they were
        kept.update({key: value for key, value in np.load(GOLDEN).items() if key.startswith("real/")})
    for case in (*convolutions(), *arithmetic(), *shaping()):
        maps = any(not isinstance(operand, np.ndarray) and len(operand) == 4 for operand in case.operands)
        for pooled in (False, True) if maps else (False,):
            model = build(case, pooled)
            inputs, outputs = run(model)
            key = f"operator/{case.name}{' behind a pool' if pooled else ''}"
            kept[f"{key}/model"] = np.frombuffer(model, np.uint8)
            kept.update({f"{key}/input{i}": value for i, value in enumerate(inputs)})
            kept.update({f"{key}/output{i}": value for i, value in enumerate(outputs)})
    kept["refused/ROUND/model"] = np.frombuffer(build(Case("round", "ROUND", [MAP]), False), np.uint8)
    for path in sorted(Path(sys.argv[1]).glob("*.tflite")) if len(sys.argv) > 1 else ():
        for i, value in enumerate(run(with_known_operators(path.read_bytes()))[1]):
            kept[f"real/{path.stem}/output{i}"] = value.reshape(-1)[:: max(value.size // KEPT_NUMBERS, 1)]
    np.savez_compressed(GOLDEN, **kept)


if __name__ == "__main__":
    main()
