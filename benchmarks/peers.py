"""``hailstack run`` beside what people use today, on the same model and video. Prints JSON.

A rate is (long - short) / (time of the long clip - time of the short one), whole commands in turns, so that loading
and starting do not count; the answer is the median of the rounds.

* ``detector``: a YOLOv8n-sized network at 640, 720p video in, annotated video out. Peers: Ultralytics' ``predict`` on
  the ONNX file, the usual loop around supervision with that model, and the same loop around the vendor's blocking
  calls on the emulated CPU device. What is emulated is 8 bits, what Ultralytics runs is float: ``device`` beside
  ``supervision on the device`` is the one comparison of programs alone.
* ``pipeline``: the three modes of SangatsuUsagi/hailo_inference_pipeline under ``hailstack emulate`` on a chip of 1150
  frames a second and 2.44 ms, each beside our mode of the same kind, both without a window: theirs shows every frame,
  ours those that the screen has time for.

    python benchmarks/peers.py --python ENVIRONMENT/bin/python --pipeline CHECKOUT [--rounds 3] [--only detector]

The environment holds Hailstack, ultralytics, supervision, opencv-python and matplotlib.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from inputs.detector import SIZE, write_detector
from inputs.detector_tail import write_decoded
from inputs.footage import HEIGHT, RATE, WIDTH, pictures, write_footage
from inputs.workload import build_graph, write_workload

from hailstack.compiler import compile_model
from hailstack.imaging import Preprocess

PEERS = Path(__file__).parent / "peers"
CLIPS = {"detector": (60, 240), "pipeline": (200, 1400)}
DISTINCT = 20
"""Pictures in the looped clip: the emulated chip computes each once and then answers from memory."""
PACE = "1150,2.44"
HAILSTACK = [sys.executable, "-m", "hailstack"]
OFFLINE = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}

Command = Callable[[Path, Path], Sequence[str | Path]]
"""From a video and a folder to write to."""


def seconds(command: Sequence[str | Path], folder: Path) -> float:
    begin = time.perf_counter()
    environment = {**os.environ, **OFFLINE, "YOLO_CONFIG_DIR": str(folder)}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        message = f"{' '.join(map(str, command))}\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
        raise SystemExit(message)
    return time.perf_counter() - begin


def rates(clips: tuple[Path, Path], frames: tuple[int, int], kinds: Mapping[str, Command], rounds: int) -> Any:
    """Frames a second of each kind."""
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(rounds):
        for name, command in kinds.items():
            with tempfile.TemporaryDirectory() as made:
                short, long = (seconds(command(clip, Path(made)), Path(made)) for clip in clips)
            found[name].append(round((frames[1] - frames[0]) / (long - short), 1))
            print(f"round {number + 1}: {name} {found[name][-1]}", file=sys.stderr)
    return {
        name: {"fps": round(statistics.median(one), 1), "rounds": [round(x, 1) for x in one]}
        for name, one in found.items()
    }


def measure_detector(folder: Path, python: Path, rounds: int) -> Any:
    shown = pictures(CLIPS["detector"][1])[::40]
    raw = write_detector(folder / "raw.onnx", np.stack([Preprocess(SIZE, SIZE).apply(one)[0] for one in shown]))
    onnx, hef = write_decoded(raw, folder / "detector.onnx"), folder / "detector.hef"
    compile_model(onnx, shown, hef)
    short, long = (write_footage(folder / f"clip{count}.mp4", count) for count in CLIPS["detector"])
    emulate = [*HAILSTACK, "emulate", "--quiet", "--engine", "openvino", "--bus", folder / "bus", "--"]
    kinds: dict[str, Command] = {
        "hailstack": lambda clip, out: [
            *HAILSTACK,
            "run",
            clip,
            "--net",
            hef,
            "--confidence",
            "0.25",
            "--output",
            out / "out",
        ],
        "supervision on the device": lambda clip, out: [
            *emulate,
            python,
            PEERS / "supervision_device.py",
            hef,
            clip,
            out / "out.mp4",
        ],
        "ultralytics predict": lambda clip, out: [python, PEERS / "ultralytics_predict.py", onnx, clip, out],
        "supervision": lambda clip, out: [python, PEERS / "supervision_loop.py", onnx, clip, out / "out.mp4"],
    }
    return rates((short, long), CLIPS["detector"], kinds, rounds)


def measure_pipeline(folder: Path, python: Path, checkout: Path, rounds: int) -> Any:
    net = folder / "workload.hef"
    write_workload(net, build_graph())
    short, long = (write_loop(folder / f"loop{count}.avi", count) for count in CLIPS["pipeline"])
    emulate = [*HAILSTACK, "emulate", "--quiet", "--timing", PACE, "--outputs", "replay"]
    emulate += ["--bus", folder / "bus", "--"]
    kinds: dict[str, Command] = {}
    for mode, option in (("async", []), ("callback", ["--callback"]), ("sync", ["--synchronous"])):
        kinds[f"hailstack {mode}"] = lambda clip, out, option=option: [
            *emulate,
            *HAILSTACK,
            "run",
            clip,
            "--net",
            net,
            "--postprocess",
            "classification",
            "--json",
            out / "out.jsonl",
            *option,
        ]
        kinds[f"pipeline {mode}"] = lambda clip, out, option=option: [
            *("env", "-C", checkout),  # it looks for its class names there
            *emulate,
            python,
            PEERS / "pipeline_unseen.py",
            clip,
            "-n",
            net,
            "-p",
            "classification",
            *option,
        ]
    return rates((short, long), CLIPS["pipeline"], kinds, rounds)


def write_loop(path: Path, count: int) -> Path:
    """Few pictures over and over, each coded by itself so that it is the same every time."""
    shown = pictures(DISTINCT)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (WIDTH, HEIGHT))
    for number in range(count):
        writer.write(shown[number % DISTINCT][..., ::-1])
    writer.release()
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--pipeline", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("detector", "pipeline"))
    options = parser.parse_args()
    report: dict[str, Any] = {"benchmark": "peers", "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as name:
        folder, python = Path(name), options.python.absolute()
        if options.only != "pipeline":
            report["detector"] = measure_detector(folder, python, options.rounds)
        if options.only != "detector":
            report["pipeline"] = measure_pipeline(folder, python, options.pipeline.absolute(), options.rounds)
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
