"""A TensorFlow Lite file as tensors and operators."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.graph.tflite.flatbuffer import Table
from hailstack.compiler.graph.tflite.schema import CUSTOM, IDENTIFIER, OPERATORS, OPTIONS, TYPES
from hailstack.errors import ModelError, NotFoundError


@dataclass(frozen=True, slots=True)
class Quantisation:
    """``real = (integer - zero_point) * scale``, one of each or one for each place along ``axis``."""

    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    axis: int

    def dequantise(self, integers: NDArray[np.generic]) -> NDArray[np.float32]:
        """The real numbers that integers stand for."""
        shape = [1] * integers.ndim
        if self.scales.size > 1:
            shape[self.axis] = self.scales.size
        zero = self.zero_points.reshape(shape) if self.zero_points.size == self.scales.size else self.zero_points
        real = (integers.astype(np.float64) - zero) * self.scales.astype(np.float64).reshape(shape)
        return real.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Tensor:
    """What is written about one tensor."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    quantisation: Quantisation | None
    data: NDArray[np.generic] | None
    """The numbers of a constant, as they are written."""

    @property
    def real(self) -> bool:
        """Whether it stands for real numbers."""
        return self.quantisation is not None or np.issubdtype(self.dtype, np.floating)

    @property
    def value(self) -> NDArray[np.generic] | None:
        """The numbers of a constant, real ones as float32."""
        if self.data is None or not self.real:
            return self.data
        return self.data.astype(np.float32) if self.quantisation is None else self.quantisation.dequantise(self.data)


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of the network. Absent operands are -1."""

    kind: str
    """As in the schema; for custom ones their own name."""
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, float]
    custom: bytes = b""
    """Options of a custom operator."""

    def option(self, name: str) -> int:
        """An option that is a whole number."""
        return int(self.options[name])


@dataclass(frozen=True, slots=True)
class TfliteFile:
    """The first network of a file; tensors are referred to by their place."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def is_tflite(path: Path) -> bool:
    """Whether a file calls itself TensorFlow Lite, by its name or its first bytes."""
    if path.suffix == ".tflite":
        return True
    try:
        with path.open("rb") as file:
            return file.read(8)[4:] == IDENTIFIER
    except OSError:
        return False


def read_tflite(path: Path) -> TfliteFile:
    """The network in a file.

    Raises:
        NotFoundError: there is no such file.
        ModelError: it is not TensorFlow Lite, is cut off, or uses types of tensors that are not imported.
    """
    if not path.is_file():
        message = f"{path}: no such TensorFlow Lite file"
        raise NotFoundError(message)
    data = path.read_bytes()
    if data[4:8] != IDENTIFIER:
        message = f"{path}: not a TensorFlow Lite model"
        raise ModelError(message)
    try:
        return _parse(Table.root(data), str(path))
    except (struct.error, ValueError, IndexError) as error:
        if isinstance(error, ModelError):
            raise
        message = f"{path}: a TensorFlow Lite model that is cut off or damaged: {error}"
        raise ModelError(message) from error


def _parse(model: Table, source: str) -> TfliteFile:
    graph, buffers = model.tables(2)[0], model.tables(4)
    kinds = [_kind(code) for code in model.tables(1)]
    names: dict[str, int] = {}
    tensors = tuple(_tensor(table, buffers, names, source) for table in graph.tables(0))
    operators = tuple(_operator(table, kinds) for table in graph.tables(3))
    inputs, outputs = (tuple(int(i) for i in graph.array(slot, np.dtype(np.int32))) for slot in (1, 2))
    used = [place for op in operators for place in (*op.inputs, *op.outputs) if place >= 0]
    if not outputs or max((*used, *inputs, *outputs)) >= len(tensors) or min((*inputs, *outputs)) < 0:
        message = "it refers to tensors that it does not have"
        raise ValueError(message)
    return TfliteFile(tensors, operators, inputs, outputs)


def _kind(code: Table) -> str:
    """The operator's number moved to a wider field when 127 were used up."""
    number = max(code.whole(0, "b"), code.whole(3, "i"))
    if number == CUSTOM:
        return code.text(1) or "CUSTOM"
    return OPERATORS[number] if 0 <= number < len(OPERATORS) else f"operator {number}"


def _tensor(table: Table, buffers: list[Table], names: dict[str, int], source: str) -> Tensor:
    name = table.text(3) or "tensor"
    names[name] = names.get(name, 0) + 1
    unique = name if names[name] == 1 else f"{name}_{names[name]}"
    dtype = TYPES.get(table.whole(1, "b"))
    if dtype is None or table.table(6) is not None:
        what = "sparse weights" if dtype is not None else f"tensors of type {table.whole(1, 'b')}"
        message = f"{source}: tensor {name!r}: {what} cannot be imported; export the model without them"
        raise ModelError(message)
    shape = tuple(int(size) for size in table.array(0, np.dtype(np.int32)))
    data = buffers[table.whole(2, "I")].array(0, np.dtype(np.uint8))
    value = np.frombuffer(data.tobytes(), dtype).reshape(shape) if data.size else None
    return Tensor(unique, shape, dtype, _quantisation(table.table(4)), value)


def _quantisation(table: Table | None) -> Quantisation | None:
    if table is None:
        return None
    scales = table.array(2, np.dtype(np.float32)).astype(np.float32)
    zero_points = table.array(3, np.dtype(np.int64)).astype(np.int64)
    return Quantisation(scales, zero_points, table.whole(6, "i")) if scales.size else None


def _operator(table: Table, kinds: list[str]) -> Operator:
    kind, written = kinds[table.whole(0, "I")], table.table(4)
    fields = OPTIONS.get(kind, {})
    options = {
        name: default if written is None else written.scalar(slot, letter, default)
        for name, (slot, letter, default) in fields.items()
    }
    inputs, outputs = (tuple(int(i) for i in table.array(slot, np.dtype(np.int32))) for slot in (1, 2))
    return Operator(kind, inputs, outputs, options, table.array(5, np.dtype(np.uint8)).tobytes())
