"""One frame's memory, and how its results are taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from hailo_platform._native.enums import FormatOrder
from hailo_platform._native.infer_model import ConfiguredInferModelBindings, ConfiguredInferModelInferStream
from hailo_platform._native.infos import BBOX_PARAMS
from hailo_platform._native.records import QuantInfo
from hailo_platform._profile import PROFILE
from hailo_platform._python.errors import ExceptionWrapper, HailoRTException
from hailo_platform._python.transforms import BBOX_WITH_MASK_PARAMS, HailoRTTransformUtils, empty_box

RECORD_ORDERS = (FormatOrder.HAILO_NMS_WITH_BYTE_MASK, FormatOrder.HAILO_NMS_BY_SCORE)
BY_CLASS_ORDERS = [FormatOrder.HAILO_NMS_BY_CLASS]
if PROFILE.legacy_nms_order:
    BY_CLASS_ORDERS.append(FormatOrder.HAILO_NMS)


@dataclass
class NmsTransformationInfo:
    """What has to be known about an NMS output to take it apart."""

    format_order: Any
    input_height: int
    input_width: int
    number_of_classes: int
    max_bboxes_per_class: int
    quant_info: QuantInfo
    output_dtype: numpy.dtype[Any] = numpy.dtype("float32")  # noqa: RUF009  immutable


@dataclass
class NmsHailoTransformationInfo(NmsTransformationInfo):
    """The same, for lists per class."""

    use_tf_nms_format: bool = False


@dataclass
class NmsTfTransformationInfo(NmsTransformationInfo):
    """The same, for one padded array."""

    use_tf_nms_format: bool = True


class BindingsInferStream:
    """Where one input or output of a frame is bound."""

    def __init__(
        self, infer_stream: ConfiguredInferModelInferStream, nms_info: NmsTransformationInfo | None = None
    ) -> None:
        self._infer_stream = infer_stream
        self._buffer: Any = None
        self._nms_info = nms_info or None
        if nms_info:
            self._quantized_empty_bbox = empty_box(nms_info.quant_info, nms_info.output_dtype)

    @staticmethod
    def _validate_c_contiguous(buffer: NDArray[Any]) -> None:
        if not buffer.flags.c_contiguous:
            raise HailoRTException("Buffer must be C_CONTIGUOUS")

    def set_buffer(self, buffer: NDArray[Any]) -> None:
        """Use this array for frames to come; its size is looked at when a frame is submitted."""
        with ExceptionWrapper():
            self._validate_c_contiguous(buffer)
            self._validate_record_type(buffer)
            self._infer_stream.set_buffer(buffer)
        self._buffer = buffer

    def _validate_record_type(self, buffer: NDArray[Any]) -> None:
        if not PROFILE.strict_buffer_type or self._nms_info is None or buffer.dtype == numpy.uint8:
            return
        if (order := self._nms_info.format_order) in RECORD_ORDERS:
            message = f"Buffer must be of type uint8 for {order} format order. Got {buffer.dtype}."
            raise HailoRTException(message)

    def get_buffer(self, tf_format: bool | None = False) -> Any:
        """What was bound; NMS results taken apart unless ``tf_format`` is None, padded when it is true."""
        if tf_format is None or self._nms_info is None:
            return self._buffer
        order = self._nms_info.format_order
        if order in BY_CLASS_ORDERS:
            return self._by_class(self._nms_info, tf_format)
        if order == FormatOrder.HAILO_NMS_WITH_BYTE_MASK:
            return self._masks(self._nms_info, tf_format)
        return self._by_score(order, tf_format)

    def _by_class(self, info: NmsTransformationInfo, tf_format: bool) -> Any:
        if not tf_format:
            single = HailoRTTransformUtils.output_raw_buffer_to_nms_format_single_frame
            return single(self._buffer, info.number_of_classes)
        shape = [1, info.number_of_classes, BBOX_PARAMS, info.max_bboxes_per_class]
        convert = HailoRTTransformUtils.output_raw_buffer_to_nms_tf_format
        return convert(self._buffer.reshape(-1), shape, info.output_dtype, self._quantized_empty_bbox)[0]

    def _masks(self, info: NmsTransformationInfo, tf_format: bool) -> Any:
        if not tf_format:
            single = HailoRTTransformUtils._output_raw_buffer_to_nms_with_byte_mask_hailo_format_single_frame
            return single(self._buffer)
        columns = info.input_height * info.input_width + BBOX_WITH_MASK_PARAMS
        rows = numpy.zeros([info.max_bboxes_per_class, columns], dtype=info.output_dtype)
        fill = HailoRTTransformUtils._output_raw_buffer_to_nms_with_byte_mask_tf_format_single_frame
        # The vendor's code loses the filled array and gives None; programs cannot want that.
        fill(
            self._buffer, rows, info.number_of_classes, info.max_bboxes_per_class, info.input_height, info.input_width
        )
        return rows

    def _by_score(self, order: Any, tf_format: bool) -> Any:
        if order != FormatOrder.HAILO_NMS_BY_SCORE or not PROFILE.by_score:
            message = f"Unsupported NMS format order: {order}."
            raise HailoRTException(message)
        if tf_format:
            message = f"Use of tf format is unsupported for format order: {order}."
            raise HailoRTException(message)
        return HailoRTTransformUtils._output_raw_buffer_to_nms_by_score_format_single_frame(self._buffer)


BindingsInferStream.__name__, BindingsInferStream.__qualname__ = (
    "InferStream",
    "ConfiguredInferModel.Bindings.InferStream",
)


class Bindings:
    """The memory of one frame."""

    InferStream = BindingsInferStream

    def __init__(
        self,
        bindings: ConfiguredInferModelBindings,
        input_names: list[str],
        output_names: list[str],
        nms_infos: dict[str, NmsTransformationInfo],
    ) -> None:
        self._bindings = bindings
        self._inputs: dict[str, BindingsInferStream] = {}
        self._outputs: dict[str, BindingsInferStream] = {}
        self._input_names = input_names
        self._output_names = output_names
        self._nms_infos = nms_infos

    def input(self, name: str = "") -> BindingsInferStream:
        """By name; the only one without a name."""
        name = _only_name(name, self._input_names)
        if name not in self._inputs:
            with ExceptionWrapper():
                self._inputs[name] = self.InferStream(self._bindings.input(name))
        return self._inputs[name]

    def output(self, name: str = "") -> BindingsInferStream:
        """By name; the only one without a name."""
        name = _only_name(name, self._output_names)
        if name not in self._outputs:
            with ExceptionWrapper():
                self._outputs[name] = self.InferStream(self._bindings.output(name), self._nms_infos.get(name))
        return self._outputs[name]

    def get(self) -> ConfiguredInferModelBindings:
        """The object of the bindings."""
        return self._bindings


def _only_name(name: str, names: list[str]) -> str:
    return names[0] if name == "" and len(names) == 1 else name
