"""What PyTorch saw and said for some pictures, as a file that ``hailstack fidelity --reference`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hailstack.errors import ConfigError
from hailstack.files import replacing
from hailstack.training.exportable import Array, Exportable


def write_recording(path: Path, subject: Exportable, inputs: Mapping[str, Array]) -> None:
    """An ``.npz`` with ``files``, ``inputs``, ``output:NAME`` for each output, and ``labels``.

    Format: :func:`hailstack.fidelity.reference.read_recording`.

    Args:
        inputs: file of a picture → what enters the network for it, ``(1, 3, h, w)``.

    Raises:
        ConfigError: two pictures have the same name in different folders.
        NotFoundError, InputError: the file cannot be written.
    """
    files = [Path(name).name for name in inputs]
    twice = next((name for name in files if files.count(name) > 1), None)
    if twice is not None:
        message = f"two pictures are called {twice}; a recording tells them apart by their names: record one folder"
        raise ConfigError(message)
    said = [subject.run(one) for one in inputs.values()]
    arrays: dict[str, Any] = {
        "files": np.array(files),
        "inputs": np.concatenate(list(inputs.values())),
        "labels": np.array(subject.names, dtype=str),
        **{f"output:{name}": np.concatenate([one[name] for one in said]) for name in subject.outputs},
    }
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, **arrays)
