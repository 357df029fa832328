"""What enters a network: pictures, which are prepared and normalised, or values as the network reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.hef.formats import QuantInfo
from hailstack.imaging import Preprocess

TOP = 255
"""The largest integer of an input."""


@dataclass(frozen=True, slots=True)
class InputScale:
    """What the HEF's input integers stand for: ``real = (integer - zero_point) * scale``."""

    scale: float = 1.0
    zero_point: int = 0

    @classmethod
    def spread(cls, low: float, high: float) -> InputScale:
        """The finest that covers both and 0."""
        low, high = min(low, 0.0), max(high, 0.0)
        if low == high:
            return cls()
        scale = float(np.float32((high - low) / TOP))
        return cls(scale, int(np.clip(round(-low / scale), 0, TOP)))

    def quantise(self, sample: NDArray[np.generic]) -> NDArray[np.uint8]:
        """The nearest integers."""
        if sample.dtype == np.uint8 and self == InputScale():
            return np.ascontiguousarray(sample, np.uint8)
        steps = np.rint(np.asarray(sample, np.float64) / self.scale) + self.zero_point
        return np.ascontiguousarray(np.clip(steps, 0, TOP), np.uint8)

    @property
    def normalisation(self) -> Normalisation:
        """From the integers to the values."""
        return Normalisation((float(self.zero_point),), (1.0 / self.scale,))

    @property
    def quant_info(self) -> QuantInfo:
        low, high = ((edge - self.zero_point) * self.scale for edge in (0, TOP))
        return QuantInfo(zp=float(self.zero_point), scale=self.scale, limvals_min=low, limvals_max=high)


@dataclass(frozen=True, slots=True)
class NetworkInput:
    """One input of a network and how it is fed."""

    tensor: str
    """Its name in the model."""
    shape: tuple[int, int, int]
    """Height, width and channels of a frame."""
    normalisation: Normalisation
    """From the integers of a frame to what the network reads."""
    scale: InputScale = InputScale()
    """What the integers stand for outside: pixels stand for themselves."""
    preprocess: Preprocess | None = None
    """How a picture becomes a frame; None: what enters is no picture."""

    def quantise(self, sample: NDArray[np.generic]) -> NDArray[np.uint8]:
        """A frame ``(h, w, c)`` of integers."""
        return self.scale.quantise(sample).reshape(self.shape)

    def to_json(self) -> dict[str, object]:
        """Plain values for a HEF's notes."""
        return {
            "tensor": self.tensor,
            "preprocess": None if self.preprocess is None else self.preprocess.to_dict(),
            "normalisation": asdict(self.normalisation),
        }


def normalisations(inputs: Iterable[NetworkInput]) -> Mapping[str, Normalisation]:
    """By the input's name, as the quantiser takes them."""
    return {one.tensor: one.normalisation for one in inputs}
