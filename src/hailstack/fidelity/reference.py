"""What the HEF is held against: the original ONNX network, and what the training side recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from hailstack.compiler.endnodes.selections import behind_selections
from hailstack.compiler.graph.model import Graph, load_graph, open_session, session_options
from hailstack.compiler.graph.read import read_onnx
from hailstack.compiler.graph.session import NUMPY_TYPES, REFUSALS
from hailstack.compiler.graph.tflite.file import is_tflite
from hailstack.compiler.notes import metadata_of, parse_names
from hailstack.errors import ConfigError, ModelError, NotFoundError

Array = NDArray[np.float32]
OUTPUT_PREFIX = "output:"


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What the training framework saw and said for some pictures."""

    files: tuple[str, ...]
    """Names of the pictures, without folders."""
    inputs: Array
    """``(n, c, h, w)`` as it entered the network: resized, in its channel order, normalised."""
    outputs: Mapping[str, Array]
    """Output name of the ONNX model → ``(n, …)``."""
    labels: tuple[str, ...] = ()


def read_recording(path: Path) -> Recording:
    """A recording from an ``.npz``: ``files``, ``inputs``, ``output:NAME`` for each output, ``labels`` if any.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: an array is missing, or their lengths differ.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except FileNotFoundError as error:
        message = f"{path}: no such recording"
        raise NotFoundError(message) from error
    except (ValueError, OSError) as error:
        message = f"{path}: not a readable .npz of plain arrays: {error}"
        raise ConfigError(message) from error
    for name in ("files", "inputs"):
        if name not in found:
            message = f"{path}: the array {name!r} is missing; it has {', '.join(sorted(found)) or 'none'}"
            raise ConfigError(message)
    outputs = {
        name.removeprefix(OUTPUT_PREFIX): np.asarray(value, np.float32)
        for name, value in found.items()
        if name.startswith(OUTPUT_PREFIX)
    }
    files = tuple(Path(str(name)).name for name in found["files"])
    for name, value in {"inputs": found["inputs"], **outputs}.items():
        if len(value) != len(files):
            message = f"{path}: {name!r} has {len(value)} rows, but there are {len(files)} files"
            raise ConfigError(message)
    labels = tuple(map(str, found.get("labels", ())))
    return Recording(files, np.asarray(found["inputs"], np.float32), outputs, labels)


class Original:
    """The network as it was exported, ONNX or TensorFlow Lite.

    Raises:
        NotFoundError: there is no such file.
        ModelError: onnxruntime cannot run it, or it takes more than one input.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            message = f"{path}: no such model"
            raise NotFoundError(message)
        self._model = load_graph(path).model if is_tflite(path) else read_onnx(path)
        self._session = _open(path, self._model)
        if len(self._session.get_inputs()) != 1:
            message = f"{path}: takes {len(self._session.get_inputs())} inputs; the ladder feeds one picture"
            raise ModelError(message)
        self.path = path
        self.outputs = tuple(output.name for output in self._session.get_outputs())
        self._input = self._session.get_inputs()[0]

    @property
    def selected(self) -> frozenset[str]:
        """Outputs that hang on what the network picked itself (NMS, top-k): a rounding may exchange rows of them."""
        return behind_selections(Graph(self._model, str(self.path))).intersection(self.outputs)

    def labels(self) -> tuple[str, ...]:
        """Class names from the model's own notes, as trainers write them: ``{0: 'cat', 1: 'dog'}``; empty if none."""
        return parse_names(metadata_of(self._model).get("names", ""))

    def __call__(self, tensor: Array) -> dict[str, Array]:
        """Output name → values for one input ``(c, h, w)``.

        Raises:
            ModelError: the model takes another size.
        """
        shaped = tensor[None] if self._takes_channels_first(tensor) else tensor.transpose(1, 2, 0)[None]
        fed = {self._input.name: shaped.astype(NUMPY_TYPES[self._input.type])}
        try:
            return dict(zip(self.outputs, self._session.run(None, fed), strict=True))
        except REFUSALS as error:
            taken = "x".join(map(str, self._input.shape))
            message = f"{self.path}: takes {taken}, but was given {'x'.join(map(str, shaped.shape))}: another network?"
            raise ModelError(message) from error

    def _takes_channels_first(self, tensor: Array) -> bool:
        shape: Sequence[object] = self._input.shape
        return len(shape) != 4 or shape[1] == tensor.shape[0] or shape[3] != tensor.shape[0]


def _open(path: Path, model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """From the file where it can be: a model with its weights may be too large for one message."""
    if is_tflite(path):
        return open_session(model, str(path))
    try:
        return onnxruntime.InferenceSession(path, session_options(), ["CPUExecutionProvider"])
    except REFUSALS as error:
        message = f"{path}: onnxruntime refuses the model: {error}"
        raise ModelError(message) from error
