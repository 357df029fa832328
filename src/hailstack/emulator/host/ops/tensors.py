"""Read access to quantised device frames in NHCW order, the only one that detection heads come in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.transforms_quant import dequantized_values
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Shape
from hailstack.hef.model import Stream


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """One output stream of a detection head."""

    name: str
    shape: Shape
    padded: Shape
    dtype: np.dtype[Any]
    frame_bytes: int
    values: NDArray[np.float32]
    """The real number behind every integer."""

    @staticmethod
    def of(stream: Stream) -> Tensor:
        dtype = np.dtype(np.uint16 if stream.data_bytes == 2 else np.uint8)
        values = dequantized_values(dtype, stream.quant)
        return Tensor(stream.name, stream.shape, stream.hw_shape, dtype, stream.frame_bytes, values)

    def require_entries(self, features: int) -> None:
        """Refuse a stream that does not hold ``features`` lines a row.

        Raises:
            StatusError: it does not (2).
        """
        size = self.padded.height * self.padded.width * features * self.dtype.itemsize
        if size != self.frame_bytes:
            message = f"the frames of stream {self.name} should have {size} bytes, but have {self.frame_bytes}"
            raise StatusError(Status.INVALID_ARGUMENT, message)

    def lines(self, frames: Mapping[str, NDArray[np.uint8]]) -> NDArray[Any]:
        """This tensor in the frames of all streams: integers ``(height, features, padded width)``, a view."""
        frame = frames[self.name]
        if frame.size != self.frame_bytes:
            message = f"stream {self.name} has frames of {self.frame_bytes} bytes, got {frame.size}"
            raise StatusError(Status.INVALID_ARGUMENT, message)
        padded = self.padded
        return frame.view(self.dtype)[: padded.size].reshape(padded.height, padded.features, padded.width)

    def real(self, integers: NDArray[Any]) -> NDArray[np.float32]:
        """The real numbers behind ``integers``."""
        found: NDArray[np.float32] = self.values[integers]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Threshold:
    """Which integers of a tensor stand for numbers at or above a bound."""

    passing: NDArray[np.bool_]
    lowest: int | None
    """The smallest of them when all above pass too."""

    @staticmethod
    def at_least(values: NDArray[np.float32], bound: np.float32) -> Threshold:
        passing = values >= bound
        first = int(np.argmax(passing))
        return Threshold(passing, first if passing[first:].all() else None)

    @property
    def is_empty(self) -> bool:
        """No integer passes."""
        return not self.passing.any()

    def mask(self, integers: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of ``integers`` pass."""
        lowest = self.lowest
        found: NDArray[np.bool_] = (
            self.passing[integers] if lowest is None else integers >= integers.dtype.type(lowest)
        )
        return found

    def positions(
        self, lines: NDArray[Any], width: int
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Rows, lines and columns of all that pass, columns beyond ``width`` left out; no particular order.

        Args:
            lines: ``(height, lines, padded width)``, contiguous.
        """
        height, count, padded = lines.shape
        if self.is_empty or not lines.size:
            nothing = np.zeros(0, np.intp)
            return nothing, nothing, nothing
        if self.lowest is None:
            row, line, column = np.nonzero(self.mask(lines)[..., :width])
            return row, line, column
        # The maximum over rows is quick and leaves few places to look at.
        table = lines.reshape(height, count * padded)
        places = np.flatnonzero(table.max(axis=0) >= lines.dtype.type(self.lowest))
        places = places[places % padded < width]
        row, index = np.nonzero(table[:, places] >= lines.dtype.type(self.lowest))
        line, column = np.divmod(places[index], padded)
        return row, line, column
