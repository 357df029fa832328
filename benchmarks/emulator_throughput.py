"""How much of a bare onnxruntime loop's rate the emulated NPU keeps. Prints JSON.

Peer: the same graph in the same engine with the same sessions, called directly from as many threads as the emulator
uses. Both are measured in one process, in turns, because other load on the machine comes and goes; the answer is the
median of the ratios. The processor time that a frame takes, in all threads, says the same where a busy machine blurs
the rates.

    python benchmarks/emulator_throughput.py [--seconds 1] [--rounds 15]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from inputs.workload import INPUT, OUTPUT, build_graph, frames, write_workload

from hailstack.emulator.engines import Engine, open_engine
from hailstack.emulator.install import install
from hailstack.emulator.settings import Settings

GOAL = 0.95
BATCH = 64


@dataclass(frozen=True)
class Rate:
    """What one measurement has found."""

    fps: float
    cpu_ms: float
    """Processor time of the whole process for one frame."""


class Stopwatch:
    """Wall time and processor time from its making."""

    def __init__(self) -> None:
        self._begin, self._cpu = time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._begin

    def rate(self, frames: int) -> Rate:
        return Rate(frames / self.seconds, (time.process_time() - self._cpu) * 1000 / frames)


def bare_loop(engine: Engine, data: np.ndarray, seconds: float) -> Rate:
    """``engine.run`` from one thread a worker."""
    watch = Stopwatch()

    def work(first: int) -> int:
        done = 0
        while watch.seconds < seconds:
            engine.run({"frame": data[(first + done) % len(data)][None]})
            done += 1
        return done

    with ThreadPoolExecutor(engine.workers) as threads:
        done = sum(threads.map(work, range(engine.workers)))
    return watch.rate(done)


def infer_loop(platform: Any, target: Any, hef: Any, data: np.ndarray, seconds: float) -> Rate:
    """``InferVStreams.infer`` in batches."""
    group = target.configure(hef)[0]
    inputs = platform.InputVStreamParams.make(group)
    outputs = platform.OutputVStreamParams.make(group)
    done = 0
    with platform.InferVStreams(group, inputs, outputs) as pipeline:
        pipeline.infer({INPUT: data[:2]})
        watch = Stopwatch()
        while watch.seconds < seconds:
            pipeline.infer({INPUT: data})
            done += len(data)
        return watch.rate(done)


def async_loop(target: Any, path: str, data: np.ndarray, seconds: float) -> Rate:
    """``run_async`` with the queue kept full."""
    with target.create_infer_model(path).configure() as model:
        depth = model.get_async_queue_size()
        slots = []
        for i in range(depth):
            bindings = model.create_bindings(output_buffers={OUTPUT: np.empty(1000, np.uint8)})
            bindings.input().set_buffer(data[i % len(data)])
            slots.append(bindings)
        done = threading.Semaphore(0)
        submitted = 0
        watch = Stopwatch()
        while watch.seconds < seconds:
            model.wait_for_async_ready(10_000)
            model.run_async([slots[submitted % depth]], lambda completion_info: done.release())
            submitted += 1
        for _ in range(submitted):
            done.acquire()
        return watch.rate(submitted)


def measure(rounds: int, seconds: float, kinds: dict[str, Callable[[], Rate]]) -> dict[str, list[Rate]]:
    """Rates of each kind, in turns."""
    rates: dict[str, list[Rate]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, run in kinds.items():
            rates[name].append(run())
    return rates


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, graph = Path(folder) / "workload.hef", build_graph()
        write_workload(path, graph)
        install(Settings(lock_dir=Path(folder) / "locks"))
        import hailo_platform as platform

        data = frames(BATCH)
        engine = open_engine("onnxruntime", graph)
        params = platform.VDevice.create_params()
        params.scheduling_algorithm = platform.HailoSchedulingAlgorithm.ROUND_ROBIN
        with platform.VDevice(params) as target:
            hef = platform.HEF(str(path))
            kinds = {
                "bare_onnxruntime": lambda: bare_loop(engine, data, options.seconds),
                "infer": lambda: infer_loop(platform, target, hef, data, options.seconds),
                "run_async": lambda: async_loop(target, str(path), data, options.seconds),
            }
            measure(1, 0.3, kinds)
            rates = measure(options.rounds, options.seconds, kinds)
    bare = rates["bare_onnxruntime"]
    ratios = {
        name: statistics.median(a.fps / b.fps for a, b in zip(rates[name], bare, strict=True))
        for name in ("infer", "run_async")
    }
    overheads = {
        name: statistics.median(a.cpu_ms - b.cpu_ms for a, b in zip(rates[name], bare, strict=True)) for name in ratios
    }
    report = {
        "benchmark": "emulator_throughput",
        "sessions": engine.workers,
        "frames_per_second": {
            name: round(statistics.median(one.fps for one in values), 1) for name, values in rates.items()
        },
        "cpu_ms_per_frame": {name: round(statistics.median(r.cpu_ms for r in rs), 3) for name, rs in rates.items()},
        "cpu_ms_over_bare_onnxruntime": {name: round(value, 3) for name, value in overheads.items()},
        "ratio_to_bare_onnxruntime": {name: round(value, 4) for name, value in ratios.items()},
        "goal": GOAL,
        "met": all(value >= GOAL for value in ratios.values()),
    }
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
