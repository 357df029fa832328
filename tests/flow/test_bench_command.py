"""``hailstack bench`` as a user meets it: whole commands on an emulated NPU that is paced."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from colour_hef import write_colour_hef

from hailstack.emulator.settings import Settings, Timing
from hailstack.imaging import write_image
from hailstack.imaging.video import VideoWriter

FPS, LATENCY_MS = 200.0, 12.0


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    write_colour_hef(folder / "colour.hef")
    write_image(folder / "red.png", np.full((30, 40, 3), (230, 30, 20), np.uint8))
    writer = VideoWriter(folder / "clip.mp4", Fraction(10), Fraction(1, 10), 64, 48)
    for number in range(5):
        writer.write(np.full((48, 64, 3), 40 * number, np.uint8), number / 10)
    writer.close()
    return folder


def bench(desk: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    timing = Timing(pace="fixed", fps=FPS, latency_ms=LATENCY_MS)
    Settings(timing=timing, lock_dir=desk / "locks").to_environment(environment)
    command = [sys.executable, "-m", "hailstack", "bench", *arguments]
    return subprocess.run(command, cwd=desk, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_device_latency_and_stream_are_measured_with_their_intervals(desk: Path) -> None:
    done = bench(desk, "colour.hef", "--iters", "60", "--warmup", "5", "--json", "a.json", "--html", "a.html")
    assert done.returncode == 0, done.stderr
    assert "FPS (hw_only)" in done.stdout and "Latency (hw)" in done.stdout
    report = json.loads((desk / "a.json").read_text())
    points = {point["what"]: point for point in report["points"]}
    assert [(what, point["frames"]) for what, point in points.items()] == [("hw", 60), ("latency", 60), ("stream", 60)]
    assert points["latency"]["min_ms"] >= LATENCY_MS
    for point in points.values():
        assert point["fps"]["low"] <= point["fps"]["value"] <= point["fps"]["high"]
        assert point["fps"]["low"] <= FPS * 1.05
        assert point["resources"]["memory_mb"]["high"] > 10
    assert report["environment"]["chip"] == "HAILO8" and report["environment"]["model"] == "colour.hef"
    assert (desk / "a.html").read_text().count("<polyline") == 3


def test_a_video_and_a_picture_are_measured_from_the_file_to_the_result(desk: Path) -> None:
    for option, file in (("--video", "clip.mp4"), ("--image", "red.png")):
        done = bench(
            desk, "colour.hef", option, file, "--mode", "e2e", "--iters", "40", "--warmup", "3", "--json", "-"
        )
        assert done.returncode == 0, done.stderr
        point = json.loads(done.stdout)["points"][0]
        assert (point["what"], point["frames"] >= 40) == ("e2e", True)
        assert "FPS)" in point["limit"]


def test_a_sweep_is_a_table_of_all_combinations(desk: Path) -> None:
    sweep = ("-b", "1", "-b", "2", "--workers", "1", "--workers", "2", "--mode", "stream", "--iters", "20")
    done = bench(desk, "colour.hef", *sweep, "--csv", "-", "--samples", "frames.csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout.strip())))
    assert [(row["batch_size"], row["workers"]) for row in rows] == [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")]
    assert [row["num_of_frames"] for row in rows] == ["20", "40", "20", "40"]
    assert len((desk / "frames.csv").read_text().splitlines()) == 1 + 120


def test_an_open_load_counts_latency_from_when_a_frame_was_due(desk: Path) -> None:
    load = ("--mode", "stream", "--load", "open:600", "--iters", "60", "--json", "-")
    done = bench(desk, "colour.hef", *load)
    assert done.returncode == 0, done.stderr
    point = json.loads(done.stdout)["points"][0]
    assert "600 frames a second came, more than it can do" in point["steadiness"]["trouble"]
    assert point["max_ms"] > 3 * LATENCY_MS  # 60 frames at 200 a second that came within a tenth of a second


def test_comparing_says_worse_with_its_own_exit_code(desk: Path) -> None:
    slow = bench(desk, "colour.hef", "--mode", "latency", "--iters", "60", "--json", "b.json")
    assert slow.returncode == 0, slow.stderr
    report = json.loads((desk / "b.json").read_text())
    point = report["points"][0]
    point["steadiness"]["trouble"] = ""
    (desk / "before.json").write_text(json.dumps(report))
    point["fps"] = {name: value / 2 for name, value in point["fps"].items()}
    for estimate in (point["fps"], *point["latency_ms"].values()):
        estimate["low"], estimate["high"] = 0.999 * estimate["value"], 1.001 * estimate["value"]
    (desk / "after.json").write_text(json.dumps(report))
    same = bench(desk, "compare", "before.json", "before.json")
    assert (same.returncode, same.stdout.splitlines()[-1]) == (0, "can't tell")
    worse = bench(desk, "compare", "before.json", "after.json")
    assert (worse.returncode, worse.stdout.splitlines()[-1]) == (2, "worse")
    better = bench(desk, "compare", "after.json", "before.json", "--json")
    assert (better.returncode, json.loads(better.stdout)["outcome"]) == (0, "better")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere.hef",), "nowhere.hef"),
        (("colour.hef", "--mode", "e2e"), "--mode e2e needs --image or --video"),
        (("colour.hef", "--html", "nowhere/a.html"), "nowhere/a.html: there is no folder"),
        (("colour.hef", "--json", "."), ".: is a folder"),
        (("colour.hef", "--json", "a", "--html", "./a"), "./a: two outputs have this name"),
        (("colour.hef", "--csv", "-", "--json", "-"), "-: two outputs have this name"),
        (("colour.hef", "--json", "colour.hef"), "colour.hef: is read by this run"),
        (("colour.hef", "--load", "fast"), "--load fast: closed, or open:"),
        (("colour.hef", "--image", "nowhere.png"), "nowhere.png"),
        (("colour.hef", "--image", "red.png", "--video", "clip.mp4"), "exclude each other"),
        (("compare", "colour.hef", "nowhere.json"), "colour.hef: not a report"),
    ],
)
def test_what_cannot_be_measured_is_bad_input(desk: Path, arguments: tuple[str, ...], told: str) -> None:
    done = bench(desk, *arguments)
    assert done.returncode == 1
    assert told in done.stderr and "Traceback" not in done.stderr
