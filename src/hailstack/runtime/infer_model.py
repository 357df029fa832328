"""A model behind HailoRT's asynchronous API: ``create_infer_model``, bindings, ``run_async``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InputError, Status
from hailstack.heads import OutputFacts, Outputs
from hailstack.runtime.batch import Batch
from hailstack.runtime.device import RunnerOptions, open_device
from hailstack.runtime.facts import RECORD_KINDS, ModelFacts, Thresholds
from hailstack.runtime.failures import Stage, to_error, translated


class InferModelRunner:
    """Submits batches and waits for them.

    Args:
        wait_by_callback: wait for the completion callback instead of the job. The callback is registered either
            way, because only it hears of a frame that failed.
    """

    def __init__(self, options: RunnerOptions, *, wait_by_callback: bool) -> None:
        self._options = options
        self._errors = options.platform.errors
        self._wait_by_callback = wait_by_callback
        self._stack = ExitStack()
        with ExitStack() as undo, translated(self._errors, Stage.OPEN, options.path):
            undo.push(self._stack)
            device = self._stack.enter_context(open_device(options.platform))
            self._model = device.create_infer_model(options.path)
            self.facts = ModelFacts.from_hef(self._model.hef, options.path, native_outputs=options.native_outputs)
            self._set_up()
            self._configured = self._stack.enter_context(self._model.configure())
            options.turn.apply(self._configured)
            self.most_in_flight = self._queue_size() // options.batch_size
            undo.pop_all()

    def _set_up(self) -> None:
        options, kinds = self._options, self._options.platform.module.FormatType
        if options.batch_size > 1:  # a batch that is named is also what the chip runs before it looks at another model
            self._model.set_batch_size(options.batch_size)
        self._model.input().set_format_type(kinds.UINT8)
        for output in self.facts.outputs:
            stream = self._model.output(output.name)
            stream.set_format_type(getattr(kinds, output.dtype.upper()))
            if output.kind != "tensor":
                _set_thresholds(stream, options.thresholds)

    def _queue_size(self) -> int:
        queue = int(self._configured.get_async_queue_size())
        path, batch_size = self._options.path, self._options.batch_size
        if batch_size > queue:
            message = f"{path}: a batch of {batch_size} frames does not fit into the queue of {queue}"
            raise InputError(message)
        return queue

    def make_batch(self) -> Batch:
        """Buffers for one submission, bound once and for all."""
        batch = Batch(np.zeros((self._options.batch_size, *self.facts.input_shape), np.uint8))
        for index in range(self._options.batch_size):
            buffers = {one.name: self._buffer(one) for one in self.facts.outputs}
            bindings = self._configured.create_bindings(output_buffers=buffers)
            bindings.input().set_buffer(batch.inputs[index])
            batch.bindings.append(bindings)
        return batch

    def _buffer(self, output: OutputFacts) -> NDArray[Any]:
        is_bytes = output.kind in RECORD_KINDS and not self._options.platform.counts_records_in_floats
        return np.zeros(self._model.output(output.name).shape, np.uint8 if is_bytes else output.dtype)

    def submit(self, batch: Batch) -> None:
        """Hand the batch to the device; blocks only while its queue is full."""
        count = len(batch.frames)
        try:
            self._configured.wait_for_async_ready(timeout_ms=self._options.timeout_ms, frames_count=count)
            batch.submitted_ns = perf_counter_ns()
            batch.job = self._configured.run_async(batch.bindings[:count], _recorder(batch, self._options.book))
        except self._errors as error:
            raise batch.failed(error, Stage.SUBMIT) from error

    def wait(self, batch: Batch) -> list[Outputs]:
        """The outputs of the batch's frames, in their order. Buffers belong to the batch."""
        if self._wait_by_callback:
            if not batch.done.wait(self._options.timeout_ms / 1000):
                raise to_error(Status.TIMEOUT, Stage.WAIT, batch.subject, frame=batch.frames[0].id.number)
        elif not batch.done.is_set():
            try:
                batch.job.wait(self._options.timeout_ms)
            except self._errors as error:
                raise batch.failed(error, Stage.WAIT) from error
        if batch.error is not None:
            raise batch.failed(batch.error, Stage.WAIT) from batch.error
        return [self._read(bindings) for bindings in batch.bindings[: len(batch.frames)]]

    def _read(self, bindings: Any) -> Outputs:
        return {one.name: bindings.output(one.name).get_buffer() for one in self.facts.outputs}

    def close(self) -> None:
        """Stop what is running and give the device back. May be called again."""
        with translated(self._errors, Stage.OPEN, self._options.path):
            self._stack.close()


def _set_thresholds(stream: Any, thresholds: Thresholds) -> None:
    if thresholds.score is not None:
        stream.set_nms_score_threshold(thresholds.score)
    if thresholds.iou is not None:
        stream.set_nms_iou_threshold(thresholds.iou)


def _recorder(batch: Batch, book: Callable[[Batch], Any] | None) -> Callable[..., None]:
    """A completion callback; HailoRT passes ``completion_info`` by keyword."""

    def record(completion_info: Any) -> None:
        batch.done_ns = perf_counter_ns()
        batch.error = completion_info.exception
        if book is not None:
            book(batch)
        batch.done.set()

    return record
