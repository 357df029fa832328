"""Numbers between the program's floats and the chip's integers, bit for bit as libhailort 4.23 computes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hailstack.hef.formats import QuantInfo

_BLOCK = 1 << 15
"""Elements worked on at a time, so that intermediate results stay in the cache."""

_INT32_LIMIT = np.float32(2**31)


def is_identity(quant: QuantInfo) -> bool:
    """Whether integers and floats are the same numbers."""
    return bool(np.float32(quant.scale) == 1 and np.float32(quant.zp) == 0)


def is_valid(quant: QuantInfo) -> bool:
    """False for the all-zero mark that stands for "one entry per feature"."""
    return any((quant.zp, quant.scale, quant.limvals_min, quant.limvals_max))


def quantize(src: NDArray[Any], dst_dtype: DTypeLike, quant: QuantInfo) -> NDArray[Any]:
    """Integers for real numbers: clip to the limits, divide, shift, round half to even.

    With the identity scale nothing is clipped, and what does not fit wraps around as a C cast does on x86-64: the low
    bits stay. NaN and numbers beyond 32 bits become 0.

    Args:
        src: real numbers, any shape, any dtype; computed in float32.
        dst_dtype: ``uint8`` or ``uint16``.

    Returns:
        An array of the same shape.
    """
    dtype = np.dtype(dst_dtype)
    out = np.empty(src.shape, dtype)
    quantize_into(np.ascontiguousarray(src).reshape(-1), out.reshape(-1), quant)
    return out


def quantize_into(src: NDArray[Any], out: NDArray[Any], quant: QuantInfo) -> None:
    """:func:`quantize` from one flat array into another of the same length."""
    identity = is_identity(quant)
    scratch = np.empty(min(_BLOCK, src.size), np.float32)
    for start in range(0, src.size, _BLOCK):
        part = src[start : start + _BLOCK]
        work = scratch[: part.size]
        if identity:
            np.copyto(work, part, casting="unsafe")
        else:
            _scale(part, work, quant)
        np.rint(work, out=work)
        _wrap_into(work, out[start : start + _BLOCK])


def _scale(part: NDArray[Any], work: NDArray[np.float32], quant: QuantInfo) -> None:
    low, high = np.float32(quant.limvals_min), np.float32(quant.limvals_max)
    np.maximum(part.astype(np.float32, copy=False), low, out=work)
    np.minimum(work, high, out=work)
    np.divide(work, np.float32(quant.scale), out=work)
    np.add(work, np.float32(quant.zp), out=work)


def _wrap_into(work: NDArray[np.float32], out: NDArray[Any]) -> None:
    beyond = ~(np.abs(work) < _INT32_LIMIT)
    if beyond.any():
        work[beyond] = 0
    out[...] = work.astype(np.int32).astype(out.dtype)


def dequantize(src: NDArray[Any], dst_dtype: DTypeLike, quant: QuantInfo) -> NDArray[Any]:
    """Real numbers for integers: ``(integer - zp) * scale`` in float32, then a cast to ``dst_dtype``.

    Returns:
        An array of the same shape; integer destinations are cut off, not rounded.
    """
    dtype = np.dtype(dst_dtype)
    if is_identity(quant):
        return src.astype(dtype)
    real = src.astype(np.float32)
    dequantize_in_place(real, (quant,))
    if dtype == np.float32:
        return real
    out = np.empty(src.shape, dtype)
    _wrap_into(np.trunc(real), out)
    return out


def dequantize_in_place(real: NDArray[np.float32], quants: Sequence[QuantInfo], axis: int = -1) -> None:
    """Turn integers, already stored as float32, into the numbers they stand for.

    Args:
        real: any shape; with several ``quants`` the axis ``axis`` holds features.
        quants: one for the whole frame, or one per feature.
    """
    if all(quant == quants[0] for quant in quants[1:]):
        if not is_identity(quants[0]):
            np.subtract(real, np.float32(quants[0].zp), out=real)
            np.multiply(real, np.float32(quants[0].scale), out=real)
        return
    features = real.shape[axis]
    cycle = [quants[index % len(quants)] for index in range(features)]
    by_feature = np.moveaxis(real, axis, -1)
    np.subtract(by_feature, np.array([quant.zp for quant in cycle], np.float32), out=by_feature)
    np.multiply(by_feature, np.array([quant.scale for quant in cycle], np.float32), out=by_feature)


def dequantized_values(dtype: DTypeLike, quant: QuantInfo) -> NDArray[np.float32]:
    """The real number behind every integer of ``dtype``: 256 or 65,536 entries."""
    integers = np.arange(np.iinfo(np.dtype(dtype)).max + 1).astype(np.float32)
    return (integers - np.float32(quant.zp)) * np.float32(quant.scale)
