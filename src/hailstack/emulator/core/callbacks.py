"""The thread on which a model's callbacks run, one after the other, in the order of completion."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeAlias

Call: TypeAlias = Callable[[], None]


class CallbackThread:
    """A queue of calls with a thread that starts with the first one.

    Calls are queued under the board's lock, so in exactly the order in which frames are settled.
    """

    def __init__(self, lock: threading.Lock, name: str) -> None:
        self._lock = lock
        self._name = name
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        """None: the end, unless more has come behind it."""
        self._thread: threading.Thread | None = None
        self._stopping = False

    def put(self, call: Call) -> None:
        """Have ``call`` called. Lock held."""
        self._calls.put(call)
        if self._stopping:
            self._calls.put(None)
        if self._thread is None:
            # Also after the end: such a call gets a thread of its own.
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Let what is queued run, then end the thread. Callable from a callback. May be called twice."""
        with self._lock:
            self._stopping = True
            thread = self._thread
            if thread is not None:
                self._calls.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            call = self._calls.get()
            if call is not None:
                _guard(call)
            elif self._is_over():
                return

    def _is_over(self) -> bool:
        with self._lock:
            if self._calls.empty():
                self._thread = None
            return self._thread is None


def _guard(call: Call) -> None:
    try:
        call()
    except Exception:  # noqa: BLE001 - a program's bug must not take the other frames' callbacks with it
        if sys.stderr is not None:
            traceback.print_exc(file=sys.stderr)
