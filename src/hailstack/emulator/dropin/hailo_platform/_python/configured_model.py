"""Models for asynchronous inference that are on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hailo_platform._native import infer_model as native
from hailo_platform._native.enums import FormatOrder
from hailo_platform._profile import PROFILE
from hailo_platform._python import bindings as frames
from hailo_platform._python.errors import ExceptionWrapper, HailoRTInvalidHEFException, named_exception
from hailo_platform._python.wrapping import named_errors

if TYPE_CHECKING:
    from hailo_platform._python.infer_model import InferModel

NMS_ORDERS = (*frames.RECORD_ORDERS, *frames.BY_CLASS_ORDERS)
NO_SIZE = (-1, -1)


class AsyncInferCompletionInfo:
    """How a submission ended."""

    def __init__(self, exception: Exception | None) -> None:
        self._exception = exception

    @property
    def exception(self) -> Exception | None:
        """Why it failed, or None."""
        return self._exception


class AsyncInferJob:
    """Frames that were submitted together."""

    MILLISECOND = 1 / 1000

    def __init__(self, job: native.AsyncInferJob) -> None:
        self._job = job

    @named_errors
    def wait(self, timeout_ms: float) -> None:
        """Return when the frames are done and the callback has returned; their failures are the callback's to see.

        Raises:
            HailoRTTimeout: after up to twice ``timeout_ms``.
        """
        self._job.wait(timedelta(milliseconds=timeout_ms))


class ConfiguredInferModel:
    """A model that takes frames. Leaving ``with`` shuts it down."""

    NmsTransformationInfo = frames.NmsTransformationInfo
    NmsHailoTransformationInfo = frames.NmsHailoTransformationInfo
    NmsTfTransformationInfo = frames.NmsTfTransformationInfo
    Bindings = frames.Bindings

    def __init__(self, configured_infer_model: native.ConfiguredInferModel, infer_model: InferModel) -> None:
        self._configured_infer_model: Any = configured_infer_model
        self._input_names = infer_model.input_names
        self._output_names = infer_model.output_names
        self._infer_model = infer_model

    def __enter__(self) -> ConfiguredInferModel:
        return self

    def __exit__(self, exc_type: object, exc_value: object, traceback: object) -> None:
        if self._configured_infer_model is not None:
            # At once, even where a traceback still refers to it.
            self._configured_infer_model.close()
        self._configured_infer_model = None

    @named_errors
    def activate(self) -> None:
        """Put the model on the chip, without the scheduler."""
        self._configured_infer_model.activate()

    @named_errors
    def deactivate(self) -> None:
        """Take the model off the chip."""
        self._configured_infer_model.deactivate()

    def create_bindings(
        self, input_buffers: Mapping[str, Any] | None = None, output_buffers: Mapping[str, Any] | None = None
    ) -> frames.Bindings:
        """Memory for one frame; arrays may be bound now or later."""
        with ExceptionWrapper():
            native_bindings = self._configured_infer_model.create_bindings()
        made = self.Bindings(native_bindings, self._input_names, self._output_names, self._get_nms_infos())
        for name, buffer in (input_buffers or {}).items():
            made.input(name).set_buffer(buffer)
        for name, buffer in (output_buffers or {}).items():
            made.output(name).set_buffer(buffer)
        return made

    @named_errors
    def wait_for_async_ready(self, timeout_ms: float = 1000, frames_count: int = 1) -> None:
        """Return when so many more frames fit into the queue."""
        self._configured_infer_model.wait_for_async_ready(timedelta(milliseconds=timeout_ms), frames_count)

    @named_errors
    def run(self, bindings: Iterable[frames.Bindings], timeout: float) -> None:
        """Submit frames and wait for them; their failures stay unseen, as in the vendor's library."""
        self.run_async(bindings).wait(timeout)

    @named_errors
    def run_async(
        self, bindings: Iterable[frames.Bindings], callback: Callable[..., object] | None = None
    ) -> AsyncInferJob:
        """Submit frames. ``callback(completion_info=...)`` is called once, on the model's callback thread.

        Any refusal shuts the model down.
        """

        def on_done(error_code: int, reason: str) -> None:
            if callback:
                exception = named_exception(error_code, reason) if error_code else None
                callback(completion_info=AsyncInferCompletionInfo(exception))

        return AsyncInferJob(self._configured_infer_model.run_async([one.get() for one in bindings], on_done))

    @named_errors
    def set_scheduler_timeout(self, timeout_ms: float) -> None:
        """How long frames may wait for the threshold."""
        self._configured_infer_model.set_scheduler_timeout(timedelta(milliseconds=timeout_ms))

    @named_errors
    def set_scheduler_threshold(self, threshold: int) -> None:
        """How many frames must wait before the model asks for the chip."""
        self._configured_infer_model.set_scheduler_threshold(threshold)

    @named_errors
    def set_scheduler_priority(self, priority: int) -> None:
        """0 (last) to 31 (first), 16 by default."""
        self._configured_infer_model.set_scheduler_priority(priority)

    @named_errors
    def get_async_queue_size(self) -> int:
        """How many frames may be in flight."""
        return self._configured_infer_model.get_async_queue_size()  # type: ignore[no-any-return]

    @named_errors
    def shutdown(self) -> None:
        """End everything in flight and refuse the rest."""
        self._configured_infer_model.shutdown()

    if PROFILE.genai:

        @named_errors
        def _update_cache_offset(self, offset_delta_entries: int) -> None:
            self._configured_infer_model.update_cache_offset(offset_delta_entries)

        @named_errors
        def _finalize_cache(self) -> None:
            self._configured_infer_model.finalize_cache()

    def _get_nms_infos(self) -> dict[str, frames.NmsTransformationInfo]:
        outputs = [self._infer_model.output(name) for name in self._output_names]
        return {one.name: self._nms_info(one) for one in outputs if one.format.order in NMS_ORDERS}

    def _nms_info(self, output: Any) -> frames.NmsTransformationInfo:
        order, name = output.format.order, output.name
        info = next(info for info in self._infer_model.hef.get_output_vstream_infos() if info.name == name)
        masks = order == FormatOrder.HAILO_NMS_WITH_BYTE_MASK
        return self.NmsTransformationInfo(
            order,
            *(self._input_size(order) if masks else NO_SIZE),
            info.nms_shape.number_of_classes,
            info.nms_shape.max_bboxes_per_class,
            output.quant_infos[0],
        )

    def _input_size(self, order: Any) -> tuple[int, int]:
        if (inputs := len(self._input_names)) != 1:
            message = f"Output format order {order} should have 1 input. Number of inputs: {inputs}"
            raise HailoRTInvalidHEFException(message)
        height, width = self._infer_model.input().shape[:2]
        return height, width


for _nested in (frames.NmsTransformationInfo, frames.NmsHailoTransformationInfo, frames.NmsTfTransformationInfo):
    _nested.__qualname__ = f"ConfiguredInferModel.{_nested.__name__}"
frames.Bindings.__qualname__ = "ConfiguredInferModel.Bindings"
