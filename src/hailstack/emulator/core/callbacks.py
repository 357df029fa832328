"""The thread on which a model's callbacks run, one after the other, in the order of completion."""

from __future__ import annotations

import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable


class CallbackThread:
    """A queue of calls with a thread that starts with the first one.

    It shares the board's lock, so that calls are queued in exactly the order in which frames are settled.
    """

    def __init__(self, lock: threading.Lock, name: str) -> None:
        self._lock = lock
        self._name = name
        self._calls: deque[Callable[[], None]] = deque()
        self._news = threading.Condition(lock)
        self._thread: threading.Thread | None = None
        self._stopping = False

    def put(self, call: Callable[[], None]) -> None:
        """Have ``call`` called. Lock held."""
        self._calls.append(call)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        else:
            self._news.notify()

    def close(self, timeout_s: float) -> None:
        """Let what is queued run, then end the thread. Callable from a callback. May be called twice."""
        with self._lock:
            self._stopping = True
            self._news.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._calls and not self._stopping:
                    self._news.wait()
                calls = list(self._calls)
                self._calls.clear()
                if not calls:
                    # A call that comes after the end starts a thread of its own.
                    self._thread = None
                    return
            for call in calls:
                _guard(call)


def _guard(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception:  # noqa: BLE001 - a program's bug must not take the other frames' callbacks with it
        if sys.stderr is not None:
            traceback.print_exc(file=sys.stderr)
