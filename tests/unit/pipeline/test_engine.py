"""Frames from sources to sinks around a network that a test controls."""

from __future__ import annotations

import threading
from collections import deque
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hailstack.errors import InferencePipelineError, InferenceWaitError, InputError, MediaError
from hailstack.imaging import Preprocess, encode_image, write_image
from hailstack.imaging.video import VideoWriter
from hailstack.pipeline.engine import run
from hailstack.pipeline.reader import Reader
from hailstack.pipeline.sources import Source, find_sources
from hailstack.profiling import Profiler
from hailstack.runtime import Answer, FaultPolicy
from hailstack.types import RawTensors


class LateNetwork:
    """Holds several frames before it answers, as a device does; fails at one frame if told."""

    def __init__(self, depth=3, fail_at=None):
        self.depth, self.fail_at, self.held, self.most_held = depth, fail_at, deque(), 0

    def stream(self, frames, fill, *, recovery=None):
        out = np.zeros((8, 8, 3), np.uint8)
        for number, frame in enumerate(filter(None, frames)):
            if number == self.fail_at:
                raise InferenceWaitError("the device failed", frame=frame.id.number)
            self.held.append(Answer(frame, fill(frame.image, out), {"mean": np.array([out.mean()])}))
            self.most_held = max(self.most_held, len(self.held))
            if len(self.held) == self.depth:
                yield self.held.popleft()
        while self.held:
            yield self.held.popleft()


class Diary:
    """A sink that notes what it is told."""

    def __init__(self):
        self.entries = []

    def begin(self, clip):
        self.entries.append(f"begin {clip.source.path.name}")

    def write(self, result):
        self.entries.append(f"{Path(result.id.source).name} {result.id.number}")

    def end(self):
        self.entries.append("end")

    def close(self):
        self.entries.append("close")


def read_all(outputs, geometry):
    return RawTensors(dict(outputs))


def go(sources, network=None, sink=None, **options):
    return run(sources, network or LateNetwork(), Preprocess(8, 8), read_all, [sink or Diary()], **options)


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate("abcde"):
        write_image(tmp_path / f"{name}.png", np.full((10, 10, 3), number, np.uint8))
    return tmp_path


def write_video(path, count):
    writer = VideoWriter(path, Fraction(10), Fraction(1, 10), 32, 32)
    for number in range(count):
        writer.write(np.full((32, 32, 3), number, np.uint8), number / 10)
    writer.close()


def test_sinks_hear_of_each_source_around_its_own_frames(folder):
    write_video(folder / "b.mp4", 4)
    diary = Diary()
    outcome = go(find_sources([str(folder / "a.png"), str(folder / "b.mp4"), str(folder / "c.png")]), sink=diary)
    video = ["begin b.mp4", *(f"b.mp4 {number}" for number in range(4)), "end"]
    assert diary.entries == ["begin a.png", "a.png 0", "end", *video, "begin c.png", "c.png 0", "end", "close"]
    assert outcome.frames == 6
    assert outcome.fps > 0
    assert not outcome.failures


def test_a_corrupt_picture_among_others_is_skipped_by_name(folder):
    (folder / "c.png").write_bytes(encode_image(np.zeros((9, 9, 3), np.uint8))[:50])
    outcome = go(find_sources([str(folder)]))
    assert outcome.frames == 4
    assert [failure.source.path.name for failure in outcome.skipped] == ["c.png"]
    assert "c.png" in str(outcome.skipped[0].error)
    assert not outcome.fatal


def test_a_corrupt_picture_alone_is_fatal(folder):
    (folder / "c.png").write_text("text")
    outcome = go(find_sources([str(folder / "c.png")]))
    assert [str(failure.error).split(":")[0] for failure in outcome.fatal] == [str(folder / "c.png")]


def test_a_video_that_breaks_is_fatal_but_others_go_on(folder):
    write_video(folder / "v.mp4", 30)
    data = (folder / "v.mp4").read_bytes()
    (folder / "v.mp4").write_bytes(data[: len(data) - 60])
    diary = Diary()
    outcome = go(find_sources([str(folder / "v.mp4"), str(folder / "a.png")]), sink=diary)
    (failure,) = outcome.fatal
    assert isinstance(failure.error, MediaError)
    assert 0 < failure.frames < 30
    assert outcome.frames == failure.frames + 1
    assert diary.entries[-4:] == ["begin a.png", "a.png 0", "end", "close"]


def test_when_the_device_fails_the_sinks_are_closed_and_the_error_comes_through(folder):
    diary = Diary()
    with pytest.raises(InferenceWaitError, match="the device failed"):
        go(find_sources([str(folder)]), LateNetwork(fail_at=4), diary)
    assert diary.entries[-1] == "close"
    assert "b.png 0" in diary.entries


