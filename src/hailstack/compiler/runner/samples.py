"""The data that programs give a runner: arrays, dictionaries, files, folders, generators, data sets of TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.runner.vendor_errors import AccelerasInputsError, BadInputsShape

Sample: TypeAlias = NDArray[Any]
"""One input, without batch, channels last."""

Data: TypeAlias = Any
"""An array ``(n, …)``, ``{layer: array}``, the path of an ``.npy``, ``.npz`` or a folder of ``.npy`` files, a callable
that gives one of these, or something that yields samples (each alone, in a tuple with what belongs to it, or a
dictionary by layer)."""


def read_samples(data: Data, layers: Mapping[str, Sequence[int]]) -> Iterator[Mapping[str, Sample]]:
    """The samples in ``data``, one at a time, by input layer.

    Args:
        layers: input layers with their shapes, open batch first.

    Raises:
        BadInputsShape: a sample has another shape than its layer.
        AccelerasInputsError: the data are of no known kind, or name no input layer.
    """
    for sample in _walk(data, layers):
        yield {name: _fit(name, value, layers[name]) for name, value in sample.items()}


def _walk(data: Data, layers: Mapping[str, Sequence[int]]) -> Iterator[Mapping[str, Any]]:
    if isinstance(data, np.ndarray):
        return ({next(iter(layers)): row} for row in _rows(data, next(iter(layers.values()))))
    if isinstance(data, (str, Path)):
        return _walk_files(Path(data), layers)
    if isinstance(data, Mapping):
        return _walk_named(data, layers)
    if callable(data) and not isinstance(data, Iterable):
        return _walk(data(), layers)
    if isinstance(data, Iterable):
        return _walk_items(data, layers)
    message = f"data of type {type(data).__name__} cannot be read; give an array, a dictionary by layer, or a path"
    raise AccelerasInputsError(message)


def _rows(array: NDArray[Any], shape: Sequence[int]) -> Iterator[Sample]:
    """The samples of a batch; an array without a batch is one sample."""
    return iter(array[None] if array.ndim == len(shape) - 1 else array)


def _walk_files(path: Path, layers: Mapping[str, Sequence[int]]) -> Iterator[Mapping[str, Any]]:
    if path.is_dir():
        files = sorted(path.glob("*.npy"))
        if not files:
            message = f"{path} holds no .npy files to calibrate with"
            raise AccelerasInputsError(message)
        for file in files:
            yield from _walk(_load(file), layers)
    else:
        yield from _walk(_load(path), layers)


def _load(path: Path) -> Data:
    try:
        loaded = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read as .npy or .npz: {error}"
        raise AccelerasInputsError(message) from error
    return loaded if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}


def _walk_named(data: Mapping[str, Any], layers: Mapping[str, Sequence[int]]) -> Iterator[Mapping[str, Any]]:
    if len(data) == 1 and len(layers) == 1:
        return _walk_columns({next(iter(layers)): next(iter(data.values()))}, layers)
    short = {layer.rpartition("/")[2]: layer for layer in layers}
    named = {name if name in layers else short.get(name.rpartition("/")[2], ""): value for name, value in data.items()}
    if set(named) != set(layers):
        message = f"data for {', '.join(data)}, but the network's input layers are {', '.join(layers)}"
        raise AccelerasInputsError(message)
    return _walk_columns(named, layers)


def _walk_columns(data: Mapping[str, Any], layers: Mapping[str, Sequence[int]]) -> Iterator[Mapping[str, Any]]:
    columns = {name: _rows(np.asarray(value), layers[name]) for name, value in data.items()}
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _walk_items(items: Iterable[Any], layers: Mapping[str, Sequence[int]]) -> Iterator[Mapping[str, Any]]:
    for item in items:
        value = item[0] if isinstance(item, tuple) else item
        yield from _walk(value if isinstance(value, Mapping) else _as_array(value), layers)


def _as_array(value: Any) -> NDArray[Any]:
    numpy: Callable[[], Any] | None = getattr(value, "numpy", None)
    return np.asarray(value if numpy is None else numpy())


def _fit(layer: str, value: Any, shape: Sequence[int]) -> Sample:
    sample = _as_array(value)
    wanted = tuple(shape[1:])
    if sample.shape == wanted:
        return sample
    if sample.ndim == len(wanted) + 1 and sample.shape[0] == 1:
        return _fit(layer, sample[0], shape)
    if [size for size in sample.shape if size != 1] == [size for size in wanted if size != 1]:
        return sample.reshape(wanted)
    raise BadInputsShape(layer, wanted, sample.shape)
