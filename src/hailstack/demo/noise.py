"""Noise that repeats without a seam: clouds of any roughness for soil, leaves, sky and sensors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cloud(
    rng: np.random.Generator, height: int, width: int, roughness: float, coarsest_px: float = 1e9
) -> NDArray[np.float32]:
    """``(height, width)`` with mean 0 and deviation 1, periodic in both directions.

    The amplitude falls with frequency ``f`` as ``f ** -roughness``: 0 is white noise, 1 is grain, 2 is clouds.
    Waves longer than ``coarsest_px`` are left out, so that the pattern's period does not catch the eye.
    """
    rows = np.fft.fftfreq(height)[:, None]
    columns = np.fft.rfftfreq(width)[None, :]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) * frequency**-roughness
    spectrum[frequency < 1.0 / coarsest_px] = 0.0
    spectrum[0, 0] = 0.0
    field = np.fft.irfft2(spectrum, s=(height, width))
    return np.asarray(field / max(float(field.std()), 1e-9), np.float32)


def smoothstep(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """0 below ``low``, 1 above ``high``, smooth in between."""
    part = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(part * part * (3.0 - 2.0 * part), np.float32)