def test_a_failing_sink_stops_the_run_and_the_others_are_closed(folder):
    class Full(Diary):
        def write(self, result):
            raise MediaError("the disk is full")

    diary = Diary()
    threads = threading.active_count()
    with pytest.raises(MediaError, match="the disk is full"):
        run(find_sources([str(folder)]), LateNetwork(), Preprocess(8, 8), read_all, [diary, Full()])
    assert diary.entries[-1] == "close"
    assert threading.active_count() == threads


def test_a_stop_finishes_the_frames_in_flight(folder):
    write_video(folder / "v.mp4", 200)
    stop = threading.Event()
    diary = Diary()
    outcome = go(
        find_sources([str(folder / "v.mp4")]),
        sink=diary,
        stop=stop,
        progress=lambda outcome: stop.set() if outcome.frames == 20 else None,
    )
    assert outcome.stopped
    assert 20 <= outcome.frames <= 25
    assert diary.entries[-2:] == [f"v.mp4 {outcome.frames - 1}", "close"]


def test_decoding_runs_ahead_only_a_few_frames(tmp_path, monkeypatch):
    decoded = []

    class Endless:
        began_ns = 0

        def __init__(self, source, stop, counts):
            from hailstack.pipeline.clips import ClipFacts

            self.facts = ClipFacts(source)

        def frames(self):
            from hailstack.types import Frame, FrameId

            for number in range(1000):
                decoded.append(number)
                yield Frame(FrameId("endless", number, 0.0), np.zeros((8, 8, 3), np.uint8))

        def close(self):
            decoded.append("closed")

    monkeypatch.setattr("hailstack.pipeline.reader.open_clip", Endless)
    with Reader([Source("endless", "video")]) as reader:
        events = filter(None, reader)
        for _ in range(11):
            next(events)
    assert decoded[-1] == "closed"
    assert len(decoded) < 25


def test_what_nobody_expected_in_the_reading_thread_comes_out_in_the_caller(tmp_path, monkeypatch):
    def broken(source, stop, counts):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("hailstack.pipeline.reader.open_clip", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        go([Source("a.png", "image")])


def test_an_input_error_is_not_taken_for_a_bug(tmp_path, monkeypatch):
    def refused(source, stop, counts):
        raise InputError("no")

    monkeypatch.setattr("hailstack.pipeline.reader.open_clip", refused)
    assert len(go([Source("a.png", "image")]).fatal) == 1


def test_what_a_head_cannot_read_is_named_by_its_picture(folder):
    def read(outputs, geometry):
        if outputs["mean"][0] == 2:
            raise InferencePipelineError("output nms holds a box that is not a number")
        return read_all(outputs, geometry)

    diary = Diary()
    with pytest.raises(InferencePipelineError, match=r"c\.png: output nms holds") as caught:
        run(find_sources([str(folder)]), LateNetwork(), Preprocess(8, 8), read, [diary])
    assert caught.value.frame == 0
    assert [entry for entry in diary.entries if "png 0" in entry] == ["a.png 0", "b.png 0"]


def test_every_frame_that_was_read_is_a_result_a_named_failure_or_dropped(folder):
    def read(outputs, geometry):
        if outputs["mean"][0] in (1, 3):
            raise InferencePipelineError("output nms holds a box that is not a number")
        return read_all(outputs, geometry)

    class Mourner(Diary):
        def lost(self, failed):
            self.entries.append(f"lost {Path(failed.id.source).name}")

    diary = Mourner()
    outcome = run(
        find_sources([str(folder)]),
        LateNetwork(),
        Preprocess(8, 8),
        read,
        [diary],
        faults=FaultPolicy.parse(["head=skip"]),
    )
    said = [entry for entry in diary.entries if "png" in entry and "begin" not in entry]
    assert said == ["a.png 0", "lost b.png", "c.png 0", "lost d.png", "e.png 0"]
    assert (outcome.read, outcome.frames, len(outcome.failed), outcome.dropped) == (5, 3, 2, 0)
    assert "b.png: output nms" in str(outcome.failed[0].error)


def test_frames_on_their_way_when_the_run_breaks_off_count_as_dropped(folder):
    seen = []
    with pytest.raises(InferenceWaitError):
        go(find_sources([str(folder)]), LateNetwork(fail_at=4), progress=seen.append)
    outcome = seen[-1]
    assert outcome.read == outcome.frames + len(outcome.failed) + outcome.dropped == 5


def test_frames_are_numbered_over_all_sources_for_the_profile(folder):
    profiler = Profiler()
    go(find_sources([str(folder)]), profiler=profiler)
    trace = profiler.snapshot()
    for stage in ("wait_for_frame", "postprocess", "sink:Diary"):
        assert list(trace.of_stage(stage).frame) == [0, 1, 2, 3, 4]
