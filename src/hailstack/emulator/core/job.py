"""What a program holds of frames that it has submitted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from hailstack.emulator.core.params import timeout_seconds
from hailstack.emulator.status import StatusError
from hailstack.errors import Status

OnDone: TypeAlias = Callable[[Status], None]
"""Called once per ``run_async``, on the model's own thread, in the order of completion."""


class Job:
    """What ``run_async`` gives back. May be dropped: the frames complete all the same."""

    __slots__ = ("_callback_returned", "_error", "_finished_at", "_lock", "_on_done", "_unfinished", "_waiters")

    def __init__(self, lock: threading.Lock, frames: int, on_done: OnDone | None) -> None:
        self._lock = lock
        self._unfinished = frames
        self._on_done = on_done
        self._error: StatusError | None = None
        self._finished_at: float | None = None
        self._callback_returned = False
        # Made by the first who waits: most jobs are never waited for.
        self._waiters: threading.Condition | None = None

    @property
    def done(self) -> bool:
        """Whether all frames have completed and the callback has returned."""
        return self._callback_returned

    @property
    def error(self) -> StatusError | None:
        """Why a frame failed, with its text; None while running or when all is well."""
        return self._error

    def wait(self, timeout_ms: float) -> None:
        """Return when the frames have completed and then when the callback has returned, each within ``timeout_ms``.

        Failed frames do not raise here: the callback has their status.

        Raises:
            StatusError: ``TIMEOUT``.
        """
        timeout_s = timeout_seconds(timeout_ms)
        with self._lock:
            # One sleep for both as a rule: the thread is woken once, by the callback's return.
            if self._wait_for_callback(timeout_s):
                return
            if self._finished_at is None:
                raise StatusError(Status.TIMEOUT, f"the job did not finish within {timeout_ms} ms")
            assert timeout_s is not None, "an endless wait does not time out"
            if not self._wait_for_callback(self._finished_at + timeout_s - time.monotonic()):
                raise StatusError(Status.TIMEOUT, f"the callback did not return within {timeout_ms} ms")

    def _wait_for_callback(self, timeout_s: float | None) -> bool:
        if self._callback_returned:
            return True
        self._waiters = self._waiters or threading.Condition(self._lock)
        return self._waiters.wait_for(lambda: self._callback_returned, timeout_s)

    def frame_done(self, error: StatusError | None) -> bool:
        """One frame has completed; True when it was the last. Lock held."""
        self._error = error or self._error
        self._unfinished -= 1
        if self._unfinished:
            return False
        self._finished_at = time.monotonic()
        if self._on_done is None:
            self._callback_returned = True
            if self._waiters is not None:
                self._waiters.notify_all()
        return True

    @property
    def has_callback(self) -> bool:
        return self._on_done is not None

    def call_back(self) -> None:
        """Call the program's callback, without the lock; whatever it raises, the job is done."""
        on_done, self._on_done = self._on_done, None
        try:
            if on_done is not None:
                on_done(Status.SUCCESS if self._error is None else self._error.status or Status.INTERNAL_FAILURE)
        finally:
            # Whoever comes to wait looks at the flag last, and this looks for waiters last: one sees the other.
            self._callback_returned = True
            if self._waiters is not None:
                with self._lock:
                    self._waiters.notify_all()
