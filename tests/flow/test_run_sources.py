"""``hailstack run`` on cameras, streams and pipes, as a user meets it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections import Counter

import pytest
from colour_hef import write_colour_hef

from hailstack.imaging.video import VideoFile


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    return write_colour_hef(tmp_path_factory.mktemp("net") / "colour.hef")


def command(*arguments):
    return [sys.executable, "-m", "hailstack", "run", *map(str, arguments)]


def test_standard_input_to_standard_output(net):
    pixels = b"".join(bytes([level] * 30 * 20 * 3) for level in range(25))
    source = "-#format=rawvideo,pixels=rgb24,size=30x20,fps=5"
    run = subprocess.run(
        command(source, "--net", net, "--json", "-"), input=pixels, capture_output=True, timeout=60, check=True
    )
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert [(one["source"], one["frame"], one["time"]) for one in found] == [("-", n, n / 5) for n in range(25)]
    assert found[0]["width"] == 30


def test_two_cameras_at_a_time_until_somebody_stops_them(net, tmp_path):
    """The second one is faster than anything: what is not taken is counted."""
    stems = {
        "lavfi:testsrc=rate=20:size=64x48": "lavfi-testsrc-rate-20-size-64x48",
        "lavfi:color=red:rate=5000:size=64x48": "lavfi-color-red-rate-5000-size-64x48",
    }
    lines = tmp_path / "live.jsonl"
    with lines.open("w") as stdout:
        run = subprocess.Popen(
            command(*stems, "--net", net, "--json", "-", "--output", tmp_path / "out"),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
    deadline = time.monotonic() + 60
    while lines.read_text().count("testsrc") < 10 and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=20)[1]
    assert run.returncode == 130
    assert "too old" in said
    assert "stopped before the end" in said
    found = [json.loads(line) for line in lines.read_text().splitlines()]
    assert abs(found[-1]["time"] - time.time()) < 10
    counts = Counter(record["source"] for record in found)
    for source, stem in stems.items():
        video = VideoFile(tmp_path / "out" / f"{stem}.mp4")
        assert len(list(video.frames())) == counts[source] >= 10
        video.close()


def test_a_silent_camera_does_not_keep_a_run_from_stopping(net):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        source = f"rtsp://127.0.0.1:{mute.getsockname()[1]}/stream"
        run = subprocess.Popen(command(source, "--net", net), stderr=subprocess.PIPE, text=True)
        mute.settimeout(30)
        connection, _ = mute.accept()
        began = time.monotonic()
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=20)[1]
        connection.close()
    assert time.monotonic() - began < 5
    assert run.returncode == 130
    assert "0 frames" in said
