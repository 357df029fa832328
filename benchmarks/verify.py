"""How long ``hailstack data verify`` takes: 100,000 label files alone, and pictures by how far they are looked into.

The floor for labels is opening and reading the same files, done in turns in the same run. The limit is 10 s.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hailstack.datasets.verify import verify
from hailstack.demo.shots import take_shots
from hailstack.imaging import write_image

LABELS = 100_000
BOXES = (0, 1, 2, 3, 5, 8, 12)
PICTURES = 400
ROUNDS = 3
LIMIT_S = 10.0


def write_labels(folder: Path) -> None:
    """Two splits of empty pictures with sound labels, 4.4 boxes on average."""
    rng = random.Random(0)
    for part in ("images/train", "images/val", "labels/train", "labels/val"):
        (folder / part).mkdir(parents=True)
    for number in range(LABELS):
        name = f"{'val' if number % 5 == 0 else 'train'}/{number:06d}"
        (folder / f"images/{name}.jpg").touch()
        (folder / f"labels/{name}.txt").write_text("".join(box(rng) for _ in range(rng.choice(BOXES))))
    (folder / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [a, b, c, d, e, f, g, h, i, j]\n")


def box(rng: random.Random) -> str:
    width, height = rng.uniform(0.01, 0.3), rng.uniform(0.01, 0.3)
    x, y = rng.uniform(width / 2, 1 - width / 2), rng.uniform(height / 2, 1 - height / 2)
    return f"{rng.randrange(10)} {x:.6f} {y:.6f} {width:.6f} {height:.6f}\n"


def read_all(folder: Path) -> None:
    for split in ("train", "val"):
        with os.scandir(folder / "labels" / split) as entries:
            for entry in entries:
                with open(entry, "rb") as stream:  # noqa: PTH123 - the floor
                    stream.read()


def write_pictures(folder: Path) -> None:
    """Rendered pictures of 960 x 540; each is there many times with another last byte, as if there were many."""
    shots = [shot.image for shot in take_shots(0, 8)]
    folder.mkdir()
    for number in range(PICTURES):
        path = folder / f"{number:04d}.jpg"
        write_image(path, shots[number % len(shots)])
        path.write_bytes(path.read_bytes() + bytes([number % 256]))


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """Wall clock and processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - processor


def measured(actions: dict[str, Callable[[], object]]) -> dict[str, dict[str, float]]:
    """The best of several rounds, the actions in turns."""
    times = [{name: seconds(action) for name, action in actions.items()} for _ in range(ROUNDS)]
    return {
        name: {
            "wall_s": round(min(one[name][0] for one in times), 3),
            "processor_s": round(min(one[name][1] for one in times), 3),
        }
        for name in actions
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        labels, pictures = Path(place) / "labels", Path(place) / "pictures"
        write_labels(labels)
        write_pictures(pictures)
        found = measured({"verify": lambda: verify(labels, depth="none"), "reading alone": lambda: read_all(labels)})
        looked = measured({depth: lambda depth=depth: verify(pictures, depth=depth) for depth in ("header", "whole")})
        report = {
            "labels": {"files": LABELS, **found, "limit_s": LIMIT_S},
            "pictures": {"files": PICTURES, "size": "960x540", **looked},
            "ms_per_picture": {d: round(looked[d]["wall_s"] / PICTURES * 1000, 2) for d in looked},
            "cores": os.cpu_count(),
            "load_average": round(os.getloadavg()[0], 1),
        }
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
