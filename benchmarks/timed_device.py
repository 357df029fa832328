"""How exactly a paced emulated NPU keeps a chip's rate, with one host core busy. Prints JSON.

Limit: 1150 frames a second and 2.4 ms, a ResNet-18 on a Hailo-8L. Outputs are replayed, as no CPU computes at that
rate; a process of our own keeps one core busy meanwhile.

    python benchmarks/timed_device.py [--fps 1150] [--seconds 4] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from inputs.workload import OUTPUT, build_graph, frames, write_workload

from hailstack.emulator.install import install
from hailstack.emulator.settings import Settings, Timing

GOAL_PERCENT = 1.0
DISTINCT_FRAMES = 8
LATENCY_MS = 2.4


def burn() -> None:
    """Keep one core busy until the process is ended."""
    while True:
        sum(range(10_000))


def frames_a_second(model: Any, slots: list[Any], seconds: float) -> float:
    """Completed frames a second between the first and the last completion, with the queue kept full."""
    completions: list[float] = []
    done = threading.Semaphore(0)

    def completed(completion_info: Any) -> None:
        completions.append(time.perf_counter())
        done.release()

    submitted = 0
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        model.wait_for_async_ready(10_000)
        model.run_async([slots[submitted % len(slots)]], completed)
        submitted += 1
    for _ in range(submitted):
        done.acquire()
    return (len(completions) - 1) / (completions[-1] - completions[0])


def measure(platform: Any, path: str, seconds: float, rounds: int) -> list[float]:
    """The rate of each round."""
    data = frames(DISTINCT_FRAMES)
    params = platform.VDevice.create_params()
    params.scheduling_algorithm = platform.HailoSchedulingAlgorithm.ROUND_ROBIN
    with platform.VDevice(params) as target, target.create_infer_model(path).configure() as model:
        slots = []
        for i in range(model.get_async_queue_size()):
            bindings = model.create_bindings(output_buffers={OUTPUT: np.empty(1000, np.uint8)})
            bindings.input().set_buffer(data[i % DISTINCT_FRAMES])
            slots.append(bindings)
        frames_a_second(model, slots, 0.5)
        return [frames_a_second(model, slots, seconds) for _ in range(rounds)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fps", type=float, default=1150.0)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    busy = multiprocessing.get_context("spawn").Process(target=burn, daemon=True)
    busy.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "workload.hef"
            write_workload(path, build_graph())
            timing = Timing(pace="fixed", fps=options.fps, latency_ms=LATENCY_MS)
            install(Settings(timing=timing, outputs="replay", lock_dir=Path(folder) / "locks"))
            import hailo_platform as platform

            rates = measure(platform, str(path), options.seconds, options.rounds)
    finally:
        busy.kill()
    median = statistics.median(rates)
    error = 100 * (median / options.fps - 1)
    report = {
        "benchmark": "timed_device",
        "outputs": "replay",
        "wanted_fps": options.fps,
        "median_fps": round(median, 2),
        "rounds_fps": [round(rate, 2) for rate in rates],
        "error_percent": round(error, 3),
        "goal_percent": GOAL_PERCENT,
        "met": abs(error) <= GOAL_PERCENT,
    }
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
