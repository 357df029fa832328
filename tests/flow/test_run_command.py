"""``hailstack run`` as a user meets it: whole commands on the emulated NPU."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest
from colour_hef import LABELS, write_colour_hef

from hailstack.imaging import read_image, write_image
from hailstack.imaging.video import VideoFile, VideoWriter

PAINTS = {"red": (230, 30, 20), "green": (40, 220, 30), "blue": (20, 40, 240)}


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    return write_colour_hef(tmp_path_factory.mktemp("net") / "colour.hef")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(9):
        name = LABELS[number % 3]
        write_image(folder / f"{number}_{name}.jpg", np.full((30 + number, 40, 3), PAINTS[name], np.uint8))
    return folder


@pytest.fixture
def clip(tmp_path):
    """48 frames: 16 red, 16 green, 16 blue."""
    path = tmp_path / "clip.mp4"
    writer = VideoWriter(path, Fraction(12), Fraction(1, 12), 160, 120)
    for number in range(48):
        writer.write(np.full((120, 160, 3), PAINTS[LABELS[number // 16]], np.uint8), number / 12)
    writer.close()
    return path


def command(*arguments):
    return [sys.executable, "-m", "hailstack", "run", *map(str, arguments)]


def hailstack_run(*arguments):
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120, check=False)


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def best(record):
    return record["classes"][0]["class"]


def test_a_folder_becomes_annotated_pictures_and_lines(net, photos, tmp_path):
    done = hailstack_run(photos, "--net", net, "--output", tmp_path / "out", "--json", tmp_path / "out.jsonl")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    lines = records(tmp_path / "out.jsonl")
    assert [line["source"] for line in lines] == sorted(map(str, photos.iterdir()))
    assert [best(line) for line in lines] == [LABELS[number % 3] for number in range(9)]
    assert lines[0]["frame"] == 0
    assert (lines[3]["width"], lines[3]["height"]) == (40, 33)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in photos.iterdir())
    assert read_image(tmp_path / "out" / "0_red.jpg").shape == (30, 40, 3)
    assert "9 frames in" in done.stderr
    assert str(tmp_path / "out.jsonl") in done.stderr


@pytest.mark.parametrize("batch_size", [1, 5])
def test_the_modes_write_the_same_lines(net, photos, clip, batch_size):
    outputs = []
    for mode in ([], ["--callback"], ["--synchronous"]):
        done = hailstack_run(clip, photos, "--net", net, "--json", "-", "--batch-size", batch_size, *mode)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    lines = [json.loads(line) for line in outputs[0].splitlines()]
    assert [line["frame"] for line in lines] == [*range(48), *[0] * 9]
    assert [best(line) for line in lines[:48]] == [LABELS[number // 16] for number in range(48)]
    assert outputs[0] == outputs[1] == outputs[2]


def test_a_video_becomes_a_video_of_the_same_length_and_rate(net, clip, tmp_path):
    done = hailstack_run(clip, "-n", net, "-o", tmp_path / "out", "--json", tmp_path / "out.jsonl")
    assert done.returncode == 0, done.stderr
    video = VideoFile(tmp_path / "out" / "clip.mp4")
    frames = list(video.frames())
    assert video.rate == 12
    video.close()
    assert len(frames) == 48
    assert [line["time"] for line in records(tmp_path / "out.jsonl")] == pytest.approx(
        [number / 12 for number in range(48)], abs=1e-5
    )
    paint = frames[40][1][90:].mean(axis=(0, 1))
    assert np.abs(paint - PAINTS["blue"]).max() < 12


def test_a_corrupt_picture_in_a_folder_is_skipped_by_name_and_counted(net, photos, tmp_path):
    bad = photos / "4_green.jpg"
    bad.write_bytes(bad.read_bytes()[:200])
    done = hailstack_run(photos, "--net", net, "--json", tmp_path / "out.jsonl")
    assert done.returncode == 0
    assert "skipped: " in done.stderr
    assert "4_green.jpg" in done.stderr
    assert "1 skipped" in done.stderr
    assert len(records(tmp_path / "out.jsonl")) == 8


def test_where_nothing_can_be_read_only_the_error_is_told(net, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    done = hailstack_run(bad, "--net", net, "--json", tmp_path / "out.jsonl")
    assert done.returncode == 1
    assert done.stderr.count("bad.jpg") == 1
    assert "frames in" not in done.stderr


def test_a_video_that_ends_mid_frame_leaves_whole_outputs_and_an_error(net, clip, photos, tmp_path):
    # A video with its index in front, so that it can be opened although its end is missing.
    clip.write_bytes(clip.read_bytes()[: int(clip.stat().st_size * 0.93)])
    done = hailstack_run(clip, photos, "--net", net, "--output", tmp_path / "out", "--json", tmp_path / "out.jsonl")
    lines = records(tmp_path / "out.jsonl")
    readable = sum(line["source"] == str(clip) for line in lines)
    assert done.returncode == 1
    assert 0 < readable < 48
    assert f"{clip}: frame {readable} cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(lines) == readable + 9
    video = VideoFile(tmp_path / "out" / "clip.mp4")
    assert len(list(video.frames())) == readable
    video.close()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "none.jpg", "none.jpg: no such file"),
        (lambda folder: folder, "there is no picture and no video"),
        (lambda folder: _text(folder / "text.jpg"), "text.jpg: not a picture"),
        (lambda folder: _text(folder / "text.mp4"), "text.mp4: not a video"),
    ],
)
def test_a_source_that_cannot_be_read_is_named(net, tmp_path, make, said):
    folder = tmp_path / "sources"
    folder.mkdir()
    done = hailstack_run(make(folder), "--net", net, "--json", tmp_path / "out.jsonl")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", [None, b"", b"not a HEF", "cut"])
def test_a_hef_that_cannot_be_used_is_named(net, photos, tmp_path, content):
    path = tmp_path / "bad.hef"
    if content is not None:
        path.write_bytes(net.read_bytes()[:300] if content == "cut" else content)
    done = hailstack_run(photos, "--net", path, "--json", tmp_path / "out.jsonl")
    assert done.returncode == 1
    assert "bad.hef" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_modes_that_exclude_each_other_are_refused(net, photos):
    done = hailstack_run(photos, "--net", net, "--callback", "--synchronous")
    assert done.returncode == 1
    assert "exclude each other" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_with_whole_outputs(net, clip, tmp_path, number, code):
    target = tmp_path / "out.jsonl"
    many = [clip] * 400
    # --json - tells when the run is under way; the folder must hold only whole videos afterwards.
    with target.open("w") as stdout:
        running = subprocess.Popen(
            command(*many, "--net", net, "--json", "-", "--output", tmp_path / "out"),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
    deadline = time.monotonic() + 60
    while target.stat().st_size < 5000 and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == code, said
    assert "stopped before the end" in said
    assert "Traceback" not in said
    lines = records(target)
    written = sorted((tmp_path / "out").iterdir())
    assert all(path.suffix == ".mp4" and not path.name.startswith(".") for path in written)
    total = 0
    for path in written:
        video = VideoFile(path)
        total += len(list(video.frames()))
        video.close()
    assert total == len(lines)


def _text(path):
    path.write_text("this is text")
    return path
