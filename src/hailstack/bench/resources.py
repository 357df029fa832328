"""What a measurement used: processor, memory, and what the chip's sensors show."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from hailstack.profiling import Profiler
from hailstack.profiling.sampler import Gauge, ProcessorUse, Sampler
from hailstack.runtime.sensors import Sensors


@dataclass(frozen=True, slots=True)
class Range:
    """What a gauge showed."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Resources:
    """Gauges over the time of a measurement; None where there is no such gauge."""

    cpu_percent: Range | None = None
    """This process, of all cores that it may use."""
    machine_percent: Range | None = None
    """All processes, of the whole machine: much more than ours means that somebody disturbed."""
    memory_mb: Range | None = None
    """Resident memory of this process."""
    temperature_c: Range | None = None
    power_w: Range | None = None

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Those that there are."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@contextmanager
def watching(profiler: Profiler, sensors: Sensors) -> Iterator[None]:
    """Take the gauges down while the block runs."""
    gauges: dict[str, Gauge] = {
        "cpu_percent": ProcessorUse(),
        "machine_percent": MachineUse(),
        "memory_mb": resident_mb,
        "temperature_c": sensors.temperature_c,
        "power_w": sensors.power_w,
    }
    with Sampler(profiler, gauges):
        yield


def seen(profiler: Profiler) -> Resources:
    """What the gauges showed."""
    counters = profiler.snapshot().counters
    found: dict[str, Range] = {}
    for name, series in counters.items():
        if name in Resources.__dataclass_fields__:
            found[name] = Range(float(series.value.mean()), float(series.value.min()), float(series.value.max()))
    return Resources(**found)


class MachineUse:
    """A gauge: how much of the machine all processes have used since it was last asked, in percent; None the first
    time, and where ``/proc/stat`` does not say."""

    def __init__(self) -> None:
        self._before: tuple[int, int] | None = None

    def __call__(self) -> float | None:
        try:
            times = [int(one) for one in Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:9]]
        except OSError:
            return None
        now = sum(times), times[3] + times[4]  # idle, and waiting for disks
        before, self._before = self._before, now
        if before is None or now[0] == before[0]:
            return None
        return 100 * (1 - (now[1] - before[1]) / (now[0] - before[0]))


def resident_mb() -> float | None:
    """Resident memory of this process now; None where ``/proc`` does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
