"""The threads that compute frames."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hailstack.emulator.core.crew import Crew
from hailstack.emulator.core.frame import Frame

OnComputed = Callable[[Frame, float], None]
Dispatch = Callable[[float], Frame | None]


class Workers:
    """As many threads as frames may be computed at once, started when they are needed. Belongs to the board's lock.

    A worker that has computed a frame takes the next one in the same round of the lock.

    Args:
        work: the condition that idle workers wait on.
        on_computed: told of each computed frame and the time, under the lock.
        dispatch: the frame to compute next, if there is one that may run; asked under the lock.
    """

    def __init__(self, work: threading.Condition, crew: Crew, on_computed: OnComputed, dispatch: Dispatch) -> None:
        self.limit = 0
        """How many threads at most."""
        self._work = work
        self._crew = crew
        self._on_computed = on_computed
        self._dispatch = dispatch
        self._started = 0
        self._idle = 0
        self._stopping = False

    def call_one(self) -> None:
        """One more frame waits: have a worker look for it."""
        if self._idle:
            self.wake(1)
        elif self._started < self.limit and not self._stopping:
            self._started += 1
            self._crew.start(self._serve, f"hailo-worker-{self._started}")

    def wake(self, count: int) -> None:
        """Have up to ``count`` idle workers look for a frame."""
        # Counted here and not by those who wake up: two calls in a row must not count on the same worker.
        count = min(count, self._idle)
        if count:
            self._idle -= count
            self._work.notify(count)

    def stop(self) -> None:
        """End the threads, each after the frame that it is in."""
        self._stopping = True
        self._work.notify_all()

    def _serve(self) -> None:
        frame = self._turn(None)
        while frame is not None:
            frame.execute()
            frame = self._turn(frame)

    def _turn(self, done: Frame | None) -> Frame | None:
        with self._work:
            now = time.monotonic()
            if done is not None:
                self._on_computed(done, now)
            while not self._stopping:
                frame = self._dispatch(now)
                if frame is not None:
                    return frame
                self._idle += 1
                self._work.wait()
                now = time.monotonic()
            return None
