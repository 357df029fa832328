"""Counters that nobody counts by himself: the use of the processor, temperatures, watts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType

from hailstack.profiling.profiler import Profiler

PERIOD_S = 0.2

Gauge = Callable[[], float | None]
"""What it shows now; None: nothing at the moment."""


class Sampler:
    """Reads gauges every ``PERIOD_S`` seconds into a profiler, on a thread of its own. A context manager.

    Leaving it raises what a gauge failed with; the other gauges were read no further either.
    """

    def __init__(self, profiler: Profiler, gauges: Mapping[str, Gauge]) -> None:
        self._profiler = profiler
        self._gauges = gauges
        self._closing = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="hailstack-sampler", daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def close(self) -> None:
        """End the thread. May be called again."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self._read()
            while not self._closing.wait(PERIOD_S):
                self._read()
        except BaseException as error:  # noqa: BLE001 - raised again where the sampler is left
            self._error = error

    def _read(self) -> None:
        for counter, gauge in self._gauges.items():
            value = gauge()
            if value is not None:
                self._profiler.sample(counter, value)


class ProcessorUse:
    """A gauge: how much of the processor this process has used since it was last asked, in percent of all cores that
    it may use; None the first time."""

    def __init__(self) -> None:
        self._before: tuple[float, float] | None = None
        self._cores = usable_cores()

    def __call__(self) -> float | None:
        now = time.perf_counter(), time.process_time()
        before, self._before = self._before, now
        if before is None or now[0] == before[0]:
            return None
        return 100 * (now[1] - before[1]) / (now[0] - before[0]) / self._cores


def usable_cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
