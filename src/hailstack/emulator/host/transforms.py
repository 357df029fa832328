"""One frame from the program's format to the chip's, or back, exactly as libhailort 4.23 converts it.

A :class:`Conversion` says which steps are needed and describes them in the vendor's words; :class:`FrameEncoder` and
:class:`FrameDecoder` take them. Source of the rules: ``transform.cpp`` of libhailort 4.23.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host import layout
from hailstack.emulator.host.transforms_orders import frame_elements, reorder_input, reorder_output, transpose_rows
from hailstack.emulator.host.transforms_quant import dequantize_in_place, is_valid, quantize_into
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Direction, Format, FormatFlags, FormatOrder, FormatType, QuantInfo, Shape

_TYPE_BYTES = {FormatType.AUTO: 1, FormatType.UINT8: 1, FormatType.UINT16: 2, FormatType.FLOAT32: 4}

_ORDER_TEXT = {
    FormatOrder.BAYER_RGB: "BAYER RGB",
    FormatOrder.BAYER_RGB_12_BIT: "12 BIT BAYER RGB",
    FormatOrder.RGB888: "RGB 888",
    FormatOrder.HAILO_NMS_WITH_BYTE_MASK: "HAILO NMS WITH BYTE MASK",
    FormatOrder.HAILO_NMS_ON_CHIP: "HAILO NMS ON CHIP",
    FormatOrder.HAILO_NMS_BY_CLASS: "HAILO NMS BY CLASS",
    FormatOrder.HAILO_NMS_BY_SCORE: "HAILO NMS BY SCORE",
    FormatOrder.AUTO: "Nan",
    FormatOrder.HAILO_NMS: "Nan",
}

_DEFAULT_USER_ORDER = {
    FormatOrder.NHCW: FormatOrder.NHWC,
    FormatOrder.RGB888: FormatOrder.NHWC,
    FormatOrder.YYUV: FormatOrder.NV12,
    FormatOrder.YYVU: FormatOrder.NV21,
    FormatOrder.YYYYUV: FormatOrder.I420,
    FormatOrder.HAILO_NMS_ON_CHIP: FormatOrder.HAILO_NMS_BY_CLASS,
}


def order_text(order: FormatOrder) -> str:
    """The vendor's name of a memory order."""
    return _ORDER_TEXT.get(order, order.name)


def frame_bytes(shape: Shape, format: Format) -> int:
    """Bytes of a frame in the program's memory."""
    return frame_elements(shape, format.order) * _TYPE_BYTES[format.type]


def expand_autos(user: Format, device: Format) -> Format:
    """``user`` with AUTO replaced by what the vendor's library chooses for a stream of format ``device``."""
    on_chip = device.order is FormatOrder.HAILO_NMS_ON_CHIP
    type_ = (FormatType.FLOAT32 if on_chip else device.type) if user.type is FormatType.AUTO else user.type
    order = _DEFAULT_USER_ORDER.get(device.order, device.order) if user.order is FormatOrder.AUTO else user.order
    return Format(type_, order, user.flags)


@dataclass(frozen=True, slots=True)
class Conversion:
    """The steps between two formats of one frame."""

    direction: Direction
    src_shape: Shape
    src: Format
    dst_shape: Shape
    dst: Format
    quants: tuple[QuantInfo, ...]
    quantizes: bool
    transposes: bool
    reorders: bool
    pads: bool
    changes_values: bool = field(init=False)
    """False when one frame begins with the other's bytes."""
    required: bool = field(init=False)
    """False when the program's memory can be handed over as it is."""
    src_bytes: int = field(init=False)
    dst_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        # Asked for with every frame.
        changes_values = self.quantizes or self.transposes or self.reorders
        src_bytes, dst_bytes = frame_bytes(self.src_shape, self.src), frame_bytes(self.dst_shape, self.dst)
        to_chip = self.direction is Direction.H2D
        object.__setattr__(self, "changes_values", changes_values)
        object.__setattr__(self, "required", changes_values or self.pads)
        object.__setattr__(self, "src_bytes", src_bytes if to_chip else layout.transfer_bytes(src_bytes))
        object.__setattr__(self, "dst_bytes", layout.transfer_bytes(dst_bytes) if to_chip else dst_bytes)

    @property
    def description(self) -> str:
        """The steps in the vendor's words, as its log and its tests print them; empty when there are none."""
        steps = []
        if self.quantizes:
            steps.append(quantization_text(self.src.type, self.dst.type, self.quants[0]))
        if self.transposes:
            turned = _transposed(self.src_shape)
            steps.append(f"Transpose - src_shape: {_dims(self.src_shape)}, dst_shape: {_dims(turned)}")
        if self.reorders:
            source = f"src_order: {order_text(self.src.order)}, src_shape: {_dims(self.src_shape)}"
            target = f"dst_order: {order_text(self.dst.order)}, dst_shape: {_dims(self.dst_shape)}"
            steps.append(f"Reorder - {source}, {target}")
        if self.pads:
            steps.append(
                f"Padding Periph shape - src_shape: {_dims(self.src_shape)}, dst_shape: {_dims(self.dst_shape)}"
            )
        return " | ".join(steps)


