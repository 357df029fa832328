"""``hailstack run`` and everything that goes wrong: every frame ends as a result or as a failure with a name."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from colour_hef import write_colour_hef
from forked_runs import Ended, start

from hailstack.compiler import compile_model
from hailstack.emulator.settings import Settings
from hailstack.imaging import write_image
from hailstack.imaging.video import VideoWriter
from head_networks import SIZE, write_case

FRAMES = 12
FAILING_FRAME = 6
MODES = {"async": [], "callback": ["--callback"], "sync": ["--synchronous"]}
STATUS = {
    "timeout": "HAILO_TIMEOUT (4)",
    "submit": "HAILO_INTERNAL_FAILURE (8)",
    "wait": "HAILO_INTERNAL_FAILURE (8)",
    "lost": "HAILO_DRIVER_OPERATION_FAILED (36)",
    "abort": "HAILO_STREAM_ABORT (63)",
}
KIND = {"timeout": "InferenceTimeoutError", "wait": "InferenceWaitError", "abort": "InferenceWaitError"}
PATIENCE = {"timeout": ["--timeout-ms", 600]}


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    return write_colour_hef(tmp_path_factory.mktemp("net") / "colour.hef")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", FRAMES)


def write_clip(path, frames):
    writer = VideoWriter(path, Fraction(10), Fraction(1, 10), 64, 48)
    for number in range(frames):
        writer.write(np.full((48, 64, 3), 10 * (number % 20), np.uint8), number / 10)
    writer.close()
    return path


@dataclass
class Bench:
    """One run with all kinds of files as outputs, and what is in them afterwards."""

    folder: Path
    net: Path

    def start(self, *arguments, faults="", **options):
        environment = {}
        Settings(faults=faults).to_environment(environment)
        outputs = ["--json", self.lines, "--to", self.folder / "out.csv", "--output", self.folder / "out"]
        words = ["run", *arguments, "--net", self.net, *outputs]
        return start(self.folder / "said", *words, environment=environment | options.pop("environment", {}), **options)

    def run(self, *arguments, **options):
        return self.start(*arguments, **options).wait()

    @property
    def lines(self):
        return self.folder / "out.jsonl"

    def records(self):
        return [json.loads(line) for line in self.lines.read_text().splitlines()]

    def results(self):
        return [one["frame"] for one in self.records() if "error" not in one]

    def check(self, ended: Ended):
        """The outputs can be read and say the same; nothing else is left of the run."""
        assert "Traceback" not in ended.said
        assert ended.threads == []
        assert ended.children == []
        assert [path.name for path in self.folder.rglob(".*")] == []
        frames = [one["frame"] for one in self.records()]
        assert frames == list(range(len(frames)))
        with (self.folder / "out.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert list(dict.fromkeys(int(row["frame"]) for row in rows)) == frames
        assert {int(row["frame"]) for row in rows if not row["error"]} == set(self.results())
        assert shown(self.folder / "out" / "clip.mp4") == [number / 10 for number in self.results()]

    def check_counts(self, said, frames=FRAMES):
        """The closing line's counts are those of the files, and none of the frames is missing."""
        records = self.records()
        failed = len(records) - len(self.results())
        assert len(records) == frames
        assert f"{len(self.results())} frames in" in said
        assert (re.findall(r", (\d+) failed", said) or ["0"]) == [str(failed)]
        assert "dropped" not in said


def shown(path):
    """When each frame of a video is shown, in seconds since the first frame's zero."""
    import av

    with av.open(str(path)) as container:
        return [pytest.approx(frame.time, abs=1e-3) for frame in container.decode(video=0)]


@pytest.fixture
def bench(tmp_path, net):
    return Bench(tmp_path, net)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", STATUS)
def test_a_fault_ends_the_run_with_its_name_and_every_frame_before(bench, clip, fault, mode):
    ended = bench.run(clip, *MODES[mode], *PATIENCE.get(fault, []), faults=f"{fault}@{FAILING_FRAME}")
    assert ended.code == 3, ended.said
    assert STATUS[fault] in ended.said
    assert fault == "lost" or f"{clip} frame {FAILING_FRAME}" in ended.said
    assert len(bench.results()) == FAILING_FRAME
    bench.check(ended)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", KIND)
def test_a_frame_that_fails_is_left_out_by_name_when_that_is_asked_for(bench, clip, fault, mode):
    ended = bench.run(
        clip, *MODES[mode], *PATIENCE.get(fault, []), "--on-fault", "skip", faults=f"{fault}@{FAILING_FRAME}"
    )
    assert ended.code == 0, ended.said
    errors = [one for one in bench.records() if "error" in one]
    assert {one["error"]["kind"] for one in errors} == {KIND[fault]}
    assert errors[0]["frame"] == FAILING_FRAME
    bench.check_counts(ended.said)
    bench.check(ended)


