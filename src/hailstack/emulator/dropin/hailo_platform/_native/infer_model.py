"""The asynchronous API of the bindings: models, their streams, bindings, jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from hailo_platform._native import enums
from hailo_platform._native.errors import fail, native_statuses
from hailo_platform._native.infos import host_shape
from hailo_platform._native.pybind import NativeObject, instance_of, real, text, uint8, uint16, uint32
from hailo_platform._native.records import HailoFormat, QuantInfo, make_format, make_quant
from hailo_platform._native.vstreams import writable_bytes
from hailo_platform._profile import PROFILE
from hailstack.emulator import core
from hailstack.errors import Status
from hailstack.hef.formats import FormatOrder, FormatType

Callback = Callable[[int, str], object]
"""Called when all frames of a call are done, with a status number and, where it is not 0, why."""


_MILLISECOND = timedelta(milliseconds=1)
_timedelta = instance_of(timedelta)


def _milliseconds(delay: timedelta) -> float:
    return _timedelta(delay) / _MILLISECOND


class InferModelInferStream(NativeObject):
    """One input or output of a model that is not configured yet."""

    __slots__ = ("_stream",)
    _stream: core.ModelStream

    def name(self) -> str:
        """The virtual stream's name."""
        return self._stream.name

    def shape(self) -> list[int]:
        """The axes of the array that takes a frame; flat for NMS."""
        return host_shape(self._stream.format.order, self._stream.info.shape, self._stream.frame_bytes)

    def format(self) -> HailoFormat:
        """Type and order of the array's elements."""
        return make_format(self._stream.format)

    def set_format_type(self, type: Any) -> None:
        """Choose the type of the array's elements."""
        self._stream.set_format_type(FormatType(int(instance_of(enums.FormatType)(type))))

    def set_format_order(self, order: Any) -> None:
        """Choose the order of the array's elements."""
        with native_statuses:
            self._stream.set_format_order(FormatOrder(int(instance_of(enums.FormatOrder)(order))))

    def get_quant_infos(self) -> list[QuantInfo]:
        """Scale and zero point, always one entry."""
        return [make_quant(self._stream.info.quant)]

    def is_nms(self) -> bool:
        """Whether frames hold boxes."""
        return self._stream.info.format.order.is_nms

    def set_nms_score_threshold(self, threshold: float) -> None:
        """Boxes with lower scores are left out."""
        self._stream.set_nms_score_threshold(real(threshold))

    def set_nms_iou_threshold(self, threshold: float) -> None:
        """Boxes that overlap a better one more than this are left out."""
        self._stream.set_nms_iou_threshold(real(threshold))

    def set_nms_max_proposals_per_class(self, max_proposals_per_class: int) -> None:
        """Changes the size of a frame."""
        self._stream.set_nms_max_proposals_per_class(uint32(max_proposals_per_class))

    def set_nms_max_accumulated_mask_size(self, max_accumulated_mask_size: int) -> None:
        """Changes the size of a frame."""
        self._stream.set_nms_max_accumulated_mask_size(uint32(max_accumulated_mask_size))


def _model_stream(stream: core.ModelStream) -> InferModelInferStream:
    made = InferModelInferStream.__new__(InferModelInferStream)
    made._stream = stream
    return made


class InferModel(NativeObject):
    """A network group with its formats, batch size and thresholds to be chosen."""

    __slots__ = ("_model",)
    _model: core.InferModel

    def configure(self) -> ConfiguredInferModel:
        """Put the model on the device."""
        with native_statuses:
            configured = self._model.configure()
        made = ConfiguredInferModel.__new__(ConfiguredInferModel)
        made._configured = configured
        made._names = tuple(self.get_input_names()), tuple(self.get_output_names())
        return made

    def set_batch_size(self, batch_size: int) -> None:
        """How many frames the device takes at once; 0 leaves it to the runtime."""
        with native_statuses:
            self._model.set_batch_size(uint16(batch_size))

    def set_power_mode(self, power_mode: Any) -> None:
        """Stored; the software NPU has one speed."""
        self._model.set_power_mode(int(instance_of(enums.PowerMode)(power_mode)))

    def get_input_names(self) -> list[str]:
        """In the order of the HEF."""
        return [stream.name for stream in self._model.inputs]

    def get_output_names(self) -> list[str]:
        """In the compiler's order."""
        return [stream.name for stream in self._model.outputs]

    def inputs(self) -> list[InferModelInferStream]:
        """In the order of the HEF."""
        return [_model_stream(stream) for stream in self._model.inputs]

    def outputs(self) -> list[InferModelInferStream]:
        """In the compiler's order."""
        return [_model_stream(stream) for stream in self._model.outputs]

    def input(self, name: str) -> InferModelInferStream:
        """By name; the only one for the empty name."""
        with native_statuses:
            return _model_stream(self._model.input(text(name)))

    def output(self, name: str) -> InferModelInferStream:
        """By name; the only one for the empty name."""
        with native_statuses:
            return _model_stream(self._model.output(text(name)))

    if PROFILE.genai:

        def set_enable_kv_cache(self, enable_kv_cache: bool) -> None:
            """Refused when asked for: no HEF has a cache here."""
            if enable_kv_cache:
                fail(Status.NOT_SUPPORTED, "KV caches are not emulated")