def quantization_text(src: FormatType, dst: FormatType, quant: QuantInfo) -> str:
    """The vendor's words for a change of number format."""
    limits = f"limvals_min: {np.float32(quant.limvals_min):g}, limvals_max: {np.float32(quant.limvals_max):g}"
    return f"Quantization - src_type: {src.name}, dst_type {dst.name}, {limits}"


def _dims(shape: Shape) -> str:
    return f"({shape.height}, {shape.width}, {shape.features})"


def _transposed(shape: Shape) -> Shape:
    return Shape(shape.width, shape.height, shape.features)


def plan_input(shape: Shape, user: Format, hw_shape: Shape, device: Format, quants: Sequence[QuantInfo]) -> Conversion:
    """The steps from a program's frame to the chip's.

    Raises:
        StatusError: the types cannot be converted, or the scale of the stream is not known (2).
    """
    _require_device_type(device)
    _require_quant(quants)
    user = expand_autos(user, device)
    bayer = user.order is device.order and user.order in (FormatOrder.BAYER_RGB, FormatOrder.BAYER_RGB_12_BIT)
    if bayer and shape.features != 1:
        raise StatusError(Status.INVALID_ARGUMENT, f"Bayer frames have one feature, not {shape.features}")
    return _plan(Direction.H2D, shape, user, hw_shape, device, tuple(quants))


def plan_output(
    hw_shape: Shape, device: Format, shape: Shape, user: Format, quants: Sequence[QuantInfo]
) -> Conversion:
    """The steps from the chip's frame to the program's.

    Raises:
        StatusError: the types cannot be converted, or the scale of the stream is not known (2).
    """
    _require_device_type(device)
    _require_quant(quants)
    user = expand_autos(user, device)
    bayer = user.order is device.order is FormatOrder.BAYER_RGB
    if bayer and (hw_shape.features, shape.features) != (1, 1):
        message = f"Bayer frames have one feature, not {hw_shape.features} and {shape.features}"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    return _plan(Direction.D2H, hw_shape, device, shape, user, tuple(quants))


def _require_device_type(device: Format) -> None:
    if device.type not in (FormatType.UINT8, FormatType.UINT16):
        raise StatusError(Status.INVALID_ARGUMENT, f"a chip has no {device.type.name} frames")


def _require_quant(quants: Sequence[QuantInfo]) -> None:
    if len(quants) == 1 and not is_valid(quants[0]):
        message = "the stream has one scale per feature, but only one scale for all was given"
        raise StatusError(Status.INVALID_ARGUMENT, message)


def _plan(
    direction: Direction, src_shape: Shape, src: Format, dst_shape: Shape, dst: Format, quants: tuple[QuantInfo, ...]
) -> Conversion:
    return Conversion(
        direction=direction,
        src_shape=src_shape,
        src=src,
        dst_shape=dst_shape,
        dst=dst,
        quants=quants,
        quantizes=_changes_type(src.type, dst.type),
        transposes=bool((src.flags ^ dst.flags) & FormatFlags.TRANSPOSED),
        reorders=_changes_order(src_shape, src.order, dst_shape, dst.order),
        pads=frame_bytes(dst_shape, Format(dst.type, FormatOrder.NHWC)) % layout.TRANSFER_ALIGNMENT != 0,
    )


def _changes_type(src: FormatType, dst: FormatType) -> bool:
    # Inputs only widen to the chip's type, outputs only widen to the program's: uint16 never becomes uint8.
    if (src, dst) == (FormatType.UINT16, FormatType.UINT8):
        message = "UINT16 numbers cannot be turned into UINT8: ask for UINT16 or FLOAT32"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    return src is not dst


