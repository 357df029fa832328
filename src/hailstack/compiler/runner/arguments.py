"""The arguments that programs give a runner, in one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from hailstack.compiler.graph.read import read_onnx
from hailstack.compiler.runner.definitions import SUPPORTED_HW_ARCHS
from hailstack.compiler.runner.vendor_errors import InvalidArgumentsException, UnsupportedModelError
from hailstack.errors import ModelError, NotFoundError

Names: TypeAlias = Sequence[str] | str | None


def listed(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names or ())


def model_file(model: Path | str | None) -> Path:
    if model is None:
        raise InvalidArgumentsException("the path of the model is missing")
    path = Path(model)
    if not path.is_file():
        message = f"{path}: no such model file"
        raise NotFoundError(message)
    return path


def named_shapes(path: Path, shapes: Any) -> dict[str, Sequence[int]] | None:
    """Shapes by input; a bare list belongs to the inputs in their order. Start nodes inside keep what they have."""
    if not shapes:
        return None
    inputs = _input_names(path)
    if isinstance(shapes, Mapping):
        return {name: list(shape) for name, shape in shapes.items() if name in inputs and shape is not None}
    listed = [shapes] if isinstance(shapes[0], int) else shapes
    return {name: list(shape) for name, shape in zip(inputs, listed, strict=False)}


def _input_names(path: Path) -> list[str]:
    try:
        model = read_onnx(path)
    except ModelError as error:
        raise UnsupportedModelError(str(error)) from error
    constants = {tensor.name for tensor in model.graph.initializer}
    return [info.name for info in model.graph.input if info.name not in constants]


def known_chip(name: object) -> str | None:
    return str(name) if name in SUPPORTED_HW_ARCHS else None
