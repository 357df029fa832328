"""Blocking virtual streams, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import NDArray

from hailo_platform._native import infer_vstreams as native_infer
from hailo_platform._native.enums import FormatOrder
from hailo_platform._native.infos import BBOX_PARAMS, VStreamInfo
from hailo_platform._native.quantization import get_dtype
from hailo_platform._profile import PROFILE
from hailo_platform._python.errors import ExceptionWrapper, HailoRTException, HailoRTInvalidHEFException
from hailo_platform._python.transforms import BBOX_WITH_MASK_PARAMS, HailoRTTransformUtils, empty_box
from hailo_platform._python.wrapping import named_errors
from hailo_platform.common.logger.logger import default_logger

NMS_ORDERS = [FormatOrder.HAILO_NMS_BY_CLASS, FormatOrder.HAILO_NMS_BY_SCORE]
if PROFILE.legacy_nms_order:
    NMS_ORDERS.insert(0, FormatOrder.HAILO_NMS)


class InputVStream:
    """Where a program writes frames."""

    def __init__(self, send_object: Any) -> None:
        self._send_object = send_object
        self._input_dtype = self._send_object.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Axes of one frame."""
        return self._send_object.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> numpy.dtype[Any]:
        """The type that frames are cast to."""
        return self._send_object.dtype  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The virtual stream's name."""
        return self._send_object.info.name  # type: ignore[no-any-return]

    @property
    def network_name(self) -> str:
        """Its network."""
        return self._send_object.info.network_name  # type: ignore[no-any-return]

    def send(self, input_data: NDArray[Any]) -> None:
        """Write frames: the first axis counts them."""
        if input_data.dtype != self._input_dtype:
            input_data = input_data.astype(self._input_dtype)
        if not input_data.flags.c_contiguous:
            default_logger().warning("Warning - Converting input numpy array to be C_CONTIGUOUS")
            input_data = numpy.asarray(input_data, order="C")
        for index in range(input_data.shape[0]):
            with ExceptionWrapper():
                self._send_object.send(input_data[index : index + 1])

    @named_errors
    def flush(self) -> None:
        """Return when everything written has reached the device."""
        self._send_object.flush()

    @property
    def info(self) -> VStreamInfo:
        """Facts of the HEF."""
        with ExceptionWrapper():
            return self._send_object.info  # type: ignore[no-any-return]


class InputVStreams:
    """``with``: inputs that are open."""

    def __init__(self, configured_network: Any, input_vstreams_params: Any) -> None:
        self._configured_network = configured_network
        self._input_vstreams_params = input_vstreams_params
        self._vstreams: dict[str, InputVStream] = {}

    def __enter__(self) -> InputVStreams:
        holder = self._configured_network._create_input_vstreams(self._input_vstreams_params)
        self._input_vstreams_holder = holder
        holder.__enter__()
        self._vstreams.update({name: InputVStream(stream) for name, stream in holder.get_all_inputs().items()})
        return self

    def get(self, name: str | None = None) -> InputVStream:
        """By name; the only one without a name."""
        if name is None:
            name = _only(self._vstreams, "There is no single input vStream. You must give a name")
        return self._vstreams[name]

    @named_errors
    def clear(self) -> None:
        """Drop what waits in the queues."""
        self._input_vstreams_holder.clear()

    def __exit__(self, *args: object) -> None:
        self._input_vstreams_holder.__exit__(*args)

    def __iter__(self) -> Iterator[InputVStream]:
        return iter(self._vstreams.values())


def _only(vstreams: dict[str, Any], complaint: str) -> str:
    if len(vstreams) != 1:
        raise HailoRTException(complaint)
    return next(iter(vstreams))