@pytest.mark.parametrize(
    ("fault", "mode"), [(one, mode) for one in STATUS for mode in MODES if one != "timeout" or mode == "async"]
)
def test_a_frame_that_is_tried_again_has_a_result(bench, clip, fault, mode):
    ended = bench.run(
        clip, *MODES[mode], *PATIENCE.get(fault, []), "--on-fault", "retry:3", faults=f"{fault}@{FAILING_FRAME}"
    )
    assert ended.code == 0, ended.said
    assert "tried again" in ended.said
    assert bench.results() == list(range(FRAMES))
    bench.check_counts(ended.said)
    bench.check(ended)


@pytest.mark.parametrize("mode", MODES)
def test_a_slow_device_loses_nothing(bench, clip, mode):
    ended = bench.run(clip, *MODES[mode], faults="slow@*/3:30ms")
    assert ended.code == 0, ended.said
    assert bench.results() == list(range(FRAMES))
    bench.check_counts(ended.said)
    bench.check(ended)


@pytest.mark.parametrize("mode", MODES)
def test_a_corrupt_video_ends_the_run_with_every_frame_before(bench, tmp_path, mode):
    (tmp_path / "corrupt").mkdir()
    corrupt = write_clip(tmp_path / "corrupt" / "clip.mp4", 5 * FRAMES)
    corrupt.write_bytes(corrupt.read_bytes()[: int(corrupt.stat().st_size * 0.95)])
    ended = bench.run(corrupt, *MODES[mode])
    assert ended.code == 1, ended.said
    count = len(bench.records())
    assert 0 < count < 5 * FRAMES
    assert f"{corrupt}: frame {count} cannot be read" in ended.said
    bench.check_counts(ended.said, count)
    bench.check(ended)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_frames_on_the_device(bench, clip, number, mode):
    running = bench.start(f"{clip}#loop", *MODES[mode])
    running.wait_until(lambda: any(path.stat().st_size > 2000 for path in bench.folder.glob(".out.jsonl*")))
    os.kill(running.process.pid, number)
    ended = running.wait()
    assert ended.code == 128 + number, ended.said
    assert "stopped before the end" in ended.said
    count = len(bench.records())
    assert f"{count} frames in" in ended.said
    bench.check(ended)


@pytest.mark.parametrize("mode", MODES)
def test_a_full_disk_ends_the_run_by_the_name_of_the_file(bench, clip, mode):
    """Some frames are written when the file is full: they are whole lines, or there is no file."""
    ended = bench.run(clip, *MODES[mode], largest_file=1000)
    assert ended.code == 1, ended.said
    assert "Traceback" not in ended.said
    assert re.search(r"out\.(jsonl|csv)|clip\.mp4", ended.said)
    assert "File too large" in ended.said
    assert [path.name for path in bench.folder.rglob(".*")] == []
    if bench.lines.exists():
        frames = [json.loads(line)["frame"] for line in bench.lines.read_text().splitlines()]
        assert frames == list(range(len(frames)))


@pytest.mark.parametrize("mode", MODES)
def test_a_display_that_dies_does_not_end_the_run(bench, clip, program, tmp_path, mode):
    display, screen = _screen(program("Xvfb"))
    try:
        running = bench.start(f"{clip}#loop=20", *MODES[mode], "--show", environment={"DISPLAY": display})
        running.wait_until(lambda: any(path.stat().st_size > 2000 for path in bench.folder.glob(".out.jsonl*")))
        screen.kill()
        ended = running.wait()
    finally:
        screen.kill()
        screen.wait()
    assert ended.code == 0, ended.said
    assert "window: nothing more is written" in ended.said
    assert bench.results() == list(range(20 * FRAMES))
    bench.check(ended)


@pytest.fixture(scope="module")
def sources(clip, tmp_path_factory):
    """Two videos and a picture between them."""
    picture = tmp_path_factory.mktemp("picture") / "b.png"
    write_image(picture, np.full((30, 40, 3), 90, np.uint8))
    return [f"{clip}#loop=25", picture, f"{clip}#loop=25,stride=2"]


@pytest.fixture(scope="module")
def uninterrupted(net, sources, tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("whole"), net)
    assert bench.run(*sources).code == 0
    return bench


