"""How much of what the device and the processor allow ``hailstack run`` reaches. Prints JSON.

Every figure is a ratio to a limit that was measured, or is set, in the same round; the answer is the median of the
rounds' ratios.

* ``timed``: an emulated chip at 1150 frames a second and 2.44 ms (a ResNet-18 on a Hailo-8L), outputs replayed, a
  preloaded stream of 224 x 224 pictures, JSON lines to a file. Limit: the chip's rate; for ``sync`` 1 / latency.
* ``slow``: the same at 87 frames a second and 11.49 ms, fed by a 720p video, async.
* ``faces``: async and callback over sync on networks of three sizes, as fast as the CPU device computes.
* ``detector``: a network of YOLOv8n's shape at 640 on the emulated CPU device, a 720p video, boxes drawn, nothing
  encoded. Limit: cores / summed processor time of decoding, letterbox, inference, head and drawing, each alone.
  ``overhead`` is the processor time of a frame of the whole run over that sum; ``busy`` is the share of the cores'
  time that the run got, which other programs on the machine make smaller. Their quotient is the ratio.

    python benchmarks/pipeline_speed.py [--rounds 5] [--only detector]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from inputs.detector import SIZE, write_detector
from inputs.footage import pictures, write_footage
from inputs.workload import CHANNELS, build_graph, frames, write_workload

from hailstack.cli.run_report import SWITCH_INTERVAL_S
from hailstack.emulator.install import install
from hailstack.emulator.settings import Settings, Timing
from hailstack.heads import HeadSettings, choose_head
from hailstack.imaging import Preprocess, draw
from hailstack.pipeline.clips import ClipFacts, open_clip
from hailstack.pipeline.engine import run, run_events
from hailstack.pipeline.intake import Ended, Opened
from hailstack.pipeline.model_run import Hooks
from hailstack.pipeline.outlet import Route
from hailstack.pipeline.sinks import JsonLinesSink
from hailstack.pipeline.sources import find_sources
from hailstack.runtime import Session
from hailstack.types import Frame, FrameId

GOALS = {"timed.async": 0.97, "timed.callback": 0.97, "timed.sync": 0.95, "slow.async": 0.95, "detector": 0.95}
CHIP = Timing(pace="fixed", fps=1150.0, latency_ms=2.44)
SLOW_CHIP = Timing(pace="fixed", fps=1000 / 11.49, latency_ms=11.49)
CORES = len(os.sched_getaffinity(0))
CLIP_FRAMES = 120
RUN_CLIPS = 6
"""Clips one after the other in the detector's run: its beginning and end, with empty queues, should not count much."""


class Preloaded:
    """A reader whose frames are in memory."""

    def __init__(self, images: list[np.ndarray], count: int) -> None:
        self._images, self._count = images, count
        (self._source,) = find_sources(["lavfi:testsrc"])
        self.counts = ()

    def __enter__(self) -> Preloaded:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        yield Opened(ClipFacts(self._source))
        for number in range(self._count):
            yield Frame(FrameId("preloaded", number, number / 30), self._images[number % len(self._images)])
        yield Ended(self._source)


class DrawingSink:
    """Draws every frame and keeps none."""

    def begin(self, clip: ClipFacts) -> None:
        pass

    def write(self, result: Any) -> None:
        draw(result.image, result.prediction)

    def end(self) -> None:
        pass

    def close(self) -> None:
        pass


def rate(moments: list[float]) -> float:
    return (len(moments) - 1) / (moments[-1] - moments[0])


def timed(net: Path, mode: str, count: int, lines: Path) -> float:
    """Frames a second through a session that is warm."""
    images = list(frames(8))
    with Session(net, mode=mode) as session:  # type: ignore[arg-type]
        _, head = choose_head("auto", session.facts.outputs, HeadSettings(224, 224))

        def go(frame_count: int) -> list[float]:
            moments: list[float] = []
            hooks = Hooks(progress=lambda outcome: moments.append(time.perf_counter()))
            sinks = [JsonLinesSink(str(lines))]
            run_events(Preloaded(images, frame_count), session, Preprocess(224, 224), head, sinks, hooks=hooks)
            return moments

        go(50)
        return rate(go(count))