class OutputLayerUtils:
    """What has to be known about an output to convert its frames."""

    def __init__(
        self, output_vstream_infos: list[VStreamInfo], vstream_name: str, pipeline: Any, net_group_name: str = ""
    ) -> None:
        self._output_vstream_infos = output_vstream_infos
        self._vstream_info = self._get_vstream_info(net_group_name, vstream_name)
        if isinstance(pipeline, native_infer.InferVStreams):
            self._user_buffer_format = pipeline.get_user_buffer_format(vstream_name)
            self._output_shape: Any = pipeline.get_shape(vstream_name)
        else:
            self._user_buffer_format = pipeline.get_user_buffer_format()
            self._output_shape = pipeline.shape
        self._is_nms = self._user_buffer_format.order in NMS_ORDERS
        if self._is_nms:
            self._quantized_empty_bbox = empty_box(self._vstream_info.quant_info, self.output_dtype)

    @property
    def output_dtype(self) -> numpy.dtype[Any]:
        """The numpy type of elements."""
        return get_dtype(self._user_buffer_format.type)

    @property
    def output_order(self) -> Any:
        """Memory order of frames."""
        return self._user_buffer_format.order

    @property
    def output_shape(self) -> Any:
        """Axes of one frame before conversion."""
        return self._output_shape

    @property
    def vstream_info(self) -> VStreamInfo:
        """Facts of the HEF."""
        return self._vstream_info

    @property
    def output_tensor_info(self) -> tuple[Any, numpy.dtype[Any]]:
        """Axes and type before conversion."""
        return self.output_shape, self.output_dtype

    @property
    def is_nms(self) -> bool:
        """Whether frames hold boxes by class or score."""
        return self._is_nms

    @property
    def quantized_empty_bbox(self) -> NDArray[Any]:
        """What fills the places of boxes that were not found."""
        if not self.is_nms:
            raise HailoRTException("Requested NMS info for non-NMS layer")
        return self._quantized_empty_bbox

    def _get_vstream_info(self, net_group_name: str, vstream_name: str) -> VStreamInfo:
        for info in self._output_vstream_infos:
            if info.name == vstream_name:
                return info
        message = f"No vstream matches the given name {vstream_name}"
        raise HailoRTException(message)

    @property
    def tf_nms_fomrat_shape(self) -> list[int]:
        """``[classes, 5, boxes]``. The name is the vendor's."""
        if not self.is_nms and self.output_order != FormatOrder.HAILO_NMS_WITH_BYTE_MASK:
            raise HailoRTException("Requested NMS info for non-NMS layer")
        shape = self._vstream_info.nms_shape
        return [shape.number_of_classes, BBOX_PARAMS, shape.max_bboxes_per_class]


