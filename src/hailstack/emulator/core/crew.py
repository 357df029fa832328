"""The threads of a board."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

JOIN_S = 10.0
"""How long closing waits for a thread: the vendor's own limit for frames in flight."""


class Crew:
    """Threads that are started on demand and joined together.

    They are daemons: a program that forgets to release its device must still end. Whoever closes the board joins
    them, at interpreter shutdown too, because a daemon that is inside an engine then would crash the process.
    """

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def start(self, target: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads = [*(one for one in self._threads if one.is_alive()), thread]
        thread.start()

    def join(self, timeout_s: float = JOIN_S) -> None:
        """Wait for all to end, except for the thread that asks."""
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(deadline - time.monotonic(), 0.0))
