"""One model on the NPU: frames in, answers out, in order, none lost."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import ClosedError, DeviceBusyError, DeviceLostError, HailstackError, InputError
from hailstack.profiling import OFF, Profiler
from hailstack.runtime.depth import DepthCurve, measure_depths
from hailstack.runtime.device import RunnerOptions, Turn
from hailstack.runtime.facts import Thresholds
from hailstack.runtime.infer_model import InferModelRunner
from hailstack.runtime.platform import load_platform
from hailstack.runtime.pump import Answer, Pump, Runner
from hailstack.runtime.recovery import Recovery
from hailstack.runtime.relay import relayed
from hailstack.runtime.sharing import Seat
from hailstack.runtime.vstreams import VStreamRunner
from hailstack.types import Frame, Image

LARGEST_BATCH = 65_535
"""HailoRT counts the frames of a batch in 16 bits."""

LONGEST_TIMEOUT_MS = 2**32 - 1
"""HailoRT counts milliseconds in 32 bits; of virtual streams, this one is for ever."""

DEFAULT_FRAMES_IN_FLIGHT = 8
"""Latency over service time is below 3 on the chips we know; 8 leaves a margin for a host that is late."""

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0

Mode: TypeAlias = Literal["async", "callback", "sync"]
Prepared = TypeVar("Prepared")
Fill: TypeAlias = Callable[[Image, NDArray[np.uint8]], Prepared]


class Session:
    """A HEF opened on the NPU. A context manager; may be closed twice.

    Args:
        hef_path: the model.
        mode: ``async`` keeps several batches on the device and waits for their jobs; ``callback`` does so too and
            waits for the completion callbacks; ``sync`` runs one batch after the other through virtual streams
            (which Hailo-10H does not have) and fills the next one meanwhile. All three give the same answers.
        batch_size: frames that are submitted together. The last batch of a stream may be smaller.
        depth: frames in flight, bounded by the device's queue; None chooses.
        timeout_ms: how long to wait for the device at any one call.
        thresholds: limits of the NMS on the host.
        architecture: the chip that the HEF is for, where known: the one to emulate if there is no vendor package.
        turn: when its turn comes among several models. All sessions of a process share its chip.
        seat: from :class:`hailstack.runtime.Sharing`, by which sessions of one chip know of each other; None: this one
            takes no notice of others, and nobody reckons what it has of the device.
        name: stands behind the names of stages and tracks in a profile, where there are several models.
        native_outputs: give tensors as the device has them, uint8 or uint16, with scale and zero point in
            ``facts.outputs``; else as float32, which the host computes for every element of every frame.
        profiler: takes down when what was done.

    Raises:
        HefError, DeviceBusyError, DeviceError: the HEF cannot be opened on the device.
    """

    def __init__(
        self,
        hef_path: str | os.PathLike[str],
        *,
        mode: Mode = "async",
        batch_size: int = 1,
        depth: int | None = None,
        timeout_ms: int = 10_000,
        thresholds: Thresholds | None = None,
        architecture: str = "",
        turn: Turn | None = None,
        seat: Seat | None = None,
        name: str = "",
        native_outputs: bool = False,
        profiler: Profiler = OFF,
    ) -> None:
        if not 1 <= batch_size <= LARGEST_BATCH:
            message = f"the batch size is {batch_size}, it must be within 1..{LARGEST_BATCH}"
            raise InputError(message)
        if depth is not None and depth < 1:
            message = f"the depth is {depth}, it must be at least 1"
            raise InputError(message)
        if not 1 <= timeout_ms <= LONGEST_TIMEOUT_MS:
            message = f"the timeout is {timeout_ms} ms, it must be within 1..{LONGEST_TIMEOUT_MS}"
            raise InputError(message)
        self._options = RunnerOptions(
            load_platform(architecture),
            os.fspath(hef_path),
            batch_size,
            timeout_ms,
            thresholds or Thresholds(),
            turn or Turn(),
            native_outputs,
            seat.book if seat else None,
        )
        self._mode = mode
        self._wanted_depth = depth
        self._seat = seat
        self._name = name
        self._profiler = profiler
        self._closed = False
        self._runner: Runner | None = None
        self.facts = self._ready().facts

    def _open(self) -> Runner:
        if self._mode == "sync":
            return VStreamRunner(self._options)
        return InferModelRunner(self._options, wait_by_callback=self._mode == "callback")

    @property
    def depth(self) -> int:
        """Frames in flight at most."""
        return self._batches(self._ready()) * self._options.batch_size

    def _batches(self, runner: Runner) -> int:
        frames = DEFAULT_FRAMES_IN_FLIGHT if self._wanted_depth is None else self._wanted_depth
        batch_size = self._options.batch_size
        return min(runner.most_in_flight, max(frames // batch_size, 2 if batch_size > 1 else 1))

    def stream(
        self, frames: Iterable[Frame | None], fill: Fill[Prepared], *, recovery: Recovery | None = None
    ) -> Generator[Answer[Prepared], None, None]:
        """Answers in the order of the frames, each frame exactly once.

        The generator runs in the thread of whoever asks it. Closed early, it gives the device back; the session may
        be used again and opens it anew. Every call of the device ends after ``timeout_ms`` at the latest, closing
        it after HailoRT's own ten seconds.

        Args:
            frames: pulled as the device has room; at most depth + batch size of them are held at a time. None among
                them says that there is none at the moment: answers that are ready are given meanwhile.
            fill: writes a picture into an input buffer ``(height, width, features)``; what it returns comes back
                with the answer.
            recovery: what to do about frames that fail; None: the first failure ends the stream.

        Raises:
            InferenceSubmitError, InferenceTimeoutError, InferenceWaitError, DeviceLostError: with the frame. Answers
                of earlier frames have been given; the session may be used again and then opens the device anew.
            ClosedError: the session is closed.
        """
        recovery = recovery or Recovery()
        runner = self._ready()
        pump = Pump(
            runner,
            lambda: self._reopen(recovery),
            self._batches(runner),
            fill,
            recovery,
            profiler=self._profiler,
            seat=self._seat,
            name=self._name,
        )
        try:
            yield from pump.answers(frames)
        except BaseException as error:
            # Buffers of unfinished jobs still belong to the device: only closing it makes them ours again.
            self._drop_runner_after(error)
            raise
        finally:
            if self._seat is not None:
                self._seat.note(None, 0, 1)

    def astream(
        self,
        frames: Iterable[Frame | None] | AsyncIterable[Frame],
        fill: Fill[Prepared],
        *,
        recovery: Recovery | None = None,
    ) -> AsyncGenerator[Answer[Prepared], None]:
        """As :meth:`stream`, for ``async for``: same answers, same order, same errors.

        ``fill``, the device and a plain iterable's frames have a thread of their own, so that the event loop stays
        free. Cancelling the task (or ``aclose``) ends it after the call under way: within ``timeout_ms`` for the
        device; a plain iterable that blocks is waited for, an asynchronous one is cancelled.
        """
        return relayed(lambda pulled: self.stream(pulled, fill, recovery=recovery), frames)

    def measure_depths(self) -> DepthCurve:
        """Frames a second for several depths, measured with blank frames, and the smallest that is as good as any.

        From then on the session uses it. Takes some two seconds; ``sync`` has two depths at most.

        Raises:
            DeviceError: the device failed.
        """
        try:
            curve = measure_depths(self._ready(), self._options.batch_size)
        except BaseException as error:
            self._drop_runner_after(error)
            raise
        self._wanted_depth = curve.chosen
        return curve

    def _ready(self) -> Runner:
        if self._closed:
            message = f"{self._options.path}: the session is closed"
            raise ClosedError(message)
        if self._runner is None:
            self._runner = self._open()
            if self._seat is not None:
                self._seat.opened()
        return self._runner

    def _reopen(self, recovery: Recovery) -> Runner:
        """The device, opened anew; a lost one is waited for as long as the policy says."""
        with suppress(HailstackError):  # whatever it is, the next one counts
            self._drop_runner()
        if self._seat is not None:
            self._seat.wait_for_others()
        pause_s = FIRST_PAUSE_S
        for remaining in range(recovery.policy.device_lost.retries, -1, -1):
            try:
                runner = self._ready()
            except (DeviceLostError, DeviceBusyError):
                if not remaining:
                    raise
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                recovery.reopened += 1
                return runner
        raise AssertionError("unreachable: the last round returns or raises")

    def _drop_runner(self) -> None:
        runner, self._runner = self._runner, None
        try:
            if runner is not None:
                runner.close()
        finally:
            if self._seat is not None:
                self._seat.dropped()

    def _drop_runner_after(self, error: BaseException) -> None:
        try:
            self._drop_runner()
        except HailstackError as second:
            error.add_note(f"closing the device failed too: {second}")

    def close(self) -> None:
        """Give the device back."""
        self._closed = True
        self._drop_runner()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
