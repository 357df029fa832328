"""Small C structs as Python sees them: formats, quantisation, shapes, versions."""

from __future__ import annotations

from typing import Any

from hailo_platform._native.enums import FormatFlags, FormatOrder, FormatType
from hailo_platform._native.pybind import NativeObject, checked, field, instance_of, real, uint32
from hailstack.hef import formats, model


class HailoFormat(NativeObject):
    """Element type, memory order and flags of a frame."""

    __slots__ = ("_flags", "_order", "_type")

    def __init__(self) -> None:
        self._type, self._order, self._flags = FormatType.AUTO, FormatOrder.AUTO, FormatFlags.NONE

    type = checked("type", instance_of(FormatType))
    order = checked("order", instance_of(FormatOrder))
    flags = checked("flags", instance_of(FormatFlags))

    def equals(self, other: HailoFormat) -> bool:
        """Whether all three parts agree; ``==`` only tells whether it is the same object."""
        return self.__getstate__() == other.__getstate__()

    def __getstate__(self) -> tuple[Any, ...]:
        return self._type, self._order, self._flags

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._type, self._order, self._flags = state


def make_format(fmt: formats.Format) -> HailoFormat:
    """A new object with the values of ``fmt``."""
    made = HailoFormat()
    made.__setstate__((FormatType(fmt.type), FormatOrder(fmt.order), FormatFlags(fmt.flags)))
    return made


def read_format(native: HailoFormat) -> formats.Format:
    """The values of ``native``."""
    kind, order, flags = (part.value for part in native.__getstate__())
    return formats.Format(formats.FormatType(kind), formats.FormatOrder(order), formats.FormatFlags(flags))


class QuantInfo(NativeObject):
    """``real = (integer - qp_zp) * qp_scale``; all zero when every feature has its own."""

    __slots__ = ("_limvals_max", "_limvals_min", "_qp_scale", "_qp_zp")

    def __init__(
        self, qp_zp: float = 0.0, qp_scale: float = 0.0, limvals_min: float = 0.0, limvals_max: float = 0.0
    ) -> None:
        self.__setstate__((real(qp_zp), real(qp_scale), real(limvals_min), real(limvals_max)))

    qp_zp = checked("qp_zp", real)
    qp_scale = checked("qp_scale", real)
    limvals_min = checked("limvals_min", real)
    limvals_max = checked("limvals_max", real)

    def __getstate__(self) -> tuple[float, ...]:
        return self._qp_zp, self._qp_scale, self._limvals_min, self._limvals_max

    def __setstate__(self, state: tuple[float, ...]) -> None:
        self._qp_zp, self._qp_scale, self._limvals_min, self._limvals_max = state


def make_quant(quant: formats.QuantInfo) -> QuantInfo:
    """A new object with the values of ``quant``."""
    return QuantInfo(quant.zp, quant.scale, quant.limvals_min, quant.limvals_max)


def read_quant(native: QuantInfo) -> formats.QuantInfo:
    """The values of ``native``."""
    return formats.QuantInfo(*native.__getstate__())


class ImageShape(NativeObject):
    """Height, width, features."""

    __slots__ = ("_features", "_height", "_width")

    def __init__(self, height: int = 0, width: int = 0, features: int = 0) -> None:
        self.__setstate__((uint32(height), uint32(width), uint32(features)))

    height = checked("height", uint32)
    width = checked("width", uint32)
    features = checked("features", uint32)

    def __getstate__(self) -> tuple[int, ...]:
        return self._height, self._width, self._features

    def __setstate__(self, state: tuple[int, ...]) -> None:
        self._height, self._width, self._features = state


class NmsShape(NativeObject):
    """How many classes and boxes an NMS output holds."""

    __slots__ = ("_max_accumulated_mask_size", "_max_bboxes_per_class", "_number_of_classes")

    def __init__(self) -> None:
        self.__setstate__((0, 0, 0))

    number_of_classes = field("number_of_classes")
    max_bboxes_per_class = field("max_bboxes_per_class")
    max_accumulated_mask_size = field("max_accumulated_mask_size")

    def __getstate__(self) -> tuple[int, ...]:
        return self._number_of_classes, self._max_bboxes_per_class, self._max_accumulated_mask_size

    def __setstate__(self, state: tuple[int, ...]) -> None:
        self._number_of_classes, self._max_bboxes_per_class, self._max_accumulated_mask_size = state


def make_nms_shape(shape: model.NmsShape) -> NmsShape:
    """A new object with the values of ``shape``."""
    made = NmsShape()
    made.__setstate__((shape.number_of_classes, shape.max_bboxes_per_class, shape.max_accumulated_mask_size))
    return made


class NmsInfo(NativeObject):
    """What the chip's own NMS writes."""

    __slots__ = ("_bbox_size", "_chunks_per_frame", "_max_bboxes_per_class", "_number_of_classes")

    def __init__(self) -> None:
        self._number_of_classes = self._max_bboxes_per_class = self._bbox_size = self._chunks_per_frame = 0

    number_of_classes = checked("number_of_classes", uint32)
    max_bboxes_per_class = checked("max_bboxes_per_class", uint32)
    bbox_size = checked("bbox_size", uint32)
    chunks_per_frame = checked("chunks_per_frame", uint32)
