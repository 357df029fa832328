"""A 720p H.264 video to RGB pictures: ours against OpenCV, PyAV as its documentation shows it, and bare decoding.

One rendered clip; rounds of all in turn; medians of wall time and of CPU time a frame. The limit is decoding alone:
whatever comes on top is the price of making RGB.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2

from hailstack.demo.shots import take_shots
from hailstack.imaging.raster import resize
from hailstack.imaging.video import VideoFile, VideoWriter
from hailstack.pipeline import find_sources
from hailstack.pipeline.reader import Reader
from hailstack.types import Frame

FRAMES, ROUNDS = 150, 7
HEIGHT, WIDTH = 720, 1280


def write_clip(path: Path) -> None:
    """Shots of a rendered field, each held for a few frames with a slow shift, as a camera that moves."""
    writer = VideoWriter(path, Fraction(30), Fraction(1, 30), WIDTH, HEIGHT)
    shots = [resize(shot.image, HEIGHT + 60, WIDTH + 60) for shot in take_shots(3, 5)]
    for number in range(FRAMES):
        shift = 2 * (number % 30)
        writer.write(shots[number // 30][shift : shift + HEIGHT, shift : shift + WIDTH].copy(), number / 30)
    writer.close()


def ours(path: Path) -> int:
    video = VideoFile(path)
    count = sum(1 for _ in video.frames())
    video.close()
    return count


def reader(path: Path) -> int:
    with Reader(find_sources([str(path)])) as events:
        return sum(isinstance(event, Frame) for event in events)


def opencv(path: Path) -> int:
    capture, count = cv2.VideoCapture(str(path)), 0
    while True:
        given, image = capture.read()
        if not given:
            return count
        cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        count += 1


def plain_pyav(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(frame.to_ndarray(format="rgb24") is not None for frame in container.decode(video=0))


def decoding_alone(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def timed(read: Callable[[Path], int], path: Path) -> tuple[float, float]:
    """Milliseconds a frame: by the wall, and of all cores."""
    wall, cpu = time.perf_counter(), time.process_time()
    count = read(path)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert count == FRAMES, (read.__name__, count)
    return 1e3 * wall / count, 1e3 * cpu / count


def main() -> int:
    ways = (decoding_alone, ours, reader, plain_pyav, opencv)
    times: dict[str, list[tuple[float, float]]] = {way.__name__: [] for way in ways}
    with tempfile.TemporaryDirectory(prefix="hailstack-") as place:
        path = Path(place) / "clip.mp4"
        write_clip(path)
        for _ in range(ROUNDS):
            for way in ways:
                times[way.__name__].append(timed(way, path))
    wall = {name: statistics.median(one[0] for one in all_) for name, all_ in times.items()}
    cpu = {name: statistics.median(one[1] for one in all_) for name, all_ in times.items()}
    facts = {
        "ms_a_frame": {name: round(value, 3) for name, value in wall.items()},
        "cpu_ms_a_frame": {name: round(value, 3) for name, value in cpu.items()},
        "cpu_of_plain_pyav": round(cpu["ours"] / cpu["plain_pyav"], 3),
        "cpu_of_opencv": round(cpu["ours"] / cpu["opencv"], 3),
        "holds": cpu["ours"] < cpu["plain_pyav"] and cpu["ours"] < cpu["opencv"],
    }
    print(json.dumps(facts, indent=2))
    return 0 if facts["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