def slow(net: Path, clip: Path, lines: Path) -> float:
    with Session(net) as session:
        _, head = choose_head("auto", session.facts.outputs, HeadSettings(224, 224))
        moments: list[float] = []
        sources, sinks = find_sources([str(clip)]), [JsonLinesSink(str(lines))]
        run(
            sources,
            session,
            Preprocess(224, 224),
            head,
            sinks,
            progress=lambda outcome: moments.append(time.perf_counter()),
        )
        return rate(moments[10:])


def processor_ms(work: Callable[[], int]) -> float:
    """Processor time of the whole process for one of the things that ``work`` did."""
    begin = time.process_time()
    count = work()
    return (time.process_time() - begin) * 1000 / count


class DetectorRound:
    """The stages of a detector's run, each alone, and the run itself."""

    def __init__(self, session: Session, clip: Path) -> None:
        self._session = session
        self._sources = find_sources([str(clip)])
        self._preprocess = Preprocess(SIZE, SIZE)
        _, self._head = choose_head("detection", session.facts.outputs, HeadSettings(SIZE, SIZE))
        self._frames = list(open_clip(self._sources[0]).frames())[::4]
        self._inputs = [self._preprocess.apply(frame.image) for frame in self._frames]
        self._outputs = [
            {name: np.copy(value) for name, value in answer.outputs.items()}
            for answer in session.stream(self._frames, lambda image, out: self._preprocess.apply(image, out))
        ]
        self._predictions = [
            self._head(outputs, placed[1]) for outputs, placed in zip(self._outputs, self._inputs, strict=True)
        ]
        self.boxes = statistics.mean(len(prediction) for prediction in self._predictions)  # type: ignore[arg-type]

    def measure(self) -> dict[str, float]:
        before = self._alone()
        sources, sinks = self._sources * RUN_CLIPS, [Route(lambda: DrawingSink(), "draw")]
        begin, cpu = time.perf_counter(), time.process_time()
        outcome = run(sources, self._session, self._preprocess, self._head, sinks)
        wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
        after = self._alone()
        alone = {name: (before[name] + after[name]) / 2 for name in before}
        sum_ms, limit = sum(alone.values()), CORES * 1000 / sum(alone.values())
        fps = outcome.frames / wall
        overhead, busy = cpu * 1000 / outcome.frames / sum_ms, cpu / (CORES * wall)
        return {**alone, "fps": fps, "limit": limit, "ratio": fps / limit, "overhead": overhead, "busy": busy}

    def _alone(self) -> dict[str, float]:
        """Processor time of a frame in each stage, ms. Taken on both sides of a run, as machines change their pace."""
        return {
            "decode": processor_ms(self._decode),
            "letterbox": processor_ms(self._letterbox),
            "inference": processor_ms(self._infer),
            "head": processor_ms(self._read),
            "draw": processor_ms(self._draw),
        }

    def _decode(self) -> int:
        clip = open_clip(self._sources[0])
        count = sum(1 for _ in clip.frames())
        clip.close()
        return count

    def _letterbox(self) -> int:
        out = np.zeros((SIZE, SIZE, 3), np.uint8)
        for _ in range(4):
            for frame in self._frames:
                self._preprocess.apply(frame.image, out)
        return 4 * len(self._frames)

    def _infer(self) -> int:
        """As many frames at once as the run has, so that both are slowed down by the other core alike."""

        def fill(image: np.ndarray, out: np.ndarray) -> None:
            pass  # the buffers hold a frame of before

        return sum(1 for _ in self._session.stream(self._frames * 4, fill))

    def _read(self) -> int:
        for _ in range(4):
            for outputs, (_, placement) in zip(self._outputs, self._inputs, strict=True):
                self._head(outputs, placement)
        return 4 * len(self._outputs)

    def _draw(self) -> int:
        for _ in range(4):
            for frame, prediction in zip(self._frames, self._predictions, strict=True):
                draw(frame.image, prediction)
        return 4 * len(self._frames)


