"""Synchronous inference on whole batches."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from hailo_platform._native import quantization
from hailo_platform._native.enums import FormatOrder
from hailo_platform._native.errors import HailoRTStatusException
from hailo_platform._native.infer_vstreams import InferVStreams as NativeInferVStreams
from hailo_platform._profile import PROFILE
from hailo_platform._python.errors import ExceptionWrapper, HailoRTException, indicative_exception
from hailo_platform._python.transforms import HailoRTTransformUtils
from hailo_platform._python.vstreams import OutputLayerUtils
from hailo_platform.common.logger.logger import default_logger

Arrays = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Output:
    """An output of the networks that get frames."""

    name: str
    shape: list[int]
    dtype: numpy.dtype[Any]
    layer: OutputLayerUtils | None
    """What its results are converted by; None where they are given as they come."""


class InferVStreams:
    """``with``: a pipeline that takes a batch of frames and gives back their results."""

    def __init__(
        self,
        configured_net_group: Any,
        input_vstreams_params: Any,
        output_vstreams_params: Any,
        tf_nms_format: bool = False,
    ) -> None:
        self._configured_net_group = configured_net_group
        self._net_group_name = configured_net_group.name
        self._input_vstreams_params = input_vstreams_params
        self._output_vstreams_params = output_vstreams_params
        if not PROFILE.by_score:
            self._validate_output_vstreams_params()
        self._tf_nms_format = tf_nms_format
        self._total_time: float | None = None
        self._hw_time: float | None = None
        self._outputs: dict[tuple[str, ...], list[_Output]] = {}
        self._fitting: dict[str, numpy.dtype[Any]] = {}
        """Input → the type of arrays that need no look any more."""
        self._network_name_to_outputs = self._get_network_to_outputs_mapping(configured_net_group)
        self._input_name_to_network_name = self._get_input_name_to_network_mapping(configured_net_group)

    def _validate_output_vstreams_params(self) -> None:
        orders = [params.user_buffer_format.order for params in self._output_vstreams_params.values()]
        if FormatOrder.HAILO_NMS_BY_SCORE in orders:
            raise HailoRTException("HAILO_NMS_BY_SCORE format is not supported")

    @staticmethod
    def _get_input_name_to_network_mapping(configured_net_group: Any) -> dict[str, str]:
        return {
            info.name: network
            for network in configured_net_group.get_networks_names()
            for info in configured_net_group.get_input_vstream_infos(network)
        }

    @staticmethod
    def _get_network_to_outputs_mapping(configured_net_group: Any) -> dict[str, list[str]]:
        return {
            network: [info.name for info in configured_net_group.get_output_vstream_infos(network)]
            for network in configured_net_group.get_networks_names()
        }

    def __enter__(self) -> InferVStreams:
        self._infer_pipeline = NativeInferVStreams(
            self._configured_net_group._configured_network,
            self._input_vstreams_params,
            self._output_vstreams_params,
        )
        return self

    def infer(self, input_data: Any) -> Arrays:
        """Results of a batch: output name → array with a leading batch axis, or lists for NMS outputs.

        Args:
            input_data: input name → array whose first axis counts frames; or just the array, for one input. Arrays of
                another type are cast, those of another layout copied, and replaced in the dictionary.

        Raises:
            ValueError: there is no array, or they count different numbers of frames.
            HailoRTException: an array does not fit the input; the device refused or failed.
        """
        started = time.perf_counter()
        input_data = self._as_dict(input_data)
        batch_size = self._get_number_of_frames(input_data)
        outputs = self._find_outputs(input_data)
        output_buffers: Arrays = {one.name: numpy.empty((batch_size, *one.shape), one.dtype) for one in outputs}
        for name, array in input_data.items():
            if array.dtype is not self._fitting.get(name) or not array.flags.c_contiguous:
                self._make_fit(name, input_data)
        before = time.perf_counter()
        try:
            self._infer_pipeline.infer(input_data, output_buffers, batch_size)
        except HailoRTStatusException as error:
            raise indicative_exception(error) from error
        self._hw_time = time.perf_counter() - before
        for one in outputs:
            if one.layer is not None:
                output_buffers[one.name] = self._converted(output_buffers[one.name], one.layer)
        self._total_time = time.perf_counter() - started
        return output_buffers

    def _as_dict(self, input_data: Any) -> Arrays:
        if isinstance(input_data, dict):
            return input_data
        infos = self._configured_net_group.get_input_vstream_infos()
        if len(infos) != 1:
            message = (
                "when there is more than one input, the input_data should be of type dict, mapping between each "
                f"input_name, and his input_data tensor. number of inputs: {len(infos)}"
            )
            raise Exception(message)
        return {infos[0].name: input_data}

    def _find_outputs(self, input_data: Arrays) -> list[_Output]:
        """The outputs of all networks that get frames; looked up once, as their number of boxes is set rarely."""
        inputs = tuple(input_data)
        found = self._outputs.get(inputs)
        if found is None:
            networks = dict.fromkeys(self._input_name_to_network_name[name] for name in inputs)
            infos = self._configured_net_group.get_output_vstream_infos()
            found = [
                _output(name, OutputLayerUtils(infos, name, self._infer_pipeline, self._net_group_name))
                for network in networks
                for name in self._network_name_to_outputs[network]
            ]
            self._outputs[inputs] = found
        return found

    def _converted(self, result: NDArray[Any], layer: OutputLayerUtils) -> Any:
        if layer.output_order == FormatOrder.HAILO_NMS_WITH_BYTE_MASK:
            return self._masks(result, layer)
        if not self._tf_nms_format:
            classes = layer.vstream_info.nms_shape.number_of_classes
            return HailoRTTransformUtils.output_raw_buffer_to_nms_format(result, classes)
        # Frame by frame: a limit set since then makes frames shorter than the HEF says.
        shape, convert = [1, *layer.tf_nms_fomrat_shape], HailoRTTransformUtils.output_raw_buffer_to_nms_tf_format
        empty = layer.quantized_empty_bbox
        return numpy.concatenate([convert(frame, shape, layer.output_dtype, empty) for frame in result])

    def _masks(self, result: NDArray[Any], layer: OutputLayerUtils) -> Any:
        infos = self._configured_net_group.get_input_vstream_infos()
        if len(infos) != 1:
            message = f"Output format HAILO_NMS_WITH_BYTE_MASK should have 1 input. Number of inputs: {len(infos)}"
            raise Exception(message)
        nms, (height, width) = layer.vstream_info.nms_shape, infos[0].shape[:2]
        return HailoRTTransformUtils._output_raw_buffer_to_nms_with_byte_mask_format(
            result,
            nms.number_of_classes,
            len(result),
            height,
            width,
            nms.max_bboxes_per_class,
            layer.output_dtype,
            self._tf_nms_format,
        )

    def get_hw_time(self) -> float | None:
        """Seconds that the device took for the last batch."""
        return self._hw_time

    def get_total_time(self) -> float | None:
        """Seconds that the last call took, conversions included."""
        return self._total_time

    def _make_fit(self, name: str, input_data: Arrays) -> None:
        self._cast_input_data_if_needed(name, input_data)
        self._validate_input_data_format_type(name, input_data)
        self._make_c_contiguous_if_needed(name, input_data)
        self._fitting[name] = input_data[name].dtype

    def _cast_input_data_if_needed(self, input_layer_name: str, input_data: Arrays) -> None:
        with ExceptionWrapper():
            expected = self._infer_pipeline.get_host_dtype(input_layer_name)
        given = input_data[input_layer_name].dtype
        if given != expected:
            default_logger().warning(
                f"Given input data dtype ({given}) is different than inferred dtype ({expected}). "
                "conversion for every frame will reduce performance"
            )
            input_data[input_layer_name] = input_data[input_layer_name].astype(expected)

    def _validate_input_data_format_type(self, input_layer_name: str, input_data: Arrays) -> None:
        if input_layer_name not in self._input_vstreams_params:
            return
        wanted = self._input_vstreams_params[input_layer_name].user_buffer_format
        expected = quantization.get_format_data_bytes(wanted)
        size = input_data[input_layer_name].dtype.itemsize
        if size != expected:
            message = f"{input_layer_name} numpy array item size is {size}, not {expected}"
            raise HailoRTException(message)

    @staticmethod
    def _get_number_of_frames(input_data: Arrays) -> int:
        if not input_data:
            raise ValueError("Input_data can't be empty")
        first = -1
        for array in input_data.values():
            count = int(array.shape[0])
            if first not in (-1, count):
                message = (
                    "The number of frames on all input_tensors should be equal! "
                    f"different sizes detected: {first} != {count}"
                )
                raise ValueError(message)
            first = count
        return first

    def _make_c_contiguous_if_needed(self, input_layer_name: str, input_data: Arrays) -> None:
        if not input_data[input_layer_name].flags.c_contiguous:
            default_logger().warning(f"Converting {input_layer_name} numpy array to be C_CONTIGUOUS")
            input_data[input_layer_name] = numpy.asarray(input_data[input_layer_name], order="C")

    def set_nms_score_threshold(self, threshold: float) -> None:
        """Boxes with lower scores are left out."""
        self._infer_pipeline.set_nms_score_threshold(threshold)

    def set_nms_iou_threshold(self, threshold: float) -> None:
        """Boxes that overlap a better one more than this are left out."""
        self._infer_pipeline.set_nms_iou_threshold(threshold)

    def set_nms_max_proposals_per_class(self, max_proposals_per_class: int) -> None:
        """Changes the size of results."""
        self._infer_pipeline.set_nms_max_proposals_per_class(max_proposals_per_class)
        self._outputs.clear()

    def set_nms_max_accumulated_mask_size(self, max_accumulated_mask_size: int) -> None:
        """Changes the size of results."""
        self._infer_pipeline.set_nms_max_accumulated_mask_size(max_accumulated_mask_size)
        self._outputs.clear()

    def __exit__(self, *args: object) -> None:
        self._infer_pipeline.release()


def _output(name: str, layer: OutputLayerUtils) -> _Output:
    shape, dtype = list(layer.output_shape), layer.output_dtype
    if layer.output_order == FormatOrder.HAILO_NMS_WITH_BYTE_MASK:
        # Records with pointers and masks, whatever type was asked for: 4.20 counts them in float32.
        shape[0] *= dtype.itemsize if PROFILE.byte_mask_items else 1
        return _Output(name, shape, numpy.dtype(numpy.uint8), layer)
    return _Output(name, shape, dtype, layer if layer.is_nms else None)
