"""A model that takes frames asynchronously."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from hailstack.emulator.core.params import FrameBuffers
from hailstack.emulator.status import StatusError
from hailstack.errors import Status

OnDone: TypeAlias = Callable[[Status], None]
"""Called once per ``run_async``, on the model's own thread, in the order of completion."""


class Job:
    """What ``run_async`` gives back. May be dropped: the frames complete all the same."""

    @property
    def done(self) -> bool:
        """Whether all frames have completed and the callback has returned."""
        raise NotImplementedError

    @property
    def error(self) -> StatusError | None:
        """Why a frame failed, with its text; None while running or when all is well."""
        raise NotImplementedError

    def wait(self, timeout_ms: float) -> None:
        """Return when the frames have completed and then when the callback has returned, each within ``timeout_ms``.

        Failed frames do not raise here: the callback has their status.

        Raises:
            StatusError: ``TIMEOUT``.
        """
        raise NotImplementedError


class ConfiguredInferModel:
    """A model on the device."""

    @property
    def async_queue_size(self) -> int:
        """How many frames may be in flight."""
        raise NotImplementedError

    def activate(self) -> None:
        """Put it on the chip. Raises ``INVALID_OPERATION`` under the scheduler or while another group is active."""
        raise NotImplementedError

    def deactivate(self) -> None:
        """Take it off the chip; does nothing when it is not active."""
        raise NotImplementedError

    def wait_for_async_ready(self, timeout_ms: float = 1000, frames_count: int = 1) -> None:
        """Return when ``frames_count`` more frames fit into the queue.

        Raises:
            StatusError: ``TIMEOUT``, always for more frames than the queue holds; why the model was shut down.
        """
        raise NotImplementedError

    def run_async(self, frames: Sequence[FrameBuffers], on_done: OnDone | None = None) -> Job:
        """Start ``frames``. Any refusal shuts the whole model down, as on the chip.

        Raises:
            StatusError: ``QUEUE_IS_FULL``; ``NOT_FOUND`` (an input was never set); ``INVALID_OPERATION`` (an output
                was never set, or a buffer of the wrong size); why the model was shut down.
        """
        raise NotImplementedError

    def set_scheduler_timeout(self, timeout_ms: int) -> None:
        """As :meth:`ConfiguredGroup.set_scheduler_timeout`."""
        raise NotImplementedError

    def set_scheduler_threshold(self, threshold: int) -> None:
        raise NotImplementedError

    def set_scheduler_priority(self, priority: int) -> None:
        raise NotImplementedError

    def shutdown(self) -> None:
        """Frames in flight end with ``STREAM_ABORT``, later ones are refused. May be called twice."""
        raise NotImplementedError

    def close(self) -> None:
        """Shut down, let the callbacks in the queue run, and end the callback thread. May be called twice."""
        raise NotImplementedError
