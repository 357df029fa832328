"""A queue with a lane for each producer, emptied in turns or by weight."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lanes(Generic[Item]):
    """What several threads put and one takes: in order within a lane, lane by lane in turns.

    A busy lane cannot starve another. Lanes that always hold something are served in proportion to their weights; one
    that was empty has saved up nothing (start-time fair queueing: Goyal, Vin, Cheng, 1996). Nothing waits after
    :meth:`close`: what is put then is gone, and :meth:`take` gives what is still there.

    Args:
        weights: one for each lane, above 0; None: all alike.
    """

    def __init__(self, count: int, weights: Sequence[float] | None = None) -> None:
        lock = threading.Lock()
        self._arrived = threading.Condition(lock)
        self._left = threading.Condition(lock)
        self._lanes: list[deque[Item]] = [deque() for _ in range(count)]
        self._strides = [1 / weight for weight in weights or [1.0] * count]
        self._tags = [0.0] * count
        """When the next item of each lane is due, on a clock that every item moves on."""
        self._now = 0.0
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
                if not waiting:
                    self._tags[lane] = max(self._tags[lane], self._now)
                waiting.append(item)
                self._waiting += 1
                self._arrived.notify()
            return gone

    def take(self, timeout_s: float) -> Item | None:
        """The next item, or None if none came in time or the queue is closed and empty."""
        with self._arrived:
            if not self._waiting and not self._closed:
                self._arrived.wait(timeout_s)
            if not self._waiting:
                return None
            lane = min((tag, lane) for lane, tag in enumerate(self._tags) if self._lanes[lane])[1]
            self._now = self._tags[lane]
            self._tags[lane] += self._strides[lane]
            self._waiting -= 1
            self._left.notify_all()
            return self._lanes[lane].popleft()

    def close(self) -> None:
        """Let go of everybody who waits. May be called again."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()
            self._left.notify_all()
