"""A model behind HailoRT's synchronous API: ``configure``, virtual streams, ``InferVStreams``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import perf_counter_ns
from typing import Any, TypeAlias
from weakref import finalize

import numpy as np

from hailstack.errors import ClosedError, Status
from hailstack.heads import Outputs
from hailstack.runtime.batch import Batch
from hailstack.runtime.device import RunnerOptions, open_device
from hailstack.runtime.facts import ModelFacts, Thresholds
from hailstack.runtime.failures import FORKED, Stage, to_error, translated

Given: TypeAlias = SimpleQueue[tuple[Batch, Any] | None]
"""Batches with their frames by input, for the thread; None ends it."""


class VStreamRunner:
    """Runs one batch after the other, on a thread of its own: the next one is filled meanwhile.

    The device stands still from the end of one call to the next one's submission, so that thread does nothing else.
    It does not know the runner, and so ends also with one that nobody closed.
    """

    most_in_flight = 2

    def __init__(self, options: RunnerOptions) -> None:
        self._options = options
        self._module, self._errors = options.platform.module, options.platform.errors
        self._stack = ExitStack()
        with ExitStack() as undo, translated(self._errors, Stage.OPEN, options.path):
            undo.push(self._stack)
            hef = self._module.HEF(options.path)
            self.facts = ModelFacts.from_hef(hef, options.path, native_outputs=options.native_outputs)
            group = self._configure(self._stack.enter_context(open_device(options.platform)), hef)
            options.turn.apply(group)
            self._pipeline = self._stack.enter_context(self._streams(group))
            self._set_thresholds(options.thresholds)
            self._given: Given = SimpleQueue()
            self._stopped = False
            self._lock = Lock()
            work = (self._given, self._pipeline, options.book)
            self._thread = Thread(target=_work, args=work, name="hailstack-vstreams", daemon=True)
            self._thread.start()
            finalize(self, self._given.put, None)
            self._stack.callback(self._stop)
            undo.pop_all()

    def _configure(self, device: Any, hef: Any) -> Any:
        interface = self._module.HailoStreamInterface.PCIe
        params = self._module.ConfigureParams.create_from_hef(hef=hef, interface=interface)
        for group in params.values():
            if self._options.batch_size > 1:
                group.batch_size = self._options.batch_size
        return device.configure(hef, params)[0]

    def _streams(self, group: Any) -> Any:
        module, kinds, timeout_ms = self._module, self._module.FormatType, self._options.timeout_ms
        inputs = module.InputVStreamParams.make(group, format_type=kinds.UINT8, timeout_ms=timeout_ms)
        outputs = module.OutputVStreamParams.make(group, format_type=kinds.FLOAT32, timeout_ms=timeout_ms)
        for one in self.facts.outputs:
            if one.dtype != "float32":
                outputs[one.name].user_buffer_format.type = getattr(kinds, one.dtype.upper())
        return module.InferVStreams(group, inputs, outputs)

    def _set_thresholds(self, thresholds: Thresholds) -> None:
        if not any(one.kind != "tensor" for one in self.facts.outputs):
            return
        if thresholds.score is not None:
            self._pipeline.set_nms_score_threshold(thresholds.score)
        if thresholds.iou is not None:
            self._pipeline.set_nms_iou_threshold(thresholds.iou)

    def make_batch(self) -> Batch:
        """Input buffers; HailoRT allocates the outputs of this API."""
        return Batch(np.zeros((self._options.batch_size, *self.facts.input_shape), np.uint8))

    def submit(self, batch: Batch) -> None:
        """Have the batch run after those before it."""
        if not self._thread.is_alive() and not self._stopped:
            frame = batch.frames[0].id.number
            raise to_error(Status.INVALID_OPERATION, Stage.SUBMIT, batch.subject, FORKED, frame)
        batch.submitted_ns = perf_counter_ns()
        with self._lock:
            if self._stopped:
                raise self._gone(batch)
            self._given.put((batch, {self.facts.input_name: batch.inputs[: len(batch.frames)]}))

    def _gone(self, batch: Batch) -> ClosedError:
        return ClosedError(f"{self._options.path}: the device was given back while {batch.subject} waited for it")

    def _stop(self) -> None:
        """End the thread after the batch that it is in; those behind it fail."""
        with self._lock:
            self._stopped = True
            with suppress(Empty):
                while (given := self._given.get_nowait()) is not None:
                    batch, _ = given
                    batch.error = self._gone(batch)
                    batch.done.set()
            self._given.put(None)
        self._thread.join()

    def wait(self, batch: Batch) -> list[Outputs]:
        """The outputs of the batch's frames, in their order. HailoRT ends the call when its time is up."""
        batch.done.wait()
        if isinstance(batch.error, self._errors):
            raise batch.failed(batch.error, Stage.WAIT) from batch.error
        if batch.error is not None:
            raise batch.error
        return [
            {one.name: batch.results[one.name][index] for one in self.facts.outputs}
            for index in range(len(batch.frames))
        ]

    def close(self) -> None:
        """Give the device back. May be called again."""
        with translated(self._errors, Stage.OPEN, self._options.path):
            self._stack.close()


def _work(given: Given, pipeline: Any, book: Callable[[Batch], Any] | None) -> None:
    """The thread's life."""
    while (one := given.get()) is not None:
        batch, frames = one
        try:
            _infer(batch, frames, pipeline, book)
        except Exception as error:  # noqa: BLE001 - whoever waits for the batch raises it
            batch.error = error
        batch.done.set()


def _infer(batch: Batch, frames: Any, pipeline: Any, book: Callable[[Batch], Any] | None) -> None:
    try:
        batch.results = pipeline.infer(frames)
    finally:
        batch.done_ns = perf_counter_ns()
        if book is not None:
            book(batch)
