"""Models for asynchronous inference, before they are configured."""

from __future__ import annotations

from typing import Any

from hailo_platform._native.enums import FormatOrder
from hailo_platform._native.infer_model import InferModel as NativeInferModel
from hailo_platform._native.infer_model import InferModelInferStream
from hailo_platform._native.records import HailoFormat, QuantInfo
from hailo_platform._profile import PROFILE
from hailo_platform._python.configured_model import ConfiguredInferModel
from hailo_platform._python.errors import ExceptionWrapper, HailoRTException
from hailo_platform._python.hef import HEF
from hailo_platform._python.wrapping import named_errors


class InferModel:
    """A network group whose formats, batch size and thresholds may be chosen until ``configure``."""

    class InferStream:
        """One input or output."""

        def __init__(self, infer_stream: InferModelInferStream) -> None:
            self._infer_stream = infer_stream

        @property
        @named_errors
        def name(self) -> str:
            """The virtual stream's name."""
            return self._infer_stream.name()

        @property
        @named_errors
        def shape(self) -> list[int]:
            """Axes of the array that takes a frame; flat for NMS."""
            return self._infer_stream.shape()

        @property
        @named_errors
        def format(self) -> HailoFormat:
            """Type and order of the array's elements."""
            return self._infer_stream.format()

        @named_errors
        def set_format_type(self, type: Any) -> None:
            """Choose the type of the array's elements."""
            self._infer_stream.set_format_type(type)

        @named_errors
        def set_format_order(self, order: Any) -> None:
            """Choose the order of the array's elements."""
            if order == FormatOrder.HAILO_NMS_BY_SCORE and not PROFILE.by_score:
                raise HailoRTException("Format order HAILO_NMS_BY_SCORE is not supported")
            self._infer_stream.set_format_order(order)

        @property
        @named_errors
        def quant_infos(self) -> list[QuantInfo]:
            """Scale and zero point, always one entry."""
            return self._infer_stream.get_quant_infos()

        @property
        @named_errors
        def is_nms(self) -> bool:
            """Whether frames hold boxes."""
            return self._infer_stream.is_nms()

        @named_errors
        def set_nms_score_threshold(self, threshold: float) -> None:
            """Boxes with lower scores are left out."""
            self._infer_stream.set_nms_score_threshold(threshold)

        @named_errors
        def set_nms_iou_threshold(self, threshold: float) -> None:
            """Boxes that overlap a better one more than this are left out."""
            self._infer_stream.set_nms_iou_threshold(threshold)

        @named_errors
        def set_nms_max_proposals_per_class(self, max_proposals: int) -> None:
            """Changes the size of a frame."""
            self._infer_stream.set_nms_max_proposals_per_class(max_proposals)

        @named_errors
        def set_nms_max_accumulated_mask_size(self, max_accumulated_mask_size: int) -> None:
            """Changes the size of a frame."""
            self._infer_stream.set_nms_max_accumulated_mask_size(max_accumulated_mask_size)

    def __init__(self, infer_model: NativeInferModel, hef_path: str | bytes) -> None:
        self._infer_model = infer_model
        self._hef_path = hef_path
        self._hef: HEF | None = None

    @property
    @named_errors
    def hef(self) -> HEF:
        """The HEF, opened when first asked for."""
        if self._hef is None:
            self._hef = HEF(self._hef_path)
        return self._hef

    @named_errors
    def set_batch_size(self, batch_size: int) -> None:
        """How many frames the device takes at once."""
        self._infer_model.set_batch_size(batch_size)

    @named_errors
    def set_power_mode(self, power_mode: Any) -> None:
        """Stored; the software NPU has one speed."""
        self._infer_model.set_power_mode(power_mode)

    @named_errors
    def configure(self) -> ConfiguredInferModel:
        """Put the model on the device."""
        return ConfiguredInferModel(self._infer_model.configure(), self)

    @property
    @named_errors
    def input_names(self) -> list[str]:
        """In the order of the HEF."""
        return self._infer_model.get_input_names()

    @property
    @named_errors
    def output_names(self) -> list[str]:
        """In the compiler's order."""
        return self._infer_model.get_output_names()

    @property
    @named_errors
    def inputs(self) -> list[InferStream]:
        """In the order of the HEF."""
        return [self.InferStream(stream) for stream in self._infer_model.inputs()]

    @property
    @named_errors
    def outputs(self) -> list[InferStream]:
        """In the compiler's order."""
        return [self.InferStream(stream) for stream in self._infer_model.outputs()]

    def input(self, name: str = "") -> InferStream:
        """By name; the only one without a name."""
        with ExceptionWrapper():
            return self.InferStream(self._infer_model.input(name))

    def output(self, name: str = "") -> InferStream:
        """By name; the only one without a name."""
        with ExceptionWrapper():
            return self.InferStream(self._infer_model.output(name))

    if PROFILE.genai:

        @named_errors
        def _set_enable_kv_cache(self, enable_kv_cache: bool) -> None:
            self._infer_model.set_enable_kv_cache(enable_kv_cache)