def compare(bench, whole):
    """The files of two runs hold the same."""
    for name in ("out.jsonl", "out.csv", "out/b.png"):
        assert (bench.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    for name in ("out/clip.mp4", "out/clip-2.mp4"):
        assert shown(bench.folder / name) == shown(whole.folder / name)
    assert [path.name for path in bench.folder.rglob(".*")] == []


@pytest.mark.parametrize("mode", MODES)
def test_a_run_that_was_killed_goes_on_where_it_was(bench, sources, uninterrupted, mode):
    journal = bench.folder / "out" / ".pictures.resume"
    for place in ('["at", 0, 199', '["at", 2, 198'):
        running = bench.start(*sources, *MODES[mode], "--resume", faults="slow@*:1ms")
        running.wait_until(lambda place=place: journal.exists() and place in journal.read_text())
        running.process.kill()
        assert running.wait().code == -signal.SIGKILL
        assert not bench.lines.exists()
    ended = bench.run(*sources, *MODES[mode], "--resume")
    assert ended.code == 0, ended.said
    assert "going on behind" in ended.said
    compare(bench, uninterrupted)


@pytest.mark.parametrize("number", [signal.SIGTERM, None])
def test_a_run_that_was_stopped_or_whose_device_failed_goes_on_with_the_next_frame(
    bench, sources, uninterrupted, number
):
    journal = bench.folder / "out" / ".pictures.resume"
    running = bench.start(*sources, "--resume", faults="slow@*:1ms" if number else "lost@250")
    if number:
        running.wait_until(lambda: journal.exists() and '["at", 0, 99' in journal.read_text())
        os.kill(running.process.pid, number)
    ended = running.wait()
    assert ended.code == (128 + number if number else 3)
    assert number is None or "the same command goes on from here" in ended.said
    done = (bench.folder / ".out.jsonl.unfinished").read_bytes().count(b"\n")
    ended = bench.run(*sources, "--resume")
    assert f"{len(uninterrupted.records()) - done} frames in" in ended.said
    compare(bench, uninterrupted)


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """A network that finds several objects in any picture."""
    folder = tmp_path_factory.mktemp("detector")
    write_case("v26-pose", folder / "net.onnx")
    pictures = [np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), np.uint8) for seed in range(4)]
    compile_model(folder / "net.onnx", iter(pictures), folder / "net.hef", mean=[0], std=[255], bgr=False)
    return folder / "net.hef"


def test_annotations_and_tracks_of_a_run_that_was_killed_are_those_of_a_whole_one(detector, clip, tmp_path):
    def begin(folder, **options):
        folder.mkdir(exist_ok=True)
        annotations, rows = folder / "found.json", folder / "rows"
        words = ["run", clip, f"{clip}#stride=2", "--net", detector, "--resume", "--confidence", "0.2"]
        words += ["--to", f"coco:{annotations}", "--to", f"mot:{rows}"]
        return start(folder / "said", *words, **options)

    def files(folder):
        return {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and "said" not in path.parts
        }

    assert begin(tmp_path / "whole").wait().code == 0
    slow: dict[str, str] = {}
    Settings(faults="slow@*:40ms").to_environment(slow)
    for place in ('["at", 0, 5', '["at", 1, 6'):
        running = begin(tmp_path / "parts", environment=slow)
        running.wait_until(lambda place=place: place in journals(tmp_path / "parts"))
        running.process.kill()
        assert running.wait().code == -signal.SIGKILL
        assert not (tmp_path / "parts" / "found.json").exists()
    ended = begin(tmp_path / "parts").wait()
    assert ended.code == 0, ended.said
    whole = files(tmp_path / "whole")
    assert files(tmp_path / "parts") == whole
    assert len(json.loads(whole[Path("found.json")])) > FRAMES
    assert sum(content.count(b"\n") for path, content in whole.items() if path.parts[0] == "rows") > FRAMES


def journals(folder):
    return "".join(path.read_text() for path in folder.rglob(".*.resume"))


def test_without_its_journals_a_run_begins_anew(bench, clip):
    assert bench.run(clip, "--resume", faults=f"lost@{FAILING_FRAME}").code == 3
    for journal in bench.folder.rglob(".*.resume"):
        journal.unlink()
    ended = bench.run(clip, "--resume")
    assert ended.code == 0, ended.said
    assert "going on" not in ended.said
    bench.check_counts(ended.said)
    bench.check(ended)


def test_another_run_does_not_go_on_with_these_files(bench, clip, sources, tmp_path):
    assert bench.run(*sources, "--resume", faults="lost@30").code == 3
    ended = bench.run(clip, "--resume", "--confidence", "0.4")
    assert ended.code == 1
    assert "options and sources differ" in ended.said
    ended = bench.run("lavfi:testsrc", "--resume")
    assert "lavfi:testsrc cannot be read a second time" in ended.said
    bench.folder = tmp_path / "other"
    ended = bench.run(*sources, "--resume", "--to", tmp_path / "out.parquet")
    assert "out.parquet cannot be taken up again" in ended.said
    assert list(bench.folder.rglob(".*")) == []


def _screen(xvfb):
    """A screen that nobody sees; it chooses its own number."""
    out, into = os.pipe()
    screen = subprocess.Popen(
        [xvfb, "-displayfd", str(into), "-screen", "0", "320x240x24", "-nolisten", "tcp"],
        pass_fds=[into],
        stderr=subprocess.DEVNULL,
    )
    os.close(into)
    with os.fdopen(out) as stream:
        return f":{stream.readline().strip()}", screen
