"""Processor time to read 100,000 labelled pictures: YOLO label files, and a COCO file of the same boxes.

Peers, in turns in the same run: for YOLO the loop that converters and trainers write (each file opened, its lines
split, an array made), which checks nothing and does not look for the pictures; for COCO ``faster_coco_eval.COCO``,
which reads the file and indexes it but makes no arrays. Prints JSON: medians over the rounds in seconds of processor
time, which other programs disturb less, and of the clock.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from faster_coco_eval import COCO

from hailstack.datasets import Dataset, open_dataset

PICTURES = int(os.environ.get("PICTURES", "100000"))
ROUNDS = 3
LIMIT_S = 10.0
SIZE = (640, 480)


def write_sets(folder: Path) -> None:
    """Sound boxes, five a picture on average."""
    rng = random.Random(0)
    images, annotations = [], []
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for number in range(PICTURES):
        boxes = [
            (rng.randrange(80), rng.random(), rng.random(), rng.random() / 4, rng.random() / 4)
            for _ in range(rng.randint(0, 10))
        ]
        (folder / "images" / f"{number:06d}.jpg").touch()
        lines = "".join(f"{c} {x:.6f} {y:.6f} {w:.6f} {h:.6f}\n" for c, x, y, w, h in boxes)
        (folder / "labels" / f"{number:06d}.txt").write_text(lines)
        images.append({"id": number, "file_name": f"{number:06d}.jpg", "width": SIZE[0], "height": SIZE[1]})
        annotations += [
            {"image_id": number, "category_id": c, "bbox": [x * 640, y * 480, w * 640, h * 480], "iscrowd": 0}
            for c, x, y, w, h in boxes
        ]
    numbered = [{"id": number, "area": 1.0, **one} for number, one in enumerate(annotations, 1)]
    categories = [{"id": number, "name": str(number)} for number in range(80)]
    content = {"info": {}, "images": images, "annotations": numbered, "categories": categories}
    (folder / "all.json").write_text(json.dumps(content))


def plain_loop(folder: Path) -> int:
    """Boxes found by the usual loop."""
    found = 0
    for file in sorted((folder / "labels").iterdir()):
        with file.open() as stream:
            rows = [[float(word) for word in line.split()] for line in stream]
        found += len(np.array(rows, np.float32).reshape(-1, 5))
    return found


def coco_index(file: Path) -> int:
    with contextlib.redirect_stdout(io.StringIO()):
        return len(COCO(str(file)).anns)


def boxes_of(dataset: Dataset) -> int:
    return sum(len(sample.objects) for sample in dataset.samples if sample.objects is not None)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sets(folder)
        ways: dict[str, Callable[[], int]] = {
            "yolo": lambda: boxes_of(open_dataset(folder)),
            "yolo_plain_loop": lambda: plain_loop(folder),
            "coco": lambda: boxes_of(open_dataset(folder / "all.json")),
            "coco_faster_coco_eval": lambda: coco_index(folder / "all.json"),
        }
        cpu: dict[str, list[float]] = {way: [] for way in ways}
        wall: dict[str, list[float]] = {way: [] for way in ways}
        counts = set()
        for _ in range(ROUNDS):
            for way, read in ways.items():
                start, clock = time.process_time(), time.perf_counter()
                counts.add(read())
                cpu[way].append(time.process_time() - start)
                wall[way].append(time.perf_counter() - clock)
    (boxes,) = counts
    seconds = {way: round(statistics.median(found), 2) for way, found in cpu.items()}
    report = {
        "pictures": PICTURES,
        "boxes": boxes,
        "cpu_s": seconds,
        "wall_s": {way: round(statistics.median(found), 2) for way, found in wall.items()},
        "limit_s": LIMIT_S,
        "is_within": max(seconds["yolo"], seconds["coco"]) <= LIMIT_S,
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