def _changes_order(src_shape: Shape, src: FormatOrder, dst_shape: Shape, dst: FormatOrder) -> bool:
    if src_shape == dst_shape and src_shape.features == 1 and _same_with_one_feature(src, dst):
        return False
    if src_shape != dst_shape or src is not dst:
        return True
    if src is FormatOrder.F8CR:
        return src_shape.features > layout.CHUNK_FEATURES
    return src in (FormatOrder.HAILO_NMS_BY_CLASS, FormatOrder.HAILO_NMS_BY_SCORE)


def _same_with_one_feature(src: FormatOrder, dst: FormatOrder) -> bool:
    row_major = (FormatOrder.NHWC, FormatOrder.FCR)
    return (src is FormatOrder.NHCW and dst in row_major) or (src in row_major and dst is FormatOrder.NHCW)


def _require_size(kind: str, frame: NDArray[np.uint8], size: int) -> None:
    if frame.size != size:
        message = f"the {kind} frame has {frame.size} bytes, but its format takes {size}"
        raise StatusError(Status.INVALID_ARGUMENT, message)


@dataclass(frozen=True, slots=True)
class FrameEncoder:
    """The program's frames to the chip's. Safe to use from several threads."""

    steps: Conversion

    def encode(self, host: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """One frame; ``host`` itself when there is nothing to do. Padding is zero.

        Raises:
            StatusError: the frame has a wrong size (2), or the orders cannot be converted (6).
        """
        steps = self.steps
        _require_size("input", host, steps.src_bytes)
        if not steps.required:
            return host
        shape, elements = steps.src_shape, host.view(steps.src.type.dtype)
        if steps.quantizes:
            elements = self._quantized(elements)
        if steps.transposes:
            elements = transpose_rows(elements, shape, steps.src.order)
            shape = _transposed(shape)
        if not steps.reorders and elements.nbytes == steps.dst_bytes:
            return elements.view(np.uint8)
        device = np.zeros(steps.dst_bytes, np.uint8)
        self._place(elements, shape, device.view(steps.dst.type.dtype))
        return device

    def _place(self, elements: NDArray[Any], shape: Shape, target: NDArray[Any]) -> None:
        steps = self.steps
        if steps.reorders:
            reorder_input(elements, shape, steps.src.order, target, steps.dst_shape, steps.dst.order)
        else:
            count = min(elements.size, target.size)
            target[:count] = elements[:count]

    def _quantized(self, elements: NDArray[Any]) -> NDArray[Any]:
        target = np.zeros(elements.size, self.steps.dst.type.dtype)
        if self.steps.src.type is FormatType.FLOAT32:
            quantize_into(elements, target, self.steps.quants[0])
        else:
            target[...] = elements
        return target


@dataclass(frozen=True, slots=True)
class FrameDecoder:
    """The chip's frames to the program's. Safe to use from several threads."""

    steps: Conversion

    def decode(self, device: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Write one frame into ``out``.

        Raises:
            StatusError: a frame has a wrong size (2), or the orders cannot be converted (6).
        """
        steps = self.steps
        _require_size("device", device, steps.src_bytes)
        _require_size("output", out, steps.dst_bytes)
        if not steps.changes_values:
            out[...] = device[: out.size]
            return
        frame, target = device.view(steps.src.type.dtype), out.view(steps.dst.type.dtype)
        # Reordering straight into the program's type widens on the way.
        if steps.transposes:
            self._transpose(frame, target)
        elif steps.reorders:
            reorder_output(frame, steps.src_shape, steps.src.order, target, steps.dst_shape, steps.dst.order)
        else:
            target[...] = frame[: target.size]
        if steps.dst.type is FormatType.FLOAT32 and steps.dst.order is not FormatOrder.NHW:
            self._dequantize(target)

    def _transpose(self, frame: NDArray[Any], target: NDArray[Any]) -> None:
        steps = self.steps
        shape = _transposed(steps.dst_shape) if steps.reorders else steps.dst_shape
        upright = frame[: shape.size]
        if steps.reorders:
            upright = np.empty(shape.size, frame.dtype)
            reorder_output(frame, steps.src_shape, steps.src.order, upright, shape, steps.dst.order)
        target[...] = transpose_rows(upright, shape, steps.dst.order)

    def _dequantize(self, target: NDArray[np.float32]) -> None:
        shape, order = self.steps.dst_shape, self.steps.dst.order
        view = layout.VIEWS.get(order, layout.rows)
        elements = target if target.size != shape.size else view(target, shape)
        dequantize_in_place(elements, self.steps.quants)
