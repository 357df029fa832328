"""A fixed number of equal workers, lent to one caller at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from hailstack.errors import ClosedError

Worker = TypeVar("Worker")


class Pool(Generic[Worker]):
    """Lends workers; makes another one only when all are lent out, up to ``size``.

    The worker that came back last is lent first, so a caller who is alone always meets warm caches.
    """

    def __init__(self, size: int, make: Callable[[], Worker], first: Worker) -> None:
        self.size = size
        self._make = make
        self._idle = [first]
        self._made = 1
        self._closed = False
        self._changed = threading.Condition()

    @contextmanager
    def lend(self) -> Iterator[Worker]:
        """A worker for the length of the ``with`` block; waits while all ``size`` are lent out.

        Raises:
            ClosedError: the pool was closed.
        """
        worker = self._take()
        try:
            yield worker
        finally:
            self._give_back(worker)

    def close(self) -> None:
        """Drop the idle workers; lent ones go when they come back."""
        with self._changed:
            self._closed = True
            self._idle.clear()
            self._changed.notify_all()

    def _take(self) -> Worker:
        with self._changed:
            while not self._idle and self._made == self.size and not self._closed:
                self._changed.wait()
            if self._closed:
                raise ClosedError("the engine was closed while frames were still being computed on it")
            if self._idle:
                return self._idle.pop()
            self._made += 1
        return self._make_another()

    def _make_another(self) -> Worker:
        try:
            return self._make()
        except BaseException:
            with self._changed:
                self._made -= 1
                self._changed.notify()
            raise

    def _give_back(self, worker: Worker) -> None:
        with self._changed:
            if not self._closed:
                self._idle.append(worker)
                self._changed.notify()