def make_infer_model(model: core.InferModel) -> InferModel:
    """A new object around the software NPU's model."""
    made = InferModel.__new__(InferModel)
    made._model = model
    return made


class ConfiguredInferModelInferStream(NativeObject):
    """Where one frame's memory is bound."""

    __slots__ = ("_name", "_table")
    _name: str
    _table: dict[str, Any]

    def set_buffer(self, buffer: Any) -> None:
        """Use this array; its size is looked at when the frame is submitted."""
        self._table[self._name] = writable_bytes(buffer)


class ConfiguredInferModelBindings(NativeObject):
    """The memory of one frame."""

    __slots__ = ("_buffers", "_names")
    _buffers: core.FrameBuffers
    _names: tuple[tuple[str, ...], tuple[str, ...]]

    def input(self, name: str) -> ConfiguredInferModelInferStream:
        """By name; the only one for the empty name."""
        return _binding(self._buffers.inputs, self._names[0], name, "input")

    def output(self, name: str) -> ConfiguredInferModelInferStream:
        """By name; the only one for the empty name."""
        return _binding(self._buffers.outputs, self._names[1], name, "output")

    @property
    def buffers(self) -> core.FrameBuffers:
        """What is bound now."""
        return self._buffers


def _binding(table: dict[str, Any], names: tuple[str, ...], name: str, what: str) -> ConfiguredInferModelInferStream:
    if not name and len(names) != 1:
        fail(Status.INVALID_OPERATION, f"The model has {len(names)} {what}s: give a name")
    if name and name not in names:
        fail(Status.NOT_FOUND, f"The model has no {what} called {name!r}")
    made = ConfiguredInferModelInferStream.__new__(ConfiguredInferModelInferStream)
    made._table, made._name = table, name or names[0]
    return made


class AsyncInferJob(NativeObject):
    """Frames that were submitted together."""

    __slots__ = ("_job",)
    _job: core.Job

    def wait(self, timeout: timedelta) -> None:
        """Return when the frames are done and the callback has returned.

        As in the vendor's library the callback alone learns of failures. But frames that nothing can compute, because
        a vendor HEF has no twin, are no case of that library, and must not go unnoticed.
        """
        with native_statuses:
            self._job.wait(_milliseconds(timeout))
            error = self._job.error
            if error is not None and error.status is Status.NOT_SUPPORTED:
                raise error


class ConfiguredInferModel(NativeObject):
    """A model on the device. Dropping it shuts it down and waits for its callbacks."""

    __slots__ = ("_configured", "_names")
    _configured: core.ConfiguredInferModel
    _names: tuple[tuple[str, ...], tuple[str, ...]]

    def create_bindings(self) -> ConfiguredInferModelBindings:
        """Memory for one frame, nothing bound yet."""
        made = ConfiguredInferModelBindings.__new__(ConfiguredInferModelBindings)
        made._buffers, made._names = core.FrameBuffers(), self._names
        return made

    def activate(self) -> None:
        """Put the model on the chip, without the scheduler."""
        with native_statuses:
            self._configured.activate()

    def deactivate(self) -> None:
        """Take the model off the chip."""
        with native_statuses:
            self._configured.deactivate()

    def wait_for_async_ready(self, timeout: timedelta, frames_count: int) -> None:
        """Return when so many more frames fit into the queue."""
        with native_statuses:
            self._configured.wait_for_async_ready(_milliseconds(timeout), uint32(frames_count))

    def run_async(self, user_bindings: Sequence[ConfiguredInferModelBindings], pythonic_cb: Callback) -> AsyncInferJob:
        """Submit frames; ``pythonic_cb`` is called once, on the model's callback thread."""
        frames = [bindings.buffers for bindings in user_bindings]
        made = AsyncInferJob.__new__(AsyncInferJob)
        submitted = threading.Lock()  # lighter than an event, and hardly ever waited for
        submitted.acquire()

        def on_done(status: Status) -> None:
            reason = ""
            if status:
                with submitted:
                    reason = str(made._job.error)
            pythonic_cb(PROFILE.status_known_as(status), reason)

        with native_statuses:
            made._job = self._configured.run_async(frames, on_done)
        submitted.release()
        return made

    def set_scheduler_timeout(self, timeout: timedelta) -> None:
        """How long frames may wait for the threshold."""
        with native_statuses:
            self._configured.set_scheduler_timeout(int(_milliseconds(timeout)))

    def set_scheduler_threshold(self, threshold: int) -> None:
        """How many frames must wait before the model asks for the chip."""
        with native_statuses:
            self._configured.set_scheduler_threshold(uint32(threshold))

    def set_scheduler_priority(self, priority: int) -> None:
        """0 (last) to 31 (first)."""
        with native_statuses:
            self._configured.set_scheduler_priority(uint8(priority))

    def get_async_queue_size(self) -> int:
        """How many frames may be in flight."""
        with native_statuses:
            return self._configured.async_queue_size

    def shutdown(self) -> None:
        """End everything in flight and refuse the rest."""
        with native_statuses:
            self._configured.shutdown()

    def close(self) -> None:
        """Shut down and wait for the callbacks. May be called twice."""
        self._configured.close()
