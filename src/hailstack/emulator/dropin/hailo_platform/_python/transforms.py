"""Conversions that a program may do by itself: scales, and NMS results from flat arrays.

A flat NMS result by class holds for each class a count, then that many boxes of five numbers
``(y_min, x_min, y_max, x_max, score)``; the next class follows at once, and the rest of the array means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from hailo_platform._native import detections as native_detections
from hailo_platform._native import quantization
from hailo_platform._native.enums import FormatType
from hailo_platform._native.infos import BBOX_PARAMS
from hailo_platform._native.records import QuantInfo
from hailo_platform._profile import PROFILE
from hailo_platform._python.detections import make_masked_detection, make_scored_detection
from hailo_platform._python.errors import ExceptionWrapper, HailoRTException, HailoRTInvalidOperationException
from hailo_platform._python.masks import masks_to_tf_frame

BBOX_WITH_MASK_PARAMS = 6

_DTYPES = {1: numpy.uint8, 2: numpy.uint16, 4: numpy.float32}


class HailoRTTransformUtils:
    """Conversions between what the chip writes and what a program wants to see."""

    @staticmethod
    def get_dtype(data_bytes: int) -> Any:
        """The numpy type of elements of so many bytes."""
        if data_bytes in _DTYPES:
            return _DTYPES[data_bytes]
        raise HailoRTException("unsupported data bytes value")

    @staticmethod
    def dequantize_output_buffer(
        src_buffer: NDArray[Any], dst_buffer: NDArray[Any], elements_count: int, quant_info: QuantInfo
    ) -> None:
        """Real numbers of ``src_buffer``, into ``dst_buffer``."""
        with ExceptionWrapper():
            types = _format_types(src_buffer.dtype, dst_buffer.dtype, quant_info)
            quantization.dequantize_output_buffer(src_buffer, dst_buffer, *types, elements_count, quant_info)

    @staticmethod
    def dequantize_output_buffer_in_place(
        raw_buffer: NDArray[Any], dst_dtype: Any, elements_count: int, quant_info: QuantInfo
    ) -> None:
        """Real numbers where the integers were."""
        with ExceptionWrapper():
            types = _format_types(raw_buffer.dtype, dst_dtype, quant_info)
            quantization.dequantize_output_buffer_in_place(raw_buffer, *types, elements_count, quant_info)

    @staticmethod
    def quantize_input_buffer(
        src_buffer: NDArray[Any], dst_buffer: NDArray[Any], elements_count: int, quant_info: QuantInfo
    ) -> None:
        """Integers of ``src_buffer``, into ``dst_buffer``."""
        with ExceptionWrapper():
            types = _format_types(src_buffer.dtype, dst_buffer.dtype, quant_info)
            quantization.quantize_input_buffer(src_buffer, dst_buffer, *types, elements_count, quant_info)

    @staticmethod
    def output_raw_buffer_to_nms_tf_format(
        raw_output_buffer: NDArray[Any], shape: Sequence[int], dtype: Any, quantized_empty_bbox: NDArray[Any]
    ) -> NDArray[Any]:
        """``(frames, classes, 5, boxes)``, padded with ``quantized_empty_bbox``, from a flat array of all frames."""
        frames, classes, params, boxes = shape
        converted = numpy.empty([frames, classes, boxes, params], dtype=dtype)
        frame_items = classes * (boxes * params + 1)
        for index, frame in enumerate(converted):
            HailoRTTransformUtils.output_raw_buffer_to_nms_tf_format_single_frame(
                raw_output_buffer, frame, classes, boxes, quantized_empty_bbox, index * frame_items
            )
        return numpy.swapaxes(converted, 2, 3)

    @staticmethod
    def output_raw_buffer_to_nms_tf_format_single_frame(
        raw_output_buffer: NDArray[Any],
        converted_output_frame: NDArray[Any],
        number_of_classes: int,
        max_bboxes_per_class: int,
        quantized_empty_bbox: NDArray[Any],
        offset: int = 0,
    ) -> None:
        """Fills ``(classes, boxes, 5)`` from a flat array."""
        by_class = _boxes_by_class(raw_output_buffer, number_of_classes, offset)
        for row, boxes in zip(converted_output_frame, by_class, strict=False):
            row[: len(boxes)] = boxes
            row[len(boxes) : max_bboxes_per_class] = quantized_empty_bbox

    @staticmethod
    def output_raw_buffer_to_nms_format(raw_output_buffer: NDArray[Any], number_of_classes: int) -> list[Any]:
        """For each frame a list with one ``(n, 5)`` array per class."""
        single = HailoRTTransformUtils.output_raw_buffer_to_nms_format_single_frame
        return [single(frame, number_of_classes) for frame in raw_output_buffer]

    @staticmethod
    def output_raw_buffer_to_nms_format_single_frame(
        raw_output_buffer: NDArray[Any], number_of_classes: int, offset: int = 0
    ) -> list[Any]:
        """One ``(n, 5)`` array per class, views of the flat array; float64 without a row for an empty class."""
        by_class = _boxes_by_class(raw_output_buffer, number_of_classes, offset)
        return [boxes if len(boxes) else numpy.empty([0, BBOX_PARAMS]) for boxes in by_class]

    if PROFILE.by_score:

        @staticmethod
        def _output_raw_buffer_to_nms_by_score_format_single_frame(raw_output_buffer: NDArray[Any]) -> list[Any]:
            found = native_detections.convert_nms_by_score_buffer_to_detections(raw_output_buffer)
            return [make_scored_detection(detection) for detection in found]

    @staticmethod
    def _output_raw_buffer_to_nms_with_byte_mask_format(
        raw_output_buffer: NDArray[Any],
        number_of_classes: int,
        batch_size: int,
        image_height: int,
        image_width: int,
        max_bboxes_per_class: int,
        output_dtype: Any,
        is_tf_format: bool = False,
    ) -> Any:
        if not is_tf_format:
            return HailoRTTransformUtils._output_raw_buffer_to_nms_with_byte_mask_hailo_format(raw_output_buffer)
        return HailoRTTransformUtils._output_raw_buffer_to_nms_with_byte_mask_tf_format(
            raw_output_buffer,
            number_of_classes,
            batch_size,
            image_height,
            image_width,
            max_bboxes_per_class,
            output_dtype,
        )

    @staticmethod
    def _output_raw_buffer_to_nms_with_byte_mask_hailo_format(raw_output_buffer: NDArray[Any]) -> list[Any]:
        single = HailoRTTransformUtils._output_raw_buffer_to_nms_with_byte_mask_hailo_format_single_frame
        return [single(frame) for frame in raw_output_buffer]

    @staticmethod
    def _output_raw_buffer_to_nms_with_byte_mask_hailo_format_single_frame(
        raw_output_buffer: NDArray[Any],
    ) -> list[Any]:
        found = native_detections.convert_nms_with_byte_mask_buffer_to_detections(raw_output_buffer)
        return [make_masked_detection(raw_output_buffer, detection) for detection in found]

    @staticmethod
    def _output_raw_buffer_to_nms_with_byte_mask_tf_format(
        raw_output_buffer: NDArray[Any],
        number_of_classes: int,
        batch_size: int,
        image_height: int,
        image_width: int,
        max_bboxes_per_class: int,
        output_dtype: Any,
    ) -> NDArray[Any]:
        columns = image_height * image_width + BBOX_WITH_MASK_PARAMS
        converted = numpy.empty([batch_size, max_bboxes_per_class, columns], dtype=output_dtype)
        single = HailoRTTransformUtils._output_raw_buffer_to_nms_with_byte_mask_tf_format_single_frame
        for raw, frame in zip(raw_output_buffer, converted, strict=True):
            single(raw, frame, number_of_classes, max_bboxes_per_class, image_height, image_width)
        return numpy.expand_dims(numpy.moveaxis(converted, 1, 2), 1)

    @staticmethod
    def _output_raw_buffer_to_nms_with_byte_mask_tf_format_single_frame(
        raw_output_buffer: NDArray[Any],
        converted_output_frame: NDArray[Any],
        number_of_classes: int,
        max_boxes: int,
        image_height: int,
        image_width: int,
    ) -> None:
        found = native_detections.convert_nms_with_byte_mask_buffer_to_detections(raw_output_buffer)
        masks_to_tf_frame(found[:max_boxes], converted_output_frame, image_height, image_width)

    @staticmethod
    def _get_format_type(dtype: Any) -> Any:
        for kind in (FormatType.UINT8, FormatType.UINT16, FormatType.FLOAT32):
            if dtype == quantization.get_dtype(kind):
                return kind
        message = f"unsupported data type {dtype}"
        raise HailoRTException(message)


def _format_types(src_dtype: Any, dst_dtype: Any, quant_info: QuantInfo) -> tuple[Any, Any]:
    types = HailoRTTransformUtils._get_format_type(src_dtype), HailoRTTransformUtils._get_format_type(dst_dtype)
    if not quantization.is_qp_valid(quant_info):
        raise HailoRTInvalidOperationException(
            "quant_info is invalid as the model was compiled with multiple quant_infos. "
            "Please compile again or provide a list of quant_infos."
        )
    return types


def _boxes_by_class(flat: NDArray[Any], classes: int, offset: int) -> Iterator[NDArray[Any]]:
    """``(n, 5)`` views of a flat result, class by class."""
    for _ in range(classes):
        start = offset + 1
        offset = start + BBOX_PARAMS * int(flat[offset])
        yield flat[start:offset].reshape(-1, BBOX_PARAMS)


def empty_box(quant_info: QuantInfo, dtype: Any) -> NDArray[Any]:
    """What fills the places of boxes that were not found."""
    box = numpy.zeros(BBOX_PARAMS, dtype=dtype)
    if dtype == numpy.float32:
        HailoRTTransformUtils.dequantize_output_buffer_in_place(box, box.dtype, BBOX_PARAMS, quant_info)
    return box
