"""``hailstack run`` with a profile: what it tells and writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from colour_hef import write_colour_hef

from hailstack.emulator.settings import Settings
from hailstack.imaging import write_image
from hailstack.profiling import read_trace


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    write_colour_hef(tmp_path / "colour.hef")
    (tmp_path / "photos").mkdir()
    for number in range(12):
        write_image(tmp_path / "photos" / f"{number:02}.png", np.full((30, 40, 3), (230, 30, 20), np.uint8))
    return tmp_path


def hailstack(desk: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hailstack", *arguments]
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=desk, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("mode", [(), ("--callback",), ("--synchronous",)])
def test_the_profile_has_every_stage_of_every_frame_in_each_mode(mode: tuple[str, ...], desk: Path) -> None:
    done = hailstack(desk, "run", "photos", "-n", "colour.hef", "--json", "out.jsonl", *mode, "--trace", "run.pftrace")
    assert done.returncode == 0, done.stderr
    assert "hailstack trace explain run.pftrace" in done.stderr
    trace = read_trace(desk / "run.pftrace")
    counts = {row.stage: row.count for row in trace.table()}
    stages = (
        "decode",
        "wait_for_frame",
        "preprocess",
        "submit",
        "device",
        "wait",
        "postprocess",
        "sink:json",
        "total",
    )
    assert {stage: counts[stage] for stage in stages} == dict.fromkeys(stages, 12)
    assert {"in_flight", "reader_queue", "sink_queue:json"} <= set(trace.counters)
    names = {track.name for track in trace.tracks}
    assert names == {"MainThread", "hailstack-reader", "hailstack-sink-json", "device"}


def test_the_table_and_the_verdict_are_told_on_standard_error(desk: Path) -> None:
    done = hailstack(desk, "run", "photos", "-n", "colour.hef", "--json", "-", "--profile")
    assert done.returncode == 0, done.stderr
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 12
    assert "stage (ms)" in done.stderr and "To change it: " in done.stderr
    drawn = (desk / "profile" / "stacked.png").is_file()
    assert drawn or "no charts: charts need matplotlib: pip install 'hailstack[charts]'" in done.stderr


def test_a_trace_is_written_of_a_run_that_broke_off(desk: Path) -> None:
    broken: dict[str, str] = {}
    Settings(faults="wait@2").to_environment(broken)  # eight are in flight at most, so ten are submitted at most
    done = hailstack(desk, "run", "photos", "-n", "colour.hef", "--json", "-", "--trace", "run.json", **broken)
    assert done.returncode == 3, done.stderr
    assert 2 < len(read_trace(desk / "run.json").of_stage("submit")) < 12


@pytest.mark.parametrize(
    ("trace", "told"),
    [("run.txt", "run.txt: a trace is a file *.json"), ("nowhere/run.json", "nowhere/run.json: there is no folder")],
)
def test_a_trace_that_cannot_be_written_is_refused_before_the_run(desk: Path, trace: str, told: str) -> None:
    done = hailstack(desk, "run", "photos", "-n", "colour.hef", "--json", "out.jsonl", "--trace", trace)
    assert done.returncode == 1
    assert told in done.stderr
    assert not (desk / "out.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--trace", "taken.json"), "taken.json: is a folder"),
        (("--charts", "taken.json/file"), "taken.json/file: is a file; --charts names a folder"),
    ],
)
def test_what_stands_in_the_way_is_told_before_the_run(desk: Path, options: tuple[str, ...], told: str) -> None:
    pytest.importorskip("matplotlib")
    (desk / "taken.json").mkdir(exist_ok=True)
    (desk / "taken.json/file").touch()
    done = hailstack(desk, "run", "photos", "-n", "colour.hef", *options, "--json", "refused.jsonl")
    assert (done.returncode, told in done.stderr) == (1, True), done.stderr
    assert not (desk / "refused.jsonl").exists()


def test_a_run_that_never_began_leaves_no_trace(desk: Path) -> None:
    done = hailstack(desk, "run", "nowhere", "-n", "colour.hef", "--trace", "run.json", "--profile")
    assert done.returncode == 1
    assert "stage (ms)" not in done.stderr
    assert not (desk / "run.json").exists()
