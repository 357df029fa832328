"""Labelled clips of drones in the sky become a HEF that finds drones in clips that nothing has seen."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(3600)  # some three minutes where nothing else runs

PLAN = """
data: drones
split: {val: 0.2, test: 0.2}
train: {model: yolov8n-tiny, imgsz: 256, epochs: 24, batch: 4, lr: 0.003}
calibration: {count: 64}
compile: {target: hailo8l}
check: {split: test, min_map50: 0.4, max_drop: 5}
"""
EVERY = 15


def hailstack(folder: Path, *words: str | Path) -> None:
    command = [sys.executable, "-m", "hailstack", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"


def labels(clip: Path) -> dict[int, tuple[float, ...]]:
    """Frame → left, top, width, height."""
    with clip.with_name(f"{clip.stem}_LABELS.csv").open() as table:
        rows = list(csv.DictReader(table))
    return {int(row["frame"]): tuple(float(row[key]) for key in ("x", "y", "width", "height")) for row in rows}


def is_hit(line: dict[str, object], label: tuple[float, ...]) -> bool:
    """Whether the middle of the surest box lies on the object."""
    if not line["objects"]:
        return False
    x1, y1, x2, y2 = line["objects"][0]["xyxy"]  # type: ignore[index]
    left, top, width, height = label
    return left <= (x1 + x2) / 2 <= left + width and top <= (y1 + y2) / 2 <= top + height


def test_clips_of_drones_become_a_hef_that_finds_drones_in_clips_that_nothing_has_seen(
    shared: Path, tmp_path: Path
) -> None:
    clips = sorted((shared / "video" / "drone").glob("V_DRONE_0*.mp4"))
    hailstack(tmp_path, "data", "add", *clips, "--to", "drones", "--stride", str(EVERY))
    (tmp_path / "drones.yaml").write_text(PLAN)
    hailstack(tmp_path, "build", "drones.yaml")
    built = tmp_path / "drones-build"
    figures = json.loads((built / "check" / "step.json").read_text())["figures"]
    assert figures["hef mAP50"] >= 0.4
    unseen = {folder.name for folder in (built / "dataset" / "data" / "images" / "test").iterdir()}
    hits = []
    for clip in (clip for clip in clips if clip.stem in unseen):
        words = (f"{clip}#stride={EVERY}", "--net", built / "compile" / "model.hef", "--json", "found.jsonl")
        hailstack(tmp_path, "run", *words)
        known = labels(clip)
        lines = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
        hits += [is_hit(line, known[line["frame"]]) for line in lines if line["frame"] in known]
    assert len(unseen) == 2 and len(hits) > 30
    assert sum(hits) / len(hits) >= 0.5
