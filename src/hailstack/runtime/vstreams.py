"""A model behind HailoRT's synchronous API: ``configure``, virtual streams, ``InferVStreams``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter_ns
from typing import Any

import numpy as np

from hailstack.heads import Outputs
from hailstack.runtime.batch import Batch
from hailstack.runtime.device import Turn, open_device
from hailstack.runtime.facts import ModelFacts, Thresholds
from hailstack.runtime.failures import Stage, translated
from hailstack.runtime.platform import Platform


class VStreamRunner:
    """Runs one batch after the other, on a thread of its own: the next one is filled meanwhile.

    The device stands still from the end of one call to the next one's submission, so that thread does nothing else.
    """

    most_in_flight = 2

    def __init__(
        self,
        platform: Platform,
        path: str,
        *,
        batch_size: int,
        timeout_ms: int,
        thresholds: Thresholds,
        turn: Turn,
        native_outputs: bool,
        book: Callable[[Batch], Any] | None,
    ) -> None:
        self._platform = platform
        self._path = path
        self._batch_size = batch_size
        self._book = book
        self._stack = ExitStack()
        with ExitStack() as undo, translated(platform.errors, Stage.OPEN, path):
            undo.push(self._stack)
            hef = platform.module.HEF(path)
            self.facts = ModelFacts.from_hef(hef, path, native_outputs=native_outputs)
            group = self._configure(self._stack.enter_context(open_device(platform)), hef)
            turn.apply(group)
            self._pipeline = self._stack.enter_context(self._streams(group, timeout_ms))
            self._set_thresholds(thresholds)
            self._given: SimpleQueue[tuple[Batch, Any] | None] = SimpleQueue()
            self._thread = Thread(target=self._work, name="hailstack-vstreams", daemon=True)
            self._thread.start()
            self._stack.callback(self._stop)
            undo.pop_all()

    def _configure(self, device: Any, hef: Any) -> Any:
        module = self._platform.module
        params = module.ConfigureParams.create_from_hef(hef=hef, interface=module.HailoStreamInterface.PCIe)
        for group in params.values():
            if self._batch_size > 1:
                group.batch_size = self._batch_size
        return device.configure(hef, params)[0]

    def _streams(self, group: Any, timeout_ms: int) -> Any:
        module = self._platform.module
        kinds = module.FormatType
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
        return Batch(np.zeros((self._batch_size, *self.facts.input_shape), np.uint8))

    def submit(self, batch: Batch) -> None:
        """Have the batch run after those before it."""
        batch.submitted_ns = perf_counter_ns()
        self._given.put((batch, {self.facts.input_name: batch.inputs[: len(batch.frames)]}))

    def _work(self) -> None:
        while (given := self._given.get()) is not None:
            batch, frames = given
            try:
                batch.results = self._pipeline.infer(frames)
            except Exception as error:  # noqa: BLE001 - whoever waits for the batch raises it
                batch.error = error
            batch.done_ns = perf_counter_ns()
            if self._book is not None:
                self._book(batch)
            batch.done.set()

    def _stop(self) -> None:
        """End the thread after the batch that it is in."""
        try:
            while True:
                self._given.get_nowait()
        except Empty:
            self._given.put(None)
        self._thread.join()

    def wait(self, batch: Batch) -> list[Outputs]:
        """The outputs of the batch's frames, in their order. HailoRT ends the call when its time is up."""
        batch.done.wait()
        if isinstance(batch.error, self._platform.errors):
            raise batch.failed(batch.error, Stage.WAIT) from batch.error
        if batch.error is not None:
            raise batch.error
        return [
            {one.name: batch.results[one.name][index] for one in self.facts.outputs}
            for index in range(len(batch.frames))
        ]

    def close(self) -> None:
        """Give the device back. May be called again."""
        with translated(self._platform.errors, Stage.OPEN, self._path):
            self._stack.close()