def faces(folder: Path, rounds: int) -> dict[str, Any]:
    """Rates over those of virtual streams, by network."""
    install(Settings(lock_dir=folder / "locks-faces"))
    found: dict[str, Any] = {}
    for name, channels, count in (("tiny", (8,), 1500), ("small", (16, 32, 64), 600), ("large", CHANNELS, 200)):
        net = folder / f"{name}.hef"
        write_workload(net, build_graph(channels))
        fps: dict[str, list[float]] = {mode: [] for mode in COUNTS}
        for _ in range(rounds):
            for mode, rates in fps.items():
                rates.append(timed(net, mode, count, folder / "faces.jsonl"))
        for mode in ("async", "callback"):
            over = [a / b for a, b in zip(fps[mode], fps["sync"], strict=True)]
            found[f"{name}.{mode}"] = {"over_sync": round(statistics.median(over), 2)}
    return found


def detector(folder: Path, rounds: int) -> dict[str, Any]:
    from hailstack.compiler import compile_model

    shown = pictures(CLIP_FRAMES)[::20]
    inputs = np.stack([Preprocess(SIZE, SIZE).apply(one)[0] for one in shown])
    network = write_detector(folder / "detector.onnx", inputs)
    compile_model(network, shown, folder / "detector.hef", head="raw")
    install(Settings(lock_dir=folder / "locks-detector"))
    with Session(folder / "detector.hef", native_outputs=True) as session:
        stages = DetectorRound(session, folder / "clip.mp4")
        stages.measure()
        measured = [stages.measure() for _ in range(rounds)]
    medians = {key: round(statistics.median(one[key] for one in measured), 3) for key in measured[0]}
    return {**medians, "boxes": round(stages.boxes, 1), "rounds": [round(one["ratio"], 3) for one in measured]}


def on_chip(folder: Path, rounds: int, timing: Timing, kinds: dict[str, Callable[[], float]]) -> dict[str, Any]:
    """Ratios of each kind to its limit, in turns."""
    install(Settings(timing=timing, outputs="replay", lock_dir=folder / f"locks-{timing.fps}"))
    fps: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, go in kinds.items():
            fps[name].append(go())
    assert timing.fps is not None
    assert timing.latency_ms is not None
    limits = {name: 1000 / timing.latency_ms if name == "sync" else timing.fps for name in kinds}
    return {
        name: {
            "fps": round(statistics.median(rates), 1),
            "limit": round(limits[name], 1),
            "ratio": round(statistics.median(rates) / limits[name], 4),
            "rounds": [round(one / limits[name], 3) for one in rates],
        }
        for name, rates in fps.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("timed", "slow", "faces", "detector"))
    options = parser.parse_args()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    report: dict[str, Any] = {"benchmark": "pipeline_speed", "cores": CORES, "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net, clip, lines = folder / "workload.hef", folder / "clip.mp4", folder / "out.jsonl"
        write_workload(net, build_graph())
        write_footage(clip, CLIP_FRAMES)
        modes = {mode: lambda mode=mode, count=count: timed(net, mode, count, lines) for mode, count in COUNTS.items()}
        parts: dict[str, Callable[[], Any]] = {
            "timed": lambda: on_chip(folder, options.rounds, CHIP, modes),
            "slow": lambda: on_chip(folder, options.rounds, SLOW_CHIP, {"async": lambda: slow(net, clip, lines)}),
            "faces": lambda: faces(folder, options.rounds),
            "detector": lambda: detector(folder, options.rounds),
        }
        for part in [options.only] if options.only else parts:
            report[part] = parts[part]()
    report["goals"] = GOALS
    print(json.dumps(report, indent=2))
    return 0


COUNTS = {"async": 2000, "callback": 2000, "sync": 800}

if __name__ == "__main__":
    sys.exit(main())
