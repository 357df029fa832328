"""``hailstack run`` when the NPU misbehaves: the right error, and whole outputs up to the failing frame."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from colour_hef import write_colour_hef

from hailstack.emulator.settings import ENVIRONMENT, Settings
from hailstack.imaging.video import VideoFile, VideoWriter

FAILING_FRAME = 6


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    return write_colour_hef(tmp_path_factory.mktemp("net") / "colour.hef")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    writer = VideoWriter(path, Fraction(10), Fraction(1, 10), 64, 48)
    for number in range(20):
        writer.write(np.full((48, 64, 3), 10 * number, np.uint8), number / 10)
    writer.close()
    return path


def hailstack_run(*arguments, settings=None):
    environment = dict(os.environ)
    if settings is not None:
        settings.to_environment(environment)
    command = [sys.executable, "-m", "hailstack", "run", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


@pytest.mark.parametrize(
    ("kind", "status", "mode"),
    [
        ("submit", 8, []),
        ("wait", 8, []),
        ("lost", 36, []),
        ("abort", 63, []),
        ("wait", 8, ["--callback"]),
        ("lost", 36, ["--synchronous"]),
    ],
)
def test_outputs_are_whole_up_to_the_frame_that_failed(net, clip, tmp_path, kind, status, mode):
    settings = Settings(faults=f"{kind}@{FAILING_FRAME}")
    outputs = ("--output", tmp_path / "out", "--json", tmp_path / "out.jsonl")
    done = hailstack_run(clip, "--net", net, *outputs, *mode, settings=settings)
    assert done.returncode == 3, done.stderr
    assert f"({status})" in done.stderr
    assert str(clip) in done.stderr
    assert "Traceback" not in done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(FAILING_FRAME))
    video = VideoFile(tmp_path / "out" / "clip.mp4")
    assert len(list(video.frames())) == FAILING_FRAME
    video.close()


def test_a_device_that_another_process_holds_is_busy(net, clip, tmp_path):
    environment = dict(os.environ)
    Settings(lock_dir=tmp_path).to_environment(environment)
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(net)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    done = hailstack_run(clip, "--net", net, "--json", "-", settings=Settings(lock_dir=tmp_path))
    holder.communicate("\n", timeout=60)
    assert done.returncode == 3
    assert "HAILO_OUT_OF_PHYSICAL_DEVICES (74)" in done.stderr
    assert "Another process holds the NPU" in done.stderr
    assert hailstack_run(clip, "--net", net, "--json", "-", settings=Settings(lock_dir=tmp_path)).returncode == 0


_HOLD = """
import sys
from hailstack.runtime import Session
with Session(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.readline()
"""


def test_a_hef_for_another_chip_runs_on_that_chip_unless_the_environment_says_which(clip, tmp_path):
    net = write_colour_hef(tmp_path / "colour.hef", "HAILO10H")
    assert ENVIRONMENT not in os.environ
    done = hailstack_run(clip, "--net", net, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 20
    refused = hailstack_run(clip, "--net", net, "--json", "-", settings=Settings(chip="hailo8"))
    assert refused.returncode in (1, 3)
    assert "colour.hef cannot be opened on the NPU" in refused.stderr


def test_virtual_streams_are_refused_on_hailo_10h(clip, tmp_path):
    net = write_colour_hef(tmp_path / "colour.hef", "HAILO10H")
    settings = Settings(profile="5.2", chip="hailo10h")
    done = hailstack_run(clip, "--net", net, "--json", "-", "--synchronous", settings=settings)
    assert done.returncode == 3
    assert "HAILO_NOT_IMPLEMENTED (7)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.shared
def test_a_vendor_hef_without_its_twin_says_what_a_twin_is(shared, clip):
    net = shared / "hef" / "real" / "fast_depth_h8l_v0_dfc3.26.hef"
    done = hailstack_run(clip, "--net", net, "--json", "-")
    assert done.returncode == 3
    assert "twin" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_summary_that_cannot_be_written_does_not_hide_why_the_run_ended(net, clip, tmp_path):
    places = ("--output", tmp_path / "out", "--summary", tmp_path / "out")  # a folder by the time it is written
    done = hailstack_run(clip, "--net", net, *places, settings=Settings(faults=f"wait@{FAILING_FRAME}"))
    assert done.returncode == 3, done.stderr
    assert "is a folder, the name of a file is wanted" in done.stderr
    assert f"frame {FAILING_FRAME} failed on the NPU" in done.stderr


@pytest.mark.parametrize(("name", "said"), [("gone/s.json", "there is no folder"), (".", "is a folder")])
def test_a_summary_without_a_place_is_refused_before_the_run(net, clip, tmp_path, name, said):
    lines = tmp_path / "out.jsonl"
    done = hailstack_run(clip, "--net", net, "--json", lines, "--summary", tmp_path / name)
    assert done.returncode == 1
    assert said in done.stderr
    assert not lines.exists()


def test_a_summary_may_lie_in_the_folder_of_the_pictures(net, clip, tmp_path):
    done = hailstack_run(clip, "--net", net, "--output", tmp_path / "out", "--summary", tmp_path / "out" / "s.json")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "s.json").read_text())["frames"] == 20
