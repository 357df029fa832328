"""1,024 calibration pictures of 640x640: memory against its limit of 1 GB, time, coverage against simpler choices.

The pictures are windows of rendered fields: 30 fields, 40 windows of each.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from hailstack.demo.shots import take_shots
from hailstack.imaging import write_image

COUNT, SHOTS, WINDOWS = 1024, 30, 40
LIMIT_MB = 1000


def write_pictures(folder: Path) -> None:
    """Windows of different places and light."""
    rng = np.random.default_rng(0)
    for number in range(SHOTS):
        image = next(take_shots(number, 1)).image
        height, width = image.shape[:2]
        for window in range(WINDOWS):
            side = int(rng.uniform(0.3, 0.9) * height)
            top, left = int(rng.integers(0, height - side)), int(rng.integers(0, width - side))
            cut = image[top : top + side, left : left + side] * rng.uniform(0.4, 1.2)
            write_image(folder / f"{number:02}_{window:02}.jpg", np.clip(cut, 0, 255).astype(np.uint8))


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="hailstack-") as place:
        photos = Path(place) / "photos"
        photos.mkdir()
        write_pictures(photos)
        output = Path(place) / "calib.npz"
        command = [sys.executable, "-m", "hailstack", "data", "calibration", str(photos), "-n", str(COUNT)]
        command += ["--size", "640x640", "-o", str(output), "--keep-duplicates", "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    report = json.loads(done.stdout)
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    facts = {
        "pictures": report["count"],
        "candidates": report["candidates"],
        "peak_memory_mb": round(peak_mb),
        "limit_mb": LIMIT_MB,
        "seconds": report["seconds"],
        "coverage": report["scores"]["coverage"],
        "holds": peak_mb < LIMIT_MB and report["count"] == COUNT,
    }
    print(json.dumps(facts, indent=2))
    return 0 if facts["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
