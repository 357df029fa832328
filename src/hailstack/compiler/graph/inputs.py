"""What goes into the network: one picture at a time, every size fixed, real numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

import onnx
from onnx import TensorProto

from hailstack.compiler.graph.structure import Scaling, attribute
from hailstack.errors import ConfigError, ModelError

USUAL_SIDE = 640
"""Height and width in the example that an error gives."""

OLDEST_IR, NEWEST_IR = 4, 10
"""Versions of the file format: the first whose weights are no inputs, and that of operator set 22."""

LARGEST_INPUT = 2**28
"""Numbers in one input; a picture of 8192 x 8192 in four channels has that many."""

INTEGERS = (TensorProto.UINT8, TensorProto.INT8)


def drop_constant_inputs(model: onnx.ModelProto) -> None:
    """Older exporters list the weights among the inputs, as the file format demanded before its version 4.

    Newer versions than engines know are written as one that they know: operators are versioned on their own.
    """
    model.ir_version = min(max(model.ir_version, OLDEST_IR), NEWEST_IR)
    constants = {tensor.name for tensor in model.graph.initializer}
    real = [info for info in model.graph.input if info.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(real)


def fix_inputs(model: onnx.ModelProto, source: str, given: Mapping[str, Sequence[int]]) -> int:
    """Write a fixed shape on every input; gives the batch that the file was made for.

    An open batch becomes 1, and so does a larger one of pictures. Open sizes are taken from ``given``, else from what
    the Ultralytics exporter notes in the file (``imgsz``).

    Raises:
        ConfigError: ``given`` names no input, or another size than the file fixes.
        ModelError: a size stays open.
    """
    inputs = {info.name: info for info in model.graph.input}
    for name in given:
        if name not in inputs:
            message = f"{source}: has no input {name!r} to give a shape; its inputs are {', '.join(inputs)}"
            raise ConfigError(message)
    batch = max((_batch(info) for info in inputs.values()), default=1)
    noted = _noted_size(model)
    for info in inputs.values():
        shape = _fit(info, source, given[info.name]) if info.name in given else _close(info, batch, noted)
        if None in shape or not shape:
            raise ModelError(_open_message(info, source))
        sizes = [size or 0 for size in shape]
        if math.prod(sizes) > LARGEST_INPUT:
            message = f"{source}: input {info.name!r} of {'x'.join(map(str, sizes))} is too large to be a picture"
            raise ModelError(message)
        del info.type.tensor_type.shape.dim[:]
        for size in sizes:
            info.type.tensor_type.shape.dim.add().dim_value = size
    for info in model.graph.output:  # they follow from the inputs; what the exporter wrote may name another batch
        info.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    return batch


def take_reals(model: onnx.ModelProto) -> Mapping[str, Scaling]:
    """Let inputs of 8-bit integers take the same numbers as floats; gives what these are to pixels.

    Only where every reader turns them into floats anyhow. Signed integers are pixels with 128 taken away.
    """
    changed = {}
    for info in model.graph.input:
        readers = [node for node in model.graph.node if info.name in node.input]
        if info.type.tensor_type.elem_type in INTEGERS and readers and all(map(_makes_real, readers)):
            signed = info.type.tensor_type.elem_type == TensorProto.INT8
            info.type.tensor_type.elem_type = TensorProto.FLOAT
            changed[info.name] = Scaling(128.0 if signed else 0.0, 1.0)
    return changed


def _makes_real(node: onnx.NodeProto) -> bool:
    return node.op_type == "Cast" and attribute(node, "to") == TensorProto.FLOAT


def _sizes(info: onnx.ValueInfoProto) -> list[int | None]:
    """The written shape, None for open sizes."""
    dims = info.type.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in dims]


def _batch(info: onnx.ValueInfoProto) -> int:
    sizes = _sizes(info)
    return (sizes[0] or 1) if len(sizes) == 4 else 1


def _close(info: onnx.ValueInfoProto, batch: int, noted: tuple[int, int] | None) -> list[int | None]:
    sizes = _sizes(info)
    if len(sizes) > 1 and sizes[0] in (None, batch):
        sizes[0] = 1
    if len(sizes) == 4 and noted is not None and sizes[2:] == [None, None]:
        sizes[2:] = noted
    return sizes


def _fit(info: onnx.ValueInfoProto, source: str, wanted: Sequence[int]) -> list[int | None]:
    sizes = _sizes(info)
    text = "x".join(map(str, wanted))
    if any(size < 1 for size in wanted) or (sizes and len(wanted) != len(sizes)):
        message = f"{source}: input {info.name!r} has the shape {_text(info)}, which cannot become {text}"
        raise ConfigError(message)
    for place, (size, want) in enumerate(zip(sizes, wanted, strict=False)):
        if size not in (None, want) and place > 0:
            message = (
                f"{source}: input {info.name!r} is fixed to {_text(info)} in the file and cannot become {text}; "
                "export the model with that size"
            )
            raise ConfigError(message)
    if sizes and wanted[0] != 1 and len(wanted) > 1 and sizes[0] != wanted[0]:
        message = f"{source}: input {info.name!r} cannot become {text}: networks take one picture at a time"
        raise ConfigError(message)
    return list(wanted)


def _open_message(info: onnx.ValueInfoProto, source: str) -> str:
    sizes = _sizes(info)
    example = "x".join(str(size or (USUAL_SIDE if i > 1 else 3 if i else 1)) for i, size in enumerate(sizes))
    return (
        f"{source}: input {info.name!r} has the open shape {_text(info) or '(none)'}; "
        f"say its size, for example --input-shape {info.name}={example or '1x3x640x640'}"
    )


def _text(info: onnx.ValueInfoProto) -> str:
    return "x".join(dim.dim_param or str(dim.dim_value or "?") for dim in info.type.tensor_type.shape.dim)


def _noted_size(model: onnx.ModelProto) -> tuple[int, int] | None:
    """Height and width in the notes of an Ultralytics export, ``[640, 640]``."""
    notes = {entry.key: entry.value for entry in model.metadata_props}
    try:
        size = json.loads(notes.get("imgsz", ""))
    except json.JSONDecodeError:
        return None
    match size:
        case [int(height), int(width)] if height > 0 and width > 0:
            return height, width
    return None
