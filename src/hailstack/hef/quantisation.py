"""Scales and zero points of a layer, as one for all or one for each feature."""

from __future__ import annotations

from typing import Final

import numpy as np

from hailstack.hef.features import Features
from hailstack.hef.formats import Direction, QuantInfo
from hailstack.hef.model import Stream
from hailstack.hef.node import Node
from hailstack.hef.refusal import IN_LAYER, invalid

NMS_QUANTS: Final = 2
NO_QUANT: Final = QuantInfo(0.0, 0.0, 0.0, 0.0)
"""HailoRT's mark for: there is none, or one for each feature."""


def read_quants(numeric: Node, stream: Stream, features: Features) -> tuple[QuantInfo, tuple[QuantInfo, ...]]:
    """The layer's own quantisation and the list of it: one entry, or one for each feature.

    Raises:
        Refusal: the list has the wrong length, or an input has several scales.
    """
    low, high = numeric.real("limvals_min"), numeric.real("limvals_max")
    scalar = QuantInfo(numeric.real("zp"), numeric.real("scale"), low, high)
    if not features.scale_by_feature:
        return scalar, (scalar,)
    quants = _quants_by_feature(numeric, scalar, stream, features)
    if stream.direction is Direction.D2H:
        return NO_QUANT, quants
    if any(quant != quants[0] for quant in quants):
        log = "Different quantization infos are not allowed for input streams (H2D)!"
        problem = f"input {stream.name!r} has several scales; inputs have one"
        raise invalid(problem, log, IN_LAYER)
    return scalar, quants


def _quants_by_feature(numeric: Node, scalar: QuantInfo, stream: Stream, features: Features) -> tuple[QuantInfo, ...]:
    zps, scales = numeric.reals("zps"), numeric.reals("scales")
    count = NMS_QUANTS if stream.nms else stream.shape.features
    may_be_absent = features.profile.scale_lists_may_be_absent or stream.direction is Direction.H2D
    for values in (zps, scales):
        if len(values) != count and (values or not may_be_absent):
            log = "Invalid quantization infos vector in HEF!"
            problem = f"layer {stream.name!r} has {len(values)} scales for {count} features"
            raise invalid(problem, log, IN_LAYER)
    if not zps and not scales:
        return (scalar,)  # one stands for all: the count may be as large as a file likes to claim
    low, high = scalar.limvals_min, scalar.limvals_max
    zps, scales = zps or (scalar.zp,) * count, scales or (scalar.scale,) * count
    return tuple(QuantInfo(as_float32(z), as_float32(s), low, high) for z, s in zip(zps, scales, strict=True))


def as_float32(value: float) -> float:
    """The nearest value a 32-bit float can hold; too large ones become infinite."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))
