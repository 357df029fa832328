"""Argmax and softmax over features, as libhailort 4.23 computes them on the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host import layout
from hailstack.emulator.host.ops.floats import softmax
from hailstack.emulator.host.transforms import FrameDecoder
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Format, FormatOrder, FormatType
from hailstack.hef.model import Stream

_FLOAT32_INTEGERS = 1 << 24
"""Integers up to here are float32 numbers."""

_LARGEST = {FormatType.UINT8: 255, FormatType.UINT16: 65535, FormatType.FLOAT32: _FLOAT32_INTEGERS}


@dataclass(frozen=True, slots=True)
class Argmax:
    """The index of the largest feature of each pixel, the lowest of several."""

    stream: Stream
    format: Format

    @staticmethod
    def of(stream: Stream, format: Format) -> Argmax:
        """Argmax over one stream, written in ``format``.

        Raises:
            StatusError: the indices do not fit the type, or the orders or the chip's type are not supported (6).
        """
        features, order = stream.shape.features, stream.format.order
        spatial = order in (FormatOrder.NHCW, FormatOrder.NHWC, FormatOrder.F8CR) and format.order is FormatOrder.NHW
        if features > _LARGEST.get(format.type, 0):
            message = f"{format.type.name} cannot hold the index of one of {features} features"
        elif not spatial and not (order is format.order is FormatOrder.NC):
            message = f"argmax cannot turn {order.name} into {format.order.name}"
        elif stream.format.type not in (FormatType.UINT8, FormatType.UINT16):
            message = f"argmax takes no {stream.format.type.name} frames"
        else:
            return Argmax(stream, format)
        raise StatusError(Status.INVALID_OPERATION, message)

    def run(self, device: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Write the indices of one device frame into ``out``."""
        target = out.view(self.format.type.dtype)
        if self.stream.format.order is FormatOrder.NC:
            target[0] = np.argmax(layout.unpack_frame(self.stream, device))
        else:
            pixels = self._compared(layout.unpack_frame(self.stream, device))
            target[...] = np.argmax(pixels, axis=2).reshape(-1)

    def _compared(self, pixels: NDArray[Any]) -> NDArray[Any]:
        # The vendor's loop over chunks of eight features never looks into the last chunk when it is full.
        features = pixels.shape[2]
        whole = self.stream.format.order is FormatOrder.F8CR and features % layout.CHUNK_FEATURES == 0
        return pixels[..., : max(features - layout.CHUNK_FEATURES, 1)] if whole else pixels


@dataclass(frozen=True, slots=True)
class Softmax:
    """Softmax over features."""

    decoder: FrameDecoder
    """From the chip's frame to float32."""

    @staticmethod
    def require(format: Format) -> None:
        """Refuse what softmax does not write.

        Raises:
            StatusError: softmax cannot write such a format (6).
        """
        if format.order not in (FormatOrder.NHWC, FormatOrder.NC) or format.type is not FormatType.FLOAT32:
            message = f"softmax writes FLOAT32 in NHWC or NC, not {format.type.name} in {format.order.name}"
            raise StatusError(Status.INVALID_OPERATION, message)

    def run(self, device: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Write the probabilities of one device frame into ``out``."""
        self.decoder.decode(device, out)
        target = out.view(np.float32)
        target[...] = softmax(target.reshape(-1, self.decoder.steps.dst_shape.features)).reshape(-1)
