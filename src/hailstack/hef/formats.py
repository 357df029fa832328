"""Element types and memory orders of HailoRT, and how many bytes a frame takes in them.

Numbers are those of ``hailort.h`` (``hailo_format_type_t``, ``hailo_format_order_t``).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


class FormatType(enum.IntEnum):
    AUTO = 0
    UINT8 = 1
    UINT16 = 2
    FLOAT32 = 3

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The numpy type of one element; ``AUTO`` has none and raises ``KeyError``."""
        return _DTYPES[self]


_DTYPES: Mapping[int, np.dtype[np.generic]] = {
    FormatType.UINT8: np.dtype(np.uint8),
    FormatType.UINT16: np.dtype(np.uint16),
    FormatType.FLOAT32: np.dtype(np.float32),
}


class FormatOrder(enum.IntEnum):
    AUTO = 0
    NHWC = 1
    NHCW = 2
    FCR = 3
    F8CR = 4
    NHW = 5
    NC = 6
    BAYER_RGB = 7
    BAYER_RGB_12_BIT = 8
    HAILO_NMS = 9
    RGB888 = 10
    NCHW = 11
    YUY2 = 12
    NV12 = 13
    NV21 = 14
    YYUV = 15
    YYVU = 16
    RGB4 = 17
    I420 = 18
    YYYYUV = 19
    HAILO_NMS_WITH_BYTE_MASK = 20
    HAILO_NMS_ON_CHIP = 21
    HAILO_NMS_BY_CLASS = 22
    HAILO_NMS_BY_SCORE = 23

    @property
    def is_nms(self) -> bool:
        return self in (9, 20, 21, 22, 23)


class FormatFlags(enum.IntFlag):
    NONE = 0
    TRANSPOSED = 2


class Direction(enum.IntEnum):
    H2D = 0
    D2H = 1


@dataclass(frozen=True, slots=True)
class Format:
    type: FormatType
    order: FormatOrder
    flags: FormatFlags = FormatFlags.NONE


@dataclass(frozen=True, slots=True)
class Shape:
    """Height, width and features of one frame, in elements."""

    height: int
    width: int
    features: int

    @property
    def size(self) -> int:
        return self.height * self.width * self.features

    def __str__(self) -> str:
        return f"{self.height}x{self.width}x{self.features}"


@dataclass(frozen=True, slots=True)
class QuantInfo:
    """``real = (integer - zp) * scale``; the integer range stands for ``limvals_min .. limvals_max``.

    All four zero is HailoRT's mark for "one entry per feature, see the list".
    """

    zp: float = 0.0
    scale: float = 1.0
    limvals_min: float = 0.0
    limvals_max: float = 255.0
