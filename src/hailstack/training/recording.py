"""What PyTorch saw and said for some pictures, as a file that ``hailstack fidelity --reference`` reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import ConfigError
from hailstack.files import replacing


def write_recording(
    path: Path,
    pictures: Iterable[str],
    inputs: NDArray[np.float32],
    outputs: Mapping[str, NDArray[np.float32]],
    names: Sequence[str],
) -> None:
    """An ``.npz`` with ``files``, ``inputs``, ``output:NAME`` for each output, and ``labels``.

    Format: :func:`hailstack.fidelity.reference.read_recording`.

    Args:
        pictures: their files.
        inputs: what entered the network for each, ``(n, 3, h, w)``.
        outputs: output → what came of each, ``(n, …)``.
        names: of the classes.

    Raises:
        ConfigError: two pictures have the same name in different folders.
        NotFoundError, InputError: the file cannot be written.
    """
    files = [Path(name).name for name in pictures]
    twice = next((name for name in files if files.count(name) > 1), None)
    if twice is not None:
        message = f"two pictures are called {twice}; a recording tells them apart by their names: record one folder"
        raise ConfigError(message)
    arrays: dict[str, Any] = {
        "files": np.array(files),
        "inputs": inputs,
        "labels": np.array(names, dtype=str),
        **{f"output:{name}": values for name, values in outputs.items()},
    }
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, **arrays)
