"""What a profile costs: frames a second with and without one, in turns. Prints JSON.

Preloaded frames of 224x224 go through the whole engine (letterbox, submission, head, a sink on its thread). ``chip``:
on a paced device of 1150 FPS and 2.44 ms, a ResNet-18 on a Hailo-8L. ``processor``: on a device so fast that the
host is the limit, which shows what each recorded span costs.

    python benchmarks/profiling.py [--seconds 3] [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from inputs.workload import build_graph, write_workload

from hailstack.emulator.install import install
from hailstack.emulator.settings import Settings, Timing
from hailstack.heads import HeadSettings, choose_head
from hailstack.imaging import Preprocess
from hailstack.pipeline.engine import Hooks, run_events
from hailstack.profiling import OFF, Profiler, explain
from hailstack.profiling.sampler import ProcessorUse, Sampler
from hailstack.runtime import Session
from hailstack.types import Frame, FrameId, Result

GOAL_PERCENT = 3.0
SIZE = 224
CHIP_FPS = 1150.0
LATENCY_MS = {"chip": 2.44, "processor": 0.0}
FASTER_THAN_ANY_FPS = 100_000.0
DISTINCT = 8
SWITCH_INTERVAL_S = 2e-4


class Preloaded:
    """A reader whose frames lie in memory, for so many seconds."""

    counts = ()

    def __init__(self, images: list[np.ndarray], seconds: float) -> None:
        self._images = images
        self._seconds = seconds

    def __enter__(self) -> Iterator[Frame]:
        end = time.perf_counter() + self._seconds
        number = 0
        while time.perf_counter() < end:
            yield Frame(FrameId("memory", number, number / CHIP_FPS), self._images[number % DISTINCT])
            number += 1

    def __exit__(self, *about: object) -> None:
        """Nothing to close."""


class Counter:
    """A sink that lets results go."""

    def begin(self, clip: Any) -> None: ...
    def write(self, result: Result) -> None: ...
    def end(self) -> None: ...
    def close(self) -> None: ...


def rate(path: Path, profiler: Profiler, seconds: float) -> tuple[float, float]:
    """Frames a second of one run, and the processor's time for each in microseconds."""
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (SIZE, SIZE, 3), np.uint8) for _ in range(DISTINCT)]
    with Session(path, profiler=profiler) as session, ExitStack() as stack:
        if profiler.enabled:
            stack.enter_context(Sampler(profiler, {"cpu_percent": ProcessorUse()}))
        _, head = choose_head("auto", session.facts.outputs, HeadSettings(SIZE, SIZE))
        reader = Preloaded(images, seconds)
        hooks = Hooks(profiler=profiler)
        begin = time.process_time()
        outcome = run_events(reader, session, Preprocess(SIZE, SIZE), head, [Counter()], hooks=hooks)
        return outcome.fps, 1e6 * (time.process_time() - begin) / max(1, outcome.frames)


def compare(path: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Rates without and with a profile, in turns, and what the profile costs."""
    rate(path, OFF, 0.5)
    without: list[tuple[float, float]] = []
    recorded: list[tuple[float, float]] = []
    profiler = Profiler()
    for index in range(rounds):
        profiler = Profiler()
        for first in (index % 2, 1 - index % 2):
            (recorded if first else without).append(rate(path, profiler if first else OFF, seconds))
    costs = [100 * (1 - on / off) for (on, _), (off, _) in zip(recorded, without, strict=True)]
    extra = [on - off for (_, on), (_, off) in zip(recorded, without, strict=True)]
    trace = profiler.snapshot()
    return {
        "fps_without": [round(fps, 1) for fps, _ in without],
        "fps_with": [round(fps, 1) for fps, _ in recorded],
        "cost_percent": round(statistics.median(costs), 2),
        "processor_us_a_frame": round(statistics.median(us for _, us in without), 1),
        "processor_us_a_frame_more": round(statistics.median(extra), 1),
        "spans_a_frame": round(len(trace.spans) / trace.frames, 2),
        "verdict": explain(trace).sentence,
    }


def measure(case: str, seconds: float, rounds: int) -> dict[str, Any]:
    """One case, in this process."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    timing = Timing(pace="fixed", fps=CHIP_FPS if case == "chip" else FASTER_THAN_ANY_FPS, latency_ms=LATENCY_MS[case])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workload.hef"
        write_workload(path, build_graph())
        install(Settings(timing=timing, outputs="replay", lock_dir=Path(folder) / "locks"))
        return compare(path, seconds, rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--case", choices=tuple(LATENCY_MS), help="one of the two, in this process")
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options.case, options.seconds, options.rounds)))
        return 0
    report: dict[str, Any] = {"benchmark": "profiling", "goal_percent": GOAL_PERCENT}
    for case in LATENCY_MS:
        arguments = [__file__, "--case", case, "--seconds", str(options.seconds), "--rounds", str(options.rounds)]
        done = subprocess.run([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, check=True)
        report[case] = json.loads(done.stdout)
    report["met"] = report["chip"]["cost_percent"] <= GOAL_PERCENT
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
