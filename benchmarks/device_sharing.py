"""How models share one emulated chip that keeps time: fairness, priority, quota, starvation, cost. Prints JSON.

The chip takes in 200 frames a second and answers after 12 ms (a YOLOv8n on a Hailo-8L), whichever network they are
for; a real chip also needs time to change networks, which is not in these figures. Pictures lie in memory; letterbox,
sessions, heads and the threads around them are those of ``hailstack run --net models.toml``. Models are given frames
without end, for ``--seconds`` a case; ``total`` is the rate of all of them over the chip's.

* ``alone``: one model;
* ``equal``: two with the same priority: the share of one of them;
* ``unequal``: batches of 4 beside batches of 8, at the same priority: the share of the former;
* ``priority``: one asks for 60 % of the chip (a quota) at a higher priority: how much of that it gets;
* ``greedy``: one of higher priority asks for all: what is left for the other, and its longest wait;
* ``quota``: one may have 20 % of the chip, at the same priority: how exactly that is held;
* ``sources``: four cameras with the weights 1, 1, 1 and 3 in one model: each one's share over what it is due.

    python benchmarks/device_sharing.py [--seconds 6] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from inputs.workload import build_graph, frames, write_workload

from hailstack.cli.run_report import SWITCH_INTERVAL_S
from hailstack.emulator.install import install
from hailstack.emulator.settings import Settings, Timing
from hailstack.pipeline.clips import Counts
from hailstack.pipeline.intake import Demand, Intake
from hailstack.pipeline.model_run import Hooks
from hailstack.pipeline.opening import Opening
from hailstack.pipeline.outlet import Route
from hailstack.pipeline.plan import ModelSpec
from hailstack.pipeline.several import Model, run_models_from
from hailstack.pipeline.sources import Options, Source
from hailstack.types import Frame, FrameId, Result

FPS, LATENCY_MS = 200.0, 12.0
WEIGHTS = (1.0, 1.0, 1.0, 3.0)
GOALS = {
    "equal.share": "0.48 to 0.52",
    "equal.total": 0.95,
    "priority.gets": 0.97,
    "quota.held": "0.97 to 1.03",
    "greedy.other_fps": "above 0",
    "sources.over_due": "0.95 to 1.05",
}


class Endless:
    """Readers whose frames are in memory and never end; every source is a camera that is always ready."""

    counts: Sequence[Counts] = ()

    def __init__(self, images: list[np.ndarray], demands: Mapping[str, Demand], weights: Sequence[float]) -> None:
        self._images = images
        self._sources = [
            Source(f"camera:{number}", "camera", Options(policy="block")) for number in range(len(weights))
        ]
        self.stop = threading.Event()
        self.intakes = {name: Intake(weights, demand, self.stop) for name, demand in demands.items()}
        # One for each model and source, so that a model with a quota slows down nobody else.
        self._threads = [
            threading.Thread(target=self._feed, args=(intake, lane, source), daemon=True)
            for intake in self.intakes.values()
            for lane, source in enumerate(self._sources)
        ]

    def _feed(self, intake: Intake, lane: int, source: Source) -> None:
        number = 0
        while not self.stop.is_set():
            image = self._images[number % len(self._images)]
            intake.put_frame(lane, Frame(FrameId(source.name, number, number / 30), image), source)
            number += 1

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.stop.set()
        for intake in self.intakes.values():
            intake.close()
        for thread in self._threads:
            thread.join()


class Clock:
    """A sink that notes when results came, and whose."""

    def __init__(self) -> None:
        self.moments: list[tuple[float, str, str]] = []

    def begin(self, clip: Any) -> None:
        pass

    def write(self, result: Result) -> None:
        self.moments.append((time.perf_counter(), result.model, result.id.source))

    def end(self) -> None:
        pass

    def close(self) -> None:
        pass


class Measured:
    """Results of a case, without its first and last tenth."""

    def __init__(self, moments: list[tuple[float, str, str]]) -> None:
        begin, end = moments[0][0], moments[-1][0]
        margin = (end - begin) / 10
        self._inside = [one for one in moments if begin + margin <= one[0] <= end - margin]
        self._seconds = end - begin - 2 * margin
        self.models = Counter(model for _, model, _ in self._inside)
        self.sources = Counter(source for _, _, source in self._inside)

    def fps(self, model: str | None = None) -> float:
        count = self.models.total() if model is None else self.models[model]
        return count / self._seconds

    def longest_gap_ms(self, model: str) -> float:
        moments = [moment for moment, whose, _ in self._inside if whose == model]
        return 1000 * max(np.diff(moments), default=float("inf"))


def measure(
    specs: list[ModelSpec], images: list[np.ndarray], seconds: float, weights: Sequence[float] = (1.0,)
) -> Measured:
    """One case, all models opened for it."""
    with ExitStack() as stack:
        opening = Opening(stack, "async", 10_000)
        models: list[Model] = [opening.model(spec, []) for spec in specs]
        readers = Endless(images, {model.name: model.demand for model in models}, weights)
        clock = Clock()
        threading.Timer(seconds, readers.stop.set).start()
        run_models_from(readers, models, [Route(lambda: clock, "clock")], Hooks(stop=readers.stop))
    return Measured(clock.moments)


def cases(
    folder: Path, images: list[np.ndarray], seconds: float
) -> dict[str, Callable[[], tuple[float, dict[str, float]]]]:
    """Name → a function that gives the rate of all models together and the figures of the case."""

    def spec(name: str, **options: Any) -> ModelSpec:
        return ModelSpec(net=str(folder / f"{name}.hef"), **options)

    def alone() -> tuple[float, dict[str, float]]:
        found = measure([spec("a")], images, seconds)
        return found.fps(), {}

    def equal() -> tuple[float, dict[str, float]]:
        found = measure([spec("a"), spec("b")], images, seconds)
        return found.fps(), {"share": found.fps("a") / found.fps(), "longest_gap_ms": found.longest_gap_ms("a")}

    def unequal() -> tuple[float, dict[str, float]]:
        found = measure([spec("a", batch_size=4), spec("b", batch_size=8)], images, seconds)
        return found.fps(), {"share": found.fps("a") / found.fps()}

    def priority() -> tuple[float, dict[str, float]]:
        asked = 0.6 * FPS
        found = measure([spec("a", priority=20, fps=asked), spec("b")], images, seconds)
        return found.fps(), {"gets": found.fps("a") / asked, "longest_gap_ms": found.longest_gap_ms("a")}

    def greedy() -> tuple[float, dict[str, float]]:
        found = measure([spec("a", priority=20), spec("b")], images, seconds)
        return found.fps(), {"other_fps": found.fps("b"), "other_waits_ms": found.longest_gap_ms("b")}

    def quota() -> tuple[float, dict[str, float]]:
        allowed = 0.2 * FPS
        found = measure([spec("a", fps=allowed), spec("b")], images, seconds)
        return found.fps(), {"held": found.fps("a") / allowed}

    def sources() -> tuple[float, dict[str, float]]:
        found = measure([spec("a")], images, seconds, WEIGHTS)
        over = [
            found.sources[f"camera:{number}"] / found.models.total() / (weight / sum(WEIGHTS))
            for number, weight in enumerate(WEIGHTS)
        ]
        return found.fps(), {"over_due_least": min(over), "over_due_most": max(over)}

    return {one.__name__: one for one in (alone, equal, unequal, priority, greedy, quota, sources)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of one case")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="one case")
    options = parser.parse_args()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    measured: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for net, channels in (("a", (8,)), ("b", (8, 16))):
            write_workload(folder / f"{net}.hef", build_graph(channels))
        timing = Timing(pace="fixed", fps=FPS, latency_ms=LATENCY_MS)
        install(Settings(timing=timing, outputs="replay", lock_dir=folder / "locks"))
        images = list(frames(8))
        for _ in range(options.rounds):
            for case, go in cases(folder, images, options.seconds).items():
                if options.only in (None, case):
                    fps, figures = go()
                    measured.setdefault(case, []).append({"fps": fps, "total": fps / FPS, **figures})
    report: dict[str, Any] = {"benchmark": "device_sharing", "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    report["cases"] = {
        case: {key: round(statistics.median(one[key] for one in rounds), 3) for key in rounds[0]}
        | {"rounds": [round(one["total"], 3) for one in rounds]}
        for case, rounds in measured.items()
    }
    report["goals"] = GOALS
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