class OutputVStream:
    """Where a program reads frames."""

    def __init__(
        self,
        configured_network: Any,
        recv_object: Any,
        name: str,
        tf_nms_format: bool = False,
        net_group_name: str = "",
    ) -> None:
        self._recv_object = recv_object
        infos = configured_network.get_output_vstream_infos()
        self._output_layer_utils = OutputLayerUtils(infos, name, self._recv_object, net_group_name)
        self._output_dtype = self._output_layer_utils.output_dtype
        self._vstream_info = self._output_layer_utils._vstream_info
        self._output_tensor_info = self._output_layer_utils.output_tensor_info
        self._is_nms = self._output_layer_utils.is_nms
        if self._is_nms:
            self._quantized_empty_bbox = self._output_layer_utils.quantized_empty_bbox
        self._tf_nms_format = tf_nms_format
        self._input_stream_infos = configured_network.get_input_stream_infos()

    @property
    def output_order(self) -> Any:
        """Memory order of frames."""
        return self._output_layer_utils.output_order

    @property
    def shape(self) -> tuple[int, ...]:
        """Axes of one frame before conversion."""
        return self._recv_object.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> numpy.dtype[Any]:
        """The numpy type of elements."""
        return self._recv_object.dtype  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The virtual stream's name."""
        return self._vstream_info.name  # type: ignore[no-any-return]

    @property
    def network_name(self) -> str:
        """Its network."""
        return self._vstream_info.network_name  # type: ignore[no-any-return]

    def recv(self) -> Any:
        """The next frame without a batch axis; NMS results taken apart."""
        with ExceptionWrapper():
            frame = self._recv_object.recv()
        if self.output_order == FormatOrder.HAILO_NMS_WITH_BYTE_MASK:
            return self._masks(frame)
        return self._boxes(frame) if self._is_nms else frame

    def _boxes(self, frame: NDArray[Any]) -> Any:
        nms = self._vstream_info.nms_shape
        if not self._tf_nms_format:
            single = HailoRTTransformUtils.output_raw_buffer_to_nms_format_single_frame
            return single(frame, nms.number_of_classes)
        shape = [1, *self._output_layer_utils.tf_nms_fomrat_shape]
        convert = HailoRTTransformUtils.output_raw_buffer_to_nms_tf_format
        return convert(frame, shape, self._output_dtype, self._quantized_empty_bbox)[0]

    def _masks(self, frame: NDArray[Any]) -> Any:
        if (inputs := len(self._input_stream_infos)) != 1:
            message = f"Output format HAILO_NMS_WITH_BYTE_MASK should have 1 input. Number of inputs: {inputs}"
            raise HailoRTInvalidHEFException(message)
        if not self._tf_nms_format:
            single = HailoRTTransformUtils._output_raw_buffer_to_nms_with_byte_mask_hailo_format_single_frame
            return single(frame)
        nms, (height, width) = self._vstream_info.nms_shape, self._input_stream_infos[0].shape[:2]
        columns = height * width + BBOX_WITH_MASK_PARAMS
        rows = numpy.zeros([nms.max_bboxes_per_class, columns], dtype=self._output_dtype)
        fill = HailoRTTransformUtils._output_raw_buffer_to_nms_with_byte_mask_tf_format_single_frame
        # The vendor's code loses the filled array and gives None; programs cannot want that.
        fill(frame, rows, nms.number_of_classes, nms.max_bboxes_per_class, height, width)
        return rows

    @property
    def info(self) -> VStreamInfo:
        """Facts of the HEF."""
        with ExceptionWrapper():
            return self._recv_object.info  # type: ignore[no-any-return]

    def set_nms_score_threshold(self, threshold: float) -> None:
        """Boxes with lower scores are left out."""
        self._recv_object.set_nms_score_threshold(threshold)

    def set_nms_iou_threshold(self, threshold: float) -> None:
        """Boxes that overlap a better one more than this are left out."""
        self._recv_object.set_nms_iou_threshold(threshold)

    def set_nms_max_proposals_per_class(self, max_proposals_per_class: int) -> None:
        """Changes the size of a frame."""
        self._recv_object.set_nms_max_proposals_per_class(max_proposals_per_class)

    def set_nms_max_accumulated_mask_size(self, max_accumulated_mask_size: int) -> None:
        """Changes the size of a frame."""
        self._recv_object.set_nms_max_accumulated_mask_size(max_accumulated_mask_size)


class OutputVStreams:
    """``with``: outputs that are open."""

    def __init__(self, configured_network: Any, output_vstreams_params: Any, tf_nms_format: bool = False) -> None:
        self._configured_network = configured_network
        self._net_group_name = configured_network.name
        self._output_vstreams_params = output_vstreams_params
        self._output_tensor_info: dict[str, Any] = {}
        self._tf_nms_format = tf_nms_format
        self._vstreams: dict[str, OutputVStream] = {}

    def __enter__(self) -> OutputVStreams:
        holder = self._configured_network._create_output_vstreams(self._output_vstreams_params)
        self._output_vstreams_holder = holder
        holder.__enter__()
        for name, vstream in holder.get_all_outputs().items():
            self._vstreams[name] = OutputVStream(
                self._configured_network,
                vstream,
                name,
                tf_nms_format=self._tf_nms_format,
                net_group_name=self._net_group_name,
            )
        return self

    def get(self, name: str | None = None) -> OutputVStream:
        """By name; the only one without a name."""
        if name is None:
            name = _only(self._vstreams, "There is no single output vStream. You must give a name")
        return self._vstreams[name]

    @named_errors
    def clear(self) -> None:
        """Drop what waits in the queues."""
        self._output_vstreams_holder.clear()

    def __exit__(self, *args: object) -> None:
        self._output_vstreams_holder.__exit__(*args)

    def __iter__(self) -> Iterator[OutputVStream]:
        return iter(self._vstreams.values())
