"""How much boxes overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def iou_matrix(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Intersection over union of every box with every other, ``(n, 4)`` and ``(m, 4)`` xyxy → ``(n, m)``."""
    a, b = np.asarray(first, np.float64)[:, None], np.asarray(second, np.float64)[None]
    size = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    common = np.prod(np.clip(size, 0, None), axis=-1)
    areas = np.prod(a[..., 2:] - a[..., :2], axis=-1) + np.prod(b[..., 2:] - b[..., :2], axis=-1)
    return np.asarray(common / np.maximum(areas - common, 1e-12))
