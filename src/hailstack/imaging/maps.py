"""Maps with one number a pixel: classes, distances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hailstack.errors import MediaError, NotFoundError


def read_map(path: Path) -> NDArray[Any]:
    """The numbers in a grey picture of 8 or 16 bits, or in a NumPy file: ``(h, w)``, in the file's own type.

    Raises:
        NotFoundError: no such file.
        MediaError: it cannot be read, or has several channels.
    """
    if not path.is_file():
        message = f"{path}: no such file"
        raise NotFoundError(message)
    found = _read_array(path) if path.suffix.lower() == ".npy" else cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if found is None:
        message = f"{path}: not a picture that can be decoded"
        raise MediaError(message)
    shape = "x".join(map(str, found.shape))
    if found.ndim == 3 and 1 in (found.shape[0], found.shape[2]):
        found = found.reshape([side for side in found.shape if side > 1] or [1, 1])
    if found.ndim != 2:
        message = f"{path}: {shape}: one number a pixel is expected, not colours; write a grey picture or an .npy"
        raise MediaError(message)
    return np.asarray(found)


def _read_array(path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        message = f"{path}: not a readable NumPy array: {error}"
        raise MediaError(message) from error
    return array
