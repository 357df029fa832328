"""A queue with a lane for each producer, emptied in turns."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lanes(Generic[Item]):
    """What several threads put and one takes: in order within a lane, lane by lane in turns.

    A busy lane cannot starve another. Nothing waits after :meth:`close`: what is put then is gone, and
    :meth:`take` gives what is still there.
    """

    def __init__(self, count: int) -> None:
        lock = threading.Lock()
        self._arrived = threading.Condition(lock)
        self._left = threading.Condition(lock)
        self._lanes: list[deque[Item]] = [deque() for _ in range(count)]
        self._turn = 0
        self._waiting = 0
        self._closed = False

    def __len__(self) -> int:
        """Items that wait to be taken."""
        return self._waiting

    def put(self, lane: int, item: Item, capacity: int, may_go: Callable[[Item], bool] = lambda item: False) -> int:
        """Add an item as soon as fewer than ``capacity`` are in the lane; to a closed queue, nothing.

        Args:
            may_go: which waiting items may be thrown away to make room; the oldest such one goes.

        Returns:
            How many were thrown away.
        """
        with self._left:
            waiting = self._lanes[lane]
            gone = 0
            while len(waiting) >= capacity and not self._closed:
                oldest = next((index for index, one in enumerate(waiting) if may_go(one)), None)
                if oldest is None:
                    self._left.wait()
                    continue
                del waiting[oldest]
                self._waiting -= 1
                gone += 1
            if not self._closed:
                waiting.append(item)
                self._waiting += 1
                self._arrived.notify()
            return gone

    def take(self, timeout_s: float) -> Item | None:
        """The next item, or None if none came in time or the queue is closed and empty."""
        with self._arrived:
            if not self._waiting and not self._closed:
                self._arrived.wait(timeout_s)
            for _ in self._lanes:
                waiting = self._lanes[self._turn]
                self._turn = (self._turn + 1) % len(self._lanes)
                if waiting:
                    self._waiting -= 1
                    self._left.notify_all()
                    return waiting.popleft()
            return None

    def close(self) -> None:
        """Let go of everybody who waits. May be called again."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()
            self._left.notify_all()
