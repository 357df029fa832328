"""Conversion of whole buffers between integers and real numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailo_platform._native.errors import fail
from hailo_platform._native.pybind import uint32
from hailo_platform._native.records import HailoFormat, QuantInfo, read_quant
from hailo_platform._native.vstreams import format_dtype
from hailstack.emulator.host import transforms_quant as transforms
from hailstack.errors import Status
from hailstack.hef.formats import FormatType

_QUANTIZE = {
    ("uint8", "uint8"),
    ("uint16", "uint8"),
    ("uint16", "uint16"),
    ("float32", "uint8"),
    ("float32", "uint16"),
}
_DEQUANTIZE = {
    ("uint8", "uint8"),
    ("uint8", "uint16"),
    ("uint8", "float32"),
    ("uint16", "uint16"),
    ("uint16", "float32"),
    ("float32", "float32"),
}


def is_qp_valid(quant_info: QuantInfo) -> bool:
    """False for the all-zero mark of per-feature scales."""
    return transforms.is_valid(read_quant(quant_info))


def get_format_data_bytes(fmt: HailoFormat) -> int:
    """Bytes of one element; 1 for AUTO, as in the vendor's library."""
    return 1 if int(fmt.type) == FormatType.AUTO else format_dtype(fmt.type).itemsize


def get_dtype(kind: Any) -> np.dtype[Any]:
    """The numpy type of elements of ``kind``."""
    return format_dtype(kind)


def quantize_input_buffer(
    src: NDArray[Any], dst: NDArray[Any], src_type: Any, dst_type: Any, count: int, quant_info: QuantInfo
) -> None:
    """Integers for the first ``count`` real numbers of ``src``, into ``dst``."""
    _check(_QUANTIZE, src_type, dst_type, "Input")
    _flat(dst, dst_type, count)[...] = transforms.quantize(
        _flat(src, src_type, count), format_dtype(dst_type), read_quant(quant_info)
    )


def dequantize_output_buffer(
    src: NDArray[Any], dst: NDArray[Any], src_type: Any, dst_type: Any, count: int, quant_info: QuantInfo
) -> None:
    """Real numbers for the first ``count`` integers of ``src``, into ``dst``."""
    _check(_DEQUANTIZE, src_type, dst_type, "Output")
    _flat(dst, dst_type, count)[...] = transforms.dequantize(
        _flat(src, src_type, count), format_dtype(dst_type), read_quant(quant_info)
    )


def dequantize_output_buffer_in_place(
    buffer: NDArray[Any], src_type: Any, dst_type: Any, count: int, quant_info: QuantInfo
) -> None:
    """Real numbers where the integers were; the buffer must have room for ``count`` of the larger type."""
    _check(_DEQUANTIZE, src_type, dst_type, "Output")
    integers = _flat(buffer, src_type, count).copy()
    real = transforms.dequantize(integers, format_dtype(dst_type), read_quant(quant_info))
    _flat(buffer, dst_type, count)[...] = real


def _check(allowed: set[tuple[str, str]], src_type: Any, dst_type: Any, what: str) -> None:
    pair = format_dtype(src_type).name, format_dtype(dst_type).name
    if pair not in allowed:
        message = f"{what} quantization isn't supported from src format type {pair[0]} to dst format type = {pair[1]}"
        fail(Status.INVALID_ARGUMENT, message)


def _flat(array: NDArray[Any], kind: Any, count: int) -> NDArray[Any]:
    """The first ``count`` elements of the array's memory, seen as ``kind``; the vendor's code does not look further.

    Raises:
        HailoRTStatusException: 5, where the vendor's library would read or write behind the array.
    """
    flat = array.reshape(-1).view(np.uint8)
    dtype = format_dtype(kind)
    needed = uint32(count) * dtype.itemsize
    if needed > flat.nbytes:
        fail(Status.INSUFFICIENT_BUFFER, f"{count} elements of {dtype} need {needed} bytes, not {flat.nbytes}")
    return flat[:needed].view(dtype)
